"""The question before leaving while something runs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static


class LeaveScreen(ModalScreen[bool]):
    """Says what leaving would end."""

    CSS_PATH = "over.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Leave"),
        Binding("n,escape", "dismiss(False)", "Stay"),
    ]

    def __init__(self, running: int) -> None:
        super().__init__()
        self._busy = running

    def compose(self) -> ComposeResult:
        what = "One request is" if self._busy == 1 else f"{self._busy} requests are"
        with Vertical(id="ask"):
            yield Static(Content.styled(f"{what} still running. Leave and cancel?", "bold"))
            yield Static(Content("Nothing of what is cancelled is applied.   Y leave   N stay"))
        yield Footer()
