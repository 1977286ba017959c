"""The journal's chain: whatever is done to one record or row behind the journal's back is found, and found in its place."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os.kernel.chain import Finding, Verified, verify
from casava_os.kernel.journal import Journal, JournalError
from casava_syscalls.results import Ok

MUTATIONS = 1200
PROCESSES = 12


def written(path: Path, processes: int = PROCESSES) -> list[int]:
    """A journal as a few days make one; the records' numbers."""
    opened = Journal.open(path)
    assert isinstance(opened, Ok)
    journal = opened.value
    for number in range(processes):
        pid = journal.new(f"request {number} ü", f"/work/{number % 3}")
        journal.record(pid, "started", json.dumps({"request": f"request {number}", "workspace": "/work"}))
        journal.record(pid, "compiled", json.dumps({"sha256": f"{number:064x}", "model_digest": "ab" * 32}))
        assert journal.move(pid, "new", "running")
        if number % 2:
            assert journal.move(pid, "running", "committing")
            assert journal.move(pid, "committing", "committed", 0)
        else:
            assert journal.move(pid, "running", "done", 0)
        journal.record(pid, "finished", json.dumps({"exit_code": 0}))
    numbers = [record.id for pid in range(1, processes + 1) for record in journal.records(pid)]
    journal.close()
    return sorted(numbers)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    path = tmp_path_factory.mktemp("chain") / "journal.sqlite"
    numbers = written(path)
    assert numbers == list(range(1, len(numbers) + 1))
    return path, numbers


def hostile(path: Path) -> sqlite3.Connection:
    """A connection of somebody whom no trigger holds up."""
    sql = sqlite3.connect(path)
    sql.execute("PRAGMA synchronous = OFF")
    for name in ("records_stay", "records_remain", "records_chain"):
        sql.execute(f"DROP TRIGGER IF EXISTS {name}")
    return sql


def test_what_was_only_written_is_whole(whole: tuple[Path, list[int]]) -> None:
    path, numbers = whole
    found = verify(path)
    assert found.whole
    assert (found.records, found.processes, found.before) == (len(numbers), PROCESSES, 0)
    assert len(found.head) == 64


def edit(sql: sqlite3.Connection, rng: random.Random, n: int) -> str:
    column, value = rng.choice(
        [
            ("pid", rng.choice([0, 999, "7x", None])),
            ("at", rng.choice([0.0, 1e10, "now"])),
            ("kind", rng.choice(["state2", "", "finished\n"])),
            ("body", rng.choice(["{}", "", '{"request":"rm"}', "not json", b"\x00\xff"])),
            ("hash", rng.choice(["", "0" * 64, "x"])),
        ]
    )
    if value is None:
        column, value = "body", "null"
    sql.execute(f"UPDATE records SET {column} = ? WHERE id = ?", (value, n))
    return "edited"


def one_bit(sql: sqlite3.Connection, rng: random.Random, n: int) -> str:
    body = sql.execute("SELECT body FROM records WHERE id = ?", (n,)).fetchone()[0]
    at = rng.randrange(len(body))
    changed = body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1 :]
    sql.execute("UPDATE records SET body = ? WHERE id = ?", (changed, n))
    return "edited"


def delete(sql: sqlite3.Connection, _rng: random.Random, n: int) -> str:
    last = sql.execute("SELECT max(id) FROM records").fetchone()[0]
    sql.execute("DELETE FROM records WHERE id = ?", (n,))
    return "truncated" if n == last else "missing"


def truncate(sql: sqlite3.Connection, _rng: random.Random, n: int) -> str:
    sql.execute("DELETE FROM records WHERE id >= ?", (n,))
    return "truncated"


def swap(sql: sqlite3.Connection, rng: random.Random, n: int) -> str:
    """The contents of two records change places."""
    last = sql.execute("SELECT max(id) FROM records").fetchone()[0]
    other = rng.choice([m for m in range(1, last + 1) if m != n])
    rows = {
        m: sql.execute("SELECT pid, at, kind, body, hash FROM records WHERE id = ?", (m,)).fetchone()
        for m in (n, other)
    }
    for here, there in ((n, other), (other, n)):
        sql.execute(
            "UPDATE records SET pid = ?, at = ?, kind = ?, body = ?, hash = ? WHERE id = ?",
            (*rows[there], here),
        )
    return "moved"


def move_to_end(sql: sqlite3.Connection, _rng: random.Random, n: int) -> str:
    last = sql.execute("SELECT max(id) FROM records").fetchone()[0]
    sql.execute("UPDATE records SET id = ? WHERE id = ?", (last + 1, n))
    return "missing"


def copy_to_end(sql: sqlite3.Connection, _rng: random.Random, n: int) -> str:
    sql.execute(
        "INSERT INTO records (pid, at, kind, body, hash) SELECT pid, at, kind, body, hash FROM records WHERE id = ?",
        (n,),
    )
    return "added"


DEEDS: tuple[Callable[[sqlite3.Connection, random.Random, int], str], ...] = (
    edit,
    edit,
    one_bit,
    delete,
    truncate,
    swap,
    move_to_end,
    copy_to_end,
)


def near(found: Verified, fault: str, n: int, last: int) -> bool:
    """Whether a finding names the fault and the place: the record itself, or for what was added the one after the end."""
    places = {n, last + 1} if fault == "added" else {n}
    return any(one.fault == fault and one.record in places for one in found.findings)


def test_every_single_mutation_is_found_where_it_is(whole: tuple[Path, list[int]], tmp_path: Path) -> None:
    path, numbers = whole
    rng = random.Random(20260101)
    missed: list[tuple[str, int, tuple[Finding, ...]]] = []
    done = 0
    copy = tmp_path / "journal.sqlite"
    while done < MUTATIONS:
        shutil.copy(path, copy)
        sql = hostile(copy)
        deed, n = rng.choice(DEEDS), rng.choice(numbers)
        before = list(sql.execute("SELECT * FROM records"))
        fault = deed(sql, rng, n)
        changed = before != list(sql.execute("SELECT * FROM records"))
        sql.commit()
        sql.close()
        if not changed:
            continue
        done += 1
        found = verify(copy)
        if not near(found, fault, n, numbers[-1]):
            missed.append((f"{deed.__name__} {fault}", n, found.findings))
    assert not missed, missed[:5]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE processes SET request = 'delete everything' WHERE pid = 7",
        "UPDATE processes SET workspace = '/' WHERE pid = 7",
        "UPDATE processes SET state = 'undone' WHERE pid = 7",
        "UPDATE processes SET created = 5 WHERE pid = 7",
        "DELETE FROM processes WHERE pid = 7",
    ],
)
def test_a_process_must_be_what_its_records_say(
    whole: tuple[Path, list[int]], tmp_path: Path, change: str
) -> None:
    copy = tmp_path / "journal.sqlite"
    shutil.copy(whole[0], copy)
    sql = hostile(copy)
    sql.execute(change)
    sql.commit()
    sql.close()
    assert [(one.fault, one.pid) for one in verify(copy).findings] == [("process", 7)]


def test_the_note_of_the_end_is_part_of_it(whole: tuple[Path, list[int]], tmp_path: Path) -> None:
    for change in ("DELETE FROM head", "UPDATE head SET hash = 'x'", "UPDATE head SET id = id + 1"):
        copy = tmp_path / "journal.sqlite"
        shutil.copy(whole[0], copy)
        sql = hostile(copy)
        sql.execute(change)
        sql.commit()
        sql.close()
        assert not verify(copy).whole, change


def test_a_chain_made_anew_does_not_hold_a_head_that_was_noted(tmp_path: Path) -> None:
    true, false = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    written(true, 3)
    written(false, 3)
    noted = verify(true).head
    assert verify(true, noted).whole
    assert [one.fault for one in verify(false, noted).findings] == ["head"]
    opened = Journal.open(true)
    assert isinstance(opened, Ok)
    opened.value.new("later", "/work")
    opened.value.close()
    assert verify(true, noted).whole


def test_a_journal_goes_on_after_what_was_added_and_not_without_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    last = written(path, 2)[-1]
    sql = hostile(path)
    copy_to_end(sql, random.Random(1), 3)
    sql.commit()
    opened = Journal.open(path)
    assert isinstance(opened, Ok)
    opened.value.new("later", "/work")
    assert {one.record for one in verify(path).findings} >= {last + 1}
    sql.execute("DELETE FROM head")
    sql.commit()
    sql.close()
    with pytest.raises(JournalError, match="damaged"):
        opened.value.new("later still", "/work")
    opened.value.close()


def test_records_from_before_the_chain_are_counted_and_not_covered(tmp_path: Path) -> None:
    from casava_os.kernel import journal as module

    path = tmp_path / "journal.sqlite"
    sql = sqlite3.connect(path)
    sql.executescript("".join(module._SCHEMA[:2]) + "PRAGMA user_version = 2;")
    sql.execute(
        "INSERT INTO processes (created, request, workspace, state, owner) VALUES (1, 'old', '/', 'new', 1)"
    )
    sql.execute("INSERT INTO records (pid, at, kind, body) VALUES (1, 1, 'started', '{}')")
    sql.commit()
    opened = Journal.open(path)
    assert isinstance(opened, Ok)
    opened.value.new("new", "/work")
    opened.value.close()
    found = verify(path)
    assert found.whole, found.findings
    assert (found.before, found.records, found.processes) == (1, 1, 2)
    with pytest.raises(sqlite3.IntegrityError, match="newer casava-os"):
        sql.execute("INSERT INTO records (pid, at, kind, body) VALUES (1, 1, 'started', '{}')")
    sql.close()


def test_a_torn_file_is_said_to_be_one(whole: tuple[Path, list[int]], tmp_path: Path) -> None:
    copy = tmp_path / "journal.sqlite"
    data = bytearray(whole[0].read_bytes())
    data[2 * 4096 : 3 * 4096] = b"\xff" * 4096
    copy.write_bytes(data)
    try:
        found = verify(copy)
    except sqlite3.DatabaseError:
        return
    assert not found.whole
