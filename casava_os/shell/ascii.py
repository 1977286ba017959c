"""For a terminal whose encoding is not UTF-8: every character that is not ASCII becomes one that is, as wide as it was.

Applied to what is painted, last of all, so it holds for borders, scroll bars and file names alike. Only the picture
changes: names and answers stay what they are.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SAME = dict(zip("→←↶…▸▾✓✗◆·○“”—\xa0⏎", '><<~>v+x?.-""- ~', strict=True)) | {
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{EN DASH}": "-",
    "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}": ">",
}


def ascii_text(text: str) -> str:
    """The text in ASCII, as wide as before."""
    return text if text.isascii() else "".join(char if char.isascii() else _ascii(char) for char in text)


def _ascii(char: str) -> str:
    if char in _SAME:
        return _SAME[char]
    name = unicodedata.name(char, "")
    if name.startswith("BOX DRAWINGS"):
        words = set(name.split())
        if "HORIZONTAL" in words and not words & {"VERTICAL", "UP", "DOWN"}:
            return "-"
        return "|" if "VERTICAL" in words and not words & {"HORIZONTAL", "LEFT", "RIGHT"} else "+"
    if 0x2580 <= ord(char) <= 0x259F or "BLOCK" in name:
        return "#" if char == "█" else "|" if "LEFT" in name or "RIGHT" in name else "-"
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    width = cell_len(char)
    return plain if plain and len(plain) == width else "?" * width


class AsciiFilter(LineFilter):
    """Paints in ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - as Textual calls it
        """The same segments, in ASCII."""
        return [Segment(ascii_text(text), style, control) for text, style, control in segments]
