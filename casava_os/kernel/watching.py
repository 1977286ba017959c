"""Who watches what processes do, from inside this program: told of each walk as it begins, and of its events as they come.

A watcher is told after the journal and changes nothing for anybody; it may not block and may not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from casava_os.kernel.events import BaseEvent

WalkName = Literal["request", "commit", "discard", "undo", "redo"]
"""What a process is doing: a request of its own, or something done later with what became of one."""

Heard = Callable[[BaseEvent], None]
"""Takes the events of one walk, in the loop that runs it."""


class Watcher(Protocol):
    """Somebody who watches every process of a kernel."""

    def begins(self, walk: WalkName) -> Heard:
        """A walk begins; what it gives is called with each of its events."""

    def close(self) -> None:
        """The kernel is closed. Never raises; safe to call twice."""
