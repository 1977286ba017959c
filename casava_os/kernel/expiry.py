"""Held changes whose time is over, where the person set one: told first, discarded a day later at the earliest.

Nobody's waiting work goes without a word before: the first start that finds it too old records that and says so, a start
after the day of grace throws it away and records that, too. A clock that was set back makes nothing older.
"""

from __future__ import annotations

import json
from datetime import datetime

from casava_os.errors import ExitCode
from casava_os.kernel.events import Discarded, Note
from casava_os.kernel.journal import Journal, ProcessRow, journal_body
from casava_os.kernel.ports import LayerStore

DAY = 86_400.0
GRACE = DAY
"""Seconds from the first word to the end."""

EXPIRING = "expiring"
"""Kind of the record of the first word."""


def expire(journal: Journal, layers: LayerStore, days: float, now: float) -> tuple[str, ...]:
    """What the person should hear of held changes that are older than so many days. Raises `JournalError`."""
    told = []
    for row in journal.processes(states=("held",)):
        since = _held_since(journal, row)
        age = (now - since) / DAY
        if age <= days:
            continue
        notice = journal.last(row.pid, EXPIRING)
        after = notice.body.get("after") if notice is not None and notice.at >= since else None
        if not isinstance(after, int | float):
            told.append(_announce(journal, row, days, now + GRACE))
        elif now < after:
            told.append(_sentence(row, after))
        elif journal.move(row.pid, "held", "discarded", ExitCode.DONE):
            layers.remove(row.pid)
            gone = Discarded(reason=f"it was held for {age:.0f} days, longer than held_days = {days:g}")
            journal.record(row.pid, gone.event, journal_body(gone) or "{}")
            told.append(f"Process {row.pid} was discarded: {gone.reason}.")
    return tuple(told)


def _held_since(journal: Journal, row: ProcessRow) -> float:
    moved = journal.last(row.pid, "state")
    return row.created if moved is None else moved.at


def _announce(journal: Journal, row: ProcessRow, days: float, after: float) -> str:
    journal.record(row.pid, EXPIRING, json.dumps({"after": after, "held_days": days}))
    note = Note(text=_sentence(row, after))
    journal.record(row.pid, note.event, journal_body(note) or "{}")
    return note.text


def _sentence(row: ProcessRow, after: float) -> str:
    when = datetime.fromtimestamp(after).astimezone().strftime("%Y-%m-%d %H:%M")
    return (
        f"Process {row.pid} has held its changes long enough to be discarded after {when} (the setting held_days): "
        f"casava-os commit {row.pid} applies them, casava-os diff {row.pid} shows them."
    )
