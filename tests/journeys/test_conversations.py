"""Conversations: requests that point back at earlier ones, with the real model, on both sandbox drivers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.journeys.conftest import Desk


@dataclass(frozen=True)
class Turn:
    """A request of a conversation and what must come of it; the tree may change in nothing but what is said."""

    request: str
    out: str | None = None
    lines: frozenset[str] | None = None
    has: tuple[str, ...] = ()
    says: str = ""
    """Something on standard error or output: what the words that point back were taken for."""
    code: int = 0
    adds: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    alone: bool = False
    """Without --continue."""
    options: tuple[str, ...] = ()


def lines(*names: str) -> frozenset[str]:
    return frozenset(names)


TMP = lines("tmp/a.tmp", "tmp/b.tmp")
LOGS = lines("logs/app.log", "logs/old.log")
FIND_TMP = Turn("find .tmp files", lines=TMP)
FIND_LOGS = Turn("list all .log files", lines=LOGS)
CONVERSATIONS: dict[str, list[Turn]] = {
    # those, them
    "delete-those": [FIND_TMP, Turn("delete those", drops=("tmp/a.tmp", "tmp/b.tmp"), says="2 names")],
    "delete-them": [FIND_TMP, Turn("now delete them", drops=("tmp/a.tmp", "tmp/b.tmp"))],
    "remove-those-files": [FIND_LOGS, Turn("remove those files", drops=("logs/app.log", "logs/old.log"))],
    "zip-them": [FIND_LOGS, Turn("zip them into logs.zip", adds=("logs.zip",))],
    "move-those": [
        FIND_TMP,
        Turn("move those to data", drops=("tmp/a.tmp", "tmp/b.tmp"), adds=("data/a.tmp", "data/b.tmp")),
    ],
    "copy-them": [FIND_LOGS, Turn("copy them to src", adds=("src/app.log", "src/old.log"))],
    "count-lines-in-those": [FIND_LOGS, Turn("count the lines in those", out="6")],
    "size-of-those": [FIND_LOGS, Turn("how big are those", out="33")],
    "hash-them": [FIND_LOGS, Turn("sha256 of those files", has=("logs/app.log", "logs/old.log"))],
    "search-in-those": [FIND_LOGS, Turn("search for ERROR in those", has=("ERROR one", "ERROR two"))],
    "read-only": [FIND_LOGS, Turn("make them read-only")],
    # that file, it
    "show-that-file": [
        Turn("what is the largest file here?", out="data/big.bin"),
        Turn("delete that file", drops=("data/big.bin",)),
    ],
    "show-it": [
        Turn("find files that contain ERROR", out="logs/app.log"),
        Turn("show it", has=("ERROR one",)),
    ],
    "copy-it": [
        Turn("show notes.txt", has=("alpha",)),
        Turn("copy it to src", adds=("src/notes.txt",)),
    ],
    "count-in-it": [Turn("show notes.txt", has=("alpha",)), Turn("count the lines in it", out="3")],
    "move-then-it": [
        Turn("move todo.md to src", drops=("todo.md",), adds=("src/todo.md",)),
        Turn("delete it", drops=("src/todo.md",)),
    ],
    "that-one": [
        Turn("which log files are older than a month?", out="logs/old.log"),
        Turn("delete that one", drops=("logs/old.log",)),
    ],
    "which-one": [FIND_LOGS, Turn("delete that file", code=5, has=("logs/app.log", "logs/old.log"))],
    "rename-it": [
        Turn("copy notes.txt to src", adds=("src/notes.txt",)),
        Turn("show that file", out="alpha\nbeta\ngamma"),
    ],
    # again
    "again": [
        Turn("how many lines are in notes.txt?", out="3"),
        Turn("again", out="3", says="“again” is request"),
    ],
    "do-it-again": [Turn("count the files in logs", out="2"), Turn("do it again", out="2")],
    "once-more": [
        Turn("sort names.txt", out="adam\nadam\nmia\nzoe"),
        Turn("once more, please", out="adam\nadam\nmia\nzoe"),
    ],
    "again-after-undo": [
        Turn("delete notes.txt", drops=("notes.txt",)),
        Turn("undo that", adds=("notes.txt",)),
    ],
    "repeat-that": [FIND_TMP, Turn("repeat that", lines=TMP)],
    # the same for X
    "same-for-file": [
        Turn("how many lines are in notes.txt?", out="3"),
        Turn("the same for names.txt", out="4"),
    ],
    "same-for-kind": [FIND_TMP, Turn("the same for log files", lines=LOGS)],
    "what-about": [Turn("count the lines in notes.txt", out="3"), Turn("what about names.txt?", out="4")],
    "now-for": [
        Turn("show the first 2 lines of notes.txt", out="alpha\nbeta"),
        Turn("now for names.txt", out="zoe\nadam"),
    ],
    "how-about": [
        Turn("sort names.txt", out="adam\nadam\nmia\nzoe"),
        Turn("how about notes.txt", out="alpha\nbeta\ngamma"),
    ],
    "same-twice": [
        Turn("how many lines are in notes.txt?", out="3"),
        Turn("the same for names.txt", out="4"),
        Turn("again", out="4"),
    ],
    "same-in": [Turn("count the files in logs", out="2"), Turn("the same in images", out="2")],
    "same-nonsense": [
        Turn("how many lines are in notes.txt?", out="3"),
        Turn("the same for the moon", code=5),
    ],
    # undo
    "undo-that": [
        Turn("delete notes.txt", drops=("notes.txt",)),
        Turn("undo that", adds=("notes.txt",), says="takes back"),
    ],
    "undo-what-i-did": [Turn("delete run.sh", drops=("run.sh",)), Turn("undo what i did", adds=("run.sh",))],
    "undo-today": [
        Turn("delete run.sh", drops=("run.sh",)),
        Turn("delete notes.txt", drops=("notes.txt",)),
        Turn("undo everything i did today", adds=("run.sh", "notes.txt")),
    ],
    "undo-about": [
        Turn("delete run.sh", drops=("run.sh",)),
        Turn("delete notes.txt", drops=("notes.txt",)),
        Turn("undo what i did with run.sh", adds=("run.sh",)),
    ],
    "undo-yesterday": [Turn("delete run.sh", drops=("run.sh",)), Turn("undo what i did yesterday", code=5)],
    "undo-nothing": [FIND_TMP, Turn("undo that", code=5)],
    # the past, other conversations
    "what-i-did": [
        FIND_TMP,
        Turn("count the files in logs", out="2", alone=True),
        Turn("do what i did for the tmp files", lines=TMP, alone=True),
    ],
    "alone": [
        FIND_TMP,
        Turn("delete those", code=5, alone=True, has=("--continue",)),
        Turn("delete those", drops=("tmp/a.tmp", "tmp/b.tmp")),
    ],
    "alone-again": [FIND_TMP, Turn("again", code=5, alone=True, has=("--continue",))],
    "private": [
        FIND_TMP,
        Turn("count the files in logs", out="2", options=("--no-memory",)),
        Turn("delete those", drops=("tmp/a.tmp", "tmp/b.tmp")),
    ],
    "longer": [
        FIND_LOGS,
        Turn("copy them to src", adds=("src/app.log", "src/old.log")),
        Turn("zip those into logs.zip", adds=("logs.zip",)),
        Turn("undo that", drops=("logs.zip",)),
        Turn("delete those", drops=("src/app.log", "src/old.log"), code=0),
    ],
    "proven": [
        Turn("find files larger than 1 MB", out="data/big.bin"),
        Turn("please find files larger than 1 MB", out="data/big.bin", says="did this before"),
        Turn("find files larger than 2 MB", out="data/big.bin", says="did this before"),
        Turn("find files smaller than 2 MB", has=("notes.txt",)),
    ],
    "anew": [FIND_TMP, Turn("find .tmp files", lines=TMP, options=("--no-cache",))],
    "in-its-own-words": [
        FIND_LOGS,
        Turn("find the .tmp files and delete them", drops=("tmp/a.tmp", "tmp/b.tmp")),
    ],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(desk: Desk, name: str) -> None:
    for number, turn in enumerate(CONVERSATIONS[name]):
        before = desk.tree()
        go_on = () if turn.alone or not number else ("--continue",)
        ran = desk.run(turn.request, *go_on, *turn.options)
        told = f"{turn.request}\n{ran.out}\n{ran.err}"
        assert ran.code == turn.code, told
        if turn.out is not None:
            assert ran.out.rstrip("\n") == turn.out, told
        if turn.lines is not None:
            assert frozenset(ran.lines) == turn.lines, told
        assert all(part in ran.out for part in turn.has), told
        assert turn.says in ran.out + ran.err, told
        after = desk.tree()
        assert after.keys() - before.keys() == set(turn.adds), told
        assert before.keys() - after.keys() == set(turn.drops), told
        assert all(after[path] == before[path] for path in after.keys() & before.keys()), told


def test_a_proven_plan_is_not_used_in_private_nor_in_another_folder(desk: Desk) -> None:
    request = "how many lines are in numbers.txt?"
    assert desk.run(request).out == "4\n"
    assert "did this before" in desk.run(request).err
    assert "did this before" not in desk.run(request, "--no-memory").err
    assert "did this before" not in desk.run(request, "--no-cache").err
    other = desk.workspace.parent / "other"
    other.mkdir()
    (other / "numbers.txt").write_text("1\n2\n")
    ran = desk("run", "--sandbox", desk.driver, "--workspace", str(other), request)
    assert (ran.out, "did this before" in ran.err) == ("2\n", False)


def test_memory_is_the_persons(desk: Desk) -> None:
    assert desk.run("find .tmp files").code == 0
    word = "quokka" + desk.driver
    ran = desk("memory", "remember", f"the {word} disk is red, password=hunter2")
    assert (ran.code, ran.out) == (0, f"the {word} disk is red, password=[redacted]\n")
    found = desk("memory", "search", word)
    entry = found.out.split("\t")[0]
    assert entry.startswith("f")
    assert "hunter2" not in desk("memory", "export").out
    assert word in desk("call", "memory.recall", "--about", word).out
    assert desk("memory", "forget", entry).code == 3
    done = desk("memory", "forget", "--yes", entry)
    assert (done.code, done.out) == (0, "1\n")
    assert "journal" in done.err
    assert word not in desk("memory", "search", word).out
    memory = desk.home / "data" / "memory"
    held = b"".join(path.read_bytes() for path in memory.rglob("*") if path.is_file())
    assert word.encode() not in held
    assert desk("memory", "rebuild").code == 0
    assert word not in desk("memory", "search", word).out
