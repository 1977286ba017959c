"""Edited plans: the editor over the conversation, the new run, and when the old process may go.

The old process keeps what it has until the new one has a sandbox, or has come to an end that is none of failure; a plan that is
refused leaves the old question where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casava_os.shell.screens.plan_editor import PlanEditor
from casava_syscalls.plan import Plan

if TYPE_CHECKING:
    from casava_os.shell.screens.conversation import ConversationScreen
    from casava_os.shell.widgets.block import ProcessBlock

_DONE = frozenset({"done", "held", "committed", "discarded"})


class Replanning:
    """The plans that are edited in one conversation."""

    def __init__(self, screen: ConversationScreen) -> None:
        self._screen = screen
        self._replaces: dict[ProcessBlock, ProcessBlock] = {}

    def edit(self, old: ProcessBlock) -> None:
        """Opens the plan of a block in the editor."""
        compiled = old.told.compiled
        if compiled is None:
            self._screen.notify("It has no plan to edit", severity="warning")
            return

        def edited(plan: Plan | None) -> None:
            if plan is not None:
                self._screen.run_worker(self._run(plan, old), group="replanning")
            elif old.card is not None:
                old.card.focus()

        self._screen.shell.push_screen(
            PlanEditor(old.request, compiled.plan, self._screen.shell.marks), edited
        )

    async def _run(self, plan: Plan, old: ProcessBlock) -> None:
        shell = self._screen.shell
        running = shell.kernel.run_plan(plan, workspace=shell.workspace, options=self._screen.options())
        new = await self._screen.begin(plan.request or old.request, running)
        self._replaces[new] = old

    async def begun(self, new: ProcessBlock) -> None:
        """A process runs in its sandbox: what it replaces goes."""
        old = self._replaces.pop(new, None)
        if old is None:
            return
        if (card := old.card) is not None:
            card.event.answer(False)
            await card.remove()
        elif old.told.state == "held" and not old.running:
            await self._screen.later("discard", str(old.pid), old)

    async def ended(self, new: ProcessBlock) -> None:
        """A process is over; one that failed replaces nothing."""
        if new in self._replaces and new.told.state in _DONE:
            await self.begun(new)
        elif (old := self._replaces.pop(new, None)) is not None and old.card is not None:
            self._screen.notify(
                "The edited plan did not run; the first one still waits for you (F2).", severity="warning"
            )
