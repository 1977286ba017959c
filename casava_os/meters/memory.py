"""RAM and swap: /proc/meminfo (proc(5)), and this program's own share: /proc/self/statm, /proc/self/stat."""

from __future__ import annotations

import os
from pathlib import Path

from casava_os.meters.files import keyed_numbers, read_text, whole
from casava_os.meters.rates import Rates
from casava_os.meters.readings import MemoryReading, OwnReading, SwapReading


class MemoryMeter:
    """RAM and swap of the machine."""

    def __init__(self, proc: Path) -> None:
        self._meminfo = str(proc / "meminfo")

    def read(self) -> tuple[MemoryReading | None, SwapReading | None]:
        """RAM and swap; None for swap that there is none of."""
        kib = keyed_numbers(read_text(self._meminfo) or "")
        total, available = kib.get("MemTotal"), kib.get("MemAvailable", kib.get("MemFree"))
        ram = (
            None
            if not total or available is None
            else MemoryReading(total=total * 1024, used=max(0, total - available) * 1024)
        )
        swap, free = kib.get("SwapTotal"), kib.get("SwapFree")
        if not swap or free is None:
            return ram, None
        return ram, SwapReading(total=swap * 1024, used=max(0, swap - free) * 1024)


class OwnMeter:
    """Resident memory and processor time of this program."""

    def __init__(self, proc: Path) -> None:
        self._statm, self._stat = str(proc / "self/statm"), str(proc / "self/stat")
        self._page, self._ticks = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
        self._rate = Rates()

    def read(self, now: float) -> OwnReading | None:
        """None where /proc/self cannot be read."""
        statm, stat = read_text(self._statm), read_text(self._stat)
        fields = statm.split() if statm else []
        pages = whole(fields[1]) if len(fields) > 1 else None
        # The name in parentheses may hold anything, parentheses and blanks too.
        after = stat.rpartition(")")[2].split() if stat else []
        times = [whole(field) for field in after[11:13]]
        busy = {"own": sum(time for time in times if time is not None)} if len(times) == 2 else None
        if pages is None and busy is None:
            return None
        ticks = self._rate.per_second(busy, now)
        return OwnReading(
            memory=None if pages is None else pages * self._page,
            cpu_percent=None if ticks is None else 100.0 * ticks / self._ticks,
        )
