"""Searching, counting and replacing text."""

import subprocess
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.performers import PERFORMERS
from casava_sandbox.agent.texts import newline_of
from tests.agent.here import Here

words = st.text(alphabet="ab \né\r", max_size=12)


def lines(here: Here, **fields: object) -> list[str]:
    """Matches as grep prints them."""
    items = here("text.search", **fields)["items"]
    assert isinstance(items, list)
    return [f"{item['path']}:{item['line']}:{item['text']}" for item in items]


@pytest.fixture
def tree(here: Here) -> Here:
    here.make(
        {
            "a.txt": "One error here\nnothing\nERROR again\n",
            "d/b.log": "error: x\nan errors list\n",
            "d/bin": b"error\0",
            ".git/config": "error",
            "w.txt": "grüße error".encode("utf-16"),
            "l": "-> a.txt",
        }
    )
    return here


def test_search_is_grep(tree: Here) -> None:
    def grep(*options: str) -> list[str]:
        out = subprocess.run(
            ["grep", "-rnI", "--exclude-dir=.git", "--exclude=w.txt", *options, "."],
            cwd=tree.root, check=False, capture_output=True, text=True,
        )  # fmt: skip
        return sorted(line[2:] for line in out.stdout.splitlines())

    def without_wide(**fields: object) -> list[str]:
        return sorted(line for line in lines(tree, **fields) if not line.startswith("w.txt"))

    assert without_wide(pattern="error") == grep("error")
    assert without_wide(pattern="error", ignore_case=True) == grep("-i", "error")
    assert without_wide(pattern="error", whole_word=True) == grep("-w", "error")
    assert without_wide(pattern="error", invert=True) == grep("-v", "error")
    assert without_wide(pattern="^.{0,3}[eE]rr", regex=True) == grep("-E", "^.{0,3}[eE]rr")
    assert without_wide(pattern="e.r", regex=False) == []


def test_sources(tree: Here) -> None:
    assert lines(tree, pattern="error", source=["w.txt"]) == ["w.txt:1:grüße error"]
    assert len(lines(tree, pattern="error", ignore_case=True, limit=2)) == 2
    assert lines(tree, pattern="x", source={"kind": "text", "text": "ax\r\nb\nx"}) == [":1:ax", ":3:x"]
    first = tree("text.search", pattern="error", ignore_case=True)
    assert lines(tree, pattern="again", source=first) == ["a.txt:3:ERROR again"]
    assert lines(tree, pattern="a.txt", source=first) == []
    found = tree("file.find", root="d")
    assert lines(tree, pattern="error:", source=found) == ["d/b.log:1:error: x"]
    assert lines(tree, pattern="error:", source=tree("file.find", name="d")) == ["d/b.log:1:error: x"]
    tree.fails("text.search", "not-text", pattern="error", source=["d/bin"])
    assert "a.txt" in tree.fails("text.search", "not-found", pattern="e", source=["a.tx"]).hint


def test_long_lines_are_cut(here: Here) -> None:
    here.make({"f": "x" * 5000})
    assert len(lines(here, pattern="x")[0]) == len("f:1:") + 2001


def test_a_malformed_expression(here: Here) -> None:
    with pytest.raises(Fault) as raised:
        PERFORMERS["text.search"](here.context(), {"pattern": "(", "regex": True})
    assert raised.value.code == "usage"


def test_an_expression_without_end_is_ended(here: Here) -> None:
    """The agent answers other calls meanwhile: Python's `re` would hold them all up."""
    here.make({"f": "a" * 40 + "b"})
    context = here.context(seconds=1.0)
    ticks: list[float] = []

    def tick() -> None:
        while len(ticks) < 10:
            time.sleep(0.02)
            ticks.append(time.monotonic())

    ticking = threading.Thread(target=tick)
    started = time.monotonic()
    ticking.start()
    with pytest.raises(Fault) as raised:
        PERFORMERS["text.search"](context, {"pattern": "(a+)+$", "regex": True})
    ticking.join()
    assert raised.value.code == "timeout"
    assert time.monotonic() - started < 5
    assert ticks[-1] - started < 0.9


@settings(max_examples=80, deadline=None)
@given(text=words, find=st.text("ab \né", min_size=1, max_size=3), put=st.text("ab\\1\n", max_size=3))
def test_replace_is_pythons(fresh, text: str, find: str, put: str) -> None:  # type: ignore[no-untyped-def]
    here: Here = fresh()
    if find == put or newline_of(text) == "\r\n":
        return  # a file of CRLF lines has a test of its own
    (here.root / "f").write_bytes(text.encode())
    changed = here.paths("text.replace", paths=["f"], find=find, replacement=put)
    assert (here.root / "f").read_bytes().decode() == text.replace(find, put)
    assert changed == (["f"] if text.replace(find, put) != text else [])


def test_replace_keeps_what_the_file_is(here: Here) -> None:
    here.make(
        {
            "dos": "a\r\nb\r\n",
            "wide": "a\n".encode("utf-16"),
            "old": "é a\n".encode("latin-1"),
            "marked": "a".encode("utf-8-sig"),
            "d/run": "a a",
            "d/bin": b"a\0",
            ".git/x": "a",
        }
    )
    (here.root / "d/run").chmod(0o751)
    changed = here.paths("text.replace", paths=["."], find="a", replacement="ü\n")
    assert changed == ["d/run", "dos", "marked", "old", "wide"]
    assert (here.root / "dos").read_bytes() == "ü\r\n\r\nb\r\n".encode()
    assert (here.root / "wide").read_bytes().decode("utf-16") == "ü\n\n"
    assert (here.root / "old").read_bytes() == "é ü\n\n".encode("latin-1")
    assert (here.root / "marked").read_bytes() == "ü\n".encode("utf-8-sig")
    assert here.tree()["d/run"] == (0o751, "ü\n ü\n".encode())
    assert (here.root / ".git/x").read_text() == "a"


def test_replace_by_expression(here: Here) -> None:
    here.make({"f": "x=1\r\ny = 2\r\n", "g": "cat concat Cat"})
    here("text.replace", paths=["f"], find=r"^(\w) *= *(\d)$", replacement=r"\2:\1", regex=True)
    assert (here.root / "f").read_bytes() == b"1:x\r\n2:y\r\n"
    here("text.replace", paths=["g"], find="cat", replacement="dog", whole_word=True, ignore_case=True)
    assert (here.root / "g").read_text() == "dog concat dog"
    here.fails("text.replace", "usage", paths=["f"], find="x|1", replacement=r"\3", regex=True)


def test_one_file_that_cannot_be_changed_leaves_all(here: Here) -> None:
    here.make({"a": "x", "b": "é x".encode("latin-1")})
    here.fails("text.replace", "unsupported", paths=["a", "b"], find="x", replacement="Ω")
    here.make({"c": b"x\0"})
    here.fails("text.replace", "not-text", paths=["a", "c"], find="x", replacement="y")


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab \n\té𝄞", max_size=30))
def test_counts_are_wcs(fresh, text: str) -> None:  # type: ignore[no-untyped-def]
    here: Here = fresh()
    (here.root / "f").write_bytes(text.encode())
    wc = subprocess.run(
        ["wc", "-lwmc", "f"],
        cwd=here.root,
        env={"LC_ALL": "C.UTF-8"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    open_line = int(bool(text) and not text.endswith("\n"))
    counted = [
        here.number("text.count", source=["f"], what=what)
        for what in ("lines", "words", "characters", "bytes")
    ]
    assert counted == [int(wc[0]) + open_line, *map(int, wc[1:4])]
    value = {"kind": "text", "text": text}
    assert [
        here.number("text.count", source=value, what=w) for w in ("lines", "words", "characters", "bytes")
    ] == counted


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab\n", max_size=20), st.text(alphabet="ab\n", min_size=1, max_size=3))
def test_matches_are_pythons(fresh, text: str, pattern: str) -> None:  # type: ignore[no-untyped-def]
    here: Here = fresh()
    (here.root / "f").write_text(text)
    assert here.number("text.count", source=["f"], what="matches", pattern=pattern) == text.count(pattern)
    lines_with = sum(pattern in line for line in text.split("\n"))
    assert here.number("text.count", source=["f"], what="matching_lines", pattern=pattern) == lines_with


def test_counts_of_many(tree: Here) -> None:
    assert tree.number("text.count", source=["."], what="matches", pattern="error", ignore_case=True) == 5
    assert tree.number("text.count", source=["d"], what="matches", pattern="e?r+", regex=True) == 4
    assert tree.number("text.count", source=["a.txt"], what="matches", pattern="x*", regex=True) == 0
    assert tree.number("text.count", source=["d"], what="bytes") == 30
    assert tree.number("text.count", source=tree("text.search", pattern="error", source=["d"])) == 2
    assert tree.number("text.count", source={"kind": "exit", "code": 0, "stdout": "a\nb"}) == 2
    assert tree("text.count", source=["a.txt"], what="matching_lines", pattern="error")["unit"] == "lines"


def test_big_files_are_read_line_by_line(here: Here) -> None:
    here.make({"big": b"some line of text\n" * 1_000_000 + b"needle\n"})
    assert lines(here, pattern="needle") == ["big:1000001:needle"]
    assert here.number("text.count", source=["big"]) == 1_000_001
    assert here.text("file.read", paths=["big"], first=1) == "some line of text\n"
    assert here.text("text.lines", source=["big"], last=1) == "needle\n"
    assert here.number("text.count", source=["big"], what="words") == 4_000_001
