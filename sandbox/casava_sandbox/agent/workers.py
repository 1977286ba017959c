"""Threads for calls: a few wait for the next one, so that a small call costs no thread's start."""

from __future__ import annotations

import queue
import threading
import time
from typing import Callable

_IDLE = 4
"""Most threads that wait."""


class Workers:
    """Runs every job at once, each in a thread. A job raises nothing."""

    def __init__(self) -> None:
        self._jobs: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Starts the job; `RuntimeError` when the sandbox has no room for another thread.

        Killed programs count against the pids limit a moment longer, so a full sandbox is tried again for a second.
        """
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._jobs.put(job)
                return
        for attempt in range(100):
            try:
                threading.Thread(target=self._serve, args=(job,), daemon=True).start()
            except RuntimeError:
                if attempt == 99:
                    raise
                time.sleep(0.01)
            else:
                return

    def _serve(self, job: Callable[[], None]) -> None:
        while True:
            job()
            with self._lock:
                if self._idle >= _IDLE:
                    return
                self._idle += 1
            job = self._jobs.get()
