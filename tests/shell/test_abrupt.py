"""A shell that dies: what it leaves behind, what the next one says, and the terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from casava_os.shell.abrupt import KEPT, OPEN, Abrupt, died_before, go_with_terminal
from casava_os.shell.app import ShellApp
from casava_os.shell.history import History
from casava_os.shell.marks import UNICODE
from casava_os.shell.session import Place, Session
from tests.shell.conftest import OpenShell, Shell

_DIES = """
import ctypes, pathlib, sys
from casava_os.shell.abrupt import Abrupt
abrupt = Abrupt(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
print("\\x1b[?1049h", flush=True)
if sys.argv[3] == "dies":
    ctypes.string_at(0)
abrupt.close()
"""


def in_a_terminal(tmp_path: Path, how: str) -> str:
    """What stands in the terminal after a program with a word for the case that it dies."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        ["sh", "-c", '"$@"; code=$?; sleep 1; exit $code', "sh",  # the terminal is the sh's, which outlives it
         sys.executable, "-c", _DIES, str(tmp_path), str(tmp_path / "w"), how],
        stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509 - it becomes the terminal
    )  # fmt: skip
    os.close(theirs)
    program.wait(60)
    assert (program.returncode == 0) == (how == "leaves")
    written = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # everybody who had the terminal is gone
            break
        if not part:
            break
        written += part
    os.close(ours)
    return written.decode()


def test_a_fault_leaves_where_every_thread_was_and_the_terminal_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    written = in_a_terminal(tmp_path, "dies")
    after = written.partition("\x1b[?1049h")[2]
    assert "\x1b[?1049l" in after
    assert "\x1b[?25h" in after
    assert "ended abruptly" in after
    assert died_before(tmp_path, tmp_path) == ""  # it died in another folder
    told = died_before(tmp_path, tmp_path / "w")
    assert f"The shell ended abruptly at {time.strftime('%H:')}" in told
    assert str(tmp_path / KEPT) in told
    assert "Segmentation fault" in (tmp_path / KEPT).read_text()
    assert "string_at" in (tmp_path / KEPT).read_text()
    assert died_before(tmp_path, tmp_path / "w") == ""  # said once


def test_who_leaves_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    assert "abruptly" not in in_a_terminal(tmp_path, "leaves")
    assert list((tmp_path / OPEN).iterdir()) == []
    assert died_before(tmp_path, tmp_path / "w") == ""


def test_a_shell_that_is_open_has_not_died(tmp_path: Path) -> None:
    abrupt = Abrupt(tmp_path, tmp_path)
    assert died_before(tmp_path, tmp_path) == ""
    abrupt.close()
    abrupt.close()


def again(shell: Shell, session: Session) -> ShellApp:
    return ShellApp(
        shell.bench.kernel, shell.bench.workspace, model="scripted", history=History(None), session=session,
        marks=UNICODE,
    )  # fmt: skip


async def test_the_next_shell_says_so_until_the_next_request(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        app = again(shell, Session())
        app.died = "The shell ended abruptly at 10:50. What ran then was stopped"
        async with app.run_test(size=(80, 24)) as pilot:
            later = Shell(shell.bench, app, pilot)
            await later.until_seen("ended abruptly at 10:50")
            await later.done("list")
            assert "abruptly" not in later.seen()


async def test_a_request_that_was_sent_does_not_come_back_into_the_prompt(
    open_shell: OpenShell, tmp_path: Path
) -> None:
    session = Session.open(tmp_path / "sessions", tmp_path)
    async with open_shell(session=session) as shell:
        await shell.type("list")
        await shell.until(lambda: session.place.draft == "list")
        await shell.press("enter")
        await shell.until(lambda: shell.blocks and not shell.blocks[-1].running)
        assert session.place.draft == ""
        session.keep(Place(draft="list"))  # it died before it noted that it was sent
        app = again(shell, session)
        async with app.run_test(size=(80, 24)) as pilot:
            later = Shell(shell.bench, app, pilot)
            await later.until_seen("list")
            assert later.prompt.text == ""
    session.close()


_HANGS = """
import os, signal, time
from casava_os.shell.abrupt import go_with_terminal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
assert go_with_terminal(0, grace=0.2) is not None
os.write(1, b"open")
time.sleep(600)
"""


def test_a_shell_that_hangs_does_not_outlive_its_terminal() -> None:
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", _HANGS],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs)
    assert b"open" in os.read(ours, 100)
    assert program.poll() is None
    os.close(ours)
    assert program.wait(60) == 128 + signal.SIGHUP


def test_what_is_no_terminal_is_not_watched() -> None:
    reading, writing = os.pipe()
    assert go_with_terminal(reading) is None
    os.close(reading)
    os.close(writing)
