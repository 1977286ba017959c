"""What a program prints, as it comes: bounded in memory and on screen, and nothing in it can steer the terminal."""

from __future__ import annotations

from collections import deque

from textual.content import Content
from textual.widgets import Static

from casava_os.shell.wording import size_text
from casava_sandbox.layer.visible import visible

MOST_CHARS = 65_536
"""Characters of the tail that are kept."""
LINES = 12
"""Lines of it that are shown while it runs."""
LINES_AT_END = 40
"""Lines that stay; the viewer shows all that was kept."""
LINE_CHARS = 400
"""Longest line that is shown."""
EVERY = 0.1
"""Seconds between two paints while it runs."""


class Tail:
    """The end of a stream of text."""

    def __init__(self, most: int = MOST_CHARS) -> None:
        self._most = most
        self._pieces: deque[str] = deque()
        self._kept = 0
        self.total = 0
        """Characters that came."""
        self.newlines = 0

    def feed(self, text: str) -> None:
        """Takes the next piece; costs as much as the piece is long."""
        self.total += len(text)
        self.newlines += text.count("\n")
        text = text[-self._most :]
        self._pieces.append(text)
        self._kept += len(text)
        while self._kept - len(self._pieces[0]) >= self._most:
            self._kept -= len(self._pieces.popleft())

    @property
    def whole(self) -> bool:
        """Whether nothing was dropped."""
        return self._kept == self.total

    @property
    def text(self) -> str:
        """What is kept, as it came."""
        return "".join(self._pieces)

    def lines(self, most: int) -> list[str]:
        """The last lines, made harmless; of a line that was written over, what was written last."""
        found = self.text.removesuffix("\n").split("\n")[-most:]
        return [_shown(line.removesuffix("\r").rpartition("\r")[2]) for line in found]


def _shown(line: str) -> str:
    cut = line[:LINE_CHARS].expandtabs(8)
    return visible(cut) + (" …" if len(line) > LINE_CHARS else "")


class LiveOutput(Static):
    """The last lines that the programs of one process printed."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.tail = Tail()
        self._painting = False
        self._most = LINES

    def end(self) -> None:
        """Shows more of it, now that nothing moves."""
        self._most = LINES_AT_END
        self._paint()

    def feed(self, text: str) -> None:
        """Takes what was printed; painted at most every tenth of a second."""
        self.tail.feed(text)
        if not self._painting:
            self._painting = True
            self.set_timer(EVERY, self._paint)

    def _paint(self) -> None:
        self._painting = False
        self.refresh(layout=True)

    def render(self) -> Content:
        lines = self.tail.lines(self._most)
        above = self.tail.newlines + 1 - len(lines)
        parts: list[str | tuple[str, str]] = []
        if above > 1 or not self.tail.whole:
            parts.append(
                (f"{above:,} lines above, {size_text(self.tail.total)} in all\n", "$text-muted italic")
            )
        return Content.assemble(*parts, "\n".join(lines), strip_control_codes=False)
