"""`casava-os app`: apps listed, shown and run, without being imported before they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import DryRun, Json, ModelName, SandboxName, Timeout, Workspace, Yes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from casava_syscalls.results import Result


def _names() -> list[str]:
    from casava_os.plugins import find_apps

    return list(find_apps())


Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, autocompletion=_names)]


def listed(json: Json = False) -> int:
    """List the apps, with what each is granted."""
    from casava_os.cli.output import Output
    from casava_os.cli.screen import Screen
    from casava_os.plugins import find_apps
    from casava_syscalls.results import Err

    apps = find_apps()
    good = {name: app.value for name, app in apps.items() if not isinstance(app, Err)}
    output = Output()
    if json:
        for app in good.values():
            output.json(app.manifest)
    else:
        output.rows(
            [
                (name, ",".join(app.manifest.effects), app.source, app.manifest.summary)
                for name, app in good.items()
            ]
        )
    for broken in apps.values():
        if isinstance(broken, Err):
            Screen().error(broken)
    return 0


def show(name: Name, json: Json = False) -> int:
    """Show an app: what it does, what it may do, and what it wants to know."""
    from casava_os.cli.follow import Front
    from casava_os.plugins import find_app
    from casava_syscalls.results import Err

    front = Front(json=json)
    found = find_app(name)
    if isinstance(found, Err):
        return front.fail(found)
    app, manifest = found.value, found.value.manifest
    if json:
        front.output.json(manifest)
        return 0
    rows: list[tuple[str, str]] = [
        ("name", manifest.name),
        ("summary", manifest.summary),
        ("granted", ", ".join(manifest.effects)),
        ("budget", f"{manifest.budget.seconds:g} seconds, {manifest.budget.steps} steps"),
        ("source", f"{app.source}: {app.folder}"),
    ]
    if manifest.request is not None:
        rows.append(("request", manifest.request))
    if manifest.main is not None:
        rows.append(("main", manifest.main))
    rows += [(f"step {number}", _line(step)) for number, step in enumerate(manifest.steps, 1)]
    for parameter, about in manifest.parameters.items():
        default = "needed" if about.default is None else f"default: {about.default}"
        rows.append((f"--set {parameter}=…", f"{about.help} ({default})"))
    front.output.rows(rows)
    return 0


def _line(step: dict[str, object]) -> str:
    return " ".join(
        [str(step.get("call")), *(f"{key}={value}" for key, value in step.items() if key != "call")]
    )


def run(
    name: Name,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the app.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
    workspace: Workspace = None,
    sandbox: SandboxName = None,
    model: ModelName = None,
    timeout: Timeout = None,
) -> int:
    """Run an app: under your policy, never with more than it was granted, approved once at the end."""
    from casava_os.cli.follow import Front, RunChoices
    from casava_os.kernel.dispatch import Budget
    from casava_os.plugins import find_app
    from casava_syscalls.results import Err

    front = Front(json=json)
    found = find_app(name)
    if isinstance(found, Err):
        return front.fail(found)
    app, manifest = found.value, found.value.manifest
    pairs = _pairs(given or [])
    parameters = pairs if isinstance(pairs, Err) else app.parameters(pairs.value)
    if isinstance(parameters, Err):
        return front.fail(parameters)
    choices = RunChoices(
        workspace,
        sandbox,
        model,
        timeout,
        yes=yes,
        dry_run=dry_run,
        granted=manifest.granted,
        limits=Budget(seconds=manifest.budget.seconds, steps=manifest.budget.steps),
    )
    if manifest.request is not None:
        return front.request(app.request(parameters.value), choices, wait_for_stdin=False)
    if manifest.steps:
        plan = app.plan(parameters.value)
        return front.fail(plan) if isinstance(plan, Err) else front.apply(plan.value, choices)
    return front.program(app, parameters.value, choices)


def _pairs(given: list[str]) -> Result[Mapping[str, str]]:
    from casava_syscalls.names import path_text
    from casava_syscalls.results import Err, Ok

    pairs = [path_text(text).partition("=") for text in given]
    if bad := ["".join(pair) for pair in pairs if not (pair[0] and pair[1])]:
        return Err(code="usage", title="--set takes NAME=VALUE", message=f"{bad[0]!r} has no name or no `=`")
    return Ok(value={name: value for name, _, value in pairs})


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    group = typer.Typer(help="Userland: small programs with declared rights.", rich_markup_mode=None)
    group.command("list")(listed)
    group.command("show")(show)
    group.command("run")(run)
    app.add_typer(group, name="app", context_settings={"help_option_names": ["-h", "--help"]})
