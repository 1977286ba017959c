"""What a screen looks like, pinned as SVG under `looks/`. `CASAVA_NEW_LOOKS=1` writes them anew; look at them."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

LOOKS = Path(__file__).parent / "looks"
SETTLES = 20.0
"""Seconds that a busy machine has until everything is painted."""


def plain(svg: str) -> str:
    """An SVG without what differs from run to run: the identifier that Textual derives."""
    return re.sub(r"terminal-\d+", "terminal", svg)


async def looks(pilot: Pilot[Any], name: str) -> None:
    """The screen settles on what is pinned."""
    app: App[Any] = pilot.app
    path = LOOKS / f"{name}.svg"
    if os.environ.get("CASAVA_NEW_LOOKS"):
        LOOKS.mkdir(exist_ok=True)
        path.write_text(await _still(pilot))
        return
    wanted, end = path.read_text(), time.monotonic() + SETTLES
    while (svg := plain(app.export_screenshot(simplify=True))) != wanted:
        lines = app.screen._compositor.render_strips()
        seen = "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)
        assert time.monotonic() < end, f"{name} looks different:\n{seen}\n{_first_difference(svg, wanted)}"
        await pilot.pause(0.1)


async def _still(pilot: Pilot[Any]) -> str:
    """The picture once it has not changed for half a second."""
    svg = ""
    while svg != (svg := plain(pilot.app.export_screenshot(simplify=True))):
        await pilot.pause(0.5)
    return svg


def _first_difference(svg: str, wanted: str) -> str:
    """The first lines that are not the same; a colour is seen in none of the characters."""
    pairs = zip(svg.splitlines(), wanted.splitlines(), strict=False)
    return next((f"is:     {one[:400]}\npinned: {other[:400]}" for one, other in pairs if one != other), "")
