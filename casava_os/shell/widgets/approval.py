"""The approval card: exactly what would happen, and three answers. It never takes a key that was meant for something else.

For a changeset: the tree of its files and the diff; for effects that no layer holds: the exact calls. The answer goes
back through the event that asked.
"""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.events import Key, Paste
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, Static, Tree

from casava_os.kernel.events import ApprovalNeeded
from casava_os.kernel.ports import Change
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.changes import ChangeTree, DiffView
from casava_os.shell.widgets.prompt import Prompt
from casava_sandbox.layer.visible import visible

ARMED_AFTER = 0.6
"""Seconds after it appeared before it takes an answer: whoever was typing did not mean this question."""
ALONE = 0.25
"""Seconds in which no other letter may follow a Y, N or H: two letters are the beginning of a request."""
_ANSWERS = {"y": "yes", "n": "no", "h": "hold"}
SIDE_BY_SIDE = 100
"""Width in cells from which the tree stands beside the diff."""
MOST_ROWS = 22
"""Rows of the diff at most; it scrolls."""


class ApprovalCard(Vertical, can_focus=True):
    """One question of the kernel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "Apply", id="approval.yes", tooltip="Let exactly this happen."),
        Binding("n", "answer('no')", "Discard", id="approval.no", tooltip="Throw it away; nothing changes."),
        Binding(
            "h", "answer('hold')", "Hold", id="approval.hold", tooltip="Decide later; nothing changes yet."
        ),
        Binding(
            "escape",
            "screen.focus_prompt",
            "Back",
            id="approval.back",
            tooltip="Back to typing; the question stays.",
        ),
        Binding(
            "down",
            "scroll_diff(1)",
            "Scroll",
            show=False,
            id="approval.down",
            tooltip="Scroll the diff; Up goes back.",
        ),
        Binding("up", "scroll_diff(-1)", "Scroll up", show=False, id="approval.up"),
        Binding(
            "space",
            "scroll_diff(10)",
            "Page down",
            show=False,
            id="approval.page_down",
            tooltip="A page of it.",
        ),
    ]

    class Answered(Message):
        """The person answered: True, False, or None to hold it."""

        def __init__(self, card: ApprovalCard, answer: bool | None) -> None:
            super().__init__()
            self.card = card
            self.answer = answer

    def __init__(self, event: ApprovalNeeded, marks: Marks) -> None:
        super().__init__()
        self.event = event
        self._marks = marks
        self._armed = monotonic() + ARMED_AFTER + ALONE
        self._effects = event.kind == "effects"
        changes = event.changeset.changes if event.changeset is not None else ()
        self.set_class(self._effects or any(change.action == "deleted" for change in changes), "-deletes")
        self._letter = ""
        self._typing = False
        self._alone: Timer | None = None

    def compose(self) -> ComposeResult:
        event = self.event
        yield Static(
            Content.assemble((f"{self._marks.waits} ", "$text-warning"), (visible(event.question), "bold")),
            classes="question",
        )
        reasons = visible("; ".join(event.reasons))
        if event.changeset is None:
            if reasons:
                yield Static(Content.styled(reasons, "$text-warning"), classes="told")
            calls = Content("\n").join([Content.styled(visible(call), "bold") for call in event.calls])
            yield Static(calls, classes="calls")
        else:
            why = f": {reasons}" if reasons else "."
            told = Content.assemble("Nothing in this folder has changed yet", (why, "$text-muted"))
            yield Static(told, classes="told")
            with Container(classes="panes"):
                yield ChangeTree(event.changeset.changes, self._marks)
                diff = DiffView(event.diff)
                diff.styles.height = min(MOST_ROWS, max(1, diff.length))
                yield diff
        with Horizontal(classes="answers"):
            yes, no = ("Run it", "Do not run") if self._effects else ("Apply", "Discard")
            yield Button(f"{yes}  [Y]".replace("[", r"\["), id="yes", compact=True)
            yield Button(f"{no}  [N]".replace("[", r"\["), id="no", compact=True)
            if not self._effects:
                yield Button(r"Hold for later  \[H]", id="hold", compact=True)

    def on_resize(self) -> None:
        self.set_class(self.size.width >= SIDE_BY_SIDE, "-wide")

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Change | None]) -> None:
        """The tree's cursor moves the diff."""
        event.stop()
        if event.node.tree.has_focus or event.node.data is not None:
            self.query_one(DiffView).show("" if event.node.data is None else event.node.data.path)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_answer(event.button.id or "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Effects that no layer holds cannot be held."""
        return not (self._effects and action == "answer" and parameters == ("hold",))

    def on_key(self, event: Key) -> None:
        """A letter alone may be an answer; letters that follow each other are a request, and go to the prompt."""
        letter = event.character
        if not event.is_printable or letter is None or letter == " ":
            return
        event.stop()
        answer = _ANSWERS.get(letter.lower())
        if answer is not None and self._alone is None and not self._typing:
            self._letter = letter
            self._alone = self.set_timer(ALONE, lambda: self.action_answer(answer))
            return
        if self._alone is not None and letter == self._letter:
            return  # the key was held, or pressed twice
        if self._alone is not None:
            self._alone.stop()
            self._alone = None
            letter = self._letter + letter
        self._typing = True
        prompt = self.screen.query_one(Prompt)
        self.screen.set_focus(prompt)
        prompt.insert(letter)

    def on_paste(self, event: Paste) -> None:
        """Pasted text is no answer."""
        event.stop()
        prompt = self.screen.query_one(Prompt)
        self.screen.set_focus(prompt)
        prompt.insert(event.text)

    def on_focus(self) -> None:
        self._typing = False

    def action_answer(self, answer: str) -> None:
        """Hands the answer on, unless it came too soon to be meant or is not offered."""
        self._alone = None
        if monotonic() >= self._armed and not (self._effects and answer == "hold"):
            self.post_message(self.Answered(self, {"yes": True, "no": False}.get(answer)))

    def action_scroll_diff(self, lines: int) -> None:
        """Scrolls the diff by so many lines."""
        for diff in self.query(DiffView):
            diff.scroll_relative(y=lines, animate=False)
