"""The plans that a question stands for, each as a plain sentence: taken by its number, a click or Enter. Once.

The prompt keeps the keys: a number alone in it takes the plan, as the screen sees to. Nothing is approved here: the plan that
is taken runs like any other, with policy and the question before anything changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from casava_os.shell.marks import Marks
from casava_sandbox.layer.visible import visible
from casava_syscalls.plan import Plan

MOST = 9
"""Plans that have a number."""


class Offer(OptionList):
    """Plans to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Do it", id="offer.take", tooltip="Do what stands under the cursor."),
        Binding("escape", "screen.focus_prompt", "Back", id="offer.back", tooltip="Back to typing."),
        *(Binding(str(number), f"take({number})", show=False) for number in range(1, MOST + 1)),
    ]

    class Taken(Message):
        """The person means this plan."""

        def __init__(self, plan: Plan) -> None:
            super().__init__()
            self.plan = plan

    def __init__(self, choices: Sequence[tuple[Plan, str]], marks: Marks) -> None:
        """The plans, each with its sentence."""
        self._choices = tuple(choices[:MOST])
        self._marks = marks
        self._taken = 0
        super().__init__(*self._rows(), compact=True)

    def _rows(self) -> list[Option]:
        made = []
        for number, (_, sentence) in enumerate(self._choices, 1):
            sign = self._marks.done if number == self._taken else " "
            line = Content.assemble(f"{sign} ", (f"{number}", "bold $text-primary"), f"  {visible(sentence)}")
            made.append(Option(line, id=str(number)))
        return made

    @property
    def count(self) -> int:
        """How many can be taken; none once one was."""
        return 0 if self._taken else len(self._choices)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click, or Enter."""
        event.stop()
        self.action_take(event.option_index + 1)

    def action_take(self, number: int) -> None:
        """Takes the plan with this number, if none was taken yet."""
        if not 1 <= number <= self.count:
            return
        self._taken = number
        self.set_options(self._rows())
        self.disabled = True
        self.post_message(self.Taken(self._choices[number - 1][0]))
