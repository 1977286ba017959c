"""The plan as it forms: while a request is typed, what it would become stands above the prompt. Nothing runs.

Only a model that runs in this program is asked, and only one that is quick: the one that ships, or one that is loaded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from casava_os.kernel.compiler.compile import Compilation, Outcome, Unsure
from casava_os.kernel.options import RunOptions
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.plan import EFFECT_STYLES
from casava_os.shell.wording import effect_words
from casava_sandbox.layer.visible import visible
from casava_syscalls.plan import describe
from casava_syscalls.talk import QUESTIONS
from casava_syscalls.values import Refusal

if TYPE_CHECKING:
    from casava_os.kernel.run import Kernel

STILL = 0.35
"""Seconds without a key before the plan is made."""
SLOW = 1.0
"""Seconds; a model that takes longer is not asked again before the request is given."""
LETTERS = 6
"""Shortest request that a plan is made for."""


class PlanHint:
    """Makes the hint, and shows it when the typing has stopped."""

    def __init__(
        self,
        owner: Widget,
        kernel: Kernel,
        workspace: Path,
        quick: Callable[[], bool],
        model: Callable[[], str | None],
    ) -> None:
        """`owner`: whose upper border shows it. `quick`: whether the model may be asked; `model`: its name."""
        self._owner, self._kernel, self._workspace = owner, kernel, workspace
        self._quick, self._model = quick, model
        self._timer: Timer | None = None
        self._slow: set[str | None] = set()

    def typed(self, text: str, marks: Marks) -> None:
        """The prompt holds this now."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._owner.workers.cancel_group(self._owner, "hint")
        self._owner.border_title = Content("")
        if len(text.strip()) < LETTERS or text.startswith(("/", "!")):
            return
        if self._model() not in self._slow and self._quick():
            self._timer = self._owner.set_timer(
                STILL,
                lambda: self._owner.run_worker(self._draft(text, marks), group="hint", exclusive=True),
            )

    async def _draft(self, text: str, marks: Marks) -> None:
        model = self._model()
        if await asyncio.to_thread(self._kernel.ready, model) is not None:
            self._slow.add(model)  # the request will say what is wrong with it
            return
        begin = time.perf_counter()
        outcome = await self._kernel.draft(
            text, workspace=self._workspace, options=RunOptions(interactive=True, model=model)
        )
        if time.perf_counter() - begin > SLOW:
            self._slow.add(model)
        self._owner.border_title = hint_content(outcome, marks)


def hint_content(outcome: Outcome, marks: Marks) -> Content:
    """What a request would become, in one line; empty when there is nothing to say yet."""
    parts: list[str | tuple[str, str]] = []
    match outcome:
        case Compilation():
            for number, step in enumerate(outcome.plan.steps):
                parts += [(f"  {marks.idle}  " if number else f"{marks.to} ", "$text-muted")]
                parts += [(visible(describe(step)), "$text-muted")]
                for word, effect in effect_words(step.call, step.effect.names()):
                    parts += [" ", (f"[{word}]", EFFECT_STYLES.get(effect, "bold $text-error"))]
        case Unsure() if outcome.question.text != QUESTIONS["meaning"]:  # half a request means nothing yet
            parts = [
                (
                    f"{marks.to} would ask: {visible(outcome.question.text.partition(chr(10))[0])}",
                    "$text-muted",
                )
            ]
        case Refusal():
            parts = [(f"{marks.to} would say: {visible(outcome.reason)}", "$text-muted")]
    return Content.assemble(" ", *parts, " ") if parts else Content("")
