"""`casava-os stack …`: thin faces over the `infra` syscalls, through the kernel: policy, journal and approval as always."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import BudgetOption, Json, Timeout, Workspace, Yes

if TYPE_CHECKING:
    from casava_os.cli.follow import RunChoices
    from casava_os.kernel.events import BaseEvent
    from casava_syscalls.plan import Plan
    from casava_syscalls.results import Result
    from casava_syscalls.values import Table

app = typer.Typer(
    help="Stacks of containers: set up from a Compose file or a blueprint, and torn down, in a sentence.",
    no_args_is_help=True,
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE|BLUEPRINT",
        help="A Compose file of the workspace, or a name of `casava-os stack catalog`.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Argument(metavar="STACK", help="Its name.", show_default=False)]
Called = Annotated[
    str | None,
    typer.Option("--name", metavar="STACK", help="The stack's name.  [default: the file's or blueprint's]"),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A value for ${NAME}; may be given several times."),
]
On = Annotated[str, typer.Option("--driver", metavar="docker|terraform|kubernetes", help="Where it runs.")]


@app.command("list")
def list_stacks(json: Json = False, workspace: Workspace = None) -> int:
    """List all stacks: state, replicas, lease, memory, what has drifted."""
    return _perform({"call": "infra.status"}, json=json, workspace=workspace)


@app.command()
def status(name: Name, json: Json = False, workspace: Workspace = None) -> int:
    """Show one stack: each service's health, ports, memory, the limit that fits it, and what is not as the spec says."""
    return _perform({"call": "infra.status", "stack": name}, json=json, workspace=workspace)


@app.command()
def catalog(json: Json = False) -> int:
    """List the blueprints and their settings."""
    return _perform({"call": "infra.catalog"}, json=json)


@app.command()
def plan(
    source: Source,
    name: Called = None,
    values: Set = None,
    driver: On = "docker",
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Show what applying would create, change and destroy. Changes nothing."""
    call = _deployment("infra.plan", source, name, values, driver, workspace)
    tables: list[Table] = []

    def seen(event: BaseEvent) -> None:
        from casava_os.kernel.events import StepFinished
        from casava_syscalls.values import Table

        if isinstance(event, StepFinished) and isinstance(event.value, Table):
            tables.append(event.value)

    code = _perform(call, json=json, workspace=workspace, seen=seen)
    if tables and not json:
        from casava_os.cli.screen import Screen

        digest = _digest(tables[-1], driver)
        if digest is None:
            Screen().note("Nothing is to be done: all is as it is wanted.")
        else:
            Screen().note(
                f"sha256:{digest}; exactly this, and nothing else: casava-os stack apply … --approve sha256:{digest}"
            )
    return code


@app.command()
def apply(
    source: Source,
    name: Called = None,
    values: Set = None,
    driver: On = "docker",
    lease: Annotated[
        str | None,
        typer.Option("--lease", metavar="TIME", help="Taken down after this time, like 8h or '2 days'."),
    ] = None,
    approve: Annotated[
        str | None,
        typer.Option(
            "--approve",
            metavar="sha256:…",
            help="Do exactly the plan that `stack plan` showed, without asking.",
        ),
    ] = None,
    yes: Yes = False,
    workspace: Workspace = None,
    timeout: Timeout = None,
    budget: BudgetOption = None,
    json: Json = False,
) -> int:
    """Set a stack up, or bring it to its spec; asks first, with what would be done."""
    call = _deployment("infra.apply", source, name, values, driver, workspace)
    call |= {"lease": lease} if lease is not None else {}
    call |= {"approve": approve} if approve is not None else {}
    return _perform(
        call, json=json, workspace=workspace, yes=yes or approve is not None, timeout=timeout, budget=budget
    )


@app.command()
def scale(
    name: Name,
    replicas: Annotated[int, typer.Argument(metavar="REPLICAS", min=0, max=1000, show_default=False)],
    service: Annotated[
        str | None,
        typer.Option("--service", help="Which one, where the stack has several.", show_default=False),
    ] = None,
    yes: Yes = False,
    timeout: Timeout = None,
    json: Json = False,
) -> int:
    """Change how many replicas a service has."""
    call: dict[str, object] = {"call": "infra.scale", "stack": name, "replicas": replicas}
    call |= {"service": service} if service is not None else {}
    return _perform(call, json=json, yes=yes, timeout=timeout)


@app.command()
def extend(
    name: Name,
    lease: Annotated[
        str, typer.Argument(metavar="TIME", help="From now on, like 8h or '2 days'.", show_default=False)
    ],
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Keep a stack for longer: its lease begins anew."""
    return _perform({"call": "infra.extend", "stack": name, "lease": lease}, json=json, yes=yes)


@app.command()
def destroy(
    name: Name,
    volumes: Annotated[bool, typer.Option("--volumes", help="With its data, for good.")] = False,
    yes: Yes = False,
    timeout: Timeout = None,
    json: Json = False,
) -> int:
    """Take a stack down, half gone or whole. Its volumes stay unless you say otherwise."""
    call: dict[str, object] = {"call": "infra.destroy", "stack": name}
    call |= {"volumes": True} if volumes else {}
    return _perform(call, json=json, yes=yes, timeout=timeout)


# ------------------------------------------------------------------------------------------------ parts


def _deployment(
    call: str, source: str, name: str | None, values: list[str] | None, driver: str, workspace: Path | None
) -> dict[str, object]:
    """The call's JSON form; what is wrong in it is found by the ABI."""
    where = (workspace or Path()) / source
    is_file = where.exists() or "/" in source or source.endswith((".yaml", ".yml"))
    data: dict[str, object] = {"call": call, "spec" if is_file else "blueprint": source, "driver": driver}
    if name is not None:
        data["stack"] = name
    if values:
        data["settings"] = dict(_pair(value) for value in values)
    return data


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    return name, value


def _perform(
    call: dict[str, object],
    *,
    json: bool,
    workspace: Path | None = None,
    yes: bool = False,
    timeout: str | None = None,
    budget: str | None = None,
    seen: Callable[[BaseEvent], None] | None = None,
) -> int:
    """Runs one syscall as a process of the kernel."""
    from casava_os.cli.follow import Front, RunChoices
    from casava_syscalls.plan import parse_call
    from casava_syscalls.results import Err

    front = Front(json=json, terse=True)
    parsed = parse_call(call)
    plan = parsed if isinstance(parsed, Err) else _plan(call)
    if isinstance(plan, Err):
        return front.fail(plan)
    choices: RunChoices = RunChoices(workspace=workspace, yes=yes, timeout=timeout, budget=budget)
    made = plan.value
    return front.start(
        choices, lambda kernel, where, how: kernel.run_plan(made, workspace=where, options=how), None, seen
    )


def _plan(call: dict[str, object]) -> Result[Plan]:
    from casava_syscalls.plan import parse_plan

    return parse_plan({"version": 1, "steps": [call]})


def _digest(table: Table, driver: str) -> str | None:
    """What `--approve` takes; None when there is nothing to do."""
    from casava_os.infra.drivers import digest_of_rows
    from casava_os.infra.tables import plan_rows

    if not table.rows:
        return None
    return digest_of_rows(str(table.rows[0][0]), driver, plan_rows(table))
