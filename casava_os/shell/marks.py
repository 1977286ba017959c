"""The few signs that the shell draws, in Unicode and in ASCII: a terminal without UTF-8 gets the second."""

from __future__ import annotations

import locale
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marks:
    """Signs by their meaning. Each one is accompanied by a word wherever it matters."""

    prompt: str = "❯"  # noqa: RUF001 - it is meant
    done: str = "✓"
    failed: str = "✗"
    waits: str = "◆"
    idle: str = "·"
    skipped: str = "○"
    undone: str = "↶"
    more: str = "…"
    to: str = "→"
    up: str = "↑"
    down: str = "↓"
    busy: tuple[str, ...] = ("⠋", "⠙", "⠸", "⠴", "⠦", "⠇")


UNICODE = Marks()
ASCII = Marks(
    prompt=">",
    done="+",
    failed="x",
    waits="?",
    idle=".",
    skipped="-",
    undone="<",
    more="...",
    to="->",
    up="^",
    down="v",
    busy=("-", "\\", "|", "/"),
)


def marks_here() -> Marks:
    """The signs that this terminal's encoding holds."""
    return UNICODE if "UTF" in locale.getencoding().upper() else ASCII
