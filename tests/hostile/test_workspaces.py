"""Workspaces that are none, that must not be one, or that are too much."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.attack import COMMAND, Desk, Ran, snapshot


def test_a_workspace_that_is_none_is_2(any_desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    names = ("missing", "file", "loop", "dangling", "pipe", "file/below", "x" * 300, "a\x1b[2Jb", b"\xff\xfe")
    here = os.fsencode(tmp_path) + b"/"
    wheres = [here + (name if isinstance(name, bytes) else name.encode()) for name in names]
    with any_desk.unchanged():
        for ran in any_desk.each(*(("call", "file.list", "--workspace", where) for where in wheres)):
            assert "\x1b" not in ran.explained(2).err


def test_a_workspace_that_must_not_be_one_is_2(any_desk: Desk, tmp_path: Path) -> None:
    """The whole machine, and whatever holds or is Casava's own state."""
    any_desk("call", "file.list")  # makes the state
    (tmp_path / "link-to-root").symlink_to("/")
    state = any_desk.home / "state"
    places = (
        "/",
        "//",
        "/tmp/..",
        any_desk.home,
        state,
        state / "layers",
        tmp_path / "link-to-root",
        tmp_path,
    )
    command = ("call", "process.run", "--command", "rm -rf .", "--yes", "--workspace")
    with any_desk.unchanged():
        every = any_desk.each(*((*command, str(place)) for place in places))
    for place, ran in zip(places, every, strict=True):
        assert ran.code == 2, (place, ran)
        ran.explained(2)
    assert (state / "journal.sqlite").exists()


def test_the_directory_under_the_feet_may_vanish(any_desk: Desk, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, *COMMAND, "call", "file.list"],
        cwd=gone,
        env={**any_desk.env, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    Ran(done.returncode, done.stdout, done.stderr.decode()).explained(2)


@pytest.fixture
def persons_desk(as_root: None) -> Iterator[Desk]:
    """The desk of an ordinary person."""
    home = Path(tempfile.mkdtemp(prefix="casava-person-"))
    (home / "work").mkdir()
    (home / "tmp").mkdir()
    yield Desk(home / "work", home / "casava", home / "tmp", "bubblewrap")
    shutil.rmtree(home)


PERSON = 65534
_BECOME = f"""
import os, sys
from casava_os.cli.entry import command
os.chdir('work')
assert command(['call', 'file.write', '--path', 'x', '--content', 'x']) == 3  # all that is imported late is there now
assert command(['discard']) == 0
for directory, names, files in os.walk(os.path.dirname(os.getcwd())):
    for name in ['', *names, *files]:
        os.chown(os.path.join(directory, name), {PERSON}, {PERSON})
exec(os.environ['SET_UP'])
os.setgroups([])
os.setresgid({PERSON}, {PERSON}, {PERSON})
os.setresuid({PERSON}, {PERSON}, {PERSON})
sys.stderr.flush()
os.ftruncate(2, 0)
os.lseek(2, 0, os.SEEK_SET)
sys.exit(command(sys.argv[1:]))
"""
"""Starts as root, because the interpreter may lie where nobody else may look; the command is the person's."""


def _as_person(desk: Desk, *arguments: str, set_up: str = "") -> Ran:
    with tempfile.TemporaryFile() as err:
        done = subprocess.run(
            [sys.executable, "-c", _BECOME, *arguments],
            cwd=desk.home.parent,
            env={**desk.env, "HOME": str(desk.home), "SET_UP": set_up},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            check=False,
        )
        err.seek(0)
        return Ran(done.returncode, done.stdout, err.read().decode("utf-8", "replace"))


def test_an_unreadable_workspace_is_2(persons_desk: Desk) -> None:
    closed = persons_desk.workspace / "closed"
    closed.mkdir(mode=0o000)
    os.chown(closed, 65534, 65534)
    _as_person(persons_desk, "call", "file.list", "--workspace", str(closed)).explained(2)
    closed.chmod(0o700)
    assert snapshot(closed).keys() == {os.fsencode(closed)}


def test_state_that_cannot_be_written_is_no_crash(persons_desk: Desk) -> None:
    close = "os.chmod(os.environ['CASAVA_HOME'] + '/state', 0o500)"
    ran = _as_person(
        persons_desk, "call", "file.write", "--path", "x", "--content", "x", "--yes", set_up=close
    )
    ran.explained(1)
    assert list(persons_desk.workspace.iterdir()) == []


@pytest.mark.parametrize("broken", ["journal.sqlite", "state", "layers", "undo"])
def test_state_that_is_something_else_is_no_crash(any_desk: Desk, broken: str) -> None:
    state = any_desk.home / "state"
    state.mkdir(parents=True, mode=0o700)
    any_desk.home.chmod(0o700)
    if broken == "journal.sqlite":
        (state / broken).write_bytes(b"\xff" * 5000)
        (state / broken).chmod(0o600)
    elif broken == "state":
        state.rmdir()
        state.write_bytes(b"")
        state.chmod(0o600)
    else:
        (state / broken).write_bytes(b"")
        (state / broken).chmod(0o600)
    with any_desk.unchanged():
        any_desk("call", "file.delete", "--paths", "a.txt", "--yes").explained(1)
    if broken in ("layers", "undo"):
        (state / broken).unlink()
    elif broken == "journal.sqlite":
        for path in state.glob("journal.sqlite*"):
            path.unlink()


# ------------------------------------------------------------------------------------------------ too much


@pytest.fixture(scope="module")
def hundred_thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """100,000 files in 100 directories; made once: hard links are made ten times quicker than files."""
    root = tmp_path_factory.mktemp("many") / "work"
    root.mkdir()
    for number in range(100):
        directory = root / f"d{number:02}"
        directory.mkdir()
        at = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        os.close(os.open("f000.txt", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=at))
        for name in range(1, 1000):
            os.link("f000.txt", f"f{name:03}.txt", src_dir_fd=at, dst_dir_fd=at)
        os.close(at)
    yield root
    shutil.rmtree(root.parent)


def test_a_hundred_thousand_files(desk: Desk, hundred_thousand: Path) -> None:
    where = ("--workspace", str(hundred_thousand))
    found = desk("call", "file.find", "--name", "f*7.txt", *where)
    assert found.code == 0, found.err
    assert len(found.lines) == 10_000
    deleted = desk("call", "file.delete", "--paths", "d42", "--yes", *where)
    assert deleted.code == 0, deleted.err
    assert not (hundred_thousand / "d42").exists()
    assert desk("undo", *where).code == 0
    assert len(os.listdir(hundred_thousand / "d42")) == 1000


def test_links_that_dangle_and_loop(any_desk: Desk) -> None:
    work = any_desk.workspace
    (work / "dangling").symlink_to("nothing")
    (work / "loop").symlink_to("loop")
    (work / "up").symlink_to("..")
    (work / "sub" / "round").symlink_to("../sub")
    (work / "one").symlink_to("two")
    (work / "two").symlink_to("one")
    with any_desk.unchanged():
        found = any_desk("call", "file.find", "--root", ".")
        assert found.code == 0
        assert {"dangling", "loop", "sub/round", "one"} <= set(found.lines)
        assert not any(line.startswith(("sub/round/", "up/")) for line in found.lines)
        names = ("dangling", "loop", "one", "up/work/a.txt", "loop/x")
        *bad, usage, ran = any_desk.each(
            *(("call", "file.read", "--paths", name) for name in names),
            ("call", "file.usage"),
            ("call", "text.search", "--pattern", "delta"),
        )
        assert [one.failed(1).code for one in bad] == [1] * len(names)
        assert usage.code == 0
        assert ran.code == 0
        assert len(ran.lines) == 1, ran
    assert any_desk("call", "file.delete", "--paths", "loop", "--paths", "sub/round", "--yes").code == 0
    assert (work / "sub" / "c.txt").exists()
    assert not os.path.lexists(work / "loop")
