"""The ledger's tables, and how an entry stands in them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Sequence

from casava_os.memory.ports import Collection, Entry, Filter

VERSION = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE entries (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, collection TEXT NOT NULL, text TEXT NOT NULL,
    workspace TEXT NOT NULL, time REAL NOT NULL, pid INTEGER NOT NULL, provenance TEXT NOT NULL, source TEXT NOT NULL,
    tainted INTEGER NOT NULL, payload TEXT NOT NULL, key TEXT NOT NULL DEFAULT '');
CREATE INDEX entries_by_time ON entries(collection, time);
CREATE INDEX entries_by_pid ON entries(pid);
CREATE INDEX entries_by_key ON entries(key) WHERE key != '';
CREATE TABLE vectors (n INTEGER PRIMARY KEY, digest TEXT NOT NULL, vector BLOB NOT NULL, epoch INTEGER NOT NULL);
CREATE INDEX vectors_by_epoch ON vectors(digest, epoch);
CREATE VIRTUAL TABLE words USING fts5(text, content='entries', content_rowid='n', tokenize='porter unicode61');
CREATE TRIGGER entries_in AFTER INSERT ON entries BEGIN
    INSERT INTO words(rowid, text) VALUES (NEW.n, NEW.text); END;
CREATE TRIGGER entries_out AFTER DELETE ON entries BEGIN
    INSERT INTO words(words, rowid, text) VALUES ('delete', OLD.n, OLD.text);
    DELETE FROM vectors WHERE n = OLD.n; END;
CREATE TRIGGER entries_on AFTER UPDATE OF text ON entries WHEN OLD.text != NEW.text BEGIN
    INSERT INTO words(words, rowid, text) VALUES ('delete', OLD.n, OLD.text);
    INSERT INTO words(rowid, text) VALUES (NEW.n, NEW.text);
    DELETE FROM vectors WHERE n = OLD.n; END;
"""
"""`vectors.epoch`: the index (its number in `meta.epoch`) that holds this vector; 0 for none."""

COLUMNS = (
    "e.id, e.collection, e.text, e.workspace, e.time, e.pid, e.provenance, e.source, e.tainted, e.payload"
)
PUT = (
    "INSERT INTO entries (id, collection, text, workspace, time, pid, provenance, source, tainted, payload, key)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET text = excluded.text,"
    " workspace = excluded.workspace, time = excluded.time, provenance = excluded.provenance,"
    " source = excluded.source, tainted = excluded.tainted, payload = excluded.payload, key = excluded.key"
)
NOTE = "INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
STAMP = "file:"
"""Before the path of a file that was read for its passages, in the keys of notes."""


def document_id(path: str, number: int) -> str:
    """The id of a passage of a file, from 1."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
    return f"d{digest[:16]}.{number}"


def make(connection: sqlite3.Connection) -> None:
    """Makes the tables in a new file. A file of another version is no ledger: it is made again from the journal."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                statement = ""
                for line in SCHEMA.splitlines(keepends=True):
                    statement += line
                    if sqlite3.complete_statement(statement):
                        connection.execute(statement)
                        statement = ""
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        version = VERSION
    if version != VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, and this program writes {VERSION}")
    connection.execute("SELECT n FROM entries LIMIT 1").fetchone()
    connection.execute("SELECT rowid FROM words LIMIT 1").fetchone()


def where_of(wanted: Filter) -> tuple[str, tuple[object, ...]]:
    """A filter as a condition on entries named `e`, with its values."""
    parts = [f"e.collection IN ({', '.join('?' * len(wanted.collections))})"]
    values: list[object] = list(wanted.collections)
    if wanted.workspace is not None:
        parts.append("e.workspace = ?")
        values.append(wanted.workspace)
    if wanted.since is not None:
        parts.append("e.time >= ?")
        values.append(wanted.since)
    if wanted.until is not None:
        parts.append("e.time < ?")
        values.append(wanted.until)
    if wanted.trusted:
        parts.append("e.tainted = 0 AND e.provenance IN ('person', 'kernel')")
    return " AND ".join(parts), tuple(values)


def passages_of(path: str) -> tuple[str, str]:
    """The first possible id of a passage of a file, and the first after all of them."""
    before = document_id(path, 0)[:-1]
    return before, f"{before[:-1]}/"  # the character after the full stop


def row_of(entry: Entry) -> tuple[object, ...]:
    """The values of `PUT`."""
    return (
        entry.id,
        entry.collection,
        entry.text,
        entry.workspace,
        entry.time,
        entry.pid,
        entry.provenance,
        entry.source,
        int(entry.tainted),
        json.dumps(dict(entry.payload), sort_keys=True, ensure_ascii=False),
        str(entry.payload.get("key", "")),
    )


def floats_of(blob: object) -> tuple[float, ...]:
    """A vector from its bytes."""
    assert isinstance(blob, bytes)
    return struct.unpack(f"<{len(blob) // 4}f", blob)


def entry_of(row: Sequence[object]) -> Entry:
    """An entry from its `COLUMNS`."""
    one, collection, text, workspace, time, pid, provenance, source, tainted, payload = row
    collections: dict[str, Collection] = {
        "episodes": "episodes",
        "facts": "facts",
        "plans": "plans",
        "documents": "documents",
    }
    return Entry(
        id=str(one),
        collection=collections[str(collection)],
        text=str(text),
        workspace=str(workspace),
        time=float(str(time)),
        pid=int(str(pid)),
        provenance=str(provenance),  # type: ignore[arg-type]  # written by `put` alone
        source=str(source),
        tainted=bool(tainted),
        payload=json.loads(str(payload)),
    )
