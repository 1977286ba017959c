"""The approval card: exactly what would happen, and the answers. It never takes a key that was meant for something else.

For a changeset: the tree of its files, where some can be left out, and the diff; for effects that no layer holds: the exact
calls. The answer goes back through the event that asked. A yes for good is given in two steps: the rule first, then the yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
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

from casava_os.kernel.events import ALWAYS, Answer, ApprovalNeeded
from casava_os.kernel.ports import Change
from casava_os.kernel.selection import Selection
from casava_os.kernel.standing import Standing
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.changes import ChangeTree, DiffView
from casava_os.shell.widgets.prompt import Prompt
from casava_os.shell.wording import home_path
from casava_sandbox.layer.visible import visible

ARMED_AFTER = 0.6
"""Seconds after it appeared before it takes an answer: whoever was typing did not mean this question."""
ALONE = 0.25
"""Seconds in which no other letter may follow a Y, N or H: two letters are the beginning of a request."""
_ANSWERS = {"y": "yes", "n": "no", "h": "hold", "a": "always", "p": "plan", "s": "switch"}
_AGREES = {"yes": True, "no": False, "hold": None}
SIDE_BY_SIDE = 100
"""Width in cells from which the tree stands beside the diff."""
LONG_WORDS = 80
"""Width in cells below which words on the buttons are short."""
ONE_ROW = 62
"""Width in cells below which they stand in two rows."""
MOST_ROWS = 22
"""Rows of the diff at most; it scrolls."""


class ApprovalCard(Vertical, can_focus=True):
    """One question of the kernel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "Apply", id="approval.yes", tooltip="Let exactly this happen."),
        Binding("n", "answer('no')", "Discard", id="approval.no", tooltip="Discard it; nothing changes."),
        Binding(
            "h", "answer('hold')", "Hold", id="approval.hold", tooltip="Decide later; nothing changes yet."
        ),
        Binding(
            "p",
            "answer('plan')",
            "Plan",
            id="approval.plan",
            tooltip="Edit the plan and run it anew; this one goes once the new one runs.",
        ),
        Binding(
            "a",
            "answer('always')",
            "Always",
            id="approval.always",
            tooltip="Always allow this kind here: shows the rule first.",
        ),
        Binding(
            "s",
            "answer('switch')",
            "Side by side",
            show=False,
            id="approval.switch",
            tooltip="Old and new beside each other, or in one column.",
        ),
        Binding(
            "escape",
            "back",
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
        """The person answered."""

        def __init__(self, card: ApprovalCard, answer: Answer) -> None:
            super().__init__()
            self.card = card
            self.answer = answer

    class PlanWanted(Message):
        """The person wants to edit the plan before anything lands."""

        def __init__(self, card: ApprovalCard) -> None:
            super().__init__()
            self.card = card

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
        self._rule_shown = False

    @property
    def ruled(self) -> bool:
        """Whether it shows the rule that a yes for good would save."""
        return self._rule_shown

    def arm(self) -> None:
        """From now on it takes answers, but none that was on its way already."""
        self._armed = monotonic() + ARMED_AFTER

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
            yield Static(self._calls(), classes="calls")
        else:
            why = f": {reasons}" if reasons else "."
            told = Content.assemble("Nothing in this folder has changed yet", (why, "$text-muted"))
            yield Static(told, classes="told")
            with Container(classes="panes"):
                yield ChangeTree(event.changeset.changes, self._marks)
                diff = DiffView(event.diff, event.changeset.changes)
                yield diff
        if event.always is not None:
            yield Static(self._rule(event.always), classes="rule")
        with Horizontal(classes="answers"):
            yield Button(self._label("yes"), id="yes", compact=True)
            yield Button(self._label("no"), id="no", compact=True)
            if not self._effects:
                yield Button(self._label("hold"), id="hold", compact=True)
                yield Button(self._label("plan"), id="plan", compact=True)
            if event.always is not None:
                yield Button(self._label("always"), id="always", compact=True)

    def _calls(self) -> Content:
        """The exact calls, each with what it means where that says more."""
        lines: list[Content] = []
        for call, meaning in zip_longest(self.event.calls, self.event.meaning, fillvalue=""):
            lines.append(Content.styled(visible(call), "bold"))
            lines += [Content(visible(line)) for line in meaning.splitlines()]
        return Content("\n").join(lines)

    def _label(self, answer: str) -> str:
        """What stands on a button, with its key."""
        words = {
            "yes": "Run it" if self._effects else "Apply",
            "no": "Do not run" if self._effects else "Discard",
            "hold": "Hold" if self.has_class("-tight") else "Hold for later",
            "plan": "Plan",
            "always": "Save this rule and apply" if self._rule_shown else "Always",
        }
        text = words[answer]
        tree = self._tree
        if answer == "yes" and tree is not None and not tree.whole:
            text = f"Apply {len(tree.chosen):,} of {len(tree.changes):,}"
        return rf"{text} \[{answer[0].upper()}]" if self._has_keys else text

    @property
    def _has_keys(self) -> bool:
        """Whether a letter typed now is an answer."""
        return self.has_focus_within

    def _tell_keys(self) -> None:
        """Without the keys it says how to get them."""
        if not self.is_attached:
            return
        keys: Mapping[str, str] = getattr(self.app, "keys", {})
        key = keys.get("answer", "f2").partition(",")[0].upper()
        answers = "Y or N answers" if self._effects else "Y, N or H answers"
        self.border_subtitle = "" if self._has_keys else f"{key}, then {answers}"
        self._label_buttons()

    def on_mount(self) -> None:
        self._tell_keys()

    def on_blur(self) -> None:
        self.call_after_refresh(self._tell_keys)

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self._tell_keys)

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._tell_keys)

    @property
    def _tree(self) -> ChangeTree | None:
        return next(iter(self.query(ChangeTree)), None) if self.is_mounted else None

    def _rule(self, rule: Standing) -> Content:
        """The rule exactly as it would be saved, and what it does not reach."""
        sentence = rule.sentence(home_path(rule.workspace))
        return Content("\n").join(
            [
                Content.styled(f"From now on: {visible(sentence)}.", "bold"),
                Content("Your policy.toml would say:"),
                *(Content.styled(f"  {visible(line)}", "$text-primary") for line in rule.toml().splitlines()),
                Content.styled(
                    "Deleting, hidden files, programs and other folders are still asked for, and what is denied stays denied. "
                    "/policy lists your rules and takes them back. Esc goes back.",
                    "$text-muted",
                ),
            ]
        )

    def on_resize(self) -> None:
        wide, high = self.size.width >= SIDE_BY_SIDE, self.screen.size.height
        self.set_class(wide, "-wide")
        self.set_class(self.size.width < LONG_WORDS, "-tight")
        self.set_class(self.size.width < ONE_ROW, "-small")
        self._tell_keys()
        room = (10 if wide else 7) if high < 32 else high // 2 if wide else high // 3
        for diff in self.query(DiffView):  # the answers stay in sight
            line_above = 0 if wide else 1
            diff.styles.height = max(1, min(MOST_ROWS, diff.length + line_above, room))

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Change | None]) -> None:
        """The tree's cursor moves the diff."""
        event.stop()
        if event.node.tree.has_focus or event.node.data is not None:
            self.query_one(DiffView).show("" if event.node.data is None else event.node.data.path)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_answer(event.button.id or "")

    def on_change_tree_ticked(self, event: ChangeTree.Ticked) -> None:
        """The answer says how much would land."""
        event.stop()
        tree = event.tree
        why = visible("; ".join(self.event.reasons))
        rest = "Nothing in this folder has changed yet" + (f": {why}" if why else ".")
        if not tree.whole:
            rest = "What you leave out stays held, as a process of its own: apply or discard it later."
        self.query_one(".told", Static).update(Content(rest))
        self._label_buttons()

    def _label_buttons(self) -> None:
        """The buttons say what they do now; those that mean nothing now are gone."""
        tree = self._tree
        for button in self.query(Button):
            answer = button.id or ""
            button.label = self._label(answer)
            button.refresh(layout=True)  # its width is that of the words
            button.disabled = answer == "yes" and tree is not None and not tree.chosen
            button.display = button.disabled or self._offers(answer)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be answered is offered."""
        return action != "answer" or self._offers(str(parameters[0]))

    def _offers(self, answer: str) -> bool:
        tree = self._tree
        if self._rule_shown:
            return answer in ("always", "switch")
        match answer:
            case "hold" | "plan" | "switch":
                return not self._effects
            case "yes":
                return tree is None or bool(tree.chosen)
            case "always":
                return self.event.always is not None and (tree is None or tree.whole)
            case _:
                return answer == "no"

    def on_key(self, event: Key) -> None:
        """A letter alone may be an answer; letters that follow each other are a request, and go to the prompt."""
        letter = event.character
        if not event.is_printable or letter is None or (letter == " " and not self._typing):
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
        self.elsewhere(letter)

    def on_paste(self, event: Paste) -> None:
        """Pasted text is no answer."""
        event.stop()
        self.elsewhere(event.text)

    def elsewhere(self, text: str) -> None:
        """What was no answer goes to the prompt."""
        prompt = self.screen.query_one(Prompt)
        self.screen.set_focus(prompt)
        prompt.insert(text)

    def on_focus(self) -> None:
        self._typing = False
        self._tell_keys()

    def action_answer(self, answer: str) -> None:
        """Hands the answer on, unless it came too soon to be meant or is not offered."""
        self._alone = None
        if answer == "switch":
            for diff in self.query(DiffView):
                diff.action_switch()
            return
        if monotonic() < self._armed or not self._offers(answer):
            return
        tree = self._tree
        if answer == "plan":
            self.post_message(self.PlanWanted(self))
        elif answer == "always" and not self._rule_shown:
            self._show_rule(shown=True)
        elif answer == "always":
            self.post_message(self.Answered(self, ALWAYS))
        elif answer == "yes" and tree is not None and not tree.whole:
            self.post_message(self.Answered(self, Selection(paths=tuple(sorted(tree.chosen)))))
        else:
            self.post_message(self.Answered(self, _AGREES[answer]))

    def _show_rule(self, *, shown: bool) -> None:
        """Shows the rule that would be saved, in place of the changes; or the changes again."""
        if shown == self._rule_shown:
            return
        self._rule_shown = shown
        self._armed = monotonic() + ARMED_AFTER
        self.set_class(shown, "-rule")
        self._label_buttons()
        self.refresh_bindings()
        self.call_after_refresh(lambda: self.query_one(".answers").scroll_visible(animate=False))

    def action_back(self) -> None:
        """From the rule back to the changes; from there back to typing."""
        if self._rule_shown:
            self._show_rule(shown=False)
            self.focus()
        else:
            self.screen.query_one(Prompt).focus()

    def action_scroll_diff(self, lines: int) -> None:
        """Scrolls the diff by so many lines."""
        for diff in self.query(DiffView):
            diff.scroll_relative(y=lines, animate=False)
