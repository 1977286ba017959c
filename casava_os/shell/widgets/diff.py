"""A diff of any length on screen: unified, or in two columns where there is room; only the lines in view are drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.highlight import HighlightTheme, guess_language, highlight
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from casava_os.kernel.ports import Change
from casava_os.shell.widgets.difftext import (
    Line,
    Places,
    Row,
    differing,
    in_one_column,
    parse,
    sections,
    side_by_side,
)
from casava_os.shell.wording import size_text, sizes_text
from casava_sandbox.layer.visible import visible

SIDE_FROM = 140
"""Width of the terminal from which old and new stand beside each other."""
COLUMNS_FROM = 76
"""Width of the diff itself from which they do."""
LONGEST_COLOURED = 500
"""Characters of a line above which its syntax is not coloured."""
MOST_KEPT = 4096
"""Drawn lines that are kept."""
_SIZED = re.compile(r" bytes|\d B\b")
_SIGNS = {"added": "+", "removed": "-", "same": " "}


_COLOURS = {
    "Comment": "$text-muted",
    "Keyword": "$text-primary",
    "Operator.Word": "$text-primary",
    "Literal.String": "$text-secondary",
    "Literal.Number": "$text-warning",
}


class _Quiet(HighlightTheme):
    """Few colours: what was added or removed must stay the loudest."""

    STYLES = {  # noqa: RUF012 - as Textual declares it
        token: colour
        for token in HighlightTheme.STYLES
        for kind, colour in _COLOURS.items()
        if str(token).startswith(f"Token.{kind}")
    }


class DiffView(ScrollView, can_focus=True):
    """A diff. `changes` tell the sizes, where they are known."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff--added", "diff--removed", "diff--hunk", "diff--file", "diff--same", "diff--added-words", "diff--removed-words",
        "diff--number", "diff--nothing",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "s",
            "switch",
            "Side by side",
            id="diff.switch",
            tooltip="Old and new beside each other, or in one column.",
        ),
    ]

    def __init__(self, diff: str, changes: Sequence[Change] = ()) -> None:
        super().__init__()
        self._lines = parse(diff)
        self._sections = sections(self._lines)
        self._places = Places.of(self._lines)
        self._changes = {visible(change.path): change for change in changes}
        self._wanted: bool | None = None
        """Whether it shall be side by side; None: where there is room."""
        self._rows: list[Row] | None = None
        self._row_of: list[int] = []
        self._one = in_one_column(self._lines)
        self._one_of = {at: row for row, at in enumerate(self._one)}
        self._drawn: dict[int, Strip] = {}
        self._painted: dict[tuple[int, int, int, bool], Strip] = {}
        self._styles: dict[str, Style] = {}
        self._languages: dict[str, str] = {}
        told = [len(self._told(at)) for at in range(len(self._lines))]
        self._longest = max(
            (len(line.text) + more for line, more in zip(self._lines, told, strict=True)), default=0
        )
        self._digits = len(str(max((line.number for line in self._lines), default=0)))
        self._resized()

    @property
    def length(self) -> int:
        """How many lines it has in one column."""
        return len(self._one)

    @property
    def side(self) -> bool:
        """Whether old and new stand beside each other."""
        if self._wanted is not None or not self.is_attached:
            return bool(self._wanted)
        return self.app.size.width >= SIDE_FROM and self.size.width >= COLUMNS_FROM

    # ------------------------------------------------------------------------------------------ moving

    def show(self, path: str) -> None:
        """Scrolls to the part of one path (the first line for an empty one)."""
        line = self._sections.get(visible(path), 0) if path else 0
        self.scroll_to(x=0, y=self._with_change(line), animate=False)

    def _with_change(self, line: int) -> int:
        """The row to begin with, so that the first change of this part is in view, whole, with little room."""
        first = self._row(line)
        changed = next(
            (at for at in range(line, len(self._lines)) if self._lines[at].kind in ("added", "removed")), line
        )
        partner = self._lines[changed].partner
        last = max(self._row(changed), self._row(partner) if partner >= 0 else 0)
        high = self.scrollable_content_region.height
        near = last - first < 3 * high  # it belongs to this part, as far as one can see
        return max(first, last - high + 1) if high and near else first

    def action_switch(self) -> None:
        """The other way to show it; what stands at the top stays there."""
        top = self._top_line()
        self._wanted = not self.side
        self._resized()
        self.scroll_to(x=0, y=self._row(top), animate=False)
        self.refresh()

    def on_resize(self) -> None:
        """Two columns come and go with the room for them."""
        self._forget()
        self._resized()

    def notify_style_update(self) -> None:
        """Another theme: every line is drawn anew."""
        self._forget()
        super().notify_style_update()

    def _forget(self) -> None:
        for kept in (self._drawn, self._painted, self._styles):
            kept.clear()

    def _top_line(self) -> int:
        top = self.scroll_offset.y
        if not self.side:
            return self._one[top] if top < len(self._one) else 0
        row = self._two()[top] if top < len(self._two()) else Row(0, 0)
        return next((at for at in (row.left, row.right) if at is not None), 0)

    def _row(self, line: int) -> int:
        self._two()
        if self.side:
            return self._row_of[line] if line < len(self._row_of) else line
        return next((self._one_of[at] for at in range(line, len(self._lines)) if at in self._one_of), 0)

    def _two(self) -> list[Row]:
        if self._rows is None:
            self._rows = side_by_side(self._lines)
            self._row_of = [0] * len(self._lines)
            for number, row in enumerate(self._rows):
                for at in (row.left, row.right):
                    if at is not None:
                        self._row_of[at] = number
            for at, line in enumerate(self._lines):
                if line.path and line.text.startswith("--- "):  # it has no row of its own
                    self._row_of[at] = self._row_of[at + 1]
        return self._rows

    def _resized(self) -> None:
        if self.side:
            hidden = max(0, self._longest - self._room())
            self.virtual_size = Size(self.scrollable_content_region.width + hidden, len(self._two()))
        else:
            self.virtual_size = Size(self._longest + 1, len(self._one))

    def _room(self) -> int:
        """Cells for the text of one of the two columns."""
        return max(1, (self.scrollable_content_region.width - 1) // 2 - self._digits - 3)

    # ------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        key = (y + scroll_y, scroll_x, width, self.side)
        if (painted := self._painted.get(key)) is None:
            if len(self._painted) >= MOST_KEPT:
                self._painted.clear()
            paint = self._two_columns if self.side else self._one_column
            painted = self._painted[key] = paint(y + scroll_y, scroll_x, width)
        return painted

    def _one_column(self, number: int, scroll: int, width: int) -> Strip:
        if number >= len(self._one):
            return Strip.blank(width, self.rich_style)
        number = self._one[number]
        line, style = self._lines[number], self._style_of(self._lines[number])
        strip = self._heading(number)
        if sign := _SIGNS.get(line.kind):
            strip = Strip([Segment(sign, style), *strip])
        return (
            strip.crop(scroll, scroll + width).extend_cell_length(width, style).apply_style(self.rich_style)
        )

    def _two_columns(self, number: int, scroll: int, width: int) -> Strip:
        rows = self._two()
        if number >= len(rows):
            return Strip.blank(width, self.rich_style)
        row = rows[number]
        if row.left is not None and row.left == row.right and self._lines[row.left].kind != "same":
            style = self._style_of(self._lines[row.left])
            return (
                self._heading(row.left)
                .crop(0, width)
                .extend_cell_length(width, style)
                .apply_style(self.rich_style)
            )
        left, border = (width - 1) // 2, self._component("diff--number")
        return Strip.join(
            [
                self._half(row.left, scroll, left, old=True),
                Strip([Segment("│", border)]),
                self._half(row.right, scroll, width - left - 1, old=False),
            ]
        ).apply_style(self.rich_style)

    def _heading(self, number: int) -> Strip:
        """A line over both columns; of a compared file it is its name and its sizes."""
        line = self._lines[number]
        if line.kind != "file" or not line.text.startswith("+++ b/"):
            return self._text(number)
        name = Segment(line.text.removeprefix("+++ b/"), self._style_of(line))
        return Strip([name, Segment(self._told(number), self._component("diff--hunk"))])

    def _half(self, number: int | None, scroll: int, width: int, *, old: bool) -> Strip:
        if number is None:
            return Strip([Segment(" " * width, self._component("diff--nothing"))])
        line, style = self._lines[number], self._style_of(self._lines[number])
        shown = (line.before if old and line.kind == "same" else line.number) or ""
        head = Strip(
            [
                Segment(f"{shown:>{self._digits}} ", self._component("diff--number")),
                Segment(f"{_SIGNS.get(line.kind, ' ')} ", style),
            ]
        )
        room = max(0, width - head.cell_length)
        text = self._text(number).crop(scroll, scroll + room).extend_cell_length(room, style)
        return Strip.join([head, text]).crop(0, width)

    def _text(self, number: int) -> Strip:
        """A line's text, drawn."""
        if (drawn := self._drawn.get(number)) is None:
            if len(self._drawn) >= MOST_KEPT:
                self._drawn.clear()
            drawn = self._drawn[number] = self._draw(number)
        return drawn

    def _draw(self, number: int) -> Strip:
        line = self._lines[number]
        style = self._style_of(line)
        if line.kind in ("file", "hunk", "told"):
            told = self._told(number)
            return Strip(
                [Segment(line.text, style)] + ([Segment(told, self._component("diff--hunk"))] if told else [])
            )
        content = self._coloured(number)
        if line.partner >= 0:
            other = self._lines[line.partner].text
            removed = line.kind == "removed"
            old, new = (line.text, other) if removed else (other, line.text)
            words = "diff--removed-words" if removed else "diff--added-words"
            marked = self.get_visual_style(words, partial=True)
            for start, end in differing(old, new)[0 if removed else 1]:
                content = content.stylize(marked, start, end)
        base = self.get_visual_style(f"diff--{line.kind}")
        parsed = content.render(base, end="", parse_style=self._parsed)
        return Strip([Segment(text, drawn.rich_style) for text, drawn in parsed])

    def _parsed(self, style: str | Style) -> Style:
        """A style of the theme that is on now."""
        if isinstance(style, Style):
            return style
        if style not in self._styles:
            self._styles[style] = Style.parse(style, self.app.get_css_variables())
        return self._styles[style]

    def _told(self, number: int) -> str:
        """The sizes of a file, behind its name, unless the diff tells them."""
        line = self._lines[number]
        if line.kind != "file" or _SIZED.search(line.text):
            return ""
        path = line.path if not line.text.startswith(("--- ", "+++ ")) else ""
        if line.text.startswith("+++ b/"):
            path = line.text.removeprefix("+++ b/")
        change = self._changes.get(path)
        if change is None:
            return ""
        told = (
            size_text(change.size)
            if change.action == "renamed" and change.size is not None
            else sizes_text(change)
        )
        return f"  {told}" if told else ""

    def _coloured(self, number: int) -> Content:
        text = self._lines[number].text
        path = self._places.path(number)
        if path not in self._languages:
            self._languages[path] = guess_language("", path) if "." in path.rpartition("/")[2] else "default"
        language = self._languages[path]
        if language in ("default", "text") or len(text) > LONGEST_COLOURED or not text.strip():
            return Content(text)
        coloured = highlight(text, language=language, theme=_Quiet)
        return coloured if coloured.plain == text else Content(text)

    def _style_of(self, line: Line) -> RichStyle:
        return self._component("diff--hunk" if line.kind == "told" else f"diff--{line.kind}")

    def _component(self, name: str) -> RichStyle:
        return self.get_component_rich_style(name)
