"""Power of the processor packages: RAPL through powercap (kernel docs, power/powercap).

AMD's processors have the same files. Since 2020 only root may read the counters on most systems (CVE-2020-8694).
"""

from __future__ import annotations

import re
from pathlib import Path

from casava_os.meters.files import names_in, read_amount, read_or_raise, read_text, whole
from casava_os.meters.readings import PowerReading

_ZONE = re.compile(r"intel-rapl:\d+$")
"""Whole packages; zones below them (`intel-rapl:0:1`) and the copies under `intel-rapl-mmio` would count twice."""


class PowerMeter:
    """Joules between two samples, of all packages."""

    def __init__(self, sys: Path) -> None:
        powercap = str(sys / "class/powercap")
        self._zones: dict[str, int | None] = {}
        """Largest value of each zone's counter, in microjoules, by the zone's directory."""
        for name in names_in(powercap):
            zone = f"{powercap}/{name}"
            if _ZONE.match(name) and (read_text(f"{zone}/name") or "").startswith("package"):
                self._zones[zone] = read_amount(f"{zone}/max_energy_range_uj")
        self._before: dict[str, int] = {}
        self._at: float | None = None

    def read(self, now: float) -> PowerReading | None:
        """None where there are no counters."""
        if not self._zones:
            return None
        counters: dict[str, int] = {}
        forbidden = False
        for zone in self._zones:
            try:
                energy = whole(read_or_raise(f"{zone}/energy_uj"))
            except PermissionError:
                forbidden = True
                continue
            except OSError:
                continue
            if energy is not None:
                counters[zone] = energy
        # A machine of two packages of which one is unreadable has no power that could be told.
        told = self._watts(counters, now) if len(counters) == len(self._zones) else None
        self._before, self._at = counters, now
        return PowerReading(told, forbidden)

    def _watts(self, counters: dict[str, int], now: float) -> float | None:
        if self._at is None or now <= self._at or counters.keys() != self._before.keys():
            return None
        microjoules = 0
        for zone, energy in counters.items():
            grown = energy - self._before[zone]
            if grown < 0:  # the counter went round
                if not (span := self._zones[zone]):
                    return None
                grown += span
            microjoules += grown
        return microjoules / 1e6 / (now - self._at)
