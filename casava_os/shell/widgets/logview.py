"""Lines that programs print, ten thousand of them a second if need be: kept within bounds, drawn only where they are seen.

A thread hands bytes over and waits for nobody; a timer looks ten times a second whether there is something new. Nothing in a
line can steer the terminal: colours are left out, everything else that is no letter is spelled.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from casava_sandbox.layer.visible import visible

MOST_LINES = 10_000
"""Lines that are kept; the oldest go."""
LONGEST = 2_000
"""Bytes of a line that are kept; what is longer goes on in the next."""
EVERY = 0.1
"""Seconds from one look for new lines to the next."""
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


class LogLines:
    """The last lines of one program or several. Any thread."""

    def __init__(self, most: int = MOST_LINES) -> None:
        self._turn = threading.Lock()
        self._lines: deque[tuple[str, bytes]] = deque(maxlen=most)
        self._rest: dict[str, bytes] = {}
        self.total = 0
        """Lines that came, those that are gone included."""

    def feed(self, source: str, data: bytes) -> None:
        """The next bytes of a program; `source` stands before its lines, where it is not empty."""
        with self._turn:
            *whole, rest = (self._rest.get(source, b"") + data).split(b"\n")
            while len(rest) > LONGEST:
                whole.append(rest[:LONGEST])
                rest = rest[LONGEST:]
            self._rest[source] = rest
            self._lines.extend((source, line[:LONGEST]) for line in whole)
            self.total += len(whole)

    def end(self, source: str) -> None:
        """What has no end of line yet is a line, too."""
        if self._rest.get(source):
            self.feed(source, b"\n")

    def say(self, source: str, sentence: str) -> None:
        """A line of our own."""
        self.end(source)
        self.feed(source, sentence.encode() + b"\n")

    def now(self) -> tuple[int, list[tuple[str, bytes]]]:
        """How many came, and those that are kept."""
        with self._turn:
            return self.total, list(self._lines)


def shown(line: bytes) -> str:
    """A line as it may be shown: of one that was written over, what was written last."""
    text = line.decode("utf-8", "replace").removesuffix("\r").rpartition("\r")[2]
    return visible(_COLOUR.sub("", text).expandtabs(8))


class LogView(ScrollView, can_focus=True):
    """The end of the lines while it follows; scrolled up it stands still, and counts what comes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--source"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "line(-1)", "Up", show=False),
        Binding("down", "line(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False, id="logs.last", tooltip="To the newest line, and on from there."),
    ]  # fmt: skip

    class Changed(Message):
        """There are more lines, or it follows or stands still now."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.lines = LogLines()
        self.follows = True
        self._seen = -1
        self._rows: list[tuple[str, bytes]] = []

    def on_mount(self) -> None:
        self.set_interval(EVERY, self.look)

    def on_resize(self) -> None:
        self._paint()

    def begin(self) -> LogLines:
        """Empty from now on, and following; where the lines go."""
        self.lines = LogLines()
        self.follows, self._seen, self._rows = True, -1, []
        self._paint()
        return self.lines

    @property
    def new(self) -> int:
        """Lines that came while it stood still."""
        return max(0, self.lines.total - max(self._seen, 0))

    def look(self) -> None:
        """Shows what came, or counts it."""
        if self.lines.total == self._seen or not self.is_attached:
            return
        if self.follows:
            self._seen, self._rows = self.lines.now()
            self._paint()
        self.post_message(self.Changed())

    def _paint(self) -> None:
        # Bytes are at least as many as cells, but for controls and tabs: those lines are cut.
        wide = max((len(source) + 1 + len(line) for source, line in self._rows), default=0)
        self.virtual_size = Size(wide, len(self._rows))
        if self.follows:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, number = self.scrollable_content_region.width, y + self.scroll_offset.y
        style = self.rich_style
        if number >= len(self._rows):
            return Strip.blank(width, style)
        source, line = self._rows[number]
        name = Segment(
            f"{visible(source)} " if source else "",
            style + self.get_component_rich_style("log--source", partial=True),
        )
        text = shown(line)
        strip = Strip([name, Segment(text, style)], cell_len(name.text) + cell_len(text))
        left = self.scroll_offset.x
        return strip.crop(left, left + width).extend_cell_length(width, style)

    # ------------------------------------------------------------------------------------------ moving

    def _go(self, line: int) -> None:
        self.scroll_to(y=max(0, min(line, self.max_scroll_y)), animate=False, immediate=True)
        follows = line >= self.max_scroll_y
        if follows != self.follows:
            self.follows = follows
            self.look()
            self.post_message(self.Changed())

    def action_line(self, by: int) -> None:
        """By one line."""
        self._go(self.scroll_offset.y + by)

    def action_page(self, pages: int) -> None:
        """By as many lines as are in view."""
        self._go(self.scroll_offset.y + pages * max(1, self.scrollable_content_region.height - 1))

    def action_first(self) -> None:
        """To the oldest line that is kept."""
        self._go(0)

    def action_last(self) -> None:
        """To the newest, and on from there."""
        self._go(self.max_scroll_y)

    def action_stand(self) -> None:
        """Stands still, or follows again."""
        if self.follows:
            self.follows = False
            self.post_message(self.Changed())
        else:
            self.action_last()

    def on_mouse_scroll_up(self) -> None:
        """Scrolling back stands still."""
        self._go(self.scroll_offset.y - 3)

    def on_mouse_scroll_down(self) -> None:
        """Scrolling to the end follows again."""
        self._go(self.scroll_offset.y + 3)
