"""The kernel's question over a list, where the person stands: the same card with the same keys as in the conversation."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from casava_os.kernel.events import Answer, ApprovalNeeded
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.approval import ApprovalCard


class PanelCard(ApprovalCard):
    """A question where there is no prompt: letters that are no answer do nothing."""

    def elsewhere(self, text: str) -> None:  # noqa: ARG002 - as it is called
        """There is nothing to type into, and the next letter may be an answer again."""
        self._typing = False

    def action_back(self) -> None:
        """From the rule back to the question; from there back to the list, where it stays unanswered."""
        if self.ruled:
            super().action_back()
        else:
            self.screen.dismiss(None)


class QuestionScreen(ModalScreen[tuple[Answer] | None]):
    """Gives the answer, or None when the question is left to wait in the conversation."""

    CSS_PATH = ["conversation.tcss", "over.tcss", "panels.tcss"]  # noqa: RUF012 - as Textual declares it

    def __init__(self, event: ApprovalNeeded, marks: Marks) -> None:
        super().__init__()
        self.event = event
        self._marks = marks

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="question", can_focus=False):
            yield PanelCard(self.event, self._marks)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(PanelCard).focus()

    def on_approval_card_answered(self, event: ApprovalCard.Answered) -> None:
        """Hands it on."""
        event.stop()
        self.dismiss((event.answer,))

    def on_approval_card_plan_wanted(self, event: ApprovalCard.PlanWanted) -> None:
        """Plans are edited in the conversation, where the question waits."""
        event.stop()
        self.dismiss(None)


class ConfirmScreen(ModalScreen[bool]):
    """Whether something that is the person's own is to go; says what goes."""

    CSS_PATH = ["over.tcss", "panels.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape", "dismiss(False)", "No"),
    ]

    def __init__(self, question: str, says: Content, answers: str) -> None:
        """`answers`: what Y and N do, in a few words."""
        super().__init__()
        self._question, self._says, self._answers = question, says, answers

    def compose(self) -> ComposeResult:
        with Vertical(id="confirm"):
            yield Static(Content.styled(self._question, "bold"))
            yield Static(self._says, id="says")
            yield Static(Content.styled(self._answers, "$text-primary"))
        yield Footer()
