"""Following what containers print, for whoever looks on: a thread for each, which ends at once when it is let go."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from casava_os.containers.daemon import explained
from casava_os.containers.desk import Desk
from casava_os.containers.leases import LeaseBook
from casava_os.containers.printing import logs
from casava_os.containers.reins import Reins
from casava_os.kernel.ports import Errand
from casava_syscalls.container import ContainerLogs
from casava_syscalls.results import Err

_LOG = logging.getLogger(__name__)

TAIL = 500
"""Lines that were printed before, to begin with."""
LONGEST = 20 * 86_400.0
"""Seconds that it is followed at most: longer ones do not fit where the system counts milliseconds."""
WINDOW, MOST = 0.05, 262_144
"""No more than so many bytes in so many seconds are taken: whoever prints more waits, and the rest of the program does not."""


class LogFollower:
    """One container's output, from its last lines on, handed over as it comes until it stops or nobody wants it."""

    def __init__(
        self, state: Path, ident: str, feed: Callable[[bytes], None], ended: Callable[[Err | None], None]
    ) -> None:
        """Begins at once. `feed` and `ended` are called from its thread; `ended` once, with what went wrong if anything did."""
        self._reins = Reins()
        self._feed = feed
        self._began, self._taken = time.monotonic(), 0
        self._thread = threading.Thread(
            target=self._follow, args=(state, ident, ended), name="casava-logs", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Lets it go. Nothing comes any more."""
        self._feed = lambda _data: None
        self._reins.cut()

    def join(self, seconds: float) -> bool:
        """Waits for the end of its thread; whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _take(self, _stream: str, data: bytes) -> None:
        self._feed(data)
        self._taken += len(data)
        spent = time.monotonic() - self._began
        if self._taken >= MOST and spent < WINDOW:
            time.sleep(WINDOW - spent)
        if self._taken >= MOST or spent >= WINDOW:
            self._began, self._taken = time.monotonic(), 0

    def _follow(self, state: Path, ident: str, ended: Callable[[Err | None], None]) -> None:
        err: Err | None = None
        api = self._reins.take()
        if isinstance(api, Err):
            err = api
        else:
            desk = Desk(api.value, self._reins, Errand(output=self._take), LeaseBook(state), LONGEST)
            try:
                result = logs(desk, ContainerLogs(container=ident, last=TAIL, follow=True))
                err = result if isinstance(result, Err) else None
            except Exception as problem:  # noqa: BLE001 - the worker's edge; a cut connection fails in many ways
                _LOG.debug("following ended", exc_info=problem)
                err = explained(problem)
            finally:
                self._reins.close()
        ended(None if self._reins.cut_off else err)
