"""A shell that dies at once - a fault in a library, a kill - leaves word, and the terminal as it was.

While it is open each shell holds a lock on a file of its own; a fault writes there where every thread was, and leaving
removes it. A file that nobody holds is of a shell that died: the next one in its folder says so. A dead program cannot clean
up behind itself, so a small one waits until it is gone and puts the terminal back. And a shell whose terminal is gone must not
stay for ever: Textual's writer can be stuck in a terminal that nobody reads any more, and its reader turns without a rest.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from casava_os.paths import private_dir

OPEN = "shells"
"""Directory of the shells that are open, in the state directory."""
KEPT = "crash.log"
"""What the last shell that died knew, in the state directory."""
GRACE_SECONDS = 20.0
"""How long a shell whose terminal is gone has to hold, cancel and clean up; the next start does what it did not come to."""
BEAT_SECONDS = 10.0
"""How often a shell says that it lives: a kill leaves no other trace of when it was."""

_PLAIN = (
    r"\033[?2026l\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?1015l\033[?1004l\033[?2004l"
    r"\033[?2048l\033[<u\033[?1049l\033[?7h\033[?25h\033[0m"
)
"""Ends what Textual begins: no mouse, no paste marks, no second screen; long lines go on, the cursor is back."""

_GUARD = rf"""
trap '' INT HUP TERM QUIT TSTP TTOU
read -r _ && exit
printf '{_PLAIN}\r\n%s\r\n' "$1"
# A shell with job control takes the terminal back by itself; it may be reading a line in it already.
was=$2
set -- $(ps -o tpgid= -o pgid= -p $$)
[ "$1" = "$2" ] && stty "$was" </dev/tty
"""


def go_with_terminal(descriptor: int, grace: float = GRACE_SECONDS) -> threading.Thread | None:
    """Ends the program so many seconds after the terminal that this is went away; None where it is none."""
    if not os.isatty(descriptor):
        return None

    def wait() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # a hang-up is told unasked
        for _, told in poll.poll():
            if told & select.POLLNVAL:  # the program closed it: it is ending
                return
        time.sleep(grace)
        os._exit(128 + signal.SIGHUP)

    thread = threading.Thread(target=wait, name="terminal", daemon=True)
    thread.start()
    return thread


class Abrupt:
    """Word for the case that this shell dies. Nothing here fails: what cannot be done is left."""

    def __init__(self, state: Path, workspace: Path) -> None:
        """`state`: the state directory."""
        self._path = state / OPEN / f"{os.getpid()}.log"
        self._file: int | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        with suppress(OSError):
            private_dir(self._path.parent)
            self._begin(workspace)
            self._guard = _guard(self._path)
            if sys.__stdin__ is not None:
                go_with_terminal(sys.__stdin__.fileno())

    def _begin(self, workspace: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(self._path, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        python = sys.version.partition(" ")[0]
        head = b"%s\nshell %d, begun %s, Python %s\n" % (
            _name(workspace), os.getpid(), began.encode(), python.encode(),
        )  # fmt: skip
        os.write(self._file, head)
        faulthandler.enable(self._file, all_threads=True)

    def beat(self) -> None:
        """Says that it lives."""
        if self._file is not None:
            with suppress(OSError):
                os.utime(self._file)

    def close(self) -> None:
        """The shell was left as it should be. Safe to call twice."""
        guard, self._guard = self._guard, None
        if guard is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                guard.communicate(b"left\n", timeout=2)
        if self._file is not None:
            faulthandler.disable()
            with suppress(OSError):
                self._path.unlink()
            os.close(self._file)
            self._file = None


def died_before(state: Path, workspace: Path) -> str:
    """What to say of the shell that died in this folder, once; empty when none did. What it knew is kept in `KEPT`."""
    died = 0.0
    try:
        for path in (state / OPEN).glob("*.log"):
            when = path.stat().st_mtime
            if _nobodys(path, workspace) and when >= died:
                path.replace(state / KEPT)
                died = when
            elif _nobodys(path, workspace):
                path.unlink()
    except OSError:
        return ""
    if not died:
        return ""
    at = datetime.fromtimestamp(died).astimezone()
    today = at.date() == datetime.now().astimezone().date()
    return (
        f"The shell ended abruptly at {at:%H:%M}{'' if today else f' on {at:%B} {at.day}'}. "
        "What ran then was stopped, and what it had half changed was put back; what waited for your answer is held. "
        f"What the shell knew is in {state / KEPT}"
    )


def _nobodys(path: Path, workspace: Path) -> bool:
    """Whether it is of this folder, and its shell is gone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.read(descriptor, 10_000).partition(b"\n")[0] == _name(workspace)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def _name(workspace: Path) -> bytes:
    return os.fsencode(os.path.realpath(workspace)).replace(b"\n", b"?")


def _guard(log: Path) -> subprocess.Popen[bytes] | None:
    """Waits for the end of this program; None where there is no terminal to put back."""
    if not sys.__stdin__ or not sys.__stdin__.isatty():
        return None
    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        saved = subprocess.run(["stty", "-g"], stdin=terminal, capture_output=True, check=False)
        told = f"The shell of Casava OS ended abruptly. Start it again: what was half done is put back. What it knew is in {log}"
        return subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", told, saved.stdout.decode().strip()],
            stdin=subprocess.PIPE, stdout=terminal, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    finally:
        os.close(terminal)
