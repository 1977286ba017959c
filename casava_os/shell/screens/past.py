"""Ctrl-R: finding a past request by words of it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from casava_os.shell.history import History
from casava_sandbox.layer.visible import visible


class PastScreen(ModalScreen[str | None]):
    """A field for words and the requests that have them all, the newest first."""

    CSS_PATH = "over.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c,ctrl+g", "dismiss", "Close"),
        Binding("enter", "take", "Use it", priority=True),
        Binding("up", "move(-1)", "Up", priority=True, show=False),
        Binding("down,ctrl+r", "move(1)", "Older", priority=True),
    ]

    def __init__(self, history: History, words: str) -> None:
        super().__init__()
        self._history = history
        self._words = words
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield Input(self._words, placeholder="words of a past request", compact=True)
            found = OptionList(compact=True)
            found.can_focus = False
            yield found
        yield Footer()

    def on_mount(self) -> None:
        self._search(self._words)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def _search(self, words: str) -> None:
        self._found = self._history.search(words)
        options = self.query_one(OptionList)
        options.set_options([Option(Text(visible(entry.replace("\n", " ")))) for entry in self._found])
        options.highlighted = 0 if self._found else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index])

    def action_move(self, by: int) -> None:
        """Up or down in the list."""
        options = self.query_one(OptionList)
        (options.action_cursor_up if by < 0 else options.action_cursor_down)()

    def action_take(self) -> None:
        """Puts the request under the cursor into the prompt."""
        at = self.query_one(OptionList).highlighted
        self.dismiss(None if at is None else self._found[at])
