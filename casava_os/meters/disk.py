"""Disks: /proc/diskstats (kernel docs, admin-guide/iostats) and the space of one file system (statvfs)."""

from __future__ import annotations

import os
from pathlib import Path

from casava_os.meters.files import read_text, whole
from casava_os.meters.rates import Rates
from casava_os.meters.readings import DiskReading

_SECTOR = 512
"""Bytes; the unit of diskstats whatever the disk's own sectors are."""


class DiskMeter:
    """Traffic of the whole disks, without partitions, loop and mapped devices, which would count it twice."""

    def __init__(self, proc: Path, sys: Path, space_of: Path) -> None:
        self._diskstats, self._block, self._place = (
            str(proc / "diskstats"),
            str(sys / "block"),
            str(space_of),
        )
        self._names: frozenset[str] = frozenset()
        self._disks: frozenset[str] = frozenset()
        self._read, self._written = Rates(), Rates()

    def read(self, now: float) -> DiskReading | None:
        """None where neither traffic nor space can be told."""
        counters = self._counters()
        read = self._read.per_second({name: both[0] for name, both in counters.items()}, now)
        written = self._written.per_second({name: both[1] for name, both in counters.items()}, now)
        try:
            space = os.statvfs(self._place)
        except OSError:
            return DiskReading(read, written) if counters else None
        size = space.f_frsize
        if not space.f_blocks:
            return DiskReading(read, written) if counters else None
        return DiskReading(
            read,
            written,
            total=space.f_blocks * size,
            used=(space.f_blocks - space.f_bfree) * size,
            free=space.f_bavail * size,
        )

    def _counters(self) -> dict[str, tuple[int, int]]:
        """Bytes read and written since the machine started, by disk."""
        found: dict[str, tuple[int, int]] = {}
        for line in (read_text(self._diskstats) or "").splitlines():
            fields = line.split()
            if len(fields) < 10:
                continue
            read, written = whole(fields[5]), whole(fields[9])
            if read is not None and written is not None:
                found[fields[2]] = (read * _SECTOR, written * _SECTOR)
        if found.keys() != self._names:
            self._names = frozenset(found)
            self._disks = frozenset(name for name in found if os.path.exists(f"{self._block}/{name}/device"))  # noqa: PTH110
        return {name: both for name, both in found.items() if name in self._disks}
