"""Sizes, checksums, facts, differences and duplicates."""

import os
import subprocess
import time

import pytest

from tests.agent.here import Here


def ran(here: Here, *argv: str) -> str:
    return subprocess.run(argv, cwd=here.root, check=False, capture_output=True, text=True).stdout


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha512", "md5"])
def test_checksums_are_coreutils(here: Here, algorithm: str) -> None:
    here.make({"a": "hello", "d/b": b"\0" * 3_000_000, "d/c": ""})
    rows = here.rows("file.hash", paths=["a", "d"], algorithm=algorithm)
    sums = ran(here, algorithm + "sum", "a", "d/b", "d/c").splitlines()
    assert [f"{digest}  {path}" for path, digest in rows] == sums


def test_sizes_are_dus(here: Here) -> None:
    here.make({"a": "x" * 1234, "d/b": "y" * 99, "d/e/c": "z", "l": "-> a"})
    os.link(here.root / "a", here.root / "again")
    sizes = ran(here, "find", ".", "-type", "f", "-not", "-name", "again", "-printf", "%s\\n").split()
    assert here.number("file.size") == sum(map(int, sizes)) == 1334
    assert here.number("file.size", paths=["d", "d/e", "d/b"]) == 100
    assert here.number("file.size", paths=["a", "again"]) == 1234
    assert here.rows("file.usage") == [["a", 1234], ["d", 100], ["again", 0], ["l", 0]]
    assert here.rows("file.usage", path="d", limit=1) == [["d/b", 99]]


def test_a_directory_weighs_what_du_says_of_its_files(here: Here) -> None:
    here.make({f"d/{n}/{n}": "x" * (n * 777) for n in range(20)})
    directories = len([value for value in here.tree().values() if value[1] is None])  # type: ignore[index]
    own = os.lstat(here.root / "d/1").st_size
    du = int(ran(here, "du", "--apparent-size", "--block-size=1", "-s", "d").split()[0])
    listed = os.lstat(here.root / "d").st_size
    assert here.number("file.size", paths=["d"]) == du - (directories - 1) * own - listed


def test_facts(here: Here) -> None:
    here.make({"f": "12345", "l": "-> f", "d": None})
    (here.root / "f").chmod(0o640)
    os.utime(here.root / "f", (1_600_000_000, 1_600_000_000))
    file, link, directory = here.rows("file.stat", paths=["f", "l", "d"])
    stat = ran(here, "stat", "-c", "%n %s %a %U", "f").split()
    assert [file[0], str(file[2]), str(file[3]).lstrip("0"), file[4]] == stat
    assert str(file[5]).startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(1_600_000_000)))
    assert (link[1], directory[1], directory[2]) == ("link", "directory", None)


def test_duplicates(here: Here) -> None:
    big = os.urandom(70_000)
    here.make(
        {
            "a": "same",
            "d/b": "same",
            "other": "diff",
            "big1": big + b"1",
            "big2": big + b"2",
            "big3": big + b"1",
            "e1": "",
            "d/e2": "",
            "l": "-> a",
        }
    )
    assert here.rows("file.duplicates") == [
        [1, 70_001, "big1"],
        [1, 70_001, "big3"],
        [2, 4, "a"],
        [2, 4, "d/b"],
        [3, 0, "d/e2"],
        [3, 0, "e1"],
    ]
    assert here.rows("file.duplicates", root="d") == []


def test_differences_of_files(here: Here) -> None:
    here.make({"a": "1\n2\n3\n", "b": "1\nx\n3", "c": "1\n2\n3\n", "bin": b"\0", "dos": "1\r\n2\r\n"})
    text = here.text("file.diff", left="a", right="b")
    assert text == "--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n-3\n+x\n+3\n\\ No newline at end of file\n"
    assert text == ran(here, "diff", "-u", "--label", "a", "--label", "b", "a", "b")
    assert here.text("file.diff", left="a", right="c") == ""
    assert here.text("file.diff", left="c", right="bin") == "Binary files c and bin differ\n"
    here.fails("file.diff", "not-found", left="c", right="nope")


def test_differences_of_long_files(here: Here) -> None:
    lines = [f"{n}\n" for n in range(30_000)]
    here.make({"a": "".join(lines), "b": "".join([*lines[:15_000], "new\n", *lines[15_001:]])})
    started = time.perf_counter()
    text = here.text("file.diff", left="a", right="b")
    assert text.startswith("--- a\n+++ b\n@@ -14998,7 +14998,7 @@\n")
    assert ("-15000\n+new\n") in text
    assert time.perf_counter() - started < 10


def test_differences_of_directories(here: Here) -> None:
    here.make({"l/same": "1", "l/f": "1\n", "l/gone/x": "", "l/k": None, "l/ln": "-> a"})
    here.make({"r/same": "1", "r/f": "2\n", "r/new": "", "r/k": "file", "r/ln": "-> b"})
    assert here.text("file.diff", left="l", right="r").splitlines() == [
        *("--- l/f", "+++ r/f", "@@ -1 +1 @@", "-1", "+2"),
        "Only in l: l/gone",
        "l/k and r/k are of different types",
        "Links l/ln -> a and r/ln -> b differ",
        "Only in r: r/new",
    ]
    here.fails("file.diff", "not-a-file", left="l", right="r/f")
