"""What a performer is given: where the workspace is, how to stream output, its limits, and when to stop."""

from __future__ import annotations

import os
import threading
import time
from typing import Callable, Dict, List, Optional

from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.values import Stored
from casava_syscalls.names import fs_path, path_text

Emit = Callable[[str, bytes], None]


class Limits:
    """Limits of this sandbox. Sizes in bytes, times in seconds."""

    def __init__(self, fields: Dict[str, object]) -> None:
        self.step_seconds = float(str(fields.get("step_seconds", 120.0)))
        self.output_bytes = int(str(fields.get("output_bytes", 8 * 2**20)))
        self.memory_bytes = int(str(fields.get("memory_bytes", 2 * 2**30)))
        self.pids = int(str(fields.get("pids", 256)))
        self.cpus = float(str(fields.get("cpus", 2.0)))
        self.file_bytes = int(str(fields.get("file_bytes", 16 * 2**30)))


class Context:
    """One call in progress."""

    def __init__(
        self,
        step: int,
        limits: Limits,
        seconds: float,
        *,
        values: Callable[[int], Stored],
        emit: Emit,
        root: str = "/workspace",
        scratch: str = "/casava/scratch",
        raw: Optional[Dict[str, object]] = None,
    ) -> None:
        self.step = step
        self.limits = limits
        self.root = root
        self.scratch = scratch
        self.raw = raw or {}
        """The call's fields before references were resolved."""
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.cancelled = threading.Event()
        self._values = values
        self._emit = emit
        self._lock = threading.Lock()
        self._on_cancel: List[Callable[[], None]] = []
        self._reason = "interrupted"

    def emit(self, stream: str, data: bytes) -> None:
        """Streams a program's output to the host as it comes; `stream` is "stdout" or "stderr"."""
        self._emit(stream, data)

    def value(self, step: int) -> Stored:
        """The stored value of an earlier step; step 0 is the piped standard input."""
        return self._values(step)

    def path(self, text: str) -> str:
        """The path for `os` functions of a workspace path in text form."""
        return os.path.normpath(os.path.join(self.root, fs_path(text)))

    def text(self, path: str) -> str:
        """The workspace path in text form of a path of `os` functions: the inverse of `path`."""
        return path_text(os.path.relpath(path, self.root))

    def check(self) -> None:
        """Raises the fault that ends this call once it is cancelled or out of time. Long loops call it often."""
        if not self.cancelled.is_set() and time.monotonic() >= self.deadline:
            self.cancel("timeout")
        if self.cancelled.is_set():
            raise self.stopped()

    def stopped(self) -> Fault:
        """Why the call was ended."""
        if self._reason == "timeout":
            return Fault(
                "timeout",
                "The step took too long",
                "It was ended after %g seconds" % self.seconds,
                "give it more time with --timeout, or ask for less at once",
            )
        return Fault("interrupted", "The step was interrupted")

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Calls `callback` when the call is cancelled; at once if it already is."""
        with self._lock:
            if not self.cancelled.is_set():
                self._on_cancel.append(callback)
                return
        callback()

    def cancel(self, reason: str = "interrupted") -> None:
        """Ends the call: `reason` is "interrupted" or "timeout"."""
        with self._lock:
            if self.cancelled.is_set():
                return
            self._reason = reason
            self.cancelled.set()
            callbacks, self._on_cancel = self._on_cancel, []
        for callback in callbacks:
            callback()
