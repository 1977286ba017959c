"""The life of a process around its walk: it begins, and whatever happens it ends cleaned up, recorded and told.

Nobody who follows a process waits for one that is over: `Finished` comes after a success, an expected failure, a fault of
the kernel, a cancellation and a timeout alike.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from casava_os.errors import ExitCode, exit_code
from casava_os.kernel.control import Control
from casava_os.kernel.events import Failed, Finished, Note, Started
from casava_os.kernel.journal import Journal, JournalError
from casava_os.kernel.ports import Priority
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.running import Running, Send
from casava_os.kernel.threads import uninterrupted
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err, Ok, Result

_LOG = logging.getLogger(__name__)

Walk = Callable[[Process], Awaitable[Ending]]
"""What a process does between its beginning and its end."""

Ended = Callable[[int], Err | None]
"""Is told of a process that is over, before its watcher is. Blocking; in a thread."""


def text_of(path: Path) -> str:
    """The text form of a path, which JSON and SQLite can hold."""
    return path_text(str(path))


def real(path: Path) -> Path:
    """The path without links: one workspace has one name."""
    return Path(os.path.realpath(path))


def begin(
    control: Control,
    request: str,
    workspace: Path,
    walk: Walk,
    priority: Priority,
    seconds: float | None,
    ended: Ended | None = None,
    session: int | None = None,
) -> Running:
    """A new process that goes this walk, for at most so many seconds."""
    shown = request.encode("utf-8", "backslashreplace").decode()
    absolute = real(workspace)

    async def live(send: Send) -> None:
        try:
            pid = control.journal.new(shown, text_of(absolute), priority, session)
            p = Process(pid, shown, absolute, control.journal, send, running.cancel, priority)
            p.tell(Started(request=shown, workspace=text_of(absolute)))
        except JournalError as problem:
            return refuse(send, problem.err)
        async with control.attending(p):
            return await _live(p, lambda process: _from_workspace(process, walk), seconds, ended)

    running = Running(live)
    return running


def resume(
    journal: Journal, pid: int | Callable[[], Result[int]], walk: Walk, ended: Ended | None = None
) -> Running:
    """A process of the journal that goes on with this walk; `pid` may be looked for when it starts."""

    async def live(send: Send) -> None:
        try:
            found = pid() if callable(pid) else Ok(value=pid)
            row = journal.process(found.value) if isinstance(found, Ok) else found
        except JournalError as problem:
            return refuse(send, problem.err)
        if isinstance(row, Err):
            return refuse(send, row)
        known = row.value
        workspace = Path(fs_path(known.workspace))
        p = Process(known.pid, known.request, workspace, journal, send, state=known.state)
        return await _live(p, walk, None, ended)

    return Running(live)


def stop(p: Process, err: Err, code: ExitCode | None = None) -> Ending:
    """The end of a process that an expected failure stops."""
    p.tell(Failed(err=err))
    return Ending(exit_code(err) if code is None else code, "failed")


def refuse(send: Send, err: Err, pid: int = 0) -> None:
    """Ends a command that has no process to run in."""
    send(Failed(pid=pid, err=err))
    send(Finished(pid=pid, exit_code=exit_code(err), state="failed"))


async def _from_workspace(p: Process, walk: Walk) -> Ending:
    try:
        is_directory = p.workspace.is_dir()
    except OSError:
        is_directory = False
    if is_directory:
        return await walk(p)
    return stop(
        p,
        Err(
            code="usage",
            title="There is no such workspace",
            message=f"{text_of(p.workspace)} is not a directory that can be read",
            hint="name another one with --workspace, or make it first",
        ),
    )


async def _live(p: Process, walk: Walk, seconds: float | None, ended: Ended | None = None) -> None:
    """Goes the walk; whatever happens on it, cleans up, records how it ended and says so."""
    clock = asyncio.timeout(seconds)
    try:
        async with clock:
            ending = await walk(p)
    except asyncio.CancelledError:
        how = "it was killed; " if p.killed else ""
        ending = _broken_off(
            p, Err(code="interrupted", title="Interrupted", message=f"{how}nothing was changed")
        )
    except JournalError as problem:
        ending = _broken_off(p, problem.err)
    except Exception as problem:  # noqa: BLE001 - the kernel's own edge: whoever waits must hear of it
        late = isinstance(problem, TimeoutError) and clock.expired()
        ending = _broken_off(p, _out_of_time(seconds) if late else _fault(p, problem))
    try:
        await p.release()
        ending = p.end(ending)
    except Exception as problem:  # noqa: BLE001 - cleaning up failed: the end is told all the same
        err = problem.err if isinstance(problem, JournalError) else _fault(p, problem)
        p.send(Failed(pid=p.pid, err=err))
        ending = Ending(exit_code(err), ending.state, ending.value)
    if ended is not None:
        await _remember(p, ended)
    last = Finished(
        pid=p.pid,
        exit_code=ending.exit_code,
        state=ending.state,
        value=ending.value,  # type: ignore[arg-type]  # every concrete value is one of the union
        timings=p.timings.total(),
    )
    try:
        p.tell(last)
    except JournalError:
        p.send(last)


async def _remember(p: Process, ended: Ended) -> None:
    """Hands the process on to memory. It is over and recorded: what fails now costs its remembrance alone."""
    with p.timings.of("memory"):
        err = await uninterrupted(lambda: ended(p.pid))
    if err is not None:
        try:
            p.tell(Note(text=f"This is not remembered: {err}"))
        except JournalError:
            _LOG.warning("process %s is not remembered: %s", p.pid, err)


def _out_of_time(seconds: float | None) -> Err:
    return Err(
        code="timeout",
        title="Out of time",
        message=f"it took longer than {seconds or 0:g} seconds; nothing was changed",
        hint="give it more with --timeout",
    )


def _fault(p: Process, problem: Exception) -> Err:
    _LOG.error("process %s failed", p.pid, exc_info=problem)
    return Err(
        code="failed",
        title="The kernel failed",
        message=f"{type(problem).__name__}: {problem}",
        hint=f"this is a fault in Casava OS; casava-os log {p.pid} has what was done",
    )


def _broken_off(p: Process, err: Err) -> Ending:
    """The end of a process that was interrupted, timed out or failed on the way."""
    if p.state == "committing":
        p.keeps_layer = True  # whether it landed is not known: lose nothing
    elif p.layer is not None and p.changing:
        p.discard_reason = "it did not come to its end"
    try:
        p.tell(Failed(err=err))
    except JournalError:
        p.send(Failed(pid=p.pid, err=err))
    return Ending(exit_code(err), "cancelled" if err.code in ("interrupted", "timeout") else "failed")
