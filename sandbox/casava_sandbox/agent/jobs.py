"""`process.spawn`, `list`, `wait`, `logs`, `signal`: programs that go on while other calls are performed."""

from __future__ import annotations

import os
import selectors
import signal as signals
import subprocess
import threading
import time
from collections import deque
from typing import Deque, Dict, Optional, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.measuring import table
from casava_sandbox.agent.programs import TREE, environment, working_directory
from casava_sandbox.agent.values import Stored

_LINGER = 0.3
"""Seconds that output is still read after the program itself has ended."""


class Job:
    """A program in the background. Of its output the latest is kept, up to `room` bytes of both streams together."""

    def __init__(
        self, number: int, command: str, program: "subprocess.Popen[bytes]", mark: str, room: int
    ) -> None:
        self.number = number
        self.command = command
        self.program = program
        self.mark = mark
        self.started = time.monotonic()
        self.seconds: Optional[float] = None
        self.ended = threading.Event()
        self.truncated = False
        self._room = room
        self._lock = threading.Lock()
        self._output: Deque[Tuple[str, bytes]] = deque()
        self._kept = 0
        threading.Thread(target=self._watch, daemon=True, name="job-%d" % number).start()

    def output(self, *streams: str) -> bytes:
        """What was kept of some streams, in the order it came."""
        with self._lock:
            return b"".join(data for stream, data in self._output if stream in streams)

    def state(self) -> str:
        """What it does: "running", "stopped", "exited 0", "ended by TERM"."""
        if self.ended.is_set():
            code = self.program.returncode
            return "exited %d" % code if code >= 0 else "ended by %s" % signals.Signals(-code).name[3:]
        try:
            with open("/proc/%d/stat" % self.program.pid, "rb") as stat:
                return "stopped" if stat.read().rpartition(b")")[2].split()[0] in b"Tt" else "running"
        except (OSError, IndexError):
            return "running"

    def exit(self) -> Stored:
        """The ABI's `Exit` of a job that has ended."""
        return {
            "kind": "exit",
            "code": self.program.returncode,
            "stdout": self.output("stdout").decode("utf-8", "replace"),
            "stderr": self.output("stderr").decode("utf-8", "replace"),
            "seconds": round(self.seconds or 0.0, 4),
            "truncated": self.truncated,
        }

    def _take(self, stream: str, data: bytes) -> None:
        with self._lock:
            self._output.append((stream, data))
            self._kept += len(data)
            while self._kept > self._room:
                first, oldest = self._output.popleft()
                surplus = self._kept - self._room
                self.truncated = True
                self._kept -= min(surplus, len(oldest))
                if len(oldest) > surplus:
                    self._output.appendleft((first, oldest[surplus:]))

    def _watch(self) -> None:
        """Reads until the program has ended; then ends what it left behind."""
        stdout, stderr = self.program.stdout, self.program.stderr
        assert stdout is not None
        assert stderr is not None
        ended_at: Optional[float] = None
        with stdout, stderr, selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ, "stdout")
            selector.register(stderr, selectors.EVENT_READ, "stderr")
            while ended_at is None or (selector.get_map() and time.monotonic() - ended_at < _LINGER):
                if ended_at is None and self.program.poll() is not None:
                    ended_at = time.monotonic()
                if not selector.get_map():
                    time.sleep(0.02)
                    continue
                for key, _ in selector.select(timeout=0.05):
                    data = os.read(key.fd, 65536)
                    if data:
                        self._take(str(key.data), data)
                    else:
                        selector.unregister(key.fileobj)
        TREE.kill(self.mark)
        TREE.ended(self.program)
        TREE.reap()
        self.seconds = ended_at - self.started
        self.ended.set()


class Jobs:
    """The jobs of one sandbox. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: Dict[int, Job] = {}

    def add(self, command: str, program: "subprocess.Popen[bytes]", mark: str, room: int) -> Job:
        """Takes a program under watch; its number is the next one."""
        with self._lock:
            job = self._jobs[len(self._jobs) + 1] = Job(len(self._jobs) + 1, command, program, mark, room)
        return job

    def all(self) -> "list[Job]":
        """Every job, also those that have ended."""
        with self._lock:
            return list(self._jobs.values())

    def of(self, fields: Fields) -> Job:
        """The job that the field `job` names: a number, or the result of the step that spawned it."""
        value = fields.get("job")
        number = value.get("value") if isinstance(value, dict) else value
        with self._lock:
            job = self._jobs.get(number) if isinstance(number, int) else None
            known = ", ".join(map(str, self._jobs))
        if job is None:
            hint = "the jobs are %s" % known if known else "no program was started in the background"
            raise Fault("not-found", "There is no job %s" % number, "", hint)
        return job


JOBS = Jobs()
"""Every job of this sandbox; one per agent process, as `programs.TREE` is."""


def spawn(context: Context, fields: Fields) -> Stored:
    """`process.spawn`. The job ends when its program does, or with the sandbox."""
    command = fields.text("command")
    cwd = working_directory(context, fields.text("cwd"))
    env = environment(context, fields.environment("env"))
    env["PWD"] = cwd
    mark = "job-%d-%d" % (os.getpid(), time.monotonic_ns())
    options = {
        "cwd": cwd,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "bufsize": 0,
    }
    program = TREE.start(["sh", "-c", command], mark, env, **options)
    job = JOBS.add(command, program, mark, context.limits.output_bytes)
    return {"kind": "number", "value": job.number, "unit": "job"}


def list_jobs(context: Context, fields: Fields) -> Stored:
    """`process.list`: job, process id, state, seconds and command; jobs that ended are listed with how."""
    del context, fields
    rows = [
        (
            job.number,
            job.program.pid,
            job.state(),
            round(job.seconds or time.monotonic() - job.started, 1),
            job.command,
        )
        for job in JOBS.all()
    ]
    return table(("job", "pid", "state", "seconds", "command"), rows)


def wait(context: Context, fields: Fields) -> Stored:
    """`process.wait`. When time runs out first, the job goes on."""
    job, seconds = JOBS.of(fields), fields.maybe_number("seconds")
    until = None if seconds is None else time.monotonic() + seconds
    while not job.ended.wait(0.05):
        context.check()
        if until is not None and time.monotonic() >= until:
            message = "it has not ended within %d seconds" % (seconds or 0)
            raise Fault(
                "timeout", "Job %d still runs" % job.number, message, "wait longer, or send it a signal"
            )
    return job.exit()


def logs(context: Context, fields: Fields) -> Stored:
    """`process.logs`: both streams, in the order they came."""
    del context
    job, last = JOBS.of(fields), fields.maybe_number("last")
    data = job.output("stdout", "stderr")
    text = data.decode("utf-8", "replace")
    if last is not None:
        text = "".join(text.splitlines(keepends=True)[-last:])
    return {"kind": "text", "text": text, "lossy": text.encode() != data and "\ufffd" in text}


def signal(context: Context, fields: Fields) -> Stored:
    """`process.signal`: to the program and all in its process group; KILL also to what left the group."""
    del context
    job, name = JOBS.of(fields), fields.text("signal")
    if name not in ("TERM", "KILL", "INT", "HUP", "STOP", "CONT", "USR1", "USR2"):
        raise Fault(
            "usage", "There is no such signal", name, "use TERM, KILL, INT, HUP, STOP, CONT, USR1 or USR2"
        )
    if job.ended.is_set() or job.program.poll() is not None:
        raise Fault(
            "not-found",
            "Job %d has ended" % job.number,
            job.state() if job.ended.is_set() else "",
            "see process.list",
        )
    if name == "KILL":
        TREE.kill(job.mark)
    else:
        try:
            os.killpg(job.program.pid, getattr(signals, "SIG" + name))
        except ProcessLookupError:
            raise Fault(
                "not-found",
                "Job %d has ended" % job.number,
                "it was faster than the signal",
                "see process.list",
            ) from None
    return {"kind": "number", "value": job.number, "unit": "job"}
