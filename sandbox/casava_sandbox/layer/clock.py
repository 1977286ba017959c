"""What may have happened after an instant, also when the machine's clock was set meanwhile.

The time that a file system stamps on a change comes from the wall clock, which a person or a time server may set back. The
time since the machine started cannot be set: together they tell by how much the wall clock went backwards.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

_NOISE_NS = 50_000_000
"""Less than this between the two clocks is no step: they are read one after the other."""


class Instant(NamedTuple):
    """A moment, by both clocks: ns since the epoch, ns since the machine started, and which start that was."""

    wall_ns: int
    running_ns: int = 0
    start: str = ""

    @classmethod
    def now(cls) -> Self:
        """The moment of the call."""
        return cls(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), _this_start())

    def set_back_ns(self) -> int:
        """By how much the wall clock was set back since; 0 when it was not, or the machine was started anew."""
        now = Instant.now()
        if not self.start or self.start != now.start:
            return 0
        back = (self.wall_ns + now.running_ns - self.running_ns) - now.wall_ns
        return back if back > _NOISE_NS else 0

    def may_precede(self, stamp_ns: int) -> bool:
        """Whether what was stamped so may have happened after this moment; when in doubt, it may.

        A stamp that lies in the future counts as later.
        """
        return stamp_ns > self.wall_ns - self.set_back_ns()


@cache
def _this_start() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
