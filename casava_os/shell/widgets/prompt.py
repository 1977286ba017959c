"""Where the person types: several lines, the past with up and down, a hint from it in grey, completion with Tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from casava_os.shell.completion import Candidate, Completer
from casava_os.shell.history import History
from casava_os.shell.slips import ANSWERS


class CompletionList(OptionList, can_focus=False):
    """Ways to go on, above the prompt; the prompt moves in it."""

    def __init__(self) -> None:
        super().__init__(id="completions", compact=True)
        self.display = False
        self._candidates: list[Candidate] = []

    def offer(self, candidates: list[Candidate]) -> None:
        """Shows these; hides itself when there are none."""
        self._candidates = candidates
        self.set_options([Option(Text(self._shown(candidate))) for candidate in candidates])
        self.display = bool(candidates)
        self.highlighted = 0 if candidates else None

    @staticmethod
    def _shown(candidate: Candidate) -> str:
        return (
            f"{candidate.shown}   {candidate.kind}" if candidate.kind == "past request" else candidate.shown
        )

    @property
    def chosen(self) -> Candidate | None:
        """The candidate under the cursor."""
        if not self.display or self.highlighted is None:
            return None
        return self._candidates[self.highlighted]


class Prompt(TextArea):
    """The request being typed.

    Its keys are no priority bindings: those would overtake letters that are still on their way to it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Run", id="prompt.submit", tooltip="Do what is typed."),
        Binding(
            "ctrl+j,shift+enter,alt+enter",
            "newline",
            "New line",
            id="prompt.newline",
            show=False,
            tooltip="A further line; so does Enter after a \\.",
        ),
        Binding(
            "tab",
            "complete",
            "Complete",
            id="prompt.complete",
            tooltip="Complete a path, a command or a past request.",
        ),
        Binding(
            "ctrl+r",
            "screen.search_history",
            "Search past",
            id="prompt.search",
            tooltip="Find a past request by words of it; Up and Down go through them.",
        ),
        Binding(
            "shift+tab",
            "screen.focus_last",
            "Look back",
            id="prompt.back",
            tooltip="To the newest block: its details, its diff, its undo.",
        ),
        Binding(
            "ctrl+d",
            "leave_or_delete",
            "Leave",
            show=False,
            id="prompt.leave",
            tooltip="Leave, when nothing is typed.",
        ),
    ]

    class Submitted(Message):
        """What was typed is to be done."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """The prompt has several lines since something was pasted."""

        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, history: History, completer: Completer, completions: CompletionList) -> None:
        super().__init__(id="prompt", compact=True, highlight_cursor_line=False, placeholder=PLACEHOLDER)
        self._history = history
        self._completer = completer
        self._completions = completions
        self._back = 0
        self._draft = ""
        self._filling = False
        self._offered_for = ""

    @property
    def before_cursor(self) -> str:
        """The text up to the cursor."""
        return self.get_text_range((0, 0), self.cursor_location)

    def fill(self, text: str) -> None:
        """Replaces everything by this text, with the cursor at its end."""
        self._filling = True
        self.text = text
        self.move_cursor(self.document.end)
        self._completions.offer([])

    # ------------------------------------------------------------------------------------------ typing

    def update_suggestion(self) -> None:
        """The rest of the newest past request that begins like this one, in grey; the right key takes it."""
        at_end = self.cursor_location == self.document.end
        found = self._history.beginning(self.text) if at_end and not self._completions.display else ""
        rest = found[len(self.text) :]
        self.suggestion = "" if "\n" in rest else rest

    def on_text_area_changed(self) -> None:
        """Commands complete as they are typed; a list that is open follows the typing."""
        if self._filling:
            self._filling = False
            return
        self._back = 0
        if self._completions.display or (self.text.startswith("/") and self.text == self.before_cursor):
            self._offer()

    def _offer(self) -> None:
        """The ways to go on from here."""
        self._offered_for = self.before_cursor
        self._completions.offer(self._completer.candidates(self._offered_for))

    def _chosen(self) -> Candidate | None:
        """The candidate under the cursor. Keys may overtake the list: one that was made for less than stands here is made anew."""
        if self._completions.display and self._offered_for != self.before_cursor:
            self._offer()
        return self._completions.chosen

    async def _on_key(self, event: Key) -> None:
        """Keys that mean something else here than in a text."""
        if event.key in ("up", "down"):
            handled = self._move(-1 if event.key == "up" else 1)
        elif event.key == "escape" and (handled := self._completions.display):
            self._completions.offer([])
        elif handled := self._means(event.key, "prompt.submit", "enter"):
            self.action_submit()
        elif handled := self._means(event.key, "prompt.complete", "tab"):
            self.action_complete()
        else:
            handled = False
        if handled:
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    def on_paste(self, event: Paste) -> None:
        """Pasted lines are one request: the person may have meant several. Textual's own handler puts them in."""
        if (lines := self.document.line_count + event.text.count("\n")) > 1:
            self.post_message(self.Pasted(lines))

    def _means(self, key: str, binding: str, usual: str) -> bool:
        """Whether this key is the one of a binding, as the person may have chosen it."""
        keys: Mapping[str, str] = getattr(self.app, "keys", {})
        return key in keys.get(binding, usual).split(",")

    def _move(self, by: int) -> bool:
        """Up and down: in the list when it is open, in the past from the first or last line."""
        if self._completions.display:
            (self._completions.action_cursor_up if by < 0 else self._completions.action_cursor_down)()
            return True
        row, _ = self.cursor_location
        if (by < 0 and row > 0) or (by > 0 and row < self.document.line_count - 1):
            return False
        entries = self._history.entries
        back = self._back - by
        if back < 0 or back > len(entries):
            return True
        if self._back == 0:
            self._draft = self.text
        self._back = back
        self.fill(entries[-back] if back else self._draft)
        return True

    # ------------------------------------------------------------------------------------------ actions

    def action_submit(self) -> None:
        """Takes the candidate when the list is open and it changes something; else hands the request on."""
        if (chosen := self._chosen()) is not None and self._take(chosen):
            return
        self._completions.offer([])
        text = self.text.strip()
        if self.text.endswith("\\"):
            self.fill(self.text[:-1] + "\n")
        elif text:
            if text.casefold() not in ANSWERS:
                self._history.add(text)
            self._back = 0
            self.fill("")
            self.post_message(self.Submitted(text))

    def action_newline(self) -> None:
        """A further line."""
        self.insert("\n")

    def action_complete(self) -> None:
        """The one way to go on, or a list of them."""
        if (chosen := self._chosen()) is not None:
            self._take(chosen)
            return
        if self.suggestion:
            self.insert(self.suggestion)
            return
        candidates = self._completer.candidates(self.before_cursor)
        if len(candidates) == 1:
            self._take(candidates[0])
        else:
            self._offered_for = self.before_cursor
            self._completions.offer(candidates)

    def _take(self, candidate: Candidate) -> bool:
        """Puts it in; False when it stands there already."""
        before, after = self.before_cursor, self.get_text_range(self.cursor_location, self.document.end)
        self._completions.offer([])
        filled = before[: candidate.start] + candidate.insert
        if filled.rstrip() == before.rstrip():
            return False
        self.fill(filled + after)
        for _ in after:
            self.action_cursor_left()
        return True

    async def action_leave_or_delete(self) -> None:
        """As in a shell: leaves when nothing is typed."""
        if self.text:
            self.action_delete_right()
        else:
            await self.run_action("app.leave")


PLACEHOLDER = "What should be done here?   !command runs a program   /help"
