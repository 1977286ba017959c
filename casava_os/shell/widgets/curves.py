"""Small curves and strips of characters, in Unicode, in ASCII, or not at all (for who has the screen read out)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from casava_os.shell import marks


@dataclass(frozen=True, slots=True)
class Signs:
    """What a panel of figures is drawn with."""

    levels: str = "▁▂▃▄▅▆▇█"
    """From nothing to full; empty: no curves."""
    dot: str = " · "
    down: str = "↓"
    up: str = "↑"
    degrees: str = "°C"
    alarm: str = "▲"
    more: str = "…"


UNICODE = Signs()
ASCII = Signs(levels="_.:-=+*#", dot=", ", down="in", up="out", degrees="C", alarm="!", more="...")
WORDS = Signs(levels="", dot=", ", down="in", up="out", degrees="degrees", alarm="Alarm:", more="...")


def signs_here() -> Signs:
    """What this terminal's encoding holds."""
    return ASCII if marks.marks_here() is marks.ASCII else UNICODE


def curve(values: Sequence[float | None], top: float, width: int, signs: Signs) -> str:
    """The newest values, one a cell, the last at the right; what is not known is blank. `top` is the value of a full cell."""
    if not signs.levels or width <= 0:
        return ""
    shown = list(values[-width:])
    return "".join(_cell(value, top, signs.levels) for value in shown).rjust(width)


def strip(values: Sequence[float], top: float, width: int, signs: Signs) -> str:
    """All values in at most `width` cells, the highest of those that share one: no busy core is averaged away."""
    if not signs.levels or width <= 0 or not values:
        return ""
    cells = min(width, len(values))
    bounds = [index * len(values) // cells for index in range(cells + 1)]
    return "".join(_cell(max(values[begin:end]), top, signs.levels) for begin, end in pairwise(bounds))


def _cell(value: float | None, top: float, levels: str) -> str:
    if value is None:
        return " "
    share = min(1.0, max(0.0, value / top)) if top > 0 else 0.0
    return levels[min(len(levels) - 1, int(share * len(levels)))]
