"""The ledger: every entry of memory in one SQLite file, the truth that all else of memory is made from.

Any number of `casava-os` write at once: an entry is one short transaction in WAL mode, so a killed program loses at most
the entry it was writing. Chroma's index (`vectors`) is made from here by whoever needs it. Text is searched by FTS5;
vectors are kept, too, so that an index can be made again without embedding. What is forgotten is overwritten, merged out of
the word index, and vacuumed away.
"""

from __future__ import annotations

import os
import re
import sqlite3
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from casava_os.memory.faults import MemoryFaultError, fault
from casava_os.memory.ports import EVERYTHING, Candidate, Collection, Entry, Filter
from casava_os.memory.tables import (
    COLUMNS,
    NOTE,
    PUT,
    STAMP,
    entry_of,
    floats_of,
    make,
    passages_of,
    row_of,
    where_of,
)
from casava_os.paths import private_dir

BUSY_SECONDS = 20.0
"""How long a write waits for another `casava-os`."""

MATCHES = 2_000
"""Entries that a search by words ranks at most, if one word alone does not match more: ranking is what takes its time, and
a word that so many have tells nothing. Counting what a word matches takes a twentieth of ranking it."""

CACHE_KIB = 16 * 1024
"""Of pages kept in memory: as much as searches of a large ledger come back to."""

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Ledger:
    """The open file, for any thread: they take turns. Every method raises `MemoryFaultError`."""

    path: Path
    _connection: sqlite3.Connection
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Opens or makes the file (0600). Raises `MemoryFaultError`; `damaged` for one that is no ledger of this version."""
        try:
            private_dir(path.parent)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as problem:
            raise fault(path, problem) from problem
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            make(connection)
        except sqlite3.Error as problem:
            connection.close()
            raise fault(path, problem) from problem
        return cls(path, connection)

    def close(self) -> None:
        """Safe to call twice."""
        with self._turn:
            self._connection.close()

    # ------------------------------------------------------------------------------------------ writing

    def put(self, entries: Iterable[Entry]) -> None:
        """Keeps entries, all or none. One that is there already (by id) becomes the new one."""
        with self._transaction() as sql:
            for entry in entries:
                sql.execute(PUT, row_of(entry))

    def drop(self, ids: Sequence[str]) -> int:
        """Removes entries; how many were there. Their bytes may be in the file until `scrub`."""
        removed = 0
        with self._transaction() as sql:
            for one in ids:
                removed += sql.execute("DELETE FROM entries WHERE id = ?", (one,)).rowcount
        return removed

    def put_document(self, path: str, entries: Sequence[Entry], stamp: str) -> list[str]:
        """Keeps exactly these passages of a file, and the stamp it had, all or none; ids of passages that it has no more."""
        first, after = passages_of(path)
        here = {entry.id for entry in entries}
        with self._transaction() as sql:
            rows = sql.execute("SELECT id FROM entries WHERE id >= ? AND id < ?", (first, after)).fetchall()
            gone = [str(row[0]) for row in rows if row[0] not in here]
            sql.executemany("DELETE FROM entries WHERE id = ?", [(one,) for one in gone])
            for entry in entries:
                sql.execute(PUT, row_of(entry))
            sql.execute(NOTE, (STAMP + path, stamp))
        return gone

    def drop_documents(self, paths: Iterable[str]) -> list[str]:
        """Removes the passages of these files, and that they were read; ids of what was there."""
        gone: list[str] = []
        with self._transaction() as sql:
            for path in paths:
                first, after = passages_of(path)
                rows = sql.execute(
                    "DELETE FROM entries WHERE id >= ? AND id < ? RETURNING id", (first, after)
                ).fetchall()
                gone += [str(row[0]) for row in rows]
                sql.execute("DELETE FROM meta WHERE key = ?", (STAMP + path,))
        return gone

    def stamps(self, folder: str) -> dict[str, str]:
        """The files of a folder, and of those in it, that were read, each with the stamp it had then."""
        first = f"{STAMP}{folder.rstrip('/')}/"
        rows = self._rows("SELECT key, value FROM meta WHERE key >= ? AND key < ?", (first, first[:-1] + "0"))
        return {str(key)[len(STAMP) :]: str(value) for key, value in rows}

    def scrub(self) -> None:
        """Leaves no byte of what was removed: not in the file, not in the word index, not in the write-ahead log."""
        with self._guard():
            self._connection.execute("INSERT INTO words(words) VALUES ('optimize')")
            self._connection.execute("VACUUM")
            for _ in range(200):  # a reader elsewhere holds the log back for a moment
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                if not busy:
                    return
                threading.Event().wait(0.05)
            raise fault(self.path, sqlite3.OperationalError("the write-ahead log is locked"))

    # ------------------------------------------------------------------------------------------ reading

    def count(self, wanted: Filter = EVERYTHING) -> int:
        where, values = where_of(wanted)
        return int(str(self._rows(f"SELECT count(*) FROM entries e WHERE {where}", values)[0][0]))  # noqa: S608 - own words

    def get(self, ids: Iterable[str]) -> list[Entry]:
        """Those that are there, in the order of the ids."""
        wanted = list(ids)
        found: dict[str, Entry] = {}
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            marks = ", ".join("?" * len(some))
            query = f"SELECT {COLUMNS} FROM entries e WHERE e.id IN ({marks})"  # noqa: S608 - own columns
            found |= {str(row[0]): entry_of(row) for row in self._rows(query, tuple(some))}
        return [found[one] for one in dict.fromkeys(wanted) if one in found]

    def filled(self, collections: Iterable[Collection]) -> list[Collection]:
        """Those that have an entry."""
        query = "SELECT 1 FROM entries WHERE collection = ? LIMIT 1"
        return [one for one in collections if self._rows(query, (one,))]

    def of_key(self, key: str) -> list[Entry]:
        """Proven plans under a key (`cache`), the newest first."""
        query = f"SELECT {COLUMNS} FROM entries e WHERE e.key = ? AND e.key != '' ORDER BY e.time DESC, e.n DESC LIMIT 8"  # noqa: S608
        return [entry_of(row) for row in self._rows(query, (key,))]

    def of_pid(self, pid: int) -> list[Entry]:
        """What comes from a process."""
        query = f"SELECT {COLUMNS} FROM entries e WHERE e.pid = ? ORDER BY e.n"  # noqa: S608 - own columns
        return [entry_of(row) for row in self._rows(query, (pid,))]

    def pids(self) -> frozenset[int]:
        """The processes that something comes from."""
        return frozenset(
            int(str(row[0])) for row in self._rows("SELECT DISTINCT pid FROM entries WHERE pid > 0", ())
        )

    def entries(self, wanted: Filter = EVERYTHING, *, limit: int | None = None) -> Iterator[Entry]:
        """All that are meant, the newest first."""
        where, values = where_of(wanted)
        query = f"SELECT {COLUMNS} FROM entries e WHERE {where} ORDER BY e.time DESC, e.n DESC LIMIT ?"  # noqa: S608
        for row in self._rows(query, (*values, -1 if limit is None else limit)):
            yield entry_of(row)

    def texts(self, wanted: Filter = EVERYTHING) -> Iterator[tuple[str, str]]:
        """(id, text) of all that are meant, the newest first."""
        where, values = where_of(wanted)
        query = f"SELECT e.id, e.text FROM entries e WHERE {where} ORDER BY e.time DESC, e.n DESC"  # noqa: S608
        for row in self._rows(query, values):
            yield str(row[0]), str(row[1])

    def lexical(
        self, words: Sequence[str], wanted: Filter = EVERYTHING, *, limit: int = 50
    ) -> list[Candidate]:
        """Entries that have any of the words, by BM25, the best first."""
        tokens = dict.fromkeys(token for word in words for token in _WORD.findall(word))
        if not tokens:
            return []
        match = " OR ".join(f'"{token}"' for token in self._telling(list(tokens)[:64]))
        if not match:
            return []
        # Ranked by the word index alone, then read from the best on: to join every match to its entry takes twice as long.
        # The first of them are mostly enough; where the filter leaves too few, all are looked at.
        found: list[Candidate] = []
        for most in (2 * limit, -1):
            ranked = self._rows(
                "SELECT rowid, bm25(words) AS score FROM words WHERE words MATCH ? ORDER BY score LIMIT ?",
                (match, most),
            )
            found.clear()
            for start in range(0, len(ranked), 500):
                scores = {int(str(n)): -float(str(score)) for n, score in ranked[start : start + 500]}
                rows = self._numbered(scores, wanted)
                meant = [(rows[n], score) for n, score in scores.items() if n in rows]
                found += [Candidate(entry_of(row), score) for row, score in meant[: limit - len(found)]]
                if len(found) == limit:
                    return found
            if len(ranked) != most:
                break
        return found

    def _numbered(self, numbers: Mapping[int, float], wanted: Filter) -> dict[int, tuple[object, ...]]:
        """Those of the entries of these numbers that are meant."""
        where, values = where_of(wanted)
        marks = ", ".join("?" * len(numbers))
        query = f"SELECT e.n, {COLUMNS} FROM entries e NOT INDEXED WHERE e.n IN ({marks}) AND {where}"  # noqa: S608 - own columns
        return {int(str(row[0])): row[1:] for row in self._rows(query, (*numbers, *values))}

    def _telling(self, tokens: Iterable[str]) -> list[str]:
        """The rarest of these words that occur at all, as many as together match `MATCHES` entries; one in any case."""
        tokens = list(tokens)
        capped = f"SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT {MATCHES + 1})"  # noqa: S608 - a number
        counted = sorted((self._matches(capped, token), token) for token in tokens)
        if (
            counted and counted[0][0] > MATCHES
        ):  # all are frequent: which the least, only the whole counts tell
            whole = "SELECT count(*) FROM words WHERE words MATCH ?"
            counted = sorted((self._matches(whole, token), token) for token in tokens)
        found: list[str] = []
        total = 0
        for count, token in counted:
            if found and total + count > MATCHES:
                break
            if count:
                found.append(token)
                total += count
        return found

    def _matches(self, query: str, token: str) -> int:
        return int(str(self._rows(query, (f'"{token}"',))[0][0]))

    # ------------------------------------------------------------------------------------------ vectors

    def epoch(self) -> int:
        """The number of the index in use."""
        return int(self.meta("epoch") or 1)

    def meta(self, key: str) -> str:
        """A note about the ledger; empty when there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else ""

    def note(self, key: str, value: str) -> None:
        """Makes a note about the ledger."""
        with self._transaction() as sql:
            sql.execute(NOTE, (key, value))

    def version(self) -> tuple[int, int]:
        """Another one after every write, by whichever program. Costs nothing."""
        with self._guard():
            others = self._connection.execute("PRAGMA data_version").fetchone()[0]
            return int(others), self._connection.total_changes

    def unembedded(self, digest: str, limit: int, wanted: Filter = EVERYTHING) -> list[tuple[int, str]]:
        """(number, text) of entries without a vector of this embedder, the newest first."""
        where, values = where_of(wanted)
        rows = self._rows(
            "SELECT e.n, e.text FROM entries e LEFT JOIN vectors v ON v.n = e.n AND v.digest = ?"  # noqa: S608 - own words
            f" WHERE v.n IS NULL AND {where} ORDER BY e.n DESC LIMIT ?",
            (digest, *values, limit),
        )
        return [(int(str(row[0])), str(row[1])) for row in rows]

    def vectors(self, digest: str, wanted: Filter, limit: int) -> list[tuple[str, bytes]]:
        """(id, vector as floats of 4 bytes) of entries that have one of this embedder, the newest first."""
        where, values = where_of(wanted)
        query = (
            "SELECT e.id, v.vector FROM entries e JOIN vectors v ON v.n = e.n AND v.digest = ?"  # noqa: S608 - own words
            f" WHERE {where} ORDER BY e.time DESC, e.n DESC LIMIT ?"
        )
        rows = self._rows(query, (digest, *values, limit))
        return [(str(one), vector) for one, vector in rows if isinstance(vector, bytes)]

    def count_unembedded(self, digest: str) -> int:
        """How many entries have no vector of this embedder."""
        query = "SELECT count(*) FROM entries e LEFT JOIN vectors v ON v.n = e.n AND v.digest = ? WHERE v.n IS NULL"
        return int(str(self._rows(query, (digest,))[0][0]))

    def put_vectors(self, digest: str, vectors: Iterable[tuple[int, Sequence[float]]]) -> None:
        """Keeps vectors of entries that are still there."""
        with self._transaction() as sql:
            for number, vector in vectors:
                sql.execute(
                    "INSERT INTO vectors SELECT ?, ?, ?, 0 WHERE EXISTS (SELECT 1 FROM entries WHERE n = ?)"
                    " ON CONFLICT(n) DO UPDATE SET digest = excluded.digest, vector = excluded.vector, epoch = 0",
                    (number, digest, struct.pack(f"<{len(vector)}f", *vector), number),
                )

    def unindexed(self, digest: str, epoch: int, limit: int) -> list[tuple[int, Entry, tuple[float, ...]]]:
        """(number, entry, vector) of what the index of this number does not hold yet."""
        rows = self._rows(
            f"SELECT e.n, v.vector, {COLUMNS} FROM vectors v JOIN entries e ON e.n = v.n"  # noqa: S608 - own columns
            " WHERE v.digest = ? AND v.epoch != ? ORDER BY v.n LIMIT ?",
            (digest, epoch, limit),
        )
        return [(int(str(row[0])), entry_of(row[2:]), floats_of(row[1])) for row in rows]

    def indexed(self, numbers: Iterable[int], epoch: int) -> None:
        """The index of this number holds these now."""
        with self._transaction() as sql:
            sql.executemany(
                "UPDATE vectors SET epoch = ? WHERE n = ?", [(epoch, number) for number in numbers]
            )

    # ------------------------------------------------------------------------------------------ edges

    def whole(self) -> bool:
        """Whether every page of the file and the word index is what was written. Reads all of it."""
        try:
            found = self._rows("PRAGMA quick_check(1)", ())[0][0]
            with self._guard():
                self._connection.execute("INSERT INTO words(words, rank) VALUES ('integrity-check', 0)")
        except MemoryFaultError:
            return False
        return bool(found == "ok")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guard():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        with self._guard():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        with self._turn:
            try:
                yield
            except sqlite3.Error as problem:
                raise fault(self.path, problem) from problem
