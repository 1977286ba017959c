"""Kill, hold and re-nice from another terminal: real commands, the real sandbox."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import COMMAND, Desk

WAIT = "echo new > made; echo started; sleep 300"
LATER = "echo new > made; echo started; sleep 8"
"""Ends by itself, long after another command was heard."""


@pytest.fixture(params=["bubblewrap", "docker"])
def desk(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    desk.environment["CASAVA_SANDBOX"] = request.param
    return desk


@pytest.fixture
def running(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose program runs in its sandbox, in another process of the operating system."""
    process = underway(desk, WAIT)
    yield process
    process.kill()
    process.communicate()


def underway(desk: Desk, command: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [*COMMAND, "call", "process.run", "--yes", "--command", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=desk.workspace,
        env=desk.env,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    return process


def test_kill_ends_what_another_terminal_runs(desk: Desk, running: subprocess.Popen[bytes]) -> None:
    listed = [json.loads(line) for line in desk("ps", "--json").lines]
    assert [(row["pid"], row["state"], row["owner"]) for row in listed] == [(1, "running", running.pid)]
    shown = desk("ps").lines[1].split("\t")
    assert shown[0] == "1"
    assert "running" in shown

    killed = desk("kill", "1")
    assert (killed.code, killed.out) == (0, b"")
    assert "process 1 was cancelled; nothing was changed" in killed.err

    _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"it was killed; nothing was changed" in told
    assert desk.names() == ["a.txt", "b.txt", "old.tmp"]
    assert list((desk.home / "state" / "layers").iterdir()) == []
    assert desk("ps").lines[1:] == []
    again = desk("kill", "1")
    assert (again.code, again.out) == (2, b"")
    assert "it has ended: cancelled" in again.err


def test_hold_keeps_what_yes_would_have_landed(desk: Desk) -> None:
    process = underway(desk, LATER)
    held = desk("hold", "1")
    assert (held.code, held.out) == (0, b"")
    assert "what process 1 changes will be held" in held.err
    process.communicate(timeout=60)
    assert process.returncode == 3
    assert "made" not in desk.names()
    assert desk("commit", "1").code == 0
    assert "made" in desk.names()


def test_renice_from_another_terminal(desk: Desk, running: subprocess.Popen[bytes]) -> None:
    reniced = desk("renice", "1", "low")
    assert (reniced.code, reniced.out) == (0, b"")
    assert "process 1 has priority low" in reniced.err
    (row,) = [json.loads(line) for line in desk("ps", "--json").lines]
    assert row["priority"] == "low"
    end = time.monotonic() + 20
    while not [r for r in map(json.loads, desk("log", "1", "--json").lines) if r["kind"] == "note"]:
        assert time.monotonic() < end, "its owner never looked"
    wrong = desk("renice", "1", "urgent")
    assert (wrong.code, wrong.out) == (2, b"")
    assert "low, normal, high" in wrong.err


def test_what_a_killed_terminal_left_is_reported(desk: Desk, running: subprocess.Popen[bytes]) -> None:
    running.kill()
    running.communicate()
    (line,) = desk("ps").lines[1:]
    assert "left behind" in line.split("\t")
    killed = desk("kill", "1")
    assert killed.code == 0
    assert "left behind by a casava-os that is gone" in killed.err
    assert list((desk.home / "state" / "layers").iterdir()) == []
    assert desk("ps").lines[1:] == []


@pytest.mark.parametrize("command", ["kill", "hold"])
def test_there_is_no_such_process(desk: Desk, command: str) -> None:
    ran = desk(command, "7")
    assert (ran.code, ran.out) == (1, b"")
    assert "There is no process 7" in ran.err
