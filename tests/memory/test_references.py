"""Which words point back, and which only look like it: those in ordinary requests must not."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from casava_os.kernel.compiler import references
from casava_os.kernel.compiler.references import Again, Past, Same, Those, Turn, Undo, lifted, period, refer
from tests.memory.conftest import plan_of
from tests.memory.test_near_misses import corpus

NOW = datetime(2026, 11, 21, 13, 0)  # noqa: DTZ001 - local time is what people mean
COUNT = Turn(
    3,
    "count the lines in notes.txt",
    NOW,
    plan_of({"call": "text.count", "source": ["notes.txt"]}),
    ("notes.txt",),
)
SEARCH = Turn(
    4,
    "search for TODO in src",
    NOW,
    plan_of({"call": "text.search", "pattern": "TODO", "source": ["src"]}),
    ("src/a.py", "src/b.py"),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    for name in ("notes.txt", "names.txt", "src/a.py", "src/b.py"):
        (tmp_path / name).touch()
    return tmp_path


def pointed(text: str, turn: Turn | None, place: Path) -> references.Reference | None:
    if not references.points_back(text):
        return None
    return refer(text, [turn] if turn else [], ["notes.txt", "names.txt", "src", "tests"], place, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "again",
        "do it again",
        "Do that again, please.",
        "once more",
        "repeat",
        "repeat that",
        "rerun it",
        "run it once more",
        "the same again",
        "do the same",
        "now again",
    ],
)
def test_again(text: str, place: Path) -> None:
    assert isinstance(pointed(text, COUNT, place), Again)


@pytest.mark.parametrize(
    "text",
    [
        "the same for names.txt",
        "do the same with names.txt",
        "what about names.txt?",
        "and for names.txt",
        "now for names.txt",
        "again for names.txt",
        "do that for names.txt",
        "the same but with names.txt",
    ],
)
def test_the_same_for_another_file(text: str, place: Path) -> None:
    found = pointed(text, COUNT, place)
    assert isinstance(found, Same)
    ((request, plan),) = found.made
    assert request == "count the lines in names.txt"
    assert plan.steps == plan_of({"call": "text.count", "source": ["names.txt"]}).steps


def test_the_same_for_what_can_be_two_things_is_both(place: Path) -> None:
    for text, wanted in (
        ("the same in tests", ["search for TODO in tests"]),
        ("the same for FIXME", ["search for FIXME in src"]),
    ):
        found = pointed(text, SEARCH, place)
        assert isinstance(found, Same)
        assert [request for request, _ in found.made] == wanted


@pytest.mark.parametrize("text", ["the same for the moon and the stars", "the same for nowhere.txt"])
def test_the_same_for_what_it_cannot_be_is_nothing(text: str, place: Path) -> None:
    found = pointed(text, COUNT, place)
    assert isinstance(found, Same)
    assert found.made == ()


@pytest.mark.parametrize(
    "text",
    [
        "delete those",
        "delete them",
        "now delete them all",
        "remove these files",
        "zip those into a.zip",
        "how big are those",
        "search for x in them",
    ],
)
def test_several(text: str, place: Path) -> None:
    found = pointed(text, SEARCH, place)
    assert isinstance(found, Those)
    assert found.names == ("src/a.py", "src/b.py")
    assert found.requests
    assert not any(word in found.requests[0][0].split() for word in ("those", "them", "these"))


@pytest.mark.parametrize(
    "text",
    [
        "delete it",
        "show that file",
        "copy it to docs",
        "what is in it",
        "how big is it",
        "move this file to docs",
        "show that",
        "count the words in it",
    ],
)
def test_one(text: str, place: Path) -> None:
    found = pointed(text, COUNT, place)
    assert isinstance(found, Those)
    assert found.names == ("notes.txt",)
    assert "notes.txt" in found.requests[0][0]


@pytest.mark.parametrize(
    "text",
    [
        "find the tmp files and delete them",
        "zip docs into a.zip then remove it",
        "copy notes.txt to docs and show it",
        "find files that contain TODO",
        "list the files that are older than a week",
        "how long is it up",
        "what time is it now in tokyo",
        "is it friday",
        "how long has it been up",
        "show the files with the same content",
        "make a folder called again",
        "search for those in a.txt",
        "find those that end in .txt",
        "delete those of last year",
        "what did i do",
        "count the lines of notes.txt that have it",
        "write this is it to a.txt",
        "undo.txt",
        "show undo.log",
        "find files about undo",
        "back up notes.txt",
        "what about now",
    ],
)
def test_what_only_looks_like_it(text: str, place: Path) -> None:
    found = pointed(text, COUNT, place)
    assert (
        found is None or (isinstance(found, Same) and not found.made) or text == "search for those in a.txt"
    ), found


def test_requests_of_strangers_hardly_ever_point_back(place: Path) -> None:
    requests = [request for request, _, _ in corpus()]
    hit = [request for request in requests if pointed(request, SEARCH, place) is not None]
    print(f"\n{len(hit)} of {len(requests)} requests that stand alone are read as pointing back")
    assert len(hit) < len(requests) * 0.003, hit[:60]


@pytest.mark.parametrize(
    ("text", "since", "until", "about"),
    [
        ("undo", None, None, ""),
        ("undo that", None, None, ""),
        ("undo what i did", None, None, ""),
        ("take that back", None, None, ""),
        ("undo what I did yesterday", "2026-11-20 00:00", "2026-11-21 00:00", ""),
        ("undo everything i did today", "2026-11-21 00:00", None, ""),
        ("undo what i did with the logs two days ago", "2026-11-19 00:00", "2026-11-20 00:00", "the logs"),
        ("revert my changes from yesterday", "2026-11-20 00:00", "2026-11-21 00:00", ""),
        ("undo what i did to run.sh", None, None, "run.sh"),
    ],
)
def test_undo(text: str, since: str | None, until: str | None, about: str, place: Path) -> None:
    found = pointed(text, COUNT, place)
    assert isinstance(found, Undo)
    assert [_when(found.since), _when(found.until), found.about] == [since, until, about]


def _when(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")  # noqa: DTZ006


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("do what I did for the logs last week", "the logs"),
        ("do what i did yesterday", ""),
        ("the same as yesterday", ""),
        ("run what i did with data.csv", "data.csv"),
    ],
)
def test_the_past(text: str, about: str, place: Path) -> None:
    found = pointed(text, COUNT, place)
    assert isinstance(found, Past)
    assert found.about == about


def test_last_week_is_a_week(place: Path) -> None:
    since, until = period("last week", NOW)
    assert since is not None
    assert until is not None
    assert until - since == 7 * 86_400
    assert until <= NOW.timestamp()


def test_a_date_in_an_earlier_plan_is_read_again(place: Path) -> None:
    then = datetime(2026, 11, 1, 9, 0)  # noqa: DTZ001
    old = Turn(
        1,
        "files changed since yesterday",
        then,
        plan_of({"call": "file.find", "modified_after": "2026-10-31T00:00:00"}),
    )
    assert "2026-11-20T00:00:00" in references.repeated(old, NOW).canonical()


def test_names_are_put_only_where_several_fit(place: Path) -> None:
    delete = plan_of({"call": "file.delete", "paths": ["a.py"]})
    made = lifted(delete, "a.py", ("src/a.py", "src/b.py"))
    assert made is not None
    assert made.steps == plan_of({"call": "file.delete", "paths": ["src/a.py", "src/b.py"]}).steps
    one = plan_of({"call": "file.list", "path": "a.py"})
    assert lifted(one, "a.py", ("src/a.py", "src/b.py")) is None
    assert lifted(one, "a.py", ("src/a.py",)) is not None
    found = plan_of({"call": "file.find", "name": "a.py"}, {"call": "file.delete", "paths": "$1"})
    assert lifted(found, "a.py", ("src/a.py",)) is None


def test_strange_names_are_not_written_into_a_request(tmp_path: Path) -> None:
    for name in ('a"b.txt', "x, y.txt", "new\nline.txt", "it's.txt"):
        (tmp_path / name).touch()
        turn = Turn(1, "x", NOW, plan_of({"call": "file.find"}), (name,))
        found = refer("delete it", [turn], [], tmp_path, NOW)
        assert isinstance(found, Those)
        assert found.requests == ()
