"""A screen over the conversation from which something is done: through the kernel, whose question is asked where the person is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from casava_os.shell.deeds import Deed
from casava_os.shell.screens.panelquestion import QuestionScreen
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.block import ProcessBlock
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err, Result

if TYPE_CHECKING:
    from casava_os.kernel.events import Answer
    from casava_os.shell.app import ShellApp


class Asking(Screen[None]):
    """What is done here is a request of the conversation: its block stands there, only the question comes up here, too."""

    def __init__(self, shell: ShellApp) -> None:
        super().__init__()
        self.shell = shell
        self._begun: list[ProcessBlock] = []
        self._settled: set[int] = set()
        """Processes whose question was answered here, or left to the conversation."""

    def read(self) -> None:
        """What is shown may be another by now."""
        raise NotImplementedError

    def tell(self) -> None:
        """What is done here is another by now."""
        raise NotImplementedError

    def underway(self) -> Sequence[tuple[str, str]]:
        """What is being done, for the head."""
        more = self.shell.marks.more
        return [(f"{visible(block.request)} {more}", "$text-primary") for block in self._begun]

    def do(self, deed: Result[Deed]) -> None:
        """Asks the kernel for it. It goes on when this screen is closed, and what came of it is told wherever the person is."""
        if isinstance(deed, Err):
            self.notify(visible(str(deed)), severity="error", markup=False)
        else:
            self.shell.conversation.run_worker(self._do(deed.value), group="said")

    async def _do(self, deed: Deed) -> None:
        conversation = self.shell.conversation
        block = await conversation.perform(deed.call, deed.request)
        self._begun.append(block)
        self.tell()
        self._ask()
        try:
            errors = await conversation.outcome(block)
        finally:
            self._begun.remove(block)
        if errors:
            self.shell.notify(visible("; ".join(errors)), severity="error", markup=False)
        else:
            self.shell.notify(
                f"{visible(deed.request)}: {block.sentence.partition(chr(10))[0]}", markup=False
            )
        self._close_question(block)
        self.tell()
        self.read()

    def asked(self, card: ApprovalCard) -> None:
        """A question of the kernel: when it is about what was begun here, it is asked here."""
        if any(block.card is card for block in self._begun):
            self._ask()

    def _ask(self) -> None:
        """The oldest question of what was begun here, unless one is open."""
        if self.shell.screen is not self:
            return
        for block in self._begun:
            if (card := block.card) is not None and block.pid not in self._settled:
                question = QuestionScreen(card.event, self.shell.marks)
                self.shell.push_screen(question, partial(self._answered, block, card))
                return

    def _answered(self, block: ProcessBlock, card: ApprovalCard, answer: tuple[Answer] | None) -> None:
        self._settled.add(block.pid)
        if card.is_attached and answer is not None:
            self.shell.conversation.post_message(ApprovalCard.Answered(card, answer[0]))
        elif card.is_attached:
            self.notify("The question waits in the conversation.", severity="warning")
        self.call_after_refresh(self._ask)

    def _close_question(self, block: ProcessBlock) -> None:
        """A question whose process has ended meanwhile asks for nothing."""
        screen = self.shell.screen
        if isinstance(screen, QuestionScreen) and screen.event.pid == block.pid:
            screen.dismiss(None)
