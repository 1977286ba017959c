"""Big and odd workspaces on both sandboxes: what works, works; what cannot, is refused with a reason and loses nothing."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.layer.tree import snapshot

GIB = 2**30


@pytest.fixture(params=["docker", "bubblewrap"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """An empty workspace on one of the sandboxes."""
    workspace = tmp_path / "odd"
    workspace.mkdir()
    return Desk(workspace, tmp_path / "home", {"CASAVA_SANDBOX": str(request.param)})


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mounts a tmpfs (or what the arguments say); all go when the test ends."""
    mounted: list[Path] = []

    def make(place: Path, *arguments: str) -> None:
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", *(arguments or ("-t", "tmpfs", "tmpfs")), str(place)], check=True)
        mounted.append(place)

    yield make
    for place in reversed(mounted):
        subprocess.run(["umount", str(place)], check=True)


def shell(desk: Desk, command: str, code: int = 0, *options: str) -> str:
    ran = desk("call", "process.run", "--yes", *options, "--command", command, timeout=280)
    assert ran.code == code, ran
    assert "Traceback" not in ran.err
    return ran.err


def undone(desk: Desk, before: object) -> None:
    ran = desk("undo", timeout=280)
    assert ran.code == 0, ran
    assert snapshot(str(desk.workspace)) == before


# ------------------------------------------------------------------------------------------------ kinds of files


def test_fifos_and_sockets_are_refused_and_the_rest_can_land(odd: Desk) -> None:
    here = odd.workspace
    os.mkfifo(here / "pipe")
    (here / "d").mkdir()
    os.mkfifo(here / "d" / "inner")
    for name in ("d/a", "b"):
        (here / name).write_text(name)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(here / "sock"))
        told = shell(odd, "rm pipe sock; rm -r d; echo B > b; echo n > n; mkfifo fresh", 1)
        for name in ("pipe", "sock", "d/inner", "fresh"):
            assert f"! {name} " in told
        assert "--merge applies the rest" in told
        assert (here / "b").read_text() == "b"
        ran = odd("commit", "--merge", "--yes")
        assert ran.code == 0, ran
        assert odd.names() == ["b", "d", "d/inner", "n", "pipe", "sock"]
        assert (here / "b").read_text() == "B\n"
        assert odd("undo").code == 0
        assert odd.names() == ["b", "d", "d/a", "d/inner", "pipe", "sock"]


def test_a_fifo_that_nobody_touches_is_in_nobodys_way(odd: Desk) -> None:
    os.mkfifo(odd.workspace / "pipe")
    shell(odd, "echo x > x")
    assert odd.names() == ["pipe", "x"]
    assert stat.S_ISFIFO((odd.workspace / "pipe").lstat().st_mode)


def test_one_of_two_hard_links_is_written_to(odd: Desk) -> None:
    here = odd.workspace
    (here / "a").write_text("both\n")
    os.link(here / "a", here / "b")
    before = snapshot(str(here))
    shell(odd, "echo more >> a")
    assert (here / "a").read_text() == "both\nmore\n"
    assert (here / "b").read_text() in ("both\n", "both\nmore\n")
    undone(odd, before)
    shell(odd, "rm a")
    assert (here / "b").read_text() == "both\n"
    undone(odd, before)


def test_names_that_differ_in_case_only(odd: Desk) -> None:
    here = odd.workspace
    (here / "Read").write_text("1")
    (here / "read").write_text("2")
    before = snapshot(str(here))
    shell(odd, "mv Read READ; echo 3 > read; mkdir reaD; echo 4 > reaD/x")
    assert odd.names() == ["READ", "reaD", "reaD/x", "read"]
    undone(odd, before)


# ------------------------------------------------------------------------------------------------ places


def test_a_workspace_on_another_filesystem(odd: Desk, mount: Callable[..., None]) -> None:
    mount(odd.workspace)
    for name in ("a", "b"):
        (odd.workspace / name).write_text(name)
    before = snapshot(str(odd.workspace))
    shell(odd, "rm a; echo B > b; mkdir -p n/m; echo x > n/m/x; chmod 600 b")
    assert odd.names() == ["b", "n", "n/m", "n/m/x"]
    undone(odd, before)


def test_a_nested_mount_is_told_of_and_never_taken_apart(odd: Desk, mount: Callable[..., None]) -> None:
    (odd.workspace / "d").mkdir()
    mount(odd.workspace / "d" / "disk")
    (odd.workspace / "d" / "disk" / "precious").write_text("keep")
    (odd.workspace / "b").write_text("b")
    told = shell(odd, "rm -r d; echo B > b", 1)
    assert "another file system is mounted" in told.lower()
    assert "! d/disk has another filesystem mounted on it" in told
    assert odd("commit", "--merge", "--yes").code == 0
    assert odd.names() == ["b", "d", "d/disk", "d/disk/precious"]
    assert (odd.workspace / "b").read_text() == "B\n"


def test_a_read_only_workspace_can_be_read_and_keeps_what_cannot_land(
    odd: Desk, mount: Callable[..., None]
) -> None:
    (odd.workspace / "a").write_text("a\n")
    mount(odd.workspace, "--bind", str(odd.workspace))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(odd.workspace)], check=True)
    ran = odd("call", "file.read", "--paths", "a")
    assert (ran.code, ran.out) == (0, b"a\n"), ran
    told = shell(odd, "echo x > x", 1)
    assert "read-only" in told.lower(), told
    assert "casava-os commit 2 applies it" in told
    assert odd.names() == ["a"]
    subprocess.run(["mount", "-o", "remount,bind,rw", str(odd.workspace)], check=True)
    landed = odd("commit")
    assert landed.code == 0, landed
    assert odd.names() == ["a", "x"]


def test_a_git_repository_keeps_its_records_unless_git_was_meant(odd: Desk) -> None:
    here = odd.workspace
    (here / "a").write_text("a\n")
    git = "git -c user.name=x -c user.email=x@x"
    subprocess.run(f"git init -q . && git add a && {git} commit -qm one", shell=True, cwd=here, check=True)
    before = snapshot(str(here))
    told = shell(odd, "for d in .g*; do rm -rf $d; done; echo b > b", 4)
    assert "git keeps its own records" in told
    assert snapshot(str(here)) == before
    shell(odd, "echo b > b; rm a")
    undone(odd, before)
    if odd.environment["CASAVA_SANDBOX"] == "bubblewrap":  # it has the machine's own git
        shell(odd, f"{git} commit -q --allow-empty -m two")
        log = subprocess.run(["git", "log", "--format=%s"], cwd=here, capture_output=True, check=True)
        assert log.stdout.split() == [b"two", b"one"]
        undone(odd, before)


# ------------------------------------------------------------------------------------------------ size


def test_five_gigabytes_are_copied_only_when_written_to(odd: Desk) -> None:
    big = odd.workspace / "big"
    with big.open("wb") as file:
        file.truncate(5 * GIB)
        file.seek(3 * GIB)
        file.write(b"here")
    used = shutil.disk_usage(odd.workspace).used
    shell(odd, "tail -c +3221225473 big | head -c 4 > part; mv part found; touch other")
    assert (odd.workspace / "found").read_text() == "here"
    ran = odd(
        "call",
        "process.run",
        "--yes",
        "--json",
        "--command",
        "printf X | dd of=big bs=1 seek=7 conv=notrunc",
        timeout=280,
    )
    assert ran.code == 0, ran
    assert any(event.event == "progress" for event in ran.events)
    with big.open("rb") as file:
        assert file.read(8) == b"\0\0\0\0\0\0\0X"
        file.seek(3 * GIB)
        assert file.read(4) == b"here"
    assert big.stat().st_size == 5 * GIB
    assert big.stat().st_blocks * 512 < GIB
    assert odd("undo", timeout=280).code == 0
    with big.open("rb") as file:
        assert file.read(8) == bytes(8)
    assert shutil.disk_usage(odd.workspace).used - used < GIB


def test_a_hundred_thousand_files(odd: Desk) -> None:
    for folder in range(100):
        place = odd.workspace / f"d{folder}"
        place.mkdir()
        for number in range(1000):
            (place / f"f{number}").write_bytes(b"%d" % number)
    before = snapshot(str(odd.workspace))
    shell(odd, "echo x > d5/f7; rm d6/f1; mv d7 e7; rm -r d9; chmod 700 d8")
    now = snapshot(str(odd.workspace))
    assert len(now) == len(before) - 1002
    assert "e7/f999" in now
    undone(odd, before)
