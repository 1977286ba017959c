"""The journal and the workspace agree after any kill: what landed is written down, by whoever starts next."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from casava_os.boot import JOURNAL, boot_kernel
from casava_os.kernel.chain import verify
from casava_syscalls.results import Ok
from tests.crash.kill import killed_at_point
from tests.crash.world import Exact, exact

COMMAND = "echo changed > a; rm -r d; mkdir n; echo new > n/f"


NOT_YET = ["beginning", "intent written", "objects flushed", "applying", "item", "applied"]
LANDED = ["landed", "record in place", "folders removed", "ended"]


def casava(home: Path, workspace: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "casava_os", *arguments],
        cwd=workspace,
        env={**os.environ, "CASAVA_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def state_of(pid: int) -> str:
    """The state that the journal has after the next start."""
    booted = boot_kernel()
    assert isinstance(booted, Ok), booted
    row = booted.value.journal.process(pid)
    booted.value.close()
    assert isinstance(row, Ok)
    return row.value.state


@pytest.mark.parametrize("purpose", ["commit", "undo", "redo"])
def test_the_state_in_the_journal_is_that_of_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    home, workspace = tmp_path / "home", tmp_path / "work"
    (workspace / "d").mkdir(parents=True)
    (workspace / "a").write_text("a\n")
    (workspace / "d/b").write_text("b\n")
    monkeypatch.setenv("CASAVA_HOME", str(home))
    monkeypatch.chdir(workspace)
    trees: dict[str, Exact] = {"held": exact(workspace), "undone": exact(workspace)}

    def act() -> object:
        from casava_os.cli.entry import command

        devnull = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(devnull, number)
        return command([purpose, "1"])

    ran = casava(home, workspace, "call", "process.run", "--sandbox", "bubblewrap", "--command", COMMAND)
    assert ran.returncode == 3, ran.stderr
    if purpose != "commit":
        assert casava(home, workspace, "commit", "1").returncode == 0
        trees["committed"] = exact(workspace)
    if purpose == "redo":
        assert casava(home, workspace, "undo", "1").returncode == 0
    before, after = {
        "commit": ("held", "committed"),
        "undo": ("committed", "undone"),
        "redo": ("undone", "committed"),
    }[purpose]
    for point in NOT_YET:
        assert killed_at_point(point, act) == (-9, point)
        assert state_of(1) == before, point
        assert exact(workspace) == trees[before], point
    for point in LANDED:
        assert killed_at_point(point, act) == (-9, point)
        assert state_of(1) == after, point
        assert exact(workspace) == trees.setdefault(after, exact(workspace)), point
        assert exact(workspace) != trees[before]
        assert verify(home / "state" / JOURNAL).whole, point
        if purpose == "commit":  # a commit lands once
            break
        assert casava(home, workspace, {"undo": "redo", "redo": "undo"}[purpose], "1").returncode == 0


def test_a_full_disk_under_the_journal_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Journal, layers and undo store on one small disk that fills up before the answer."""
    home, workspace = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    (workspace / "d").mkdir(parents=True)
    (workspace / "a").write_text("a\n")
    (workspace / "d/b").write_text("b\n")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", str(home)], check=True)
    try:
        ran = casava(home, workspace, "call", "process.run", "--sandbox", "bubblewrap", "--command", COMMAND)
        assert ran.returncode == 3, ran.stderr
        before = exact(workspace)
        monkeypatch.setenv("CASAVA_HOME", str(home))
        ballast = home / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"z" * 4096):
                pass
        full = casava(home, workspace, "commit", "1")
        assert full.returncode not in (0, 3), full
        assert b"space" in full.stderr or b"full" in full.stderr, full.stderr
        assert b"Traceback" not in full.stderr
        assert exact(workspace) == before
        ballast.unlink()
        assert state_of(1) == "held"
        landed = casava(home, workspace, "commit", "1")
        assert landed.returncode == 0, landed.stderr
        assert casava(home, workspace, "undo", "1").returncode == 0
        assert exact(workspace) == before
        assert verify(home / "state" / JOURNAL).whole
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_what_cannot_be_ended_now_is_told_and_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, workspace, aside = tmp_path / "home", tmp_path / "work", tmp_path / "aside"
    (workspace / "d").mkdir(parents=True)
    (workspace / "a").write_text("a\n")
    monkeypatch.setenv("CASAVA_HOME", str(home))
    monkeypatch.chdir(workspace)

    def act() -> object:
        from casava_os.cli.entry import command

        devnull = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(devnull, number)
        return command(["commit", "1"])

    assert casava(home, workspace, "doctor").stdout.count(b"nothing was interrupted") == 1
    ran = casava(home, workspace, "call", "process.run", "--sandbox", "bubblewrap", "--command", COMMAND)
    assert ran.returncode == 3, ran.stderr
    before = exact(workspace)
    assert killed_at_point("applied", act) == (-9, "applied")
    workspace.rename(aside)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    listed = casava(home, elsewhere, "ps")
    assert listed.returncode == 0
    assert b"putting back what process 1 left unfinished" in listed.stderr
    told = casava(home, elsewhere, "doctor")
    assert f"interrupted: commit of process 1 in {workspace}".encode() in told.stdout
    other = casava(home, elsewhere, "call", "file.write", "--path", "b", "--content", "b", "--yes")
    assert other.returncode == 0, other.stderr
    aside.rename(workspace)
    assert b"unfinished" not in casava(home, elsewhere, "ps").stderr
    assert exact(workspace) == before
    assert b"nothing was interrupted" in casava(home, elsewhere, "doctor").stdout
