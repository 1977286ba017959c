"""A list of rows in columns, of any length: only the rows in view are asked for and drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from casava_os.shell.marks import Marks
from casava_sandbox.layer.visible import visible

Cell = str | tuple[str, str]
"""A text, or a text with the name of its colour: success, warning, error, primary, muted."""

COLOURS = ("success", "warning", "error", "primary", "muted")
GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Widths in cells."""

    title: str
    width: int
    """Of a column that takes what is left: the least it gets."""
    right: bool = False
    rest: bool = False
    """It takes what is left; at most one does."""
    wide: int = 0
    """It is shown from this width of the list."""


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor, under a line of titles. `show` says how many there are and how to get one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--title", "rows--cursor", *(f"rows--{colour}" for colour in COLOURS),
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go(-1)", "Up", show=False),
        Binding("down", "go(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
    ]
    cursor = reactive(0, repaint=True)

    class Moved(Message):
        """The cursor stands on another row, or the row under it is another one."""

    class Chosen(Message):
        """The row under the cursor was clicked once more."""

    def __init__(self, columns: Sequence[Column], marks: Marks, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._columns = columns
        self._marks = marks
        self._row: Callable[[int], Sequence[Cell]] = lambda number: ()
        self._sorted = ""
        self.count = 0

    def show(
        self, count: int, row: Callable[[int], Sequence[Cell]], *, cursor: int, sorted_by: str = ""
    ) -> None:
        """These rows from now on, the cursor on one of them; `sorted_by` is the title of a column, with a sign."""
        self._row, self.count, self._sorted = row, count, sorted_by
        self.virtual_size = Size(self.size.width, count + 1)
        self.cursor = cursor
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    def validate_cursor(self, cursor: int) -> int:
        """Keeps it on a row."""
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """Keeps it in view."""
        if before != now:
            self._reveal()
            self.post_message(self.Moved())

    def _reveal(self) -> None:
        """The row under the cursor is in view; the first line is the titles'."""
        top, rows = self.scroll_offset.y, self._rows_in_view
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + rows:
            self.scroll_to(y=self.cursor - rows + 1, animate=False, immediate=True)

    @property
    def _rows_in_view(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, self.count + 1)
        self._reveal()

    # ------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        columns = self._fitting(width)
        if y == 0:
            style = self.get_component_rich_style("rows--title")
            return self._line(columns, [column.title for column in self._columns], style, width)
        number = y - 1 + self.scroll_offset.y
        if number >= self.count:
            return Strip.blank(width, self.rich_style)
        on = number == self.cursor
        style = self.get_component_rich_style("rows--cursor") if on else self.rich_style
        return self._line(columns, self._row(number), style, width, plain=on)

    def _fitting(self, width: int) -> list[tuple[int, Column, int]]:
        """The columns that there is room for: their place among all, and their widths."""
        shown = [(n, column) for n, column in enumerate(self._columns) if width >= column.wide]
        fixed = sum(column.width + GAP for _, column in shown if not column.rest)
        return [
            (n, column, max(column.width, width - fixed - 1) if column.rest else column.width)
            for n, column in shown
        ]

    def _line(
        self,
        columns: Sequence[tuple[int, Column, int]],
        cells: Sequence[Cell],
        style: object,
        width: int,
        *,
        plain: bool = False,
    ) -> Strip:
        from rich.style import Style

        assert isinstance(style, Style)
        segments: list[Segment] = []
        for n, column, room in columns:
            cell = cells[n] if n < len(cells) else ""
            text, colour = (cell, "") if isinstance(cell, str) else cell
            text = visible(text)
            if self._sorted.startswith(column.title) and cells and text == column.title:
                text = self._sorted
            own = style
            if colour and not plain:
                own = style + self.get_component_rich_style(f"rows--{colour}", partial=True)
            segments += [
                Segment(_fitted(text, room, self._marks, right=column.right), own),
                Segment(" " * GAP, style),
            ]
        return Strip(segments).crop(0, width).extend_cell_length(width, style).apply_style(self.rich_style)

    # ------------------------------------------------------------------------------------------ moving

    def action_go(self, by: int) -> None:
        """To another row."""
        self.cursor += by

    def action_page(self, pages: int) -> None:
        """By as many rows as are in view."""
        self.cursor += pages * self._rows_in_view

    def action_first(self) -> None:
        """To the first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """To the last row."""
        self.cursor = self.count - 1

    def on_click(self, event: events.Click) -> None:
        """The row that is clicked gets the cursor; a second click chooses it."""
        number = event.y - 1 + self.scroll_offset.y
        if event.y == 0 or number >= self.count:
            return
        if number == self.cursor and event.chain > 1:
            self.post_message(self.Chosen())
        self.cursor = number


def _fitted(text: str, room: int, marks: Marks, *, right: bool) -> str:
    """The text in exactly so many cells; what is cut off is marked."""
    wide = cell_len(text)
    if wide > room:
        more = marks.more if room > len(marks.more) else ""
        return set_cell_size(text, room - len(more)) + more
    space = " " * (room - wide)
    return space + text if right else text + space
