"""`undo`, `redo`, `diff`, `commit`, `discard`, `log` and `verify`: what happened, what waits, and the way back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import Json, Pid, Workspace, Yes
from casava_os.shell.standing import state_parts

if TYPE_CHECKING:
    from casava_os.cli.follow import Front
    from casava_os.kernel.journal import ProcessRow, State
    from casava_os.kernel.run import Kernel
    from casava_os.kernel.running import Running
    from casava_syscalls.results import Result

Chosen = Callable[["Kernel", int], "Running"]


def undo(
    pid: Pid = None,
    last: Annotated[
        int, typer.Option("--last", "-n", min=1, help="Take back this many commits, the newest first.")
    ] = 1,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Take back what a process changed: process PID, or the last commit in the workspace."""
    return _turn(
        pid, last, workspace, json, lambda kernel, chosen, where: kernel.undo(chosen, workspace=where)
    )


def redo(
    pid: Pid = None,
    last: Annotated[
        int, typer.Option("--last", "-n", min=1, help="Land this many again, the last undone first.")
    ] = 1,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Land again what was undone: of process PID, or what was undone last in the workspace."""
    return _turn(
        pid, last, workspace, json, lambda kernel, chosen, where: kernel.redo(chosen, workspace=where)
    )


def _turn(
    pid: int | None,
    last: int,
    workspace: Path | None,
    json: bool,
    begin: Callable[[Kernel, int | None, Path], Running],
) -> int:
    from casava_os.cli.follow import Front, boot, workspace_path
    from casava_syscalls.results import Err

    front = Front(json=json)
    where = workspace_path(workspace)
    if isinstance(where, Err):
        return front.fail(where)
    if pid is not None and last != 1:
        return front.fail(
            Err(code="usage", title="A process and --last exclude each other", message="give one of them")
        )
    code = 0
    for _ in range(last):
        kernel = boot()
        if isinstance(kernel, Err):
            return front.fail(kernel)
        code = front.follow(lambda kernel: begin(kernel, pid, where.value), kernel=kernel.value)
        if code:
            break
    return code


def diff(pid: Pid = None, workspace: Workspace = None, json: Json = False) -> int:
    """Show what a process changes: the diff on stdout. Without PID: the newest that is held, else the last commit."""
    from casava_os.cli.follow import Front
    from casava_os.kernel.events import BaseEvent, ChangesetMade

    front = Front(json=json)

    def show(event: BaseEvent) -> None:
        if isinstance(event, ChangesetMade) and not json:
            front.output.text(event.diff)

    return _chosen(front, pid, workspace, lambda kernel, found: kernel.diff(found), newest=True, seen=show)


def commit(
    pid: Pid = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PATH",
            help="Land only this change, or those below a directory; the rest stays held.",
        ),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Where the workspace has moved on: apply what is not concerned, hold the rest."
        ),
    ] = False,
    yes: Yes = False,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Let land what a process holds: exactly what was shown."""
    from casava_os.cli.follow import Front
    from casava_syscalls.names import path_text

    paths = tuple(path_text(path) for path in only or ())
    front = Front(json=json)
    asks = front.screen.interactive and not json

    def begin(kernel: Kernel, found: int) -> Running:
        return kernel.commit(found, only=paths, merge=merge, yes=yes, interactive=asks)

    return _chosen(front, pid, workspace, begin)


def discard(pid: Pid = None, workspace: Workspace = None, json: Json = False) -> int:
    """Throw away what a process holds."""
    from casava_os.cli.follow import Front

    return _chosen(Front(json=json), pid, workspace, lambda kernel, found: kernel.discard(found))


def _chosen(
    front: Front,
    pid: int | None,
    workspace: Path | None,
    begin: Chosen,
    *,
    newest: bool = False,
    seen: Callable[..., None] | None = None,
) -> int:
    """Resumes process `pid`, or the one that is meant when none is named."""
    from casava_os.cli.follow import boot, workspace_path
    from casava_syscalls.results import Err, Ok

    where = workspace_path(workspace)
    if isinstance(where, Err):
        return front.fail(where)
    kernel = boot()
    if isinstance(kernel, Err):
        return front.fail(kernel)
    found: Result[int] = (
        Ok(value=pid) if pid is not None else _meant(kernel.value, where.value, newest=newest)
    )
    if isinstance(found, Err):
        kernel.value.close()
        return front.fail(found)
    return front.follow(lambda kernel: begin(kernel, found.value), kernel=kernel.value, seen=seen)


def _meant(kernel: Kernel, workspace: Path, *, newest: bool) -> Result[int]:
    """The one held process of this workspace; with `newest` also one of several, or else the last commit."""
    from casava_os.kernel.journal import guarded
    from casava_syscalls.names import path_text
    from casava_syscalls.results import Err, Ok

    here = path_text(os.path.realpath(workspace))

    def of(*states: State) -> list[ProcessRow]:
        return [row for row in kernel.journal.processes(states=states) if row.workspace == here]

    rows = guarded(lambda: of("held"))
    if isinstance(rows, Err):
        return rows
    held = rows.value
    if held and (newest or len(held) == 1):
        return Ok(value=held[0].pid)
    if held:
        numbers = ", ".join(str(row.pid) for row in held)
        return Err(
            code="usage",
            title="Several processes hold changes",
            message=f"name one of {numbers}",
            hint="casava-os ps shows them",
        )
    if newest:
        committed = guarded(lambda: of("committed"))
        if isinstance(committed, Err):
            return committed
        if committed.value:
            return Ok(value=committed.value[0].pid)
    return Err(
        code="not-found",
        title="Nothing is held here",
        message=f"no process waits for an answer in {here}",
        hint="casava-os ps shows those of all workspaces",
    )


# ------------------------------------------------------------------------------------------------- lists


def log(
    pid: Pid = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most this many, the newest.")] = 20,
    json: Json = False,
) -> int:
    """List what was asked and what came of it, the newest first; with PID, all that is recorded of one process."""
    from casava_os.cli.follow import Front, boot
    from casava_os.kernel.journal import guarded
    from casava_syscalls.results import Err

    front = Front(json=json)
    kernel = boot()
    if isinstance(kernel, Err):
        return front.fail(kernel)
    journal = kernel.value.journal
    try:
        if pid is None:
            rows = guarded(lambda: journal.processes(limit=limit))
            return front.fail(rows) if isinstance(rows, Err) else _list(front, rows.value)
        known = guarded(lambda: journal.process(pid))
        found = known if isinstance(known, Err) else known.value
        if isinstance(found, Err):
            return front.fail(found)
        records = guarded(lambda: journal.records(pid))
        if isinstance(records, Err):
            return front.fail(records)
    finally:
        kernel.value.close()
    if json:
        for record in records.value:
            front.output.json(record)
    else:
        from json import dumps

        front.output.rows(
            [
                (when(record.at), record.kind, dumps(record.body, ensure_ascii=False))
                for record in records.value
            ]
        )
    return 0


def verify(
    expect: Annotated[
        str,
        typer.Option("--expect", metavar="HASH", help="A head noted earlier: it must still be in the chain."),
    ] = "",
    json: Json = False,
) -> int:
    """Read the whole journal against its chain of hashes: names what was edited, moved, added, or is missing."""
    import sqlite3

    from casava_os.boot import JOURNAL
    from casava_os.cli.follow import Front
    from casava_os.kernel.chain import verify
    from casava_os.paths import state_dir
    from casava_syscalls.results import Err

    front = Front(json=json)
    path = state_dir() / JOURNAL
    if not path.exists():
        return front.fail(
            Err(
                code="not-found",
                title="There is no journal yet",
                message="nothing was asked of casava-os here",
            )
        )
    try:
        found = verify(path, expect.removeprefix("sha256:"))
    except (OSError, sqlite3.Error) as problem:
        message = f"{path}: {problem}"
        return front.fail(Err(code="failed", title="The journal cannot be read", message=message))
    if json:
        front.output.json(found)
    elif found.whole:
        older = f" {found.before:,} older ones are not covered." if found.before else ""
        front.output.text(
            f"{found.records:,} records of {found.processes:,} processes are as they were written.{older}\n"
            f"head sha256:{found.head}"
        )
    else:
        front.output.rows(
            [
                (
                    one.fault,
                    one.record or "",
                    one.pid or "",
                    "" if one.at is None else when(one.at),
                    one.message,
                )
                for one in found.findings
            ]
        )
        front.screen.error(
            Err(
                code="failed",
                title="The journal is not as it was written",
                message=f"{len(found.findings):,} places differ",
                hint="keep a copy of the file; undo goes by its own store, and checks every file before it acts",
            )
        )
    return 0 if found.whole else 1


def _list(front: Front, rows: list[ProcessRow]) -> int:
    if front.json:
        for row in rows:
            front.output.json(row)
    else:
        front.output.rows(
            [("pid", "when", "state", "exit", "workspace", "request")]
            + [
                (
                    row.pid,
                    when(row.created),
                    state_parts(row.state, row.exit_code)[0],
                    _code(row),
                    row.workspace,
                    row.request,
                )
                for row in rows
            ],
            header=True,
        )
    return 0


def _code(row: ProcessRow) -> int | str:
    return "" if row.exit_code is None else row.exit_code


def when(seconds: float) -> str:
    """A time of the clock, from seconds since the epoch."""
    from datetime import datetime

    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (undo, redo, diff, commit, discard, log, verify):
        app.command()(command)
