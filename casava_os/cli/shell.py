"""`casava-os shell`, and plain `casava-os`: the shell in the terminal, where there is one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import ModelName, SandboxName, Workspace

if TYPE_CHECKING:
    from casava_syscalls.results import Err


Plain = Annotated[
    bool | None,
    typer.Option(
        "--plain/--drawn",
        help="Line by line, as sentences, for screen readers and pipes.  [default: where nothing can be drawn]",
        show_default=False,
    ),
]
New = Annotated[bool, typer.Option("--new", help="Begin with an empty conversation, not with the last one.")]


def shell(
    workspace: Workspace = None,
    model: ModelName = None,
    sandbox: SandboxName = None,
    plain: Plain = None,
    new: New = False,
) -> int:
    """Open the shell: requests, what they would change, your yes or no, the way back. Also plain `casava-os`."""
    return open_or_say(workspace, model, sandbox, plain=plain, new=new)


def open_or_say(
    workspace: Path | None = None,
    model: str | None = None,
    sandbox: str | None = None,
    *,
    plain: bool | None = None,
    new: bool = False,
) -> int:
    """Opens the shell; without a terminal says what to do instead."""
    from casava_os.cli.follow import Front, workspace_path
    from casava_syscalls.results import Err

    front = Front()
    if not plain and not _terminal():
        return front.fail(
            Err(
                code="usage",
                title="The shell needs a terminal",
                message="standard input and output are not both one",
                hint='casava-os run "REQUEST" takes a request anywhere; casava-os serve opens the shell in a browser',
            )
        )
    where = workspace_path(workspace)
    if isinstance(where, Err):
        return front.fail(where)
    if not where.value.is_dir():
        return front.fail(no_workspace(where.value))
    from casava_os.shell.opening import open_shell

    code = open_shell(where.value, model=model, sandbox=sandbox, new=new, plain=plain)
    return front.fail(code) if isinstance(code, Err) else code.value


def no_workspace(where: Path) -> Err:
    """What is said of a workspace that is no directory."""
    from casava_syscalls.results import Err

    message = f"{where} is not a directory that can be read"
    hint = "name another one with --workspace"
    return Err(code="usage", title="There is no such workspace", message=message, hint=hint)


def _terminal() -> bool:
    return all(
        stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stdout)
    )


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(shell)
