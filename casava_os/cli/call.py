"""`casava-os call NAME`: any single syscall, without a model. Its commands and options are made from the ABI."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer.core import TyperCommand, TyperGroup

from casava_os.cli.options import Driver, DryRun, Json, Level, Null, SandboxName, Timeout, Workspace, Yes

if TYPE_CHECKING:
    from casava_os.kernel.ports import Priority

_COMMON = {
    "workspace": (Workspace, None),
    "sandbox": (SandboxName, None),
    "timeout": (Timeout, None),
    "priority": (Level, "normal"),
    "yes": (Yes, False),
    "dry_run": (DryRun, False),
    "null": (Null, False),
    "json": (Json, False),
}
"""The options that every call has beside its own: annotation and default."""

HELP = """Perform one syscall, without a model.

Its options are its fields: `casava-os call NAME --help` shows them, `casava-os call --list` shows all names. What it changes
is held in a layer and shown before it lands, as for any request."""


class Calls(TyperGroup):
    """A group whose commands are the syscalls; one is built when it is asked for."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - Typer's signature
        from casava_syscalls.registry import SYSCALLS

        return list(SYSCALLS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002 - Typer's signature
        from casava_syscalls.registry import SYSCALLS

        return syscall_command(cmd_name) if cmd_name in SYSCALLS else None


def syscall_command(name: str) -> TyperCommand:
    """The command of one syscall, with an option for each of its fields."""
    from casava_os.cli import arguments
    from casava_syscalls.registry import SYSCALLS

    syscall = SYSCALLS[name]
    own = list(arguments.parameters(syscall))
    common = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for key, (annotation, default) in _COMMON.items()
    ]

    def perform(**given: object) -> int:
        return _perform(name, given)

    signature = inspect.Signature([*own, *common])
    perform.__annotations__ = {key: parameter.annotation for key, parameter in signature.parameters.items()}
    perform.__signature__ = signature  # type: ignore[attr-defined]  # what inspect.signature reads
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(
        name,
        help=arguments.help_text(syscall),
        short_help=syscall.summary(),
        context_settings={"help_option_names": ["-h", "--help"]},
    )(perform)
    return cast("TyperCommand", typer.main.get_command(single))


def _perform(name: str, given: dict[str, object]) -> int:
    from casava_os.cli import arguments
    from casava_os.cli.follow import Front, RunChoices
    from casava_syscalls.results import Err

    common = {key: given.pop(key) for key in _COMMON}
    choices = RunChoices(
        workspace=cast("Path | None", common["workspace"]),
        sandbox=cast("Driver | None", common["sandbox"]),
        timeout=cast("str | None", common["timeout"]),
        priority=cast("Priority", common["priority"]),
        yes=bool(common["yes"]),
        dry_run=bool(common["dry_run"]),
    )
    front = Front(json=bool(common["json"]), null=bool(common["null"]), terse=True)
    plan = arguments.plan_of(name, given, front.read_stdin)
    if isinstance(plan, Err):
        return front.fail(plan)
    return front.apply(plan.value, choices)


def register(app: typer.Typer) -> None:
    """Adds `call` to the commands."""
    group = typer.Typer(cls=Calls, help=HELP, rich_markup_mode=None)

    @group.callback(invoke_without_command=True)
    def call(
        context: typer.Context,
        listed: Annotated[
            bool, typer.Option("--list", help="List all syscalls: name, effects, what it does.")
        ] = False,
        json: Annotated[
            bool, typer.Option("--json", help="With --list: the JSON Schema of all syscalls.")
        ] = False,
    ) -> int:
        if context.invoked_subcommand is not None:
            return 0
        if not listed:
            typer.echo(context.get_help(), err=True)
            return 2
        from casava_os.cli.output import Output
        from casava_syscalls.docs import syscall_schema
        from casava_syscalls.registry import SYSCALLS

        if json:
            from json import dumps

            Output().text(dumps(syscall_schema(), indent=1, ensure_ascii=False))
        else:
            Output().rows(
                [
                    (
                        name,
                        ",".join(call.effect.names()),
                        call.summary() + ("" if call.available else " (not yet)"),
                    )
                    for name, call in SYSCALLS.items()
                ]
            )
        return 0

    app.add_typer(group, name="call", context_settings={"help_option_names": ["-h", "--help"]})
