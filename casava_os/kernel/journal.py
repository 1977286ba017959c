"""The journal: what was asked, planned, allowed, done and landed, in one SQLite file, append-only.

`records` only grows (triggers refuse to change or remove a row) and is a chain of hashes (`chain`); `processes` has a row for
each pid with its present state, so that two commands cannot land the same changeset. Several `casava-os` may write at once: WAL
mode and a busy timeout. Through it they also reach each other: a wish about a process stands in its row until its owner looks
(`control`). Failures of the file itself (corrupt, disk full, no permission) raise `JournalError`, which carries an `Err`: the
kernel turns it into that value at its edge, because a record that cannot be written must stop the walk anywhere.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from casava_os.kernel import chain
from casava_os.kernel.events import BaseEvent, ChangesetMade, Finished, Output, Progress, StepFinished
from casava_os.kernel.owners import born
from casava_os.kernel.ports import Priority
from casava_syscalls.results import Err, Ok, Result

T = TypeVar("T")

State = Literal[
    "new",
    "compiling",
    "waiting",  # for an approval
    "running",
    "committing",
    "held",
    "done",
    "committed",
    "undone",
    "discarded",
    "failed",
    "cancelled",
]
"""Where a process is. A failing, denied or refused one ends as `failed`; a question or a read-only plan as `done`."""

Wish = Literal["", "hold", "kill"]
"""What somebody wants done with a process that runs. Its owner does it."""

_LASTING: frozenset[State] = frozenset({"committing", "committed", "undone", "held", "discarded"})
"""States that must outlive a power cut: the workspace changes with them, or somebody's work waits in them."""

BUSY_SECONDS = 10.0
"""How long a write waits for another `casava-os`."""

VALUE_CHARS = 16_384
"""Longest value or diff text that is recorded whole; of a longer one, this much of its beginning is."""
DIFF_CHARS = 262_144

_SCHEMA = (
    """
CREATE TABLE processes (
    pid INTEGER PRIMARY KEY AUTOINCREMENT, created REAL NOT NULL, request TEXT NOT NULL, workspace TEXT NOT NULL,
    state TEXT NOT NULL, owner INTEGER NOT NULL, exit_code INTEGER);
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL REFERENCES processes(pid), at REAL NOT NULL,
    kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX records_of_process ON records(pid, id);
CREATE TRIGGER records_stay BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER records_remain BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
""",
    """
ALTER TABLE processes ADD COLUMN born TEXT NOT NULL DEFAULT '';
ALTER TABLE processes ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
ALTER TABLE processes ADD COLUMN wish TEXT NOT NULL DEFAULT '';
ALTER TABLE processes ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
CREATE INDEX processes_by_state ON processes(state, pid);
""",
    chain.SCHEMA,
    """
ALTER TABLE processes ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
UPDATE processes SET session = pid;
CREATE INDEX processes_by_session ON processes(session, pid);
""",
)
"""What makes each version of the file out of the one before. A program from before the chain reads a newer file and cannot
write to it."""


class JournalError(Exception):
    """The journal's file cannot be read or written; `err` says what to do."""

    def __init__(self, err: Err) -> None:
        super().__init__(str(err))
        self.err = err


class ProcessRow(BaseModel):
    """A process as `casava-os ps` and `log` list it. Times in seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float
    request: str
    workspace: str
    state: State
    owner: int
    """The operating system's pid of the `casava-os` that runs or ran it."""
    exit_code: int | None = None
    born: str = ""
    """When that `casava-os` began (`owners.born`)."""
    priority: Priority = "normal"
    wish: Wish = ""
    tokens: int = 0
    """That the kernel model has evaluated for it."""
    session: int = 0
    """The conversation that it stands in: the number of the first process of it."""


class Record(BaseModel):
    """One line of a process's history: the event's name and its fields."""

    model_config = ConfigDict(frozen=True)

    id: int
    pid: int
    at: float
    kind: str
    body: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Search:
    """Which processes are looked for; every condition must hold. Times in seconds since the epoch."""

    words: tuple[str, ...] = ()
    """Each is in the request or the workspace, in whatever case, or is the state or the number."""
    states: tuple[State, ...] = ()
    since: float | None = None
    until: float | None = None
    """Before this."""
    workspace: str = ""
    """Is in the workspace's path."""


_COLUMNS = "pid, created, request, workspace, state, owner, exit_code, born, priority, wish, tokens, session"


@dataclass(slots=True)
class Journal:
    """An open journal, for any thread: they take turns. Another process may have the same file open."""

    path: Path
    _connection: sqlite3.Connection
    _turn: threading.RLock = field(default_factory=threading.RLock)
    """One connection is one transaction: who begins one while another thread is in its own would join that."""

    @classmethod
    def open(cls, path: Path) -> Result[Journal]:
        """Opens or makes the journal (file 0600). `Err("failed" | "permission")` when its file is unusable."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as problem:
            return _unusable(path, problem)
        try:
            connection.create_function("folded", 1, _folded, deterministic=True)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            _grow(connection)
            connection.execute("SELECT pid, state FROM processes LIMIT 1").fetchone()
        except sqlite3.Error as problem:
            connection.close()
            return _unusable(path, problem)
        return Ok(value=cls(path=path, _connection=connection))

    def close(self) -> None:
        """Safe to call twice."""
        with self._turn:
            self._connection.close()

    # ------------------------------------------------------------------------------------------ writing

    def new(
        self, request: str, workspace: str, priority: Priority = "normal", session: int | None = None
    ) -> int:
        """The pid of a new process; it begins a session of its own unless it joins one."""
        with self._transaction() as sql:
            now = time.time()
            cursor = sql.execute(
                "INSERT INTO processes (created, request, workspace, state, priority, owner, born)"
                " VALUES (?, ?, ?, 'new', ?, ?, ?)",
                (now, request, workspace, priority, os.getpid(), born(os.getpid())),
            )
            pid = int(cursor.lastrowid or 0)
            sql.execute("UPDATE processes SET session = ? WHERE pid = ?", (session or pid, pid))
            _append(sql, pid, chain.FIRST, chain.begun(now, request, workspace))
            return pid

    def record(self, pid: int, kind: str, body: str) -> None:
        """Appends a record; `body` is a JSON object."""
        with self._transaction() as sql:
            _append(sql, pid, kind, body)

    def move(self, pid: int, before: State, after: State, exit_code: int | None = None) -> bool:
        """Changes a process's state if it still is in `before`; False when somebody else changed it."""
        with self._transaction(durable=after in _LASTING) as sql:
            done = sql.execute(
                "UPDATE processes SET state = ?, owner = ?, born = ?, exit_code = coalesce(?, exit_code)"
                " WHERE pid = ? AND state = ?",
                (after, os.getpid(), born(os.getpid()), exit_code, pid, before),
            )
            if done.rowcount != 1:
                return False
            _append(sql, pid, "state", json.dumps({"from": before, "to": after, "exit_code": exit_code}))
            return True

    def wish(self, pid: int, wish: Wish) -> None:
        """Says what somebody wants done with a process. A wish to kill it is not taken back by one to hold it."""
        with self._transaction() as sql:
            sql.execute("UPDATE processes SET wish = ? WHERE pid = ? AND wish != 'kill'", (wish, pid))
            _append(sql, pid, "wish", json.dumps({"wish": wish, "by": os.getpid()}))

    def renice(self, pid: int, priority: Priority) -> None:
        """Gives a process another priority."""
        with self._transaction() as sql:
            sql.execute("UPDATE processes SET priority = ? WHERE pid = ?", (priority, pid))
            _append(sql, pid, "priority", json.dumps({"to": priority, "by": os.getpid()}))

    def spend(self, pid: int, tokens: int) -> None:
        """Adds tokens that the kernel model evaluated for a process."""
        with self._transaction() as sql:
            sql.execute("UPDATE processes SET tokens = tokens + ? WHERE pid = ?", (tokens, pid))

    # ------------------------------------------------------------------------------------------ reading

    def version(self) -> int:
        """Another number whenever another program has written to the journal. Costs a few microseconds."""
        with self._guard():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def processes(self, *, limit: int | None = None, states: tuple[State, ...] = ()) -> list[ProcessRow]:
        """Processes, the newest first."""
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        query = f"SELECT {_COLUMNS} FROM processes {where} ORDER BY pid DESC LIMIT ?"  # noqa: S608 - only marks
        found = self._read(query, (*states, -1 if limit is None else limit))
        return [ProcessRow.model_validate(row) for row in found]

    def found(self, search: Search, *, limit: int, offset: int = 0) -> list[ProcessRow]:
        """A page of the processes that are looked for, the newest first."""
        where, values = _conditions(search)
        query = f"SELECT {_COLUMNS} FROM processes WHERE {where} ORDER BY pid DESC LIMIT ? OFFSET ?"  # noqa: S608 - own words
        return [ProcessRow.model_validate(row) for row in self._read(query, (*values, limit, offset))]

    def count(self, search: Search, *, newer_than: int = 0) -> int:
        """How many processes are looked for; of those with a higher number than `newer_than`."""
        where, values = _conditions(search)
        query = f"SELECT count(*) AS n FROM processes WHERE {where} AND pid > ?"  # noqa: S608 - own words
        return int(str(self._read(query, (*values, newer_than))[0]["n"]))

    def mark(self) -> int:
        """Grows with everything that is recorded, by whichever program. Costs a few microseconds."""
        return int(str(self._read("SELECT coalesce(max(id), 0) AS n FROM records", ())[0]["n"]))

    def process(self, pid: int) -> Result[ProcessRow]:
        """One process. `Err("not-found")`."""
        found = self._read(f"SELECT {_COLUMNS} FROM processes WHERE pid = ?", (pid,))  # noqa: S608 - own columns
        if not found:
            return Err(
                code="not-found",
                title=f"There is no process {pid}",
                message="the journal knows none of that number",
                hint="casava-os log lists them",
            )
        return Ok(value=ProcessRow.model_validate(found[0]))

    def records(self, pid: int, kind: str | None = None) -> list[Record]:
        """A process's records, the oldest first."""
        query = "SELECT id, pid, at, kind, body FROM records WHERE pid = ? AND (? IS NULL OR kind = ?) ORDER BY id"
        found = self._read(query, (pid, kind, kind))
        return [Record.model_validate({**row, "body": json.loads(str(row["body"]))}) for row in found]

    def last_committed(self, workspace: str | None = None) -> ProcessRow | None:
        """The process that committed last (in this workspace), of those not undone."""
        return self._last_moved("committed", workspace)

    def last_undone(self, workspace: str | None = None) -> ProcessRow | None:
        """The process whose commit was taken back last (in this workspace), of those not landed again."""
        return self._last_moved("undone", workspace)

    def _last_moved(self, state: State, workspace: str | None) -> ProcessRow | None:
        """The process of this state that went there last. Its move is recorded with it; what it told of it may be missing."""
        found = self._read(
            f"SELECT {', '.join('p.' + name for name in _COLUMNS.split(', '))} FROM processes p"  # noqa: S608 - own columns
            " JOIN records r ON r.pid = p.pid AND r.kind = 'state' AND json_extract(r.body, '$.to') = p.state"
            " WHERE p.state = ? AND (? IS NULL OR workspace = ?) ORDER BY r.id DESC LIMIT 1",
            (state, workspace, workspace),
        )
        return ProcessRow.model_validate(found[0]) if found else None

    def session(
        self, number: int, *, before: int | None = None, limit: int | None = None
    ) -> list[ProcessRow]:
        """The processes of a session, the newest first; those before a process."""
        query = f"SELECT {_COLUMNS} FROM processes WHERE session = ? AND (? IS NULL OR pid < ?) ORDER BY pid DESC LIMIT ?"  # noqa: S608
        found = self._read(query, (number, before, before, -1 if limit is None else limit))
        return [ProcessRow.model_validate(row) for row in found]

    def sessions(self, workspace: str | None = None, *, limit: int = 20) -> list[tuple[ProcessRow, int]]:
        """The last process of each session (in this workspace) with how many it has, the latest first."""
        names = ", ".join("p." + name for name in _COLUMNS.split(", "))
        query = (
            f"SELECT {names}, s.n AS n FROM processes p JOIN"  # noqa: S608 - own columns
            " (SELECT max(pid) AS pid, count(*) AS n FROM processes WHERE ? IS NULL OR workspace = ? GROUP BY session) s"
            " ON s.pid = p.pid ORDER BY p.pid DESC LIMIT ?"
        )
        found = self._read(query, (workspace, workspace, limit))
        return [
            (ProcessRow.model_validate({k: v for k, v in row.items() if k != "n"}), int(str(row["n"])))
            for row in found
        ]

    def last(self, pid: int, kind: str) -> Record | None:
        """The newest record of a kind."""
        found = self.records(pid, kind)
        return found[-1] if found else None

    # ------------------------------------------------------------------------------------------ edges

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing; `durable`: with all that was written before, on the disk when it returns."""
        with self._guard():
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                _roll_back(self._connection)
                raise

    def _read(self, query: str, values: tuple[object, ...]) -> list[dict[str, object]]:
        with self._guard():
            cursor = self._connection.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def _guard(self) -> Iterator[None]:
        with self._turn:
            try:
                yield
            except sqlite3.Error as problem:
                raise JournalError(_unusable(self.path, problem)) from problem


def _grow(connection: sqlite3.Connection) -> None:
    """Brings the file to the version that this program writes. Two programs may try at once."""
    if connection.execute("PRAGMA user_version").fetchone()[0] >= len(_SCHEMA):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, statements in enumerate(_SCHEMA[version:], version + 1):
            for statement in _statements(statements):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    """Ends a transaction that failed, where SQLite has not done so itself: it does when the disk is full."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit what came before."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _conditions(search: Search) -> tuple[str, tuple[object, ...]]:
    """A search as SQL, and the values of its marks."""
    parts, values = ["1"], list[object]()
    for word in search.words:
        parts.append(
            "(folded(request) LIKE ? ESCAPE '!' OR folded(workspace) LIKE ? ESCAPE '!' OR state = ? OR pid = ?)"
        )
        values += [
            _like(word),
            _like(word),
            word.lower(),
            int(word) if word.isdecimal() and len(word) < 16 else -1,
        ]
    if search.states:
        parts.append(f"state IN ({', '.join('?' * len(search.states))})")
        values += search.states
    if search.since is not None:
        parts.append("created >= ?")
        values.append(search.since)
    if search.until is not None:
        parts.append("created < ?")
        values.append(search.until)
    if search.workspace:
        parts.append("folded(workspace) LIKE ? ESCAPE '!'")
        values.append(_like(search.workspace))
    return " AND ".join(parts), tuple(values)


def _like(word: str) -> str:
    """A pattern for what has this word in it."""
    plain = _folded(word).replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{plain}%"


def _folded(text: str) -> str:
    return text.casefold()


def _append(sql: sqlite3.Connection, pid: int, kind: str, body: str) -> None:
    chain.append(sql, pid, time.time(), kind, body)


def _unusable(path: Path, problem: Exception) -> Err:
    """What a person can do about a journal that does not open or take a record."""
    text = str(problem)
    if isinstance(problem, PermissionError) or "readonly" in text:
        return Err(
            code="permission",
            title="The journal cannot be written",
            message=f"{path}: {text}",
            hint="own the file, or set CASAVA_HOME to a directory of your own",
        )
    if "locked" in text:
        return Err(
            code="failed",
            title="The journal is busy",
            message=f"another casava-os held {path} for more than {BUSY_SECONDS:.0f} seconds",
            hint="try again",
        )
    if "full" in text or getattr(problem, "errno", None) == 28:
        return Err(
            code="disk-full", title="The journal cannot be written", message=f"no space is left for {path}"
        )
    return Err(
        code="failed",
        title="The journal is damaged",
        message=f"{path}: {text}",
        hint=f"move it away to begin a new one (mv {path} {path}.damaged); undo reaches back no further then",
    )


def guarded(read: Callable[[], T]) -> Result[T]:
    """The value of reading the journal, or why it cannot be read."""
    try:
        return Ok(value=read())
    except JournalError as problem:
        return problem.err


def journal_body(event: BaseEvent) -> str | None:
    """The JSON text under which an event is recorded, bounded in size; None for one that is not recorded."""
    if isinstance(event, Output | Progress):
        return None  # a program's output is in its step's value
    exclude = {"v", "event", "pid"}
    if isinstance(event, StepFinished) and event.value is not None:
        text = event.value.render()
        if len(text) > VALUE_CHARS:
            kept = {"step": event.step, "seconds": event.seconds, "err": None}
            short = {"kind": event.value.kind, "characters": len(text), "begins": text[:VALUE_CHARS]}
            return json.dumps({**kept, "value": short}, ensure_ascii=False)
    if isinstance(event, ChangesetMade) and len(event.diff) > DIFF_CHARS:
        event = event.model_copy(
            update={"diff": event.diff[:DIFF_CHARS] + "\n… (the rest was not recorded)\n"}
        )
    if isinstance(event, Finished):
        exclude |= {"value"}
    return event.model_dump_json(exclude=exclude)
