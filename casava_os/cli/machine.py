"""`doctor`, `config` and `sandbox`: what this machine has, what is missing, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from casava_os.cli.options import Driver, Json

_HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def doctor(json: Json = False) -> int:
    """Check this machine: what is there, what is missing, what to do. Exit code 0 when requests can run."""
    import asyncio

    from casava_os.cli.checkup import examine, verdict
    from casava_os.cli.output import Output
    from casava_os.cli.screen import Screen

    findings = asyncio.run(examine())
    output, screen = Output(), Screen()
    if json:
        for finding in findings:
            output.json(finding)
    else:
        output.rows([(finding.state, finding.name, finding.detail) for finding in findings])
        for finding in findings:
            if finding.todo:
                screen.line((f"{finding.name}: ", "bold"), (finding.todo, "cyan"))
    code, sentence = verdict(findings)
    if not json:
        screen.line((sentence, "green" if code == 0 else "bold red"))
    return code


# -------------------------------------------------------------------------------------------------- config


def config_show(json: Json = False) -> int:
    """Show every setting, its value, and the file or variable that it comes from."""
    from pydantic import BaseModel

    from casava_os.cli.follow import Front
    from casava_os.paths import config_dir, data_dir, state_dir
    from casava_os.settings import load_settings
    from casava_syscalls.results import Err

    class Shown(BaseModel):
        """One setting."""

        name: str
        value: str | int | float | bool | None
        source: str

    front = Front(json=json)
    settings = load_settings(config_dir())
    if isinstance(settings, Err):
        return front.fail(settings)
    policy = config_dir() / "policy.toml"
    rows = [
        Shown(name=name, value=value, source=_source(name))
        for name, value in _flat(settings.value.model_dump()).items()
    ]
    rows += [
        Shown(
            name="policy",
            value=str(policy) if policy.exists() else "shipped",
            source="policy.toml, before the shipped rules",
        ),
        *(
            Shown(name=f"directory.{kind}", value=str(path), source="CASAVA_HOME or XDG")
            for kind, path in (("config", config_dir()), ("state", state_dir()), ("data", data_dir()))
        ),
    ]
    if json:
        for row in rows:
            front.output.json(row)
    else:
        front.output.rows(
            [("setting", "value", "source"), *((r.name, r.value, r.source) for r in rows)], header=True
        )
    return 0


def _flat(data: dict[str, object], prefix: str = "") -> dict[str, str | int | float | bool | None]:
    """Nested settings by dotted names."""
    found: dict[str, str | int | float | bool | None] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str | int | float | bool):
            found[prefix + name] = value
    return found


def _source(name: str) -> str:
    """Where a setting's value comes from: an environment variable, config.toml, or the default."""
    import os
    import tomllib

    from casava_os.paths import config_dir

    variable = "CASAVA_" + name.replace(".", "__").upper()
    if any(key.upper() == variable and value for key, value in os.environ.items()):
        return variable
    path = config_dir() / "config.toml"
    data: object = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for part in name.split("."):
        if not isinstance(data, dict) or part not in data:
            return "default"
        data = data[part]
    return str(path)


# ------------------------------------------------------------------------------------------------- sandbox


def sandbox_build(json: Json = False) -> int:
    """Make the Docker image from what this machine has, without a registry: its packages, or mmdebstrap."""
    from casava_os.cli.follow import Front
    from casava_sandbox.image.build import build
    from casava_syscalls.results import Err

    front = Front(json=json)
    built = build(front.screen.note)
    if isinstance(built, Err):
        return front.fail(built)
    front.output.text(built.value)
    return 0


def sandbox_info(
    driver: Annotated[
        Driver | None, typer.Argument(metavar="[docker|bubblewrap]", show_default=False)
    ] = None,
    json: Json = False,
) -> int:
    """Start a sandbox, and show which protection is really in force, as read back from it."""
    import asyncio

    from pydantic import BaseModel

    from casava_os.cli.checkup import inspect_sandbox
    from casava_os.cli.follow import Front
    from casava_syscalls.results import Err

    class Shown(BaseModel):
        """What a running sandbox promises."""

        driver: str
        verified: dict[str, str]
        warnings: tuple[str, ...]

    front = Front(json=json)
    found = asyncio.run(inspect_sandbox(driver, front.screen.note))
    if isinstance(found, Err):
        return front.fail(found)
    info = found.value
    if json:
        front.output.json(Shown(driver=info.driver, verified=dict(info.verified), warnings=info.warnings))
    else:
        front.output.rows([("driver", info.driver), *info.verified.items()])
        for warning in info.warnings:
            front.screen.warning(warning)
    return 0


def sandbox_sweep(json: Json = False) -> int:
    """Remove what killed commands left: containers, volumes and control groups of ours whose command is gone."""
    from casava_os.cli.follow import Front
    from casava_os.paths import state_dir
    from casava_sandbox.janitor import sweep

    front = Front(json=json)
    for removed in sweep(str(state_dir())):
        front.output.text(removed)
    return 0


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(context_settings=_HELP_NAMES)(doctor)
    config = typer.Typer(help="Settings, policy, and where they lie.", rich_markup_mode=None)
    config.command("show")(config_show)

    @config.callback(invoke_without_command=True)
    def config_root(context: typer.Context) -> int:
        return config_show() if context.invoked_subcommand is None else 0

    app.add_typer(config, name="config", context_settings=_HELP_NAMES)
    sandbox = typer.Typer(help="Where effects happen.", rich_markup_mode=None, no_args_is_help=False)
    sandbox.command("build")(sandbox_build)
    sandbox.command("info")(sandbox_info)
    sandbox.command("sweep")(sandbox_sweep)
    app.add_typer(sandbox, name="sandbox", context_settings=_HELP_NAMES)
