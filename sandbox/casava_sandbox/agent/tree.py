"""Every program of a call can be found and ended, also those that left its process group.

A program carries its call's mark in the environment, and so do its children. What cleared the mark is found through
its parents; what lost both is an orphan of the agent, and goes when no program is meant to be running.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from typing import Dict, List, Optional, Sequence, Set

MARK = "CASAVA_CALL"


class Tree:
    """The programs that the agent started. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._leaders: Dict[int, str] = {}
        try:
            self._own_oom: Optional[int] = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            self._own_oom = None

    def start(
        self, argv: Sequence[str], mark: str, environment: Dict[str, str], **options: object
    ) -> subprocess.Popen[bytes]:
        """Starts a program in a process group of its own. Out of memory, it goes before the agent does.

        Killed programs count against the pids limit a moment longer, so a full sandbox is tried again for a second.
        """
        for _ in range(100):
            try:
                return self._start(argv, mark, environment, options)
            except BlockingIOError:
                time.sleep(0.01)
        return self._start(argv, mark, environment, options)

    def _start(
        self, argv: Sequence[str], mark: str, environment: Dict[str, str], options: Dict[str, object]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            self._set_oom(b"1000")
            try:
                program: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]  # the options are Popen's own
                    list(argv), env={**environment, MARK: mark}, start_new_session=True, **options
                )
            finally:
                self._set_oom(b"0")
            self._leaders[program.pid] = mark
        return program

    def _set_oom(self, score: bytes) -> None:
        if self._own_oom is not None:
            try:
                os.pwrite(self._own_oom, score, 0)
            except OSError:
                self._own_oom = None

    def ended(self, program: subprocess.Popen[bytes]) -> None:
        """The program was waited for."""
        with self._lock:
            self._leaders.pop(program.pid, None)

    def kill(self, mark: str) -> None:
        """Ends every program of a call. Stops them all first, so that none can outrun the killing by forking."""
        if self._kill_at_once(mark):
            return
        give_up = time.monotonic() + 10
        while time.monotonic() < give_up:
            stopped: Set[int] = set()
            while True:
                fresh = [pid for pid in self.members(mark) if pid not in stopped]
                if not fresh or time.monotonic() > give_up:
                    break
                for pid in fresh:
                    _signal(pid, signal.SIGSTOP)
                    stopped.add(pid)
            if not stopped:
                return
            for pid in stopped:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.005)
            self.reap()

    def _kill_at_once(self, mark: str) -> bool:
        """Where the agent is the first process and no other call has programs, one signal reaches all, even a fork bomb."""
        with self._lock:
            if os.getpid() != 1 or any(other != mark for other in self._leaders.values()):
                return False
            leaders = set(self._leaders)
            give_up = time.monotonic() + 10
            while time.monotonic() < give_up:
                try:
                    os.kill(-1, signal.SIGKILL)
                except ProcessLookupError:
                    return True
                self.reap()
                table = _processes()
                if all(pid == 1 or (pid in leaders and state in "ZX") for pid, (_, state) in table.items()):
                    return True
                time.sleep(0.002)
        return True

    def members(self, mark: str) -> List[int]:
        """Pids of a call's living programs."""
        with self._lock:
            leaders = dict(self._leaders)
        others = any(other != mark for other in leaders.values())
        table = _processes()
        mine = {pid for pid in leaders if leaders[pid] == mark and pid in table}
        own = os.getpid()
        for pid, (parent, _) in table.items():
            if pid in leaders or pid == own:
                continue
            found = _mark_of(pid)
            lost = own == 1 and parent == own and not others and found not in leaders.values()
            if found == mark or lost:
                mine.add(pid)
        grown = True
        while grown:
            children = {
                pid
                for pid, (parent, _) in table.items()
                if parent in mine and pid not in mine and pid not in leaders
            }
            mine |= children
            grown = bool(children)
        return [pid for pid in mine if table[pid][1] not in "ZX"]

    def reap(self) -> None:
        """Buries orphans that ended: the agent is their parent now, and a dead one still counts against the pids limit."""
        with self._lock:
            own = os.getpid()
            for pid, (parent, state) in _processes().items():
                if parent == own and state == "Z" and pid not in self._leaders:
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except ChildProcessError:
                        continue

    def kill_all(self) -> None:
        """Ends everything, before the agent exits."""
        if os.getpid() == 1:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                return
        else:
            with self._lock:
                marks = set(self._leaders.values())
            for mark in marks:
                self.kill(mark)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _processes() -> Dict[int, "tuple[int, str]"]:
    """Parent and state of every process in sight."""
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as stat:
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if len(fields) >= 2:
                table[int(name)] = (int(fields[1]), fields[0].decode())
    return table


def _mark_of(pid: int) -> Optional[str]:
    try:
        with open("/proc/%d/environ" % pid, "rb") as environ:
            for entry in environ.read().split(b"\0"):
                if entry.startswith(MARK.encode() + b"="):
                    return entry.partition(b"=")[2].decode("ascii", "replace")
    except OSError:
        return None
    return None
