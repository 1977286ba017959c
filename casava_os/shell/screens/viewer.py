"""A whole result or a whole diff over the conversation: scrolled, searched by the eye, copied."""

from __future__ import annotations

from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import DataTable, Footer, Static, TextArea

from casava_os.shell.widgets.changes import DiffView
from casava_os.shell.widgets.values import full_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.values import Table, Value

MOST_CHARS = 4_000_000
"""Longest text that is shown; what is left out is said."""
MOST_ROWS = 20_000


class ViewerScreen(ModalScreen[None]):
    """One thing, as large as the terminal."""

    CSS_PATH = "over.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,o", "dismiss", "Close")]

    def __init__(self, title: str, body: Widget, note: str = "") -> None:
        super().__init__()
        self._about = title
        self._body = body
        self._note = note

    @classmethod
    def of_value(cls, title: str, value: Value) -> Self:
        """A result."""
        if isinstance(value, Table):
            table: DataTable[str] = DataTable(zebra_stripes=True, cursor_type="row")
            table.add_columns(*(visible(column) for column in value.columns))
            for row in value.rows[:MOST_ROWS]:
                table.add_row(*(visible("" if cell is None else str(cell)) for cell in row))
            left = len(value.rows) - MOST_ROWS
            return cls(title, table, f"{left:,} more rows are not shown" if left > 0 else "")
        text = full_text(value)
        left = len(text) - MOST_CHARS
        body = TextArea(text[:MOST_CHARS], read_only=True, compact=True, show_line_numbers=False)
        return cls(title, body, f"{left:,} more characters are not shown" if left > 0 else "")

    @classmethod
    def of_diff(cls, title: str, diff: str) -> Self:
        """A unified diff."""
        return cls(title, DiffView(diff))

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield Static(Content.styled(visible(self._about.partition("\n")[0]), "bold"), classes="title")
            yield self._body
            if self._note:
                yield Static(Content.styled(self._note, "$text-warning"))
        yield Footer()

    def on_mount(self) -> None:
        self._body.focus()
