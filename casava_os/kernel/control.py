"""Control of processes that run, wherever they run: list, kill, hold, re-nice.

A wish about a process stands in its row of the journal. The `casava-os` that runs it looks there a few times a second and
does it, so nobody sends a signal: a number of the operating system that was used again can hit no stranger. Whether the
owner is still there is told by its number and its birth together; what a dead one left behind is cleaned up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from casava_os.errors import ExitCode
from casava_os.kernel.events import Held
from casava_os.kernel.journal import Journal, JournalError, ProcessRow, guarded, journal_body
from casava_os.kernel.owners import alive
from casava_os.kernel.ports import LayerStore, Priority
from casava_os.kernel.process import ENDED, NEXT, UNDER_WAY, Process
from casava_os.kernel.threads import uninterrupted
from casava_syscalls.results import Err, Ok, Result

T = TypeVar("T")

LOOK_SECONDS = 0.2
"""How often a process that runs looks for wishes about it."""
PATIENCE_SECONDS = 10.0
"""How long a kill waits for the process to clean up and end."""
HOLD_SECONDS = 1.0
"""How long a hold waits for one that waits for an answer; one that asks before it acts goes on waiting."""

OPEN = tuple(state for state in NEXT if state not in ENDED)
"""States of processes that run or hold changes."""
RUNNING = UNDER_WAY | {"committing"}
"""States of processes that somebody is at work on."""


class Listed(ProcessRow):
    """A process that runs, holds changes, or was left behind by a `casava-os` that is gone."""

    left_behind: bool = False

    @property
    def standing(self) -> str:
        """Its state, or that nobody is at work on it any more."""
        return "left behind" if self.left_behind else self.state


class Control:
    """Every process of a journal; those of this program are reached directly, others through the journal."""

    def __init__(self, journal: Journal, layers: LayerStore) -> None:
        self.journal = journal
        self._layers = layers
        self._here: dict[int, Process] = {}

    # ------------------------------------------------------------------------------------------ the owner's side

    @asynccontextmanager
    async def attending(self, p: Process) -> AsyncIterator[None]:
        """Takes wishes about a process while it runs."""
        self._here[p.pid] = p
        watch = asyncio.create_task(self._watch(p))
        try:
            yield
        finally:
            del self._here[p.pid]
            watch.cancel()

    async def _watch(self, p: Process) -> None:
        with suppress(JournalError):  # the walk meets it, too, and tells it
            seen = self.journal.version()
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if (version := self.journal.version()) != seen:
                    seen = version
                    await self._take(p)

    async def _take(self, p: Process) -> None:
        """Does what stands in the journal, as far as it is not done yet."""
        row = self.journal.process(p.pid)
        if isinstance(row, Err):
            return
        if row.value.priority != p.priority:
            await p.renice(row.value.priority)
        if row.value.wish == "hold":
            p.hold()
        if row.value.wish == "kill":
            p.kill()

    # ------------------------------------------------------------------------------------------ anybody's side

    def listed(self) -> Result[list[Listed]]:
        """What runs and what is held, the newest first."""

        def read() -> list[Listed]:
            rows = self.journal.processes(states=OPEN)
            return [Listed(**row.model_dump(), left_behind=_left_behind(row)) for row in rows]

        return guarded(read)

    async def kill(self, pid: int, *, patience: float = PATIENCE_SECONDS) -> Result[Listed]:
        """Cancels a process that runs, and waits until it has cleaned up; nothing of it lands.

        The value is how it ended; `left_behind` when its `casava-os` was gone, and it was cleaned up from here.
        `Err`: `not-found`; `usage` for one that does not run; `timeout` when its owner does not answer.
        """
        return await _told(self._kill(pid, patience))

    async def _kill(self, pid: int, patience: float) -> Result[Listed]:
        found = self._under_way(pid)
        if isinstance(found, Err):
            return found
        if _left_behind(found.value):
            self.journal.wish(pid, "kill")
            await uninterrupted(lambda: self._bury(found.value))
            return self._now(pid, left_behind=True)
        self.journal.wish(pid, "kill")
        await self._reach(pid)
        until = time.monotonic() + patience
        while True:
            now = self._now(pid)
            if isinstance(now, Err) or now.value.state not in RUNNING:
                return now
            if time.monotonic() > until:
                return _silent(now.value)
            await asyncio.sleep(0.05)

    async def hold(self, pid: int) -> Result[Listed]:
        """Has a running process's changes held at its end, or now, if it waits for an answer. `Err` as for `kill`."""
        return await _told(self._hold(pid))

    async def _hold(self, pid: int) -> Result[Listed]:
        found = self._answering(pid)
        if isinstance(found, Err):
            return found
        self.journal.wish(pid, "hold")
        await self._reach(pid)
        now = self._now(pid)
        until = time.monotonic() + HOLD_SECONDS
        while isinstance(now, Ok) and now.value.state == "waiting" and time.monotonic() < until:
            await asyncio.sleep(0.02)
            now = self._now(pid)
        return now

    async def renice(self, pid: int, priority: Priority) -> Result[Listed]:
        """Gives a running process another priority. `Err` as for `kill`."""
        return await _told(self._renice(pid, priority))

    async def _renice(self, pid: int, priority: Priority) -> Result[Listed]:
        found = self._answering(pid)
        if isinstance(found, Err):
            return found
        if found.value.priority != priority:
            self.journal.renice(pid, priority)
            await self._reach(pid)
        return self._now(pid)

    def sweep(self) -> None:
        """Settles what owners that are gone left behind: what was shown and waited for an answer is held, what worked goes.

        Raises `JournalError`.
        """
        for row in self.journal.processes(states=tuple(UNDER_WAY)):
            if not _left_behind(row):
                continue
            if row.state == "waiting" and self._shown(row.pid):
                self._keep(row.pid)
            else:
                self._bury(row)
        for pid in self._layers.held():
            self._clear(pid)

    # ------------------------------------------------------------------------------------------ parts

    async def _reach(self, pid: int) -> None:
        """Does it at once when the process runs here."""
        if (p := self._here.get(pid)) is not None:
            await self._take(p)

    def _now(self, pid: int, *, left_behind: bool = False) -> Result[Listed]:
        row = self.journal.process(pid)
        if isinstance(row, Err):
            return row
        return Ok(value=Listed(**row.value.model_dump(), left_behind=left_behind))

    def _under_way(self, pid: int) -> Result[ProcessRow]:
        row = self.journal.process(pid)
        if isinstance(row, Err) or row.value.state in UNDER_WAY:
            return row
        state = row.value.state
        if state == "held":
            message = "it has ended and holds its changes"
            hint = f"casava-os commit {pid} applies them, casava-os discard {pid} discards them"
        elif state == "committing":
            message, hint = "its changes are landing just now, which is over in a moment", "casava-os ps"
        else:
            message, hint = f"it has ended: {state}", f"casava-os log {pid} tells what it did"
        return Err(code="usage", title=f"Process {pid} does not run", message=message, hint=hint)

    def _answering(self, pid: int) -> Result[ProcessRow]:
        found = self._under_way(pid)
        if isinstance(found, Ok) and _left_behind(found.value):
            return Err(
                code="failed",
                title=f"Process {pid} was left behind",
                message=f"the casava-os that ran it (number {found.value.owner}) is gone",
                hint=f"casava-os kill {pid} clears it away",
            )
        return found

    def _shown(self, pid: int) -> bool:
        """Whether what the process waits for is the person's word on a changeset that was shown."""
        asked = self.journal.last(pid, "approval_needed")
        return asked is not None and asked.body.get("kind") == "changeset"

    def _keep(self, pid: int) -> None:
        if self.journal.move(pid, "waiting", "held"):
            told = Held(
                reason="casava-os was ended before an answer",
                commit=f"casava-os commit {pid}",
                discard=f"casava-os discard {pid}",
            )
            self.journal.record(pid, told.event, journal_body(told) or "{}")

    def _clear(self, pid: int) -> None:
        """Removes the layer of a process that has ended, whose owner did not come to do it. One that is unknown is kept."""
        row = self.journal.process(pid)
        if isinstance(row, Ok) and _over(row.value):
            self._layers.remove(pid)

    def _bury(self, row: ProcessRow) -> None:
        """Clears away what an owner that is gone left in a layer."""
        if not self.journal.move(row.pid, row.state, "cancelled", ExitCode.INTERRUPTED):
            return
        self._layers.remove(row.pid)


def _over(row: ProcessRow) -> bool:
    return row.state in ENDED and not alive(row.owner, row.born)


def _left_behind(row: ProcessRow) -> bool:
    return row.state in RUNNING and not alive(row.owner, row.born)


def _silent(row: ProcessRow) -> Err:
    return Err(
        code="timeout",
        title=f"Process {row.pid} does not end",
        message=f"the casava-os that runs it (number {row.owner}) has not answered",
        hint=f"it is asked to end as soon as it looks; kill {row.owner} ends that casava-os with all it runs",
    )


async def _told(work: Coroutine[object, object, Result[T]]) -> Result[T]:
    """The result, also when the journal cannot be read or written."""
    try:
        return await work
    except JournalError as problem:
        return problem.err
