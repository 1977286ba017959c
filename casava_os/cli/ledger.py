"""The commits of one workspace as `casava-os history` lists them: the journal's rows with what the undo store keeps of each."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from casava_os.kernel.journal import Journal, ProcessRow
from casava_os.shell.wording import size_text
from casava_sandbox.layer.chronicle import Remembered, chronicle


class Landed(BaseModel):
    """One commit. Times in seconds since the epoch, sizes in bytes."""

    model_config = ConfigDict(frozen=True)

    pid: int
    at: float
    state: str
    way: str
    """What can be done with it: undo or redo, or that it is no longer kept; `(next)`: what the bare command would take."""
    kept_bytes: int
    summary: str
    request: str


def ledger(journal: Journal, state: str, workspace: str) -> list[Landed]:
    """The commits in a workspace (text form), the newest first. Raises `JournalError`."""
    rows = [row for row in journal.processes(states=("committed", "undone")) if row.workspace == workspace]
    ahead = (journal.last_committed(workspace), journal.last_undone(workspace))
    bare = {row.pid for row in ahead if row is not None}
    kept = {one.pid: one for one in chronicle(state)}
    rows.sort(key=lambda row: (kept[row.pid].sequence if row.pid in kept else 0, row.pid), reverse=True)
    return [_landed(row, kept.get(row.pid), bare) for row in rows]


def table(lines: list[Landed]) -> list[tuple[str | int, ...]]:
    """The list for a person, with its header."""
    told: list[tuple[str | int, ...]] = [("pid", "applied", "state", "way", "kept", "changes", "request")]
    for line in lines:
        at = datetime.fromtimestamp(line.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        told.append(
            (line.pid, at, line.state, line.way, size_text(line.kept_bytes), line.summary, line.request)
        )
    return told


def _landed(row: ProcessRow, known: Remembered | None, bare: set[int]) -> Landed:
    way = "undo" if row.state == "committed" else "redo"
    if known is None:
        way = "no longer kept"
    elif row.pid in bare:
        way = f"{way} (next)"
    return Landed(
        pid=row.pid,
        at=row.created if known is None else known.at,
        state=row.state,
        way=way,
        kept_bytes=0 if known is None else known.kept_bytes,
        summary="" if known is None else known.summary,
        request=row.request,
    )
