"""Processors: /proc/stat, /proc/loadavg (proc(5)), and the package's temperature from hwmon (kernel docs, hwmon/)."""

from __future__ import annotations

from pathlib import Path

from casava_os.meters.files import names_in, read_number, read_text, whole
from casava_os.meters.rates import share
from casava_os.meters.readings import CpuReading

_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Drivers whose first sensor is the processor's package."""


class CpuMeter:
    """Busy time of each core between two samples."""

    def __init__(self, proc: Path, sys: Path) -> None:
        self._stat, self._loadavg = str(proc / "stat"), str(proc / "loadavg")
        self._sensor = _package_sensor(str(sys / "class/hwmon"))
        self._before: dict[str, tuple[int, int]] = {}

    def read(self) -> CpuReading | None:
        """None where /proc/stat cannot be read."""
        text = read_text(self._stat)
        if text is None:
            return None
        now = _times(text)
        shares = {
            name: percent
            for name, (busy, total) in now.items()
            if name in self._before
            and (percent := share(busy - self._before[name][0], total - self._before[name][1])) is not None
        }
        self._before = now
        heat = read_number(self._sensor) if self._sensor else None
        return CpuReading(
            use_percent=shares.pop("cpu", None),
            cores={int(name[3:]): percent for name, percent in shares.items()},
            load=_load(read_text(self._loadavg)),
            temperature=None if heat is None else heat / 1000,
        )


def _times(stat: str) -> dict[str, tuple[int, int]]:
    """Busy and all ticks by line. Waiting for a disk is no work; what a hypervisor took away (steal) is no rest."""
    times: dict[str, tuple[int, int]] = {}
    for line in stat.splitlines():
        if not line.startswith("cpu"):
            break  # the processors come first; what follows is long
        name, *fields = line.split()
        ticks = [number for field in fields[:8] if (number := whole(field)) is not None]
        if len(ticks) >= 4 and (name == "cpu" or name[3:].isdecimal()):
            total = sum(ticks)
            times[name] = (total - ticks[3] - (ticks[4] if len(ticks) > 4 else 0), total)
    return times


def _load(loadavg: str | None) -> float | None:
    try:
        return float(loadavg.split()[0]) if loadavg else None
    except ValueError:
        return None


def _package_sensor(hwmon: str) -> str | None:
    for name in names_in(hwmon):
        if read_text(f"{hwmon}/{name}/name") in _SENSORS:
            return f"{hwmon}/{name}/temp1_input"
    return None
