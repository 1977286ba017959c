"""Intel graphics through the files of i915 and xe (kernel docs, ABI/testing/sysfs-driver-intel-{i915,xe}-hwmon, gt/ and gtidle/).

Neither driver tells how busy a card is; both count how long its parts have rested. What is not rest is use: an upper bound,
for a part that waits between two jobs does not rest at once. How much VRAM is in use they tell only process by process.
"""

from __future__ import annotations

from casava_os.meters.drm import Card
from casava_os.meters.files import names_in, read_amount
from casava_os.meters.rates import Rates, share
from casava_os.meters.readings import GpuReading


class IntelMeter:
    """One card: rest and energy are counters, so two samples make a reading."""

    def __init__(self) -> None:
        self._energy = Rates()
        self._rest: dict[str, int] = {}
        self._at: float | None = None

    def read(self, card: Card, now: float) -> GpuReading:
        """One reading; `now` in seconds."""
        name = f"Intel {card.model}".strip()
        if card.asleep:
            self._rest, self._at = {}, None
            self._energy = Rates()
            return GpuReading(card.key, "intel", name, asleep=True)
        use = self._use(_resting(card), now)
        energy = card.sensor(
            "energy1_input", "energy2_input"
        )  # microjoules: of the card, or of its package alone
        power = self._energy.per_second(None if energy is None else {"energy": energy}, now)
        heat, limit = card.sensor("temp2_input", "temp1_input"), card.sensor("power1_max", "power2_max")
        return GpuReading(
            key=card.key,
            vendor="intel",
            name=name,
            use_percent=use,
            memory_total=_vram(card),
            temperature=None if heat is None else heat / 1000,
            watts=None if power is None else power / 1e6,
            watts_limit=limit / 1e6 if limit else None,  # 0: there is none
        )

    def _use(self, rest: dict[str, int], now: float) -> float | None:
        """Of the part that rested least (graphics, or media)."""
        before, at = self._rest, self._at
        self._rest, self._at = rest, now
        if at is None or now <= at:
            return None
        passed = (now - at) * 1000
        awake = [
            share(passed - (milliseconds - before[part]), passed)
            for part, milliseconds in rest.items()
            if part in before and milliseconds >= before[part]
        ]
        return max((percent for percent in awake if percent is not None), default=None)


def _resting(card: Card) -> dict[str, int]:
    """Milliseconds that each part of the card has rested, since it started."""
    found: dict[str, int] = {}
    if card.driver == "xe":
        for tile in _parts(card.device, "tile"):
            for part in _parts(tile, "gt"):
                if (rest := read_amount(f"{part}/gtidle/idle_residency_ms")) is not None:
                    found[part] = rest
        return found
    for part in _parts(f"{card.directory}/gt", "gt"):
        if (rest := read_amount(f"{part}/rc6_residency_ms")) is not None:
            found[part] = rest
    if not found and (rest := read_amount(f"{card.directory}/power/rc6_residency_ms")) is not None:
        found[card.directory] = rest  # before Linux 5.19
    return found


def _vram(card: Card) -> int | None:
    tiles = [read_amount(f"{tile}/physical_vram_size_bytes") for tile in _parts(card.device, "tile")]
    return sum(size for size in tiles if size is not None) or None


def _parts(directory: str, prefix: str) -> list[str]:
    """Numbered parts below a directory: tile0, tile1."""
    return [
        f"{directory}/{name}"
        for name in names_in(directory)
        if name.startswith(prefix) and name[len(prefix) :].isdigit()
    ]
