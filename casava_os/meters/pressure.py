"""Pressure stall information: /proc/pressure (kernel docs, accounting/psi)."""

from __future__ import annotations

from pathlib import Path

from casava_os.meters.files import read_text
from casava_os.meters.readings import PressureReading

RESOURCES = ("cpu", "memory", "io")


class PressureMeter:
    """Stalls for want of processors, memory and disks."""

    def __init__(self, proc: Path) -> None:
        self._files = {name: str(proc / "pressure" / name) for name in RESOURCES}

    def read(self) -> dict[str, PressureReading]:
        """By resource; a kernel without PSI (or started with `psi=0`) has none."""
        found: dict[str, PressureReading] = {}
        for name, path in self._files.items():
            averages = _averages(read_text(path) or "")
            if "some" in averages:
                found[name] = PressureReading(averages["some"], averages.get("full"))
        return found


def _averages(text: str) -> dict[str, float]:
    """The ten-second average of each line: "some avg10=0.22 avg60=… avg300=… total=…"."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" avg10=")
        try:
            found[kind] = float(rest.split(" ", 1)[0])
        except ValueError:
            continue
    return found
