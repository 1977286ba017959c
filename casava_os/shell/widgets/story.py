"""What a process tells, on screen: request, plan, output, the question, what changed, the result, as the events come."""

from __future__ import annotations

from functools import singledispatchmethod
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from casava_os.kernel.events import (
    ApprovalNeeded,
    Asked,
    BaseEvent,
    ChangesetMade,
    Committed,
    Compiled,
    Discarded,
    Failed,
    Finished,
    Held,
    Judged,
    Note,
    Output,
    Progress,
    SandboxReady,
    Started,
    StepFinished,
    StepSkipped,
    StepStarted,
    Undone,
)
from casava_os.shell.marks import Marks
from casava_os.shell.planwords import sentences_of
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.changes import ChangeList
from casava_os.shell.widgets.offer import Offer
from casava_os.shell.widgets.output import LiveOutput
from casava_os.shell.widgets.plan import PlanView
from casava_os.shell.widgets.told import Told, error_content, status_content
from casava_os.shell.widgets.values import value_content
from casava_os.shell.wording import progress_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err
from casava_syscalls.values import Exit, Question, Refusal, Value


class Story(Vertical):
    """The part of a block that only shows. Events may come from a kernel or from what was remembered."""

    class Asking(Message):
        """A card in this block waits for an answer."""

        def __init__(self, card: ApprovalCard) -> None:
            super().__init__()
            self.card = card

    class Sandboxed(Message):
        """A sandbox runs for this process."""

        def __init__(self, story: Story, driver: str) -> None:
            super().__init__()
            self.story = story
            self.driver = driver

    def __init__(self, request: str, workspace: Path, marks: Marks, told_before: set[str]) -> None:
        """`told_before` holds the notes and warnings on sandboxes that this session has shown: once is enough."""
        super().__init__()
        self.request = request
        self.workspace = workspace
        self.marks = marks
        self.told_before = told_before
        self.pid = 0
        self.told = Told()
        self.value: Value | None = None
        self.diff = ""
        self.asked: Asked | None = None
        self.plan: PlanView | None = None
        self.output: LiveOutput | None = None
        self.status = Static("", classes="status")
        self._errors: set[str] = set()
        self._left_out = 0

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(
                (f"{self.marks.prompt} ", "bold $text-primary"), (visible(self.request, keep="\n"), "bold")
            ),
            classes="request",
        )
        yield self.status

    @property
    def errors(self) -> tuple[str, ...]:
        """The failures that it shows."""
        return tuple(self._errors)

    @property
    def sentence(self) -> str:
        """How it stands, in a line or two."""
        return status_content(self.told, self.marks, None, self.pid).plain

    @property
    def offer(self) -> Offer | None:
        """The plans that its question stands for."""
        return next(iter(self.query(Offer)), None)

    @property
    def card(self) -> ApprovalCard | None:
        """The question that waits for an answer."""
        return next(iter(self.query(ApprovalCard)), None)

    def settle(self) -> None:
        """Shows the state anew."""
        self.status.update(status_content(self.told, self.marks, None, self.pid))

    def _add(self, widget: Widget) -> None:
        self.mount(widget, before=self.status)

    def _say(self, content: Content, classes: str = "told") -> None:
        self._add(Static(content, classes=classes))

    # ------------------------------------------------------------------------------------ event by event

    @singledispatchmethod
    def show(self, event: BaseEvent) -> None:
        """Shows one event. Of some there is nothing to show."""

    @show.register
    def _(self, event: Started) -> None:
        self.pid = event.pid
        self.told.phase = "planning"

    @show.register
    def _(self, event: Compiled) -> None:
        self.told.compiled = event
        self.told.phase = "starting the sandbox"
        self.plan = PlanView(event.steps, self.marks)
        self._add(self.plan)

    @show.register
    def _(self, event: Asked) -> None:
        self.asked = event

    @show.register
    def _(self, event: Judged) -> None:
        if self.plan is not None and event.step in self.plan.lines:
            self.plan.lines[event.step].judge(event.verdict)

    @show.register
    def _(self, event: SandboxReady) -> None:
        self.told.sandbox = event
        for warning in event.warnings:
            self._once(warning, "$text-warning")
        self.post_message(self.Sandboxed(self, event.driver))

    @show.register
    def _(self, event: StepStarted) -> None:
        self.told.phase = f"running step {event.step}"
        if self.plan is not None and event.step in self.plan.lines:
            self.plan.lines[event.step].become("running")
        elif self.plan is None:
            self._say(Content.assemble((f"{event.step} ", "$text-muted"), visible(event.line)), "call")

    @show.register
    def _(self, event: Output) -> None:
        if self.output is None:
            self.output = LiveOutput()
            self._add(self.output)
        self.told.streamed.add(event.step)
        self.output.feed(event.text)

    @show.register
    def _(self, event: Progress) -> None:
        self.told.phase = visible(progress_text(event.doing, event.share))

    @show.register
    def _(self, event: StepFinished) -> None:
        line = self.plan.lines.get(event.step) if self.plan is not None else None
        if line is not None:
            line.become("done" if event.err is None else "failed", seconds=event.seconds)
        if event.err is not None and line is not None:
            self._fail(event.err)
        elif isinstance(event.value, Exit) and event.value.code != 0:
            code = event.value.code
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self._say(Content.styled(f"step {event.step} ended with {how}", "$text-warning"))
            if line is not None:
                line.become("failed", seconds=event.seconds)
        if isinstance(event.value, Exit) and event.value.truncated:
            said = f"step {event.step} printed more than is kept: the end is missing"
            self._say(Content.styled(said, "$text-warning"))

    @show.register
    def _(self, event: StepSkipped) -> None:
        if self.plan is not None and event.step in self.plan.lines:
            self.plan.lines[event.step].become("skipped", note=f"step {event.because} was not done")

    @show.register
    def _(self, event: ApprovalNeeded) -> None:
        self.told.phase = "waits for your answer"
        card = ApprovalCard(event, self.marks)
        self._add(card)
        self.refresh_bindings()
        self.post_message(self.Asking(card))

    @show.register
    def _(self, event: ChangesetMade) -> None:
        self.told.changes = event.changes
        self.diff = event.diff

    @show.register
    def _(self, event: Committed) -> None:
        self.told.ending = f"applied: {event.summary}"
        if event.rest:
            self.told.rest = event.rest
            self._left_out = event.rest
            self.told.ending += f"; held as process {event.rest}: {event.rest_summary}"
        self._list_changes()

    @show.register
    def _(self, event: Held) -> None:
        self.told.ending = event.reason
        self._list_changes()

    @show.register
    def _(self, event: Discarded) -> None:
        self.told.ending = self.told.ending or event.reason

    @show.register
    def _(self, event: Undone) -> None:
        self.pid = self.pid or event.pid
        self.told.ending = event.summary
        self.told.changes = event.changes
        self._list_changes()

    @show.register
    def _(self, event: Note) -> None:
        if self.told.sandbox is None:
            self._once(event.text, "$text-muted")
        else:
            self._say(Content.styled(visible(event.text), "$text-muted"))

    @show.register
    def _(self, event: Failed) -> None:
        if event.err.code in ("interrupted", "approval-needed"):  # the person's own doing
            self.told.ending = event.err.message
        else:
            self._fail(event.err)

    @show.register
    def _(self, event: Finished) -> None:
        for card in self.query(ApprovalCard):
            card.remove()
        self.pid = self.pid or event.pid
        self.told.phase = ""
        self.told.state = event.state
        if event.state == "held" and not self.query(ChangeList):
            self.told.ending = self.told.ending or "its changes wait for approval"
            self._list_changes()
        self.told.exit_code = event.exit_code
        spent = sum(seconds for part, seconds in event.timings.items() if part != "total")
        self.told.seconds = spent or None
        if self.output is not None:
            self.output.end()
        if event.value is not None:
            self.value = event.value
            if isinstance(event.value, Question):
                self._show_question(event.value)
            else:
                self._show_value(event.value)
        self.settle()

    # ------------------------------------------------------------------------------------------- parts

    def _once(self, text: str, style: str) -> None:
        if text not in self.told_before:
            self.told_before.add(text)
            self._say(Content.styled(visible(text), style))

    def _fail(self, err: Err) -> None:
        if str(err) not in self._errors:
            self._errors.add(str(err))
            self._say(error_content(err, self.marks), "error")

    def _list_changes(self) -> None:
        self.query(ChangeList).remove()
        if self.told.changes:
            self._add(ChangeList(self.told.changes))

    def _show_question(self, question: Question) -> None:
        self.told.outcome = "a question for you"
        choices = sentences_of(self.asked.plans if self.asked is not None else ())
        if not choices:
            self._say(value_content(question, self.workspace)[0], "value")
            self._say(Content.styled("Ask again in full; Up brings back what you typed.", "$text-muted"))
            return
        self._say(Content.styled(visible(question.text, keep="\n"), "bold"), "value")
        self._add(Offer(choices, self.marks))

    def _show_value(self, value: Value) -> None:
        last = self.plan.last if self.plan is not None else None
        if isinstance(value, Refusal):
            self.told.outcome = "this cannot be done"
        elif last is not None:
            effects = set(last.step.effects)
            if effects & {"write", "delete"} and "execute" not in effects:
                return  # a change's result is the change, which is listed
            if isinstance(value, Exit) and last.step.number in self.told.streamed:
                return  # it stands there already
        content, left_out = value_content(value, self.workspace)
        if not content and isinstance(value, Exit) and self.told.changes:
            return  # it printed nothing; what it changed is listed
        if not content:
            said = "it printed nothing" if isinstance(value, Exit) else "nothing"
            content = Content.styled(said, "$text-muted")
        self._say(content, "value")
        if self._left_out:
            said = f"What you left out stands in this list, too: process {self._left_out} holds it."
            self._say(Content.styled(said, "$text-warning"))
        if left_out:
            self._say(
                Content.styled(f"{self.marks.more} {left_out:,} more: O opens all of it", "$text-muted")
            )
