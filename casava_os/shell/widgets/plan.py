"""A plan as it runs: a readable line a step with its effects and its verdict, and the typed call on demand."""

from __future__ import annotations

import json
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widgets import Static

from casava_os.kernel.events import PlanStep
from casava_os.kernel.policy import Verdict
from casava_os.shell.marks import Marks
from casava_os.shell.wording import effect_words, seconds_text
from casava_sandbox.layer.visible import visible

StepState = Literal["planned", "running", "done", "failed", "skipped"]

EFFECT_STYLES = {
    "read": "$text-success",
    "write": "$text-warning",
    "delete": "bold $text-error",
    "execute": "$text-primary",
}
"""Colour of an effect's badge; of those that reach beyond the workspace it is that of deleting."""

_STATE_STYLES: dict[StepState, str] = {
    "planned": "$text-muted",
    "running": "$text-primary",
    "done": "$text-success",
    "failed": "$text-error",
    "skipped": "$text-muted",
}


class StepLine(Static):
    """One step."""

    ALLOW_SELECT: ClassVar[bool] = True
    opened = reactive(False, layout=True)

    def __init__(self, step: PlanStep, marks: Marks) -> None:
        super().__init__(markup=False)
        self.step = step
        self._marks = marks
        self.state: StepState = "planned"
        self.verdict: Verdict | None = None
        self.note = ""
        self.seconds: float | None = None

    def become(self, state: StepState, *, note: str = "", seconds: float | None = None) -> None:
        """Goes to the next state; `note` says why, where that is needed."""
        self.state, self.note, self.seconds = state, note, seconds
        self.refresh(layout=True)

    def judge(self, verdict: Verdict) -> None:
        """Policy's answer for this step."""
        self.verdict = verdict
        self.refresh(layout=True)

    def on_click(self, event: Click) -> None:
        event.stop()
        self.opened = not self.opened

    def render(self) -> Content:
        marks, step = self._marks, self.step
        signs = {"done": marks.done, "failed": marks.failed, "skipped": marks.skipped, "running": marks.to}
        parts: list[str | tuple[str, str]] = [
            (f"{signs.get(self.state, marks.idle)} ", _STATE_STYLES[self.state]),
            (f"{step.number} ", "$text-muted"),
            visible(step.line),
        ]
        for word, effect in effect_words(step.call.get("call"), step.effects):
            parts += [" ", (f"[{word}]", EFFECT_STYLES.get(effect, "bold $text-error"))]
        if self.verdict is not None and self.verdict.decision == "deny":
            parts += [
                " ",
                ("denied", "bold $text-error"),
                (f": {visible(self.verdict.reason)}", "$text-error"),
            ]
        if self.verdict is not None and self.verdict.decision == "ask" and self.verdict.tainted:
            parts += [" ", (visible(self.verdict.reason), "$text-warning")]
        if self.state == "skipped":
            parts += [(f"  skipped: {self.note}", "$text-muted")]
        if self.seconds is not None and self.seconds >= 0.1:
            parts += [(f"  {seconds_text(self.seconds)}", "$text-muted")]
        if self.opened:
            typed = visible(json.dumps(step.call, indent=2, ensure_ascii=False), keep="\n")
            parts += [("\n" + "\n".join(f"    {line}" for line in typed.splitlines()), "$text-muted")]
            if self.verdict is not None:
                parts += [(f"\n    policy: {self.verdict.decision}", "$text-muted")]
                parts += [(f", {visible(self.verdict.reason)}" if self.verdict.reason else "", "$text-muted")]
        return Content.assemble(*parts, strip_control_codes=False)


class PlanView(Vertical):
    """The steps of one plan."""

    def __init__(self, steps: tuple[PlanStep, ...], marks: Marks) -> None:
        super().__init__()
        self.lines = {step.number: StepLine(step, marks) for step in steps}

    def compose(self) -> ComposeResult:
        yield from self.lines.values()

    @property
    def last(self) -> StepLine | None:
        """The step whose value is the result."""
        return self.lines[max(self.lines)] if self.lines else None

    def toggle(self) -> None:
        """Opens the typed calls, or closes them when all are open."""
        opened = not all(line.opened for line in self.lines.values())
        for line in self.lines.values():
            line.opened = opened
