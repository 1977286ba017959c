"""All graphics processors of the machine: NVIDIA's by their library, AMD's and Intel's by sysfs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from casava_os.meters.amdgpu import read_amd
from casava_os.meters.drm import Card, cards
from casava_os.meters.files import names_in
from casava_os.meters.intel import IntelMeter
from casava_os.meters.nvidia import NvidiaMeter, Nvml, load_nvml
from casava_os.meters.readings import GpuReading

NAMES = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids")
"""Where distributions keep the list of PCI names."""


class GpuMeter:
    """Finds cards as they come and go. `root`: where `sys` and `usr` lie."""

    def __init__(self, root: Path, load: Callable[[], Nvml] = load_nvml) -> None:
        sys = root / "sys"
        self._drm, self._ids = str(sys / "class/drm"), tuple(str(root / name) for name in NAMES)
        self._names: tuple[str, ...] | None = None
        self._cards: list[Card] = []
        self._intel: dict[str, IntelMeter] = {}
        self._nvidia = NvidiaMeter(str(sys), load)

    def read(self, now: float) -> tuple[GpuReading, ...]:
        """One reading a card; none where there is no card, or no driver for it."""
        names = names_in(self._drm)
        if names != self._names:
            self._names, self._cards = names, cards(self._drm, self._ids)
        found = self._nvidia.read(now)
        for card in self._cards:
            if card.driver == "amdgpu":
                found.append(read_amd(card))
            elif card.driver in ("i915", "xe"):
                found.append(self._intel.setdefault(card.key, IntelMeter()).read(card, now))
        return tuple(found)

    def close(self) -> None:
        """Lets go of NVIDIA's library. Safe to call twice."""
        self._nvidia.close()
