"""The tree of commands, and the one way in: usage errors, interruptions and readers that went away end here.

Importing this module loads Typer and nothing else of weight: each command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from casava_os.cli import (
    apps,
    call,
    control,
    history,
    machine,
    memory,
    metrics,
    models,
    past,
    policy,
    requests,
    serve,
    sessions,
    shell,
    stack,
)
from casava_os.forge.cli import app as forge

FORGE_NEEDS = ("torch", "tokenizers", "gguf", "bashlex")
"""Packages of the extra [forge]."""

app = typer.Typer(
    name="casava-os",
    help="A shell whose kernel is a local language model: requests become typed syscalls in a sandbox.",
    epilog="Exit codes: 0 done, 1 a syscall failed, 2 usage, 3 approval needed, 4 denied, 5 not understood, 6 no sandbox, "
    "7 no model, 8 the workspace changed, 124 timeout, 130 interrupted.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"casava-os {version('casava-os')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> int:
    if context.invoked_subcommand is None:
        return shell.open_or_say()
    return 0


requests.register(app)
call.register(app)
history.register(app)
control.register(app)
past.register(app)
apps.register(app)
machine.register(app)
models.register(app)
shell.register(app)
serve.register(app)
metrics.register(app)
app.add_typer(memory.app, name="memory")
app.add_typer(sessions.app, name="session")
app.add_typer(policy.app, name="policy")
app.add_typer(stack.app, name="stack")
app.add_typer(forge, name="forge")


def command(arguments: list[str]) -> int:
    """Runs one command line; gives its exit code. Never raises for what a person can cause."""
    _open_standard_streams()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGTERM) != signal.SIG_IGN:
        signal.signal(signal.SIGTERM, interrupted)
    try:
        code = app(arguments, prog_name="casava-os", standalone_mode=False)
    except typer.TyperException as problem:
        code = _usage(problem)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except ModuleNotFoundError as problem:
        if problem.name not in FORGE_NEEDS:
            raise
        code = _no_forge(problem.name)
    _flush()
    return int(code or 0)


def _open_standard_streams() -> None:
    """A closed standard stream becomes /dev/null, so that no file opened later takes its number and is written to."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _no_forge(module: str) -> int:
    from casava_os.cli.screen import Screen
    from casava_syscalls.results import Err

    message = f"making a model needs {module}, which running one does not"
    Screen().error(Err(code="usage", title="The forge is not installed", message=message, hint="make forge"))
    return 2


def _usage(problem: typer.TyperException) -> int:
    """Shows what is wrong with the command line."""
    from casava_os.cli.screen import Screen

    screen = Screen()
    screen.line(("error: ", "bold red"), problem.format_message())
    context = getattr(problem, "ctx", None)
    if context is not None:
        screen.line("  → ", (f"{context.command_path} --help", "cyan"))
    return problem.exit_code


def _flush() -> None:
    """Empties standard output's buffer, if anybody still reads it."""
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
