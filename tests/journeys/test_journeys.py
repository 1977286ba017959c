"""What people ask for, from the words to the changed folder: every journey on both sandbox drivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.journeys.conftest import Desk

Content = bytes | str | None


@dataclass(frozen=True)
class Journey:
    """A request and what must come of it.

    `out`: standard output, whole; `has`: parts of it; `lines`: its lines in any order. `adds`, `drops`: what happens to
    the tree; nothing else may change.
    """

    request: str
    out: str | None = None
    has: tuple[str, ...] = ()
    lines: frozenset[str] | None = None
    code: int = 0
    adds: dict[str, Content] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    stdin: bytes | None = None
    holds: Callable[[Desk], bool] | None = None
    """Something else that must be true afterwards, for what cannot be compared byte by byte."""


def lines(*names: str) -> frozenset[str]:
    return frozenset(names)


READS = [
    Journey("list the files in this folder", has=("notes.txt", "src", "report.pdf")),
    Journey("what is in the data folder?", lines=lines("data/sales.csv", "data/big.bin", "data/copy.txt")),
    Journey("find all python files", lines=lines("src/main.py", "src/util.py", "src/__init__.py")),
    Journey("list all .log files", lines=lines("logs/app.log", "logs/old.log")),
    Journey("list the images", lines=lines("images/cat.jpg", "images/dog.png")),
    Journey("find files larger than 1 MB", out="data/big.bin"),
    Journey("what is the largest file here?", out="data/big.bin"),
    Journey("find empty files", has=("src/__init__.py",)),
    Journey("find files older than 30 days", lines=lines("logs/old.log", "tmp/a.tmp")),
    Journey("which log files are older than a month?", out="logs/old.log"),
    Journey("find files that contain ERROR", out="logs/app.log"),
    Journey("find all folders", lines=lines("data", "src", "logs", "tmp", "images", "empty")),
    Journey("how many python files are there?", out="3"),
    Journey("count the files in logs", out="2"),
    Journey("how big is the data folder?", has=("30000",)),
    Journey("show notes.txt", out="alpha\nbeta\ngamma"),
    Journey("print the first 2 lines of notes.txt", out="alpha\nbeta"),
    Journey("show me the last line of notes.txt", out="gamma"),
    Journey("search for TODO in src", has=("src/main.py:3:",)),
    Journey("search for ERROR in logs/app.log", has=("ERROR one", "ERROR two")),
    Journey("how many lines are in notes.txt?", out="3"),
    Journey("count the words in todo.md", out="10"),
    Journey("how many times does ERROR appear in logs/app.log", out="2"),
    Journey("sort names.txt", out="adam\nadam\nmia\nzoe"),
    Journey("show the unique lines of names.txt", out="zoe\nadam\nmia"),
    Journey("sort names.txt in reverse order", out="zoe\nmia\nadam\nadam"),
    Journey("what is the sum of the amount column in data/sales.csv?", out="40"),
    Journey("diff notes.txt and data/copy.txt", out=""),
    Journey("find duplicate files", has=("notes.txt", "data/copy.txt")),
    Journey("md5 of notes.txt", has=("6c7831c2",)),
    Journey("run `echo hi there`", out="hi there"),
    Journey("run python3 src/main.py", out="hello world"),
    Journey('run "exit 3"', code=1),
    Journey("what kernel is this machine running?", has=("Linux",)),
    Journey("how much memory does this machine have?", has=("total",)),
    Journey("how many cpu cores do I have?", has=("cores",)),
    Journey("how long has this computer been up?", has=("seconds",)),
    Journey("how many lines is this?", stdin=b"a\nb\nc\n", out="3"),
    Journey("how many times does error appear in this", stdin=b"error 1\nfine\nerror 2\n", out="2"),
    Journey("sort this", stdin=b"b\na\n", out="a\nb"),
]

CHANGES = [
    Journey("create an empty file called draft.txt", adds={"draft.txt": b""}),
    Journey("create a folder named backup", adds={"backup": None}),
    Journey('create a file hello.txt with the text "hello world"', adds={"hello.txt": b"hello world\n"}),
    Journey('append "delta" to notes.txt', adds={"notes.txt": b"alpha\nbeta\ngamma\ndelta\n"}),
    Journey(
        "rename notes.txt to ideas.txt", adds={"ideas.txt": b"alpha\nbeta\ngamma\n"}, drops=("notes.txt",)
    ),
    Journey("move notes.txt to data", adds={"data/notes.txt": b"alpha\nbeta\ngamma\n"}, drops=("notes.txt",)),
    Journey("copy notes.txt to notes.bak", adds={"notes.bak": b"alpha\nbeta\ngamma\n"}),
    Journey("delete report.pdf", drops=("report.pdf",)),
    Journey("delete all .tmp files", drops=("tmp/a.tmp", "tmp/b.tmp")),
    Journey("remove tmp files older than 30 days", drops=("tmp/a.tmp",)),
    Journey("delete all empty folders", drops=("empty",)),
    Journey("get rid of the images folder", drops=("images", "images/cat.jpg", "images/dog.png")),
    Journey(
        "make run.sh executable", holds=lambda desk: bool((desk.workspace / "run.sh").stat().st_mode & 0o100)
    ),
    Journey(
        "chmod 600 notes.txt",
        holds=lambda desk: (desk.workspace / "notes.txt").stat().st_mode & 0o777 == 0o600,
    ),
    Journey(
        "create a symlink called latest.log pointing to logs/app.log", adds={"latest.log": "logs/app.log"}
    ),
    Journey(
        "zip the src folder into src.zip",
        holds=lambda desk: (desk.workspace / "src.zip").read_bytes()[:2] == b"PK",
    ),
    Journey(
        "compress logs to logs.tar.gz",
        holds=lambda desk: (desk.workspace / "logs.tar.gz").read_bytes()[:2] == b"\x1f\x8b",
    ),
    Journey("replace alpha with omega in notes.txt", adds={"notes.txt": b"omega\nbeta\ngamma\n"}),
    Journey(
        "move all images to pictures",
        adds={"pictures": None, "pictures/cat.jpg": b"\xff\xd8cat", "pictures/dog.png": b"\x89PNGdog"},
        drops=("images/cat.jpg", "images/dog.png"),
    ),
    Journey("copy all log files to backup", holds=lambda desk: (desk.workspace / "backup/app.log").exists()),
    Journey(
        "create a folder called archive and move report.pdf into it",
        holds=lambda desk: (
            (desk.workspace / "archive/report.pdf").exists() and not (desk.workspace / "report.pdf").exists()
        ),
    ),
    Journey(
        "sort names.txt and save the result to sorted.txt", adds={"sorted.txt": b"adam\nadam\nmia\nzoe\n"}
    ),
    Journey(
        "find all log files, zip them into logs.zip and then delete them",
        holds=lambda desk: (
            (desk.workspace / "logs.zip").exists() and not (desk.workspace / "logs/app.log").exists()
        ),
    ),
    Journey(
        "count the python files and save the number to count.txt",
        adds={"count.txt": b"3\n"},
    ),
    Journey("run `echo made > made.txt`", adds={"made.txt": b"made\n"}),
]

ANSWERS = [
    Journey("delete it", code=5, has=("?",)),
    Journey("rename the file", code=5, has=("?",)),
    Journey("asdf qwer zxcv", code=5),
    Journey("what's the weather like tomorrow?", code=5),
    Journey("write me a poem about the sea", code=5),
]


def name_of(journey: Journey) -> str:
    return journey.request.replace(" ", "-")[:60]


@pytest.mark.parametrize("journey", [*READS, *CHANGES, *ANSWERS], ids=name_of)
def test_journey(desk: Desk, journey: Journey) -> None:
    before = desk.tree()
    ran = desk.run(journey.request, stdin=journey.stdin)
    story = f"exit {ran.code}\n--- stdout\n{ran.out}\n--- stderr\n{ran.err}"
    assert ran.code == journey.code, story
    if journey.out is not None:
        assert ran.out.rstrip("\n") == journey.out, story
    for part in journey.has:
        assert part in ran.out, story
    if journey.lines is not None:
        assert frozenset(ran.lines) == journey.lines, story
    after = desk.tree()
    if journey.holds is not None:
        assert journey.holds(desk), story
    else:
        expected = {
            path: content for path, content in {**before, **journey.adds}.items() if path not in journey.drops
        }
        assert after == expected, story
    if after != before:
        undone = desk("undo")
        assert undone.code == 0, undone.err
        assert desk.tree() == before, undone.err


def test_there_are_at_least_sixty_journeys() -> None:
    assert len({journey.request for journey in (*READS, *CHANGES, *ANSWERS)}) >= 60
