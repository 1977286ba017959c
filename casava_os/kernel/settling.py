"""Brings the journal up to date with what killed programs did to workspaces and could not write down any more.

The workspace and what the layers remember of it are the truth: a process that was `committing` has landed or it has not, and
the layers know. Only what belongs to programs that are gone is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from casava_os.errors import ExitCode
from casava_os.kernel.events import BaseEvent, ChangesetMade, Committed, Held, Undone
from casava_os.kernel.journal import Journal, ProcessRow, State, journal_body
from casava_os.kernel.owners import alive
from casava_os.kernel.ports import Changeset, Layer
from casava_syscalls.results import Err, Ok, Result


class Note(Protocol):
    """A transaction that landed, and the program that was to write that down."""

    @property
    def pid(self) -> int: ...
    @property
    def purpose(self) -> Literal["commit", "undo", "redo"]: ...
    @property
    def owner(self) -> int: ...
    @property
    def born(self) -> str: ...


class Layers(Protocol):
    """What the layers know of the past."""

    def unsettled(self) -> Sequence[Note]: ...
    def settled(self, pid: int) -> None: ...
    def landed(self, pid: int) -> Changeset | None: ...
    def open(self, pid: int) -> Result[Layer]: ...
    def split(self, pid: int, rest: int, landed: Changeset) -> Result[Layer]: ...


_REACHED: dict[str, tuple[State, State]] = {
    "commit": ("committing", "committed"),
    "undo": ("committed", "undone"),
    "redo": ("undone", "committed"),
}
"""From which state to which a transaction of each purpose goes."""


def settle(journal: Journal, layers: Layers) -> None:
    """Settles all that is open. Raises `JournalError`."""
    for note in layers.unsettled():
        row = journal.process(note.pid)
        if isinstance(row, Err):
            layers.settled(note.pid)
            continue
        before, after = _REACHED[note.purpose]
        if row.value.state != before:
            layers.settled(note.pid)  # it is written down, or went on from there
        elif not alive(note.owner, note.born):
            _write(journal, layers, row.value, before, after)
            layers.settled(note.pid)
    for left in journal.processes(states=("committing",)):
        if not alive(left.owner, left.born):
            _write(journal, layers, left, "committing", "committed")


def _write(journal: Journal, layers: Layers, row: ProcessRow, before: State, after: State) -> None:
    pid, landed = row.pid, layers.landed(row.pid)
    if after == "undone":
        if landed is None and journal.move(pid, before, after, ExitCode.DONE):
            shown = journal.last(pid, "changeset")
            summary = "" if shown is None else str(shown.body.get("summary", ""))
            _tell(journal, pid, Undone(changes=(), summary=f"what it had applied: {summary}"))
        return
    if landed is None:
        if before == "committing" and journal.move(pid, before, "held"):
            _tell(
                journal,
                pid,
                _held(pid, "casava-os was ended while it applied them; nothing of it was applied"),
            )
        return
    if journal.move(pid, before, after, ExitCode.DONE):
        undo = f"casava-os undo {pid}"
        _tell(journal, pid, Committed(summary=landed.summary(), digest=landed.digest, undo=undo))
        if before == "committing":
            _rest(journal, layers, row, landed)


def _rest(journal: Journal, layers: Layers, row: ProcessRow, landed: Changeset) -> None:
    """What a part of the changeset left out is held, as it would have been; an empty layer goes."""
    opened = layers.open(row.pid)
    if isinstance(opened, Err):
        return
    if opened.value.changeset().empty:
        opened.value.discard()
        return
    pid = journal.new(row.request, row.workspace)
    split = layers.split(row.pid, pid, landed)
    if not isinstance(split, Ok):
        journal.move(pid, "new", "cancelled")
        return
    changeset = split.value.changeset()
    told = ChangesetMade(
        changes=changeset.changes,
        summary=changeset.summary(),
        diff=split.value.diff(changeset),
        digest=changeset.digest,
    )
    _tell(journal, pid, told)
    journal.move(pid, "new", "waiting")
    journal.move(pid, "waiting", "held", ExitCode.APPROVAL_NEEDED)
    _tell(journal, pid, _held(pid, f"it was left out when process {row.pid} was applied"))


def _held(pid: int, reason: str) -> Held:
    return Held(reason=reason, commit=f"casava-os commit {pid}", discard=f"casava-os discard {pid}")


def _tell(journal: Journal, pid: int, event: BaseEvent) -> None:
    journal.record(pid, event.event, journal_body(event) or "{}")
