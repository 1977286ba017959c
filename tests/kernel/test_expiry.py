"""Held changes whose time is over: first a word, and not before a day later the end; nothing goes without a setting."""

from __future__ import annotations

import time
from pathlib import Path

from casava_os.kernel.expiry import DAY, expire
from casava_os.kernel.journal import Journal
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok

NOW = time.time()


def held(tmp_path: Path) -> tuple[Journal, DiskLayerStore, int]:
    opened, layers = Journal.open(tmp_path / "state" / "journal.sqlite"), DiskLayerStore(tmp_path / "state")
    assert isinstance(opened, Ok)
    journal, workspace = opened.value, tmp_path / "w"
    workspace.mkdir()
    pid = journal.new("as asked", str(workspace))
    assert isinstance(layers.create(pid, workspace), Ok)
    assert journal.move(pid, "new", "waiting")
    assert journal.move(pid, "waiting", "held")
    return journal, layers, pid


def state(journal: Journal, pid: int) -> str:
    row = journal.process(pid)
    assert isinstance(row, Ok)
    return row.value.state


def test_first_a_word_then_a_day_then_the_end(tmp_path: Path) -> None:
    journal, layers, pid = held(tmp_path)
    assert expire(journal, layers, 30, NOW + 29 * DAY) == ()
    (told,) = expire(journal, layers, 30, NOW + 31 * DAY)
    assert f"casava-os commit {pid}" in told
    assert journal.last(pid, "expiring") is not None
    (again,) = expire(journal, layers, 30, NOW + 31.9 * DAY)
    assert (again, state(journal, pid)) == (told, "held")
    (gone,) = expire(journal, layers, 30, NOW + 32.1 * DAY)
    assert "was discarded" in gone
    assert state(journal, pid) == "discarded"
    assert isinstance(layers.open(pid), Err)
    record = journal.last(pid, "discarded")
    assert record is not None
    assert "held_days = 30" in str(record.body["reason"])
    assert expire(journal, layers, 30, NOW + 99 * DAY) == ()
    journal.close()


def test_a_setting_made_today_takes_nothing_that_is_old_without_a_word(tmp_path: Path) -> None:
    journal, layers, pid = held(tmp_path)
    assert len(expire(journal, layers, 1, NOW + 400 * DAY)) == 1
    assert state(journal, pid) == "held"
    journal.close()


def test_a_clock_that_goes_backwards_takes_nothing(tmp_path: Path) -> None:
    journal, layers, pid = held(tmp_path)
    expire(journal, layers, 30, NOW + 31 * DAY)
    assert expire(journal, layers, 30, NOW - 900 * DAY) == ()
    assert state(journal, pid) == "held"
    journal.close()
