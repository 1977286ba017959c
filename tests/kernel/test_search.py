"""Finding past processes: what a person types becomes conditions, and the journal's pages are those that meet them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casava_os.kernel.journal import Journal, Search
from casava_os.kernel.search import parse_search
from casava_syscalls.results import Err, Ok

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=timezone(timedelta(hours=1)))
"""A Saturday."""


def day(number: int, month: int = 11) -> float:
    return datetime(2026, month, number, tzinfo=NOW.tzinfo).timestamp()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Search()),
        ("old notes", Search(words=("old", "notes"))),
        ("state:held note", Search(words=("note",), states=("held",))),
        ("state:held state:failed", Search(states=("held", "failed"))),
        ("since:2026-11-01", Search(since=day(1))),
        ("until:2026-11-20", Search(until=day(21))),
        ("on:yesterday", Search(since=day(20), until=day(21))),
        ("since:monday", Search(since=day(16))),
        ("since:saturday", Search(since=day(21))),
        ("since:7d", Search(since=day(14))),
        ("in:project", Search(workspace="project")),
        ("state: since:", Search()),
        ("http://x a:b", Search(words=("http://x", "a:b"))),
    ],
)
def test_what_is_typed(text: str, meant: Search) -> None:
    assert parse_search(text, NOW) == Ok(value=meant)


@pytest.mark.parametrize("text", ["state:hel", "since:never", "on:2026-13-40", "until:99999d"])
def test_what_is_none(text: str) -> None:
    wrong = parse_search(text, NOW)
    assert isinstance(wrong, Err)
    assert wrong.code == "usage"


@given(st.text())
def test_any_line_is_a_search_or_a_sentence(text: str) -> None:
    assert isinstance(parse_search(text, NOW), Ok | Err)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    opened = Journal.open(tmp_path / "journal.sqlite")
    assert isinstance(opened, Ok)
    made = opened.value
    for number, (request, workspace) in enumerate(
        [("delete OLD notes", "/srv/a/x"), ("100% of_it", "/srv/a/y"), ("Größe der Dateien", "/srv/b/x")],
        1,
    ):
        made.new(request, workspace)
        made._connection.execute("UPDATE processes SET created = ? WHERE pid = ?", (day(number), number))
    assert made.move(2, "new", "running")
    return made


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), [3, 2, 1]),
        (Search(words=("old", "NOTES")), [1]),
        (Search(words=("GRÖSSE",)), [3]),
        (Search(words=("100%",)), [2]),
        (Search(words=("f_i",)), [2]),
        (Search(words=("fxi",)), []),
        (Search(words=("running",)), [2]),
        (Search(words=("3",)), [3]),
        (Search(states=("new",)), [3, 1]),
        (Search(since=day(2)), [3, 2]),
        (Search(since=day(2), until=day(3)), [2]),
        (Search(workspace="/A/"), [2, 1]),
        (Search(words=("'; DROP TABLE processes",)), []),
    ],
)
def test_what_is_found(journal: Journal, search: Search, found: list[int]) -> None:
    assert [row.pid for row in journal.found(search, limit=10)] == found
    assert journal.count(search) == len(found)
    assert [row.pid for row in journal.found(search, limit=1, offset=1)] == found[1:2]
    assert journal.count(search, newer_than=1) == len([pid for pid in found if pid > 1])


def test_the_mark_grows_with_what_is_recorded(journal: Journal) -> None:
    before = journal.mark()
    journal.record(1, "note", "{}")
    assert journal.mark() > before
