"""The journal's chain: each record carries a hash over itself and the hash before it, and the file is read against it.

What is found is found by place: a record that was edited, put elsewhere, or is missing is named by its number, process and
time. The chain proves order and wholeness against accidents, hand edits and programs that do not know it. Whoever may
write the file can also make a whole new chain; against that stands the head, which a person can note elsewhere and give
to `verify(expect=…)`: it must still be in the chain. The idea is that of tamper-evident logs (Schneier & Kelsey 1999).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

SCHEMA = """
ALTER TABLE records ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), begins INTEGER NOT NULL, id INTEGER NOT NULL, hash TEXT NOT NULL);
INSERT INTO head SELECT 1, coalesce(max(id), 0) + 1, coalesce(max(id), 0), '' FROM records;
CREATE TRIGGER records_chain BEFORE INSERT ON records WHEN NEW.hash = ''
    BEGIN SELECT RAISE(ABORT, 'this journal was begun by a newer casava-os'); END;
"""
"""What the chain adds to the journal's file. `head.begins` is the first record under it. A program that knows no chain
cannot add to it."""

FIRST = "new"
"""Kind of a process's first record."""

Fault = Literal["edited", "moved", "missing", "added", "truncated", "process", "head", "damaged"]
"""What is wrong with a place: a record's content; its place; its absence; its presence; the end of the chain; a process's
row that its records contradict; the note of the chain's end; the file itself."""


class Finding(BaseModel):
    """One place where the journal is not what was written."""

    model_config = ConfigDict(frozen=True)

    fault: Fault
    record: int | None = None
    """Number of the record, when one is meant."""
    pid: int | None = None
    at: float | None = None
    """When it was written, seconds since the epoch."""
    message: str
    """A sentence."""


class Verified(BaseModel):
    """What reading the whole journal found."""

    model_config = ConfigDict(frozen=True)

    records: int
    """Under the chain."""
    before: int
    """Older than the chain, so not covered."""
    processes: int
    head: str
    """Hash of the newest record, hexadecimal; empty when there is none."""
    findings: tuple[Finding, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written."""
        return not self.findings


class Row(NamedTuple):
    """A record as the file holds it."""

    id: int
    pid: int
    at: float
    kind: str
    body: str
    hash: str


def link(previous: str, row_id: int, pid: int, at: float, kind: str, body: str) -> str:
    """sha256 of a record and of the hash before it, hexadecimal."""
    text = json.dumps([previous, row_id, pid, at, kind, body], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def begun(created: float, request: str, workspace: str) -> str:
    """The body of a process's first record: it binds the process's row to the chain."""
    digest = hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()
    return json.dumps({"created": created, "request_sha256": digest, "workspace": workspace})


def append(sql: sqlite3.Connection, pid: int, at: float, kind: str, body: str) -> None:
    """Writes a record at the chain's end, within the caller's transaction.

    It goes on after records that nobody should have added (`verify` names them); without the note of the chain's end it
    raises `sqlite3.DatabaseError`.
    """
    noted = sql.execute(
        "SELECT max(id, coalesce((SELECT max(id) FROM records), 0)), hash FROM head"
    ).fetchone()
    if noted is None:
        raise sqlite3.DatabaseError("the note of the chain's end is missing")
    number, previous = noted[0] + 1, noted[1]
    made = link(previous, number, pid, at, kind, body)
    sql.execute(
        "INSERT INTO records (id, pid, at, kind, body, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (number, pid, at, kind, body, made),
    )
    sql.execute("UPDATE head SET id = ?, hash = ?", (number, made))


def verify(path: Path, expect: str = "") -> Verified:
    """Reads the whole journal in one snapshot and compares. Raises `sqlite3.Error` when it cannot be opened at all.

    `expect` is a head that was noted earlier: it must be the hash of some record.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("BEGIN")
        torn = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        if torn:
            findings = tuple(Finding(fault="damaged", message=f"SQLite says: {line}") for line in torn)
            return Verified(records=0, before=0, processes=0, head="", findings=findings)
        return _verify(connection, expect)
    finally:
        connection.close()


@dataclass(slots=True)
class _Reading:
    """The chain as far as it was read."""

    number: int
    """Of the record that comes next."""
    grounds: tuple[str, ...] = ("",)
    """Hashes that the next record may stand on: the last record's own, and the one that it should have had. None after
    a gap: what stands there cannot be checked."""
    findings: list[Finding] = field(default_factory=list)
    wrong: list[tuple[Row, tuple[str, ...]]] = field(default_factory=list)
    """Records that do not fit where they stand, with the grounds of their place."""
    gaps: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    states: dict[int, str] = field(default_factory=dict)
    """Of each process, the last one recorded."""
    first: dict[int, str] = field(default_factory=dict)
    """Body of each process's first record."""

    def take(self, row: Row) -> None:
        """Reads one record."""
        if row.id != self.number:
            self.gaps += [
                (number, self.grounds) for number in range(self.number, min(row.id, self.number + _NAMED))
            ]
            self.findings.append(_gap(self.number, row))
            self.grounds = ()
        typed = _typed(row)
        fits = [link(ground, *row[:5]) for ground in self.grounds] if typed else []
        if typed and (not self.grounds or row.hash in fits):
            self._note(row)
        else:
            self.wrong.append((row, self.grounds))
        self.number = row.id + 1
        self.grounds = tuple(dict.fromkeys([str(row.hash), *fits[:1]]))

    def _note(self, row: Row) -> None:
        if row.kind == FIRST:
            self.first[row.pid] = row.body
            self.states[row.pid] = "new"
        elif row.kind == "state":
            with contextlib.suppress(ValueError, TypeError, KeyError):
                self.states[row.pid] = str(json.loads(row.body)["to"])

    def misfits(self) -> Iterator[Finding]:
        """What is to be said of the records that do not fit: edited, or those of another place."""
        hashes = [str(row.hash) for row, _ in self.wrong]
        places = [*self.gaps, *((row.id, grounds) for row, grounds in self.wrong)][:_NAMED]
        for row, _ in self.wrong:
            came = next(
                (
                    number
                    for number, grounds in places
                    if number != row.id
                    and _typed(row)
                    and any(link(ground, number, *row[1:5]) == row.hash for ground in (*grounds, *hashes))
                ),
                None,
            )
            if came is None:
                yield _finding("edited", row, f"record {row.id} is not what was written")
            else:
                yield _finding("moved", row, f"record {row.id} was written as record {came}")


_NAMED = 100
"""Places at most that are searched for where a record came from."""


def _verify(sql: sqlite3.Connection, expect: str) -> Verified:
    noted = sql.execute("SELECT begins, id, hash FROM head").fetchall()
    begins, last, head = noted[0] if len(noted) == 1 else (1, None, None)
    reading = _Reading(begins)
    count, expected, newest = 0, not expect, ""
    for values in sql.execute(
        "SELECT id, pid, at, kind, body, hash FROM records WHERE id >= ? ORDER BY id", (begins,)
    ):
        row = Row(*values)
        reading.take(row)
        count, newest = count + 1, str(row.hash)
        expected = expected or newest == expect
    findings = [*reading.findings, *reading.misfits(), *_end(reading.number - 1, newest, last, head)]
    if not expected:
        findings.append(Finding(fault="head", message=f"no record has the hash {expect}"))
    rows = sql.execute(
        "SELECT pid, created, request, workspace, state FROM processes ORDER BY pid"
    ).fetchall()
    if not findings:
        findings += _processes(rows, reading)
    before = sql.execute("SELECT count(*) FROM records WHERE id < ?", (begins,)).fetchone()[0]
    return Verified(records=count, before=before, processes=len(rows), head=newest, findings=tuple(findings))


def _typed(row: tuple[object, ...]) -> bool:
    """Whether the file holds what its columns say: SQLite lets anything stand anywhere."""
    types = (int, int, float, str, str, str)
    return all(isinstance(value, wanted) for value, wanted in zip(row, types, strict=True))


def _finding(fault: Fault, row: Row, message: str) -> Finding:
    known = _typed(row)
    at, pid = (row.at, row.pid) if known else (None, None)
    return Finding(fault=fault, record=row.id, pid=pid, at=at, message=message)


def _gap(number: int, row: Row) -> Finding:
    if row.id < number:
        return _finding("added", row, f"record {row.id} stands before the chain's beginning")
    which = f"record {number} is" if row.id == number + 1 else f"records {number} to {row.id - 1} are"
    return Finding(fault="missing", record=number, message=f"{which} missing")


def _end(last: int, newest: str, noted: int | None, head: str | None) -> Iterator[Finding]:
    """Whether the chain ends where the note says."""
    if noted is None:
        yield Finding(fault="head", message="the note of the chain's end is missing")
    elif last < noted:
        which = f"record {noted} is" if noted == last + 1 else f"records {last + 1} to {noted} are"
        yield Finding(fault="truncated", record=last + 1, message=f"{which} missing at the end")
    elif last > noted:
        which = f"record {last} was" if last == noted + 1 else f"records {noted + 1} to {last} were"
        yield Finding(fault="added", record=noted + 1, message=f"{which} not written by casava-os")
    elif head != newest and noted:
        yield Finding(
            fault="head", record=noted, message="the note of the chain's end is not the last record's hash"
        )


def _processes(rows: list[tuple[int, float, str, str, str]], reading: _Reading) -> Iterator[Finding]:
    """Where a process's row says something else than its records. Rows older than the chain have none."""
    oldest = min(reading.first, default=0)
    there = set()
    for pid, created, request, workspace, state in rows:
        there.add(pid)
        body = reading.first.get(pid)
        if body is None:
            if oldest and pid > oldest:
                yield Finding(fault="process", pid=pid, message=f"process {pid} was not begun by casava-os")
        elif body != begun(created, request, workspace):
            what = f"the request, workspace or time of process {pid} is not what was recorded"
            yield Finding(fault="process", pid=pid, at=created, message=what)
        elif reading.states[pid] != state:
            what = f"process {pid} is {state} in the list and {reading.states[pid]} in its records"
            yield Finding(fault="process", pid=pid, at=created, message=what)
    for pid in sorted(reading.first.keys() - there):
        yield Finding(fault="process", pid=pid, message=f"process {pid} is missing from the list")
