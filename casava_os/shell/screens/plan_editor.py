"""The plan in an editor, over the conversation: checked while it is typed, run anew when it is right, lost never by chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static, TextArea

from casava_os.shell.marks import Marks
from casava_os.shell.plantext import Checked, check, plan_text
from casava_os.shell.planwords import plan_steps
from casava_sandbox.layer.visible import visible
from casava_syscalls.plan import Plan

CHECK_AFTER = 0.15
"""Seconds without a key before the text is checked."""


class PlanEditor(ModalScreen[Plan | None]):
    """Gives the edited plan, or None when the person leaves it."""

    CSS_PATH = "plan_editor.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s",
            "run_plan",
            "Run it",
            id="plan.run",
            priority=True,
            tooltip="Run the edited plan, in a fresh layer.",
        ),
        Binding(
            "f8", "to_problem", "To the problem", id="plan.problem", tooltip="To the place of what is wrong."
        ),
        Binding(
            "escape", "leave", "Leave", id="plan.leave", priority=True, tooltip="Back, without running it."
        ),
    ]

    def __init__(self, request: str, plan: Mapping[str, JsonValue], marks: Marks) -> None:
        super().__init__()
        self._request = request
        self._before = plan_text(plan)
        self._marks = marks
        self._checked = Checked()
        self._warned = False

    def compose(self) -> ComposeResult:
        with Vertical(id="editor"):
            about = visible(self._request.partition("\n")[0])
            yield Static(
                Content.assemble(("Edit the plan", "bold"), (f"  {about}", "$text-muted")), classes="title"
            )
            yield Static("", id="words", markup=False)
            yield TextArea(
                self._before,
                id="text",
                soft_wrap=False,
                show_line_numbers=True,
                tab_behavior="indent",
                compact=True,
            )
            yield Static("", id="verdict")
        yield Footer()

    def on_mount(self) -> None:
        self._check()
        self.query_one(TextArea).focus()

    def on_text_area_changed(self) -> None:
        """Checks when the typing pauses."""
        self._warned = False
        self.set_timer(CHECK_AFTER, self._check)

    def _check(self) -> None:
        self._checked = found = check(self.query_one(TextArea).text)
        verdict = self.query_one("#verdict", Static)
        if found.plan is not None:
            count = len(found.plan.steps)
            calls = f" {self._marks.to} ".join(step.call for step in found.plan.steps)
            steps = f"{count} step{'s' if count != 1 else ''}: {calls}"
            sentences = "\n".join(
                f"{number}. {visible(words)}" for number, words in enumerate(plan_steps(found.plan), 1)
            )
            self.query_one("#words", Static).update(Content(sentences))
            verdict.update(Content.assemble((f"{self._marks.done} ", "bold $text-success"), visible(steps)))
        elif found.err is not None:
            where = f"line {found.line + 1}, column {found.column + 1}"
            said = f"{found.err.title}: {found.err.message}" if found.err.message else found.err.title
            verdict.update(
                Content.assemble(
                    (f"{self._marks.failed} {where}  ", "bold $text-error"),
                    visible(said.removesuffix(".")),
                    (
                        f"  {self._marks.to} {visible(found.err.hint)}" if found.err.hint else "",
                        "$text-muted",
                    ),
                )
            )

    def action_run_plan(self) -> None:
        """Gives the plan back when it is one; else goes to what is wrong."""
        self._check()
        if self._checked.plan is not None:
            self.dismiss(self._checked.plan)
        else:
            self.action_to_problem()

    def action_to_problem(self) -> None:
        """The cursor to the place of what is wrong."""
        self._check()
        if self._checked.plan is None:
            self.query_one(TextArea).move_cursor((self._checked.line, self._checked.column), center=True)
            self.query_one(TextArea).focus()

    def action_leave(self) -> None:
        """Leaves; edits are dropped only when it is pressed twice."""
        if self.query_one(TextArea).text == self._before or self._warned:
            self.dismiss(None)
            return
        self._warned = True
        self.notify("Esc again drops your edits; Ctrl-S runs them.", severity="warning")
