"""`casava-os shell`, and plain `casava-os`: the shell in the terminal, where there is one."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from casava_os.cli.options import ModelName, SandboxName, Workspace


def shell(workspace: Workspace = None, model: ModelName = None, sandbox: SandboxName = None) -> int:
    """Open the shell: requests, what they would change, your yes or no, the way back. Also plain `casava-os`."""
    return open_or_say(workspace, model, sandbox)


def open_or_say(workspace: Path | None = None, model: str | None = None, sandbox: str | None = None) -> int:
    """Opens the shell; without a terminal says what to do instead."""
    from casava_os.cli.follow import Front, workspace_path
    from casava_syscalls.results import Err

    front = Front()
    if not _terminal():
        return front.fail(
            Err(
                code="usage",
                title="The shell needs a terminal",
                message="standard input and output are not both one",
                hint='casava-os run "REQUEST" takes a request anywhere; casava-os --help lists the commands',
            )
        )
    where = workspace_path(workspace)
    if isinstance(where, Err):
        return front.fail(where)
    if not where.value.is_dir():
        message = f"{where.value} is not a directory that can be read"
        hint = "name another one with --workspace"
        return front.fail(Err(code="usage", title="There is no such workspace", message=message, hint=hint))
    from casava_os.shell.opening import open_shell

    code = open_shell(where.value, model=model, sandbox=sandbox)
    return front.fail(code) if isinstance(code, Err) else code.value


def _terminal() -> bool:
    return all(
        stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stdout)
    )


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(shell)
