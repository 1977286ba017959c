"""Finding, listing and counting."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.globs import matcher
from casava_sandbox.agent.performers import PERFORMERS
from tests.agent.here import Here

TREE: dict[str, object] = {
    "a.py": "print(1)\n",
    "B.PY": "x" * 100,
    "notes.txt": "hello\n",
    ".hidden": "h",
    "src/main.py": "import os\n",
    "src/deep/util.py": "",
    "src/deep/empty": None,
    "src/.cache/x.py": "cached",
    "img/photo.JPG": b"\xff\xd8\xff\x00",
    "img/.jpg": "no extension",
    "pack.tar.gz": b"\x1f\x8b",
    "to-notes": "-> notes.txt",
    "loop": "-> .",
    "dangling": "-> nowhere",
    "folder.py": None,
}


@pytest.fixture
def tree(here: Here) -> Here:
    here.make(TREE)
    return here


def test_everything_but_the_root_and_no_link_is_followed(tree: Here) -> None:
    listed = subprocess.run(
        ["find", ".", "-mindepth", "1", "-printf", "%P\\n"],
        cwd=tree.root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert tree.paths("file.find") == sorted(listed)


@pytest.mark.parametrize(
    ("fields", "find"),
    [
        ({"name": "*.py", "type": "file"}, ["-name", "*.py", "-type", "f"]),
        ({"name": "*.py", "ignore_case": True}, ["-iname", "*.py"]),
        ({"name": "[a-m]*"}, ["-name", "[a-m]*"]),
        ({"name": "[!a-m]*"}, ["-name", "[!a-m]*"]),
        ({"type": "directory"}, ["-type", "d"]),
        ({"type": "link"}, ["-type", "l"]),
        ({"empty": True}, ["-empty"]),
        ({"max_depth": 1}, ["-maxdepth", "1"]),
        ({"min_depth": 2, "max_depth": 2}, ["-mindepth", "2", "-maxdepth", "2"]),
        ({"larger_than": 10}, ["-type", "f", "-size", "+10c"]),
        ({"smaller_than": 7}, ["-type", "f", "-size", "-7c"]),
        ({"mode": "0600"}, ["-perm", "0600", "!", "-type", "l"]),
        ({"exclude": ["src"]}, ["-name", "src", "-prune", "-o", "-print"]),
        (
            {"exclude": ["src", "*.txt"]},
            ["(", "-name", "src", "-o", "-name", "*.txt", ")", "-prune", "-o", "-print"],
        ),
    ],
)
def test_conditions_agree_with_find(tree: Here, fields: dict[str, object], find: list[str]) -> None:
    (tree.root / "a.py").chmod(0o600)
    conditions = [*find[:-1], "-printf", "%P\\n"] if find[-1] == "-print" else [*find, "-printf", "%P\\n"]
    depths = [] if "-mindepth" in find else ["-mindepth", "1"]
    out = subprocess.run(
        ["find", ".", *depths, *conditions], cwd=tree.root, check=True, capture_output=True, text=True
    )
    assert tree.paths("file.find", **fields) == sorted(out.stdout.splitlines())


def test_extensions_and_kinds(tree: Here) -> None:
    assert tree.paths("file.find", extension=["jpg"]) == ["img/photo.JPG"]
    assert (
        tree.paths("file.find", extension=["tar.gz"])
        == tree.paths("file.find", kind="archive")
        == ["pack.tar.gz"]
    )
    assert "folder.py" not in tree.paths("file.find", extension=["py"])
    assert tree.paths("file.find", kind="image") == ["img/photo.JPG"]


def test_parts_of_names(tree: Here) -> None:
    assert tree.paths("file.find", name_contains="ot") == ["img/photo.JPG", "notes.txt", "to-notes"]
    assert tree.paths("file.find", name_starts="no") == ["notes.txt"]
    assert tree.paths("file.find", name_ends="PY", ignore_case=False) == ["B.PY"]
    assert tree.paths("file.find", name_contains="PHOTO.j", ignore_case=True) == ["img/photo.JPG"]


def test_patterns_over_paths(tree: Here) -> None:
    assert tree.paths("file.find", name="src/*.py") == ["src/main.py"]
    assert tree.paths("file.find", name="src/**/*.py") == [
        "src/.cache/x.py",
        "src/deep/util.py",
        "src/main.py",
    ]
    assert tree.paths("file.find", name="**/deep/*") == ["src/deep/empty", "src/deep/util.py"]
    assert tree.paths("file.find", root="src", name="deep/*.py") == ["src/deep/util.py"]
    assert tree.paths("file.find", root="src", name="src/*.py") == ["src/main.py"]
    assert tree.paths("file.find", root="src", exclude=["deep"]) == [
        "src/.cache",
        "src/.cache/x.py",
        "src/main.py",
    ]


def test_hidden(tree: Here) -> None:
    assert tree.paths("file.find", hidden=True) == [".hidden", "img/.jpg", "src/.cache"]
    assert not [path for path in tree.paths("file.find", hidden=False) if "/." in "/" + path]


def test_contents(tree: Here) -> None:
    tree.make({"wide.txt": "grüße\n".encode("utf-16"), "old.txt": "grüße\n".encode("latin-1")})
    assert tree.paths("file.find", contains="import") == ["src/main.py"]
    assert tree.paths("file.find", contains="IMPORT", ignore_case=True) == ["src/main.py"]
    assert tree.paths("file.find", contains="grüße") == ["old.txt", "wide.txt"]
    tree.make({"long": "y" * (2**20 - 2) + "needle"})
    assert tree.paths("file.find", contains="needle") == ["long"]


def test_ages(tree: Here) -> None:
    now = time.time()
    for name, days in (("a.py", 10), ("notes.txt", 3), ("B.PY", 0)):
        os.utime(tree.root / name, (now - days * 86400, now - days * 86400))
    names = "[aBn]*"
    assert tree.paths("file.find", name=names, type="file", older_than="1 week") == ["a.py"]
    assert tree.paths("file.find", name=names, type="file", newer_than="4 days") == ["B.PY", "notes.txt"]
    assert tree.paths("file.find", name=names, type="file", older_than="2 days", newer_than="4 days") == [
        "notes.txt"
    ]
    day = time.strftime("%Y-%m-%d", time.localtime(now - 5 * 86400))
    assert tree.paths("file.find", name=names, type="file", modified_after=day) == ["B.PY", "notes.txt"]
    assert tree.paths("file.find", name=names, type="file", modified_before=day) == ["a.py"]
    assert tree.paths("file.find", name="[aBn]*", type="file", sort="oldest", limit=2) == [
        "a.py",
        "notes.txt",
    ]


def test_moments_with_a_zone(here: Here) -> None:
    here.make({"a": ""})
    os.utime(here.root / "a", (1_700_000_000, 1_700_000_000))
    assert here.paths("file.find", modified_before="2023-11-14T22:13:21Z") == ["a"]
    assert here.paths("file.find", modified_before="2023-11-14T22:13:20Z") == []
    assert here.paths("file.find", modified_after="2023-11-15T00:13:20+02:00") == ["a"]


def test_orders(here: Here) -> None:
    here.make({"b.txt": "12", "a.txt": "12", "c.md": "1"})
    assert here.paths("file.find", sort="largest") == ["a.txt", "b.txt", "c.md"]
    assert here.paths("file.find", sort="smallest") == ["c.md", "a.txt", "b.txt"]
    assert here.paths("file.list", sort="extension") == ["c.md", "a.txt", "b.txt"]


def test_entries_are_exact(here: Here) -> None:
    here.make({"f": "12345", "l": "-> f"})
    (here.root / "f").chmod(0o750)
    link, file = reversed(here("file.list")["items"])  # type: ignore[call-overload]
    assert (file["size"], file["mode"], file["type"], file["target"]) == (5, "0750", "file", None)
    assert (link["type"], link["target"]) == ("link", "f")


def test_names_that_are_hard_to_write(here: Here) -> None:
    for raw in (b"new\nline", b"quote'\"", b"-rf", b"bytes-\xff\xfe", "\uf7ff".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(here.root), raw))).write_bytes(b"x")
    names = here.paths("file.find", type="file")
    assert len(names) == 5
    assert here.number("file.count", paths=here("file.find")) == 5
    assert len(here.paths("file.delete", paths=here("file.find"))) == 5
    assert here.names() == set()


def test_failures_say_what_is_near(tree: Here) -> None:
    assert "src" in tree.fails("file.find", "not-found", root="scr").hint
    assert "src/deep" in tree.fails("file.list", "not-found", path="src/deeep").hint
    tree.fails("file.find", "not-a-directory", root="a.py")
    (tree.root / "out").symlink_to("/")
    tree.fails("file.find", "outside-workspace", root="out")
    tree.fails("file.count", "not-found", paths=["nope"])


def test_many_files_take_little_time(here: Here) -> None:
    for directory in range(100):
        (here.root / str(directory)).mkdir()
        for number in range(100):
            os.close(os.open(here.root / str(directory) / f"{number}.txt", os.O_CREAT))
    started = time.perf_counter()
    assert len(here.paths("file.find", name="*7.txt")) == 1000
    assert time.perf_counter() - started < 2


def test_a_cancelled_search_stops(tree: Here) -> None:
    context = tree.context()
    context.cancel()
    with pytest.raises(Fault) as raised:
        PERFORMERS["file.find"](context, {})
    assert raised.value.code == "interrupted"


def test_brackets_in_patterns() -> None:
    assert matcher("[]]")("]", "")
    assert matcher("[a-]x")("-x", "")
    assert not matcher("a[/]b")("a/b", "a/b")
    assert matcher("a?c", ignore_case=True)("ABC", "")
    assert not matcher("*.py")("a.py\n", "")


KEEP: dict[str, object] = {
    "out/a.jpg": "a",
    "out/web/b.jpg": "b",
    "out/web/keep.jpg": "keep",
    "out/web/deep/c.jpg": "c",
    "out/old/d.jpg": "d",
}


@pytest.mark.parametrize("fields", [{}, {"type": "directory"}, {"name_starts": "w"}])
def test_what_was_left_out_outlives_the_directory_above_it(here: Here, fields: dict[str, object]) -> None:
    """The directory is one of those found; what would be done to it would be done to what it holds."""
    here.make(KEEP)
    found = here("file.find", root="out", exclude=["keep.jpg"], **fields)
    assert [item["path"] for item in found["items"] if item["partial"]] == ["out/web"]  # type: ignore[attr-defined]
    here("file.delete", paths=found)
    assert "out/web/keep.jpg" in here.names()
    if not fields:
        assert here.paths("file.find", root="out") == ["out/web", "out/web/keep.jpg"]


@pytest.mark.parametrize("call", ["file.move", "file.copy", "file.archive"])
def test_what_was_left_out_goes_nowhere_with_the_directory_above_it(here: Here, call: str) -> None:
    here.make(KEEP)
    found = here("file.find", root="out", exclude=["keep.jpg"])
    here(call, paths=found, to="there.zip" if call == "file.archive" else "there")
    if call == "file.archive":
        here("file.extract", paths=["there.zip"], to="there")
    assert "out/web/keep.jpg" in here.names()
    everything = here.paths("file.find", root="there")
    assert not [path for path in everything if path.endswith("keep.jpg")]
    assert [path for path in everything if path.endswith("c.jpg")]


def test_directories_that_hold_what_was_left_out_still_count(here: Here) -> None:
    here.make(KEEP)
    found = here("file.find", root="out", type="directory", exclude=["keep.jpg"])
    assert here.number("file.count", paths=found) == 3
    assert here.number("file.size", paths=here("file.find", root="out", exclude=["keep.jpg"])) == 4
