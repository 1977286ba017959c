"""The journal's part of the metrics: processes by state, requests and syscalls by outcome, how long they took, what landed.

The file is opened for reading alone, for a moment, and read in pages: no writer ever waits for it. Counts are kept, and only
what is new is read, so that a scrape of a long journal costs what has happened since the last one.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, get_args

from prometheus_client.metrics_core import Metric

from casava_os.errors import ExitCode
from casava_os.kernel.journal import State
from casava_os.telemetry.page import Durations, Page
from casava_syscalls.registry import SYSCALLS

PAGE_ROWS = 2000
PATIENCE = 1.0
"""Seconds that a read waits where SQLite must lock."""

_ROWS: Final = """
SELECT id, pid, kind,
    CASE kind
        WHEN 'compiled' THEN json_extract(body, '$.model')
        WHEN 'step_started' THEN substr(json_extract(body, '$.line'), 1, 64)
        WHEN 'step_finished' THEN json_extract(body, '$.err.code')
        WHEN 'approval_needed' THEN json_extract(body, '$.kind') END,
    CASE kind
        WHEN 'compiled' THEN json_extract(body, '$.seconds')
        WHEN 'step_finished' THEN json_extract(body, '$.seconds')
        WHEN 'finished' THEN json_extract(body, '$.timings.total')
        WHEN 'changeset' THEN (SELECT total(json_extract(value, '$.size')) FROM json_each(body, '$.changes')
            WHERE json_extract(value, '$.action') IN ('added', 'changed') AND json_extract(value, '$.type') = 'file') END,
    CASE kind
        WHEN 'finished' THEN json_extract(body, '$.exit_code')
        ELSE json_extract(body, '$.step') END
FROM records WHERE id > ? AND kind IN ('started', 'compiled', 'step_started', 'step_finished', 'approval_needed', 'changeset',
    'committed', 'undone', 'held', 'finished')
ORDER BY id LIMIT ?
"""
"""Of each record: its number, its process, what it is, a word, seconds or bytes, and a number."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises `sqlite3.Error`."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = 1")
        yield connection


class Past:
    """What the journal says has happened; one thread at a time."""

    def __init__(self, journal: Path) -> None:
        self._path = journal
        self._file: tuple[int, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self._last = 0
        self._open: set[int] = set()
        """Requests that have not ended."""
        self._calls: dict[tuple[int, int], str] = {}
        """Syscalls that have not ended, by process and step."""
        self._shown: dict[int, float] = {}
        """Bytes of the changeset that was shown last, by process."""
        self._requests: Counter[str] = Counter({code.name.lower(): 0 for code in ExitCode})
        self._syscalls: Counter[tuple[str, str]] = Counter()
        self._approvals: Counter[str] = Counter({"effects": 0, "changeset": 0})
        self._landings: Counter[str] = Counter({"committed": 0, "undone": 0, "held": 0})
        self._bytes = 0.0
        self._took = Durations()
        self._compiling = Durations()
        self._performing: dict[str, Durations] = {}

    def read(self) -> list[Metric]:
        """Reads on, and tells. Raises `sqlite3.Error` for a journal that cannot be read; none at all is an empty one."""
        states: dict[str, int] = dict.fromkeys(get_args(State), 0)
        tokens = 0
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._begin()
        else:
            if self._file not in (None, (found.st_dev, found.st_ino)):
                self._begin()  # it was moved away, and another one begun
            self._file = found.st_dev, found.st_ino
            with reading(self._path) as connection:
                for state, number, spent in connection.execute(
                    "SELECT state, count(*), sum(tokens) FROM processes GROUP BY state"
                ):
                    states[state] = number
                    tokens += spent or 0
                while self._page(connection):
                    pass
        return self._told(states, tokens)

    def _page(self, connection: sqlite3.Connection) -> bool:
        """Counts the next records; whether there may be more. Each page is a read of its own, and holds up no checkpoint."""
        rows = connection.execute(_ROWS, (self._last, PAGE_ROWS)).fetchall()
        for number, pid, kind, word, amount, count in rows:
            self._count(pid, kind, word, amount, count)
            self._last = number
        return len(rows) == PAGE_ROWS

    def _count(self, pid: int, kind: str, word: str | None, amount: float | None, number: int | None) -> None:
        if kind == "started":
            self._open.add(pid)
        elif kind == "compiled":
            if word:
                self._compiling.add(amount or 0.0)
        elif kind == "step_started":
            name = (word or "").partition(" ")[0]
            self._calls[pid, number or 0] = name if name in SYSCALLS else "other"
        elif kind == "step_finished":
            name = self._calls.pop((pid, number or 0), "other")
            self._syscalls[name, word or "ok"] += 1
            self._performing.setdefault(name, Durations()).add(amount or 0.0)
        elif kind == "approval_needed":
            self._approvals[word or "effects"] += 1
        elif kind == "changeset":
            self._shown[pid] = amount or 0.0
        elif kind in self._landings:
            self._landings[kind] += 1
            if kind == "committed":
                self._bytes += self._shown.get(pid, 0.0)
        elif kind == "finished" and pid in self._open:  # what is done later with a process is no request
            self._open.remove(pid)
            self._requests[_outcome(number)] += 1
            self._took.add(amount or 0.0)

    def _told(self, states: dict[str, int], tokens: int) -> list[Metric]:
        page = Page()
        for state, number in states.items():
            page.gauge(
                "casava_processes", "Processes of the journal by their present state", number, state=state
            )
        for outcome, number in self._requests.items():
            page.counter(
                "casava_requests_total",
                "Requests that ended, by how (the names of exit codes)",
                number,
                outcome=outcome,
            )
        page.durations(
            "casava_request_duration_seconds",
            "From a request to its end, answers awaited",
            "",
            {"": self._took},
        )
        page.durations(
            "casava_compile_duration_seconds",
            "From a request to its plan, by a model",
            "",
            {"": self._compiling},
        )
        page.counter("casava_model_tokens_total", "Tokens that the kernel model has evaluated", tokens)
        for (call, outcome), number in sorted(self._syscalls.items()):
            page.counter(
                "casava_syscalls_total",
                "Syscalls by name and outcome (ok, or the code of the failure)",
                number,
                syscall=call,
                outcome=outcome,
            )
        page.durations(
            "casava_syscall_duration_seconds", "How long syscalls took", "syscall", self._performing
        )
        for kind, number in self._approvals.items():
            page.counter(
                "casava_approvals_asked_total",
                "Questions whether something may be done, or may land",
                number,
                kind=kind,
            )
        for what, number in self._landings.items():
            page.counter("casava_changesets_total", "Changesets by what became of them", number, outcome=what)
        page.counter("casava_committed_bytes_total", "Contents of files that landed", self._bytes)
        return page.families()


def _outcome(code: int | None) -> str:
    try:
        return ExitCode(code or 0).name.lower()
    except ValueError:
        return "failed"
