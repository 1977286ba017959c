"""End to end in a real terminal: tmux, the shipped model, bubblewrap, files on a disk."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SECONDS = 90
"""Longest wait for one thing, on a machine that is busy with other tests."""


@dataclass
class Terminal:
    """One tmux server with one window."""

    socket: str
    workspace: Path

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-L", self.socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def seen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "shell")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "shell", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-t", "shell", "-l", text)
        self.press("Enter")

    def until(self, holds: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, self.seen()
            time.sleep(0.1)

    def until_seen(self, *texts: str) -> None:
        self.until(lambda: all(text in self.seen() for text in texts))

    def until_typed_away(self, text: str) -> None:
        """Takes back what stands in the prompt; keys that come before it listens are pressed again."""
        while text in self.seen():
            self.press(*["BSpace"] * len(text))
            time.sleep(1)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.workspace.iterdir())


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for name in ("a.txt", "b.tmp", "c.tmp"):
        (workspace / name).write_text("hello\n")
    # A name of its own: the server of the test before may be about to end.
    made = Terminal(f"casava-test-{secrets.token_hex(4)}", workspace)
    settings = {
        "CASAVA_HOME": str(tmp_path / "home"),
        "CASAVA_SANDBOX": "bubblewrap",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    made.tmux(
        "new-session", "-d", "-s", "shell", "-x", "80", "-y", "24", "-c", str(workspace),
        "env", *(f"{name}={value}" for name, value in settings.items()),
        "sh", "-c", f"{sys.executable} -m casava_os; echo left with $?; sleep 600",
    )  # fmt: skip
    yield made
    made.tmux("kill-server")


def test_type_a_request_see_approve_undo_and_leave(terminal: Terminal) -> None:
    terminal.until_seen("Say in plain words")
    terminal.type("delete the tmp files")
    terminal.until_seen("2 deleted. Apply?")
    terminal.until_seen("file.delete paths=$1 [delete]", "- b.tmp  6 B", "- c.tmp  6 B", "has changed yet")
    assert terminal.names() == ["a.txt", "b.tmp", "c.tmp"]
    time.sleep(1)  # the card takes no answer that comes too soon to be meant

    terminal.press("y")
    terminal.until_seen("applied: 2 deleted")
    assert terminal.names() == ["a.txt"]

    terminal.type("/undo")
    terminal.until_seen("undone: 2 added")
    assert terminal.names() == ["a.txt", "b.tmp", "c.tmp"]
    assert (terminal.workspace / "b.tmp").read_text() == "hello\n"

    terminal.type("!printf 'no\\033[2J\\n' > made; cat made; sleep 600")
    terminal.until_seen("no\\x1b[2J")
    terminal.press("Escape")
    terminal.until_seen("cancelled: nothing was changed")
    assert terminal.names() == ["a.txt", "b.tmp", "c.tmp"]

    terminal.press("C-q")
    terminal.until_seen("left with 0")


def test_a_closed_terminal_ends_the_shell_and_what_it_runs(terminal: Terminal) -> None:
    terminal.until_seen("Say in plain words")
    terminal.type("!sleep 4321")
    terminal.until_seen("running step 1")
    pid = int(terminal.tmux("display-message", "-p", "-t", "shell", "#{pane_pid}"))
    terminal.tmux("respawn-pane", "-k", "-t", "shell", "sleep", "600")
    terminal.until(lambda: not Path(f"/proc/{pid}").exists())
    terminal.until(lambda: b"sleep\0004321" not in b"".join(_commands()))


def test_a_killed_shell_goes_on_where_it_was(terminal: Terminal) -> None:
    """SIGKILL while a question waits and a request is half typed: both are there again, and nothing has landed."""
    terminal.until_seen("Say in plain words")
    terminal.type("!echo marker > made; echo it printed")
    terminal.until_seen("1 added. Apply?")
    time.sleep(1)
    terminal.press("Escape")
    terminal.tmux("send-keys", "-t", "shell", "-l", "how many lin")
    terminal.until_seen("how many lin")
    time.sleep(2)  # what was typed is kept every half second
    shell = int(terminal.tmux("display-message", "-p", "-t", "shell", "#{pane_pid}"))
    (child,) = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    terminal.until(lambda: not Path(f"/proc/{child}").exists())
    terminal.tmux("respawn-pane", "-k", "-t", "shell")
    terminal.until_seen("casava-os was ended before an answer")
    for text in ("!echo marker > made", "how many lin", "/commit 1", "/discard 1"):
        terminal.until_seen(text)
    assert terminal.names() == ["a.txt", "b.tmp", "c.tmp"]
    terminal.until_typed_away("how many lin")
    terminal.type("/commit 1")
    terminal.until_seen("applied: 1 added")
    assert terminal.names() == ["a.txt", "b.tmp", "c.tmp", "made"]
    terminal.press("C-q")
    terminal.until_seen("left with 0")
    terminal.tmux("respawn-pane", "-k", "-t", "shell")
    terminal.until_seen("applied: 1 added")


def _commands() -> Iterator[bytes]:
    """The command lines of this machine."""
    for folder in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield folder.read_bytes()
        except OSError:
            continue
