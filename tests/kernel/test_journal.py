"""The journal: append-only, shared by several commands, bounded, and clear about a file it cannot use."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from casava_os.kernel.chain import verify
from casava_os.kernel.events import ChangesetMade, Output, StepFinished
from casava_os.kernel.journal import DIFF_CHARS, VALUE_CHARS, Journal, JournalError, guarded, journal_body
from casava_syscalls.results import Err, Ok
from casava_syscalls.values import Text


def opened(path: Path) -> Journal:
    journal = Journal.open(path)
    assert isinstance(journal, Ok), journal
    return journal.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


def test_numbers_go_up_and_states_change_only_from_what_they_were(path: Path) -> None:
    journal = opened(path)
    assert [journal.new("a", "w"), journal.new("b", "w")] == [1, 2]
    assert journal.move(1, "new", "running")
    assert not journal.move(1, "new", "failed")
    assert journal.move(1, "running", "done", 0)
    row = journal.process(1)
    assert isinstance(row, Ok)
    assert (row.value.state, row.value.exit_code, row.value.request) == ("done", 0, "a")
    assert [process.pid for process in journal.processes()] == [2, 1]
    assert [process.pid for process in journal.processes(states=("done",))] == [1]
    assert [process.pid for process in journal.processes(limit=1)] == [2]
    journal.close()


def test_a_record_stays_as_it_was_written(path: Path) -> None:
    journal = opened(path)
    journal.new("a", "w")
    journal.record(1, "started", '{"request": "a"}')
    other = sqlite3.connect(path)
    for change in ("UPDATE records SET body = '{}'", "DELETE FROM records"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(change)
    other.close()
    record = journal.last(1, "started")
    assert record is not None
    assert record.body == {"request": "a"}
    assert journal.last(1, "finished") is None
    journal.close()


def test_the_file_is_the_persons_alone(path: Path) -> None:
    opened(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_unknown_process_is_an_error(path: Path) -> None:
    journal = opened(path)
    missing = journal.process(7)
    assert isinstance(missing, Err)
    assert missing.code == "not-found"
    journal.close()


def _work(path: Path, rounds: int) -> None:
    journal = opened(path)
    for _ in range(rounds):
        pid = journal.new("x", "w")
        journal.record(pid, "started", "{}")
        assert journal.move(pid, "new", "done", 0)
    journal.close()


def test_several_commands_write_at_once_from_the_first_moment(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(path, 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    journal = opened(path)
    assert [process.pid for process in journal.processes()] == list(range(100, 0, -1))
    assert all(len(journal.records(process.pid)) == 3 for process in journal.processes())
    journal.close()
    assert verify(path).whole


def test_a_damaged_file_is_an_error_with_a_way_out(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database " * 500)
    journal = Journal.open(path)
    assert isinstance(journal, Err)
    assert journal.title == "The journal is damaged"
    assert f"mv {path}" in journal.hint


def test_damage_that_shows_later_is_an_error_too(path: Path) -> None:
    journal = opened(path)
    for _ in range(200):
        journal.record(journal.new("x" * 500, "w"), "started", json.dumps({"a": "b" * 500}))
    journal.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    journal = opened(path) if isinstance(Journal.open(path), Ok) else journal
    found = guarded(lambda: [journal.records(pid) for pid in range(1, 200)])
    assert isinstance(found, Err)
    assert found.code == "failed"


def test_a_place_that_cannot_hold_it_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    journal = Journal.open(tmp_path / "state" / "journal.sqlite")
    assert isinstance(journal, Err)


def test_a_journal_that_cannot_take_a_record_says_so(path: Path) -> None:
    journal = opened(path)
    journal.new("a", "w")
    journal._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError) as problem:
        journal.record(1, "started", "{}")
    assert problem.value.err.code == "permission"
    journal.close()


def test_what_is_recorded_is_bounded() -> None:
    assert journal_body(Output(step=1, stream="stdout", text="x")) is None
    long = journal_body(StepFinished(step=1, value=Text(text="x" * 10 * VALUE_CHARS)))
    assert long is not None
    assert len(long) < VALUE_CHARS + 200
    assert json.loads(long)["value"]["characters"] == 10 * VALUE_CHARS
    short = journal_body(StepFinished(step=1, value=Text(text="x")))
    assert short is not None
    assert json.loads(short)["value"]["text"] == "x"
    diff = journal_body(ChangesetMade(changes=(), summary="", diff="d" * 2 * DIFF_CHARS, digest=""))
    assert diff is not None
    assert len(diff) < DIFF_CHARS + 300
