"""One process as a block that grows with its events: request, plan, output, the question, what changed, the result."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatchmethod
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from casava_os.kernel.events import (
    ApprovalNeeded,
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
    SandboxReady,
    Started,
    StepFinished,
    StepSkipped,
    StepStarted,
    Undone,
)
from casava_os.kernel.running import Running
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.changes import ChangeList
from casava_os.shell.widgets.output import LiveOutput
from casava_os.shell.widgets.plan import PlanView
from casava_os.shell.widgets.told import Told, details_content, error_content, status_content
from casava_os.shell.widgets.values import value_content
from casava_sandbox.layer.visible import visible
from casava_syscalls.results import Err
from casava_syscalls.values import Exit, Question, Refusal, Value

SPIN = 0.15
"""Seconds between two frames of what runs."""


@dataclass(frozen=True, slots=True)
class Past:
    """A finished block that is not on the screen: what it is made again from."""

    request: str
    workspace: Path
    marks: Marks
    told_before: set[str]
    events: tuple[BaseEvent, ...]
    told: Told
    pid: int


class ProcessBlock(Vertical, can_focus=True):
    """One process. It shows events; what is done with the process is asked of the screen by messages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "details", "Details", id="block.details", tooltip="The typed calls and how it was run."
        ),
        Binding("o", "open", "Open", id="block.open", tooltip="The whole result."),
        Binding("d", "diff", "Diff", id="block.diff", tooltip="The whole diff of what it changes."),
        Binding("u", "wish('undo')", "Undo", id="block.undo", tooltip="Take back what it changed."),
        Binding(
            "c",
            "wish('commit')",
            "Commit",
            id="block.commit",
            tooltip="Let land what it holds, exactly as shown.",
        ),
        Binding("x", "wish('discard')", "Discard", id="block.discard", tooltip="Throw away what it holds."),
        Binding("delete,k", "cancel", "Cancel", id="block.cancel", show=False, tooltip="Interrupt this one."),
        Binding("e", "again", "Edit", id="block.again", tooltip="Put the request into the prompt."),
        Binding("up", "app.focus_previous", "Up", show=False),
        Binding("down", "app.focus_next", "Down", show=False),
        Binding("escape", "screen.focus_prompt", "Back", id="block.back", tooltip="Back to typing."),
    ]

    class Wish(Message):
        """The person wants something done with this process: undo, commit, discard, open, diff or again."""

        def __init__(self, block: ProcessBlock, verb: str) -> None:
            super().__init__()
            self.block = block
            self.verb = verb

    class Asking(Message):
        """A card in this block waits for an answer."""

        def __init__(self, card: ApprovalCard) -> None:
            super().__init__()
            self.card = card

    class Ended(Message):
        """The process came to its end."""

        def __init__(self, block: ProcessBlock) -> None:
            super().__init__()
            self.block = block

    class Sandboxed(Message):
        """A sandbox runs for this process."""

        def __init__(self, driver: str) -> None:
            super().__init__()
            self.driver = driver

    def __init__(self, request: str, workspace: Path, marks: Marks, told_before: set[str]) -> None:
        """`told_before` holds the notes and warnings on sandboxes that this session has shown: once is enough."""
        super().__init__()
        self.request = request
        self.pid = 0
        self.told = Told()
        self.value: Value | None = None
        self.diff = ""
        self._workspace = workspace
        self._marks = marks
        self._told_before = told_before
        self._followed: list[Running] = []
        self._plan: PlanView | None = None
        self._output: LiveOutput | None = None
        self._details: Static | None = None
        self._status = Static("", classes="status")
        self._timer: Timer | None = None
        self._errors: set[str] = set()
        self._events: list[BaseEvent] = []
        self._began = monotonic()

    def compose(self) -> list[Widget]:
        title = Content.assemble(
            (f"{self._marks.prompt} ", "bold $text-primary"), (visible(self.request, keep="\n"), "bold")
        )
        return [Static(title, classes="request"), self._status]

    # -------------------------------------------------------------------------------------- following

    @property
    def running(self) -> bool:
        """Whether events may still come."""
        return bool(self._followed)

    @property
    def card(self) -> ApprovalCard | None:
        """The question that waits for an answer."""
        return next(iter(self.query(ApprovalCard)), None)

    async def follow(self, running: Running) -> None:
        """Shows the events of a process (or of a later command on it) to their end."""
        self._followed.append(running)
        self._began = monotonic()
        self.told.phase, self.told.ending = "starting", ""
        if self._timer is None:
            self._timer = self.set_interval(SPIN, self._tick)
        self._tick()
        self.refresh_bindings()
        try:
            async with running as events:
                async for event in events:
                    if not isinstance(event, ApprovalNeeded | Output):
                        self._events.append(event)
                    self.show(event)
        finally:
            self._followed.remove(running)
            if not self._followed:
                self._stop_clock()
            if self.is_attached:  # else the shell was closed over it
                self.settle()
                self.post_message(self.Ended(self))

    def cancel(self) -> None:
        """Interrupts what runs; its last events still come."""
        for running in self._followed:
            self.told.phase = "cancelling"
            running.cancel()

    # ------------------------------------------------------------------------------------- coming back

    def past(self) -> Past:
        """What this block is made again from, when it is finished."""
        events = list(self._events)
        if self._output is not None and (streamed := self.told.streamed):
            tail = Output(pid=self.pid, step=max(streamed), stream="stdout", text=self._output.tail.text)
            events.insert(max(0, len(events) - 1), tail)
        return Past(
            self.request, self._workspace, self._marks, self._told_before, tuple(events), self.told, self.pid
        )

    @classmethod
    def again(cls, past: Past) -> ProcessBlock:
        """The block anew; `recall` fills it once it is mounted."""
        return cls(past.request, past.workspace, past.marks, past.told_before)

    def recall(self, past: Past) -> None:
        """Shows what it showed before."""
        self._events = [event for event in past.events if not isinstance(event, Output)]
        for event in past.events:
            self.show(event)
        self.told, self.pid = past.told, past.pid
        self.settle()

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def settle(self) -> None:
        """Shows the state anew, which another process changed."""
        self._tick()
        self.refresh_bindings()

    def _tick(self) -> None:
        self._status.update(
            status_content(
                self.told, self._marks, monotonic() - self._began if self.running else None, self.pid
            )
        )

    def _add(self, widget: Widget) -> None:
        self.mount(widget, before=self._status)

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
        self._plan = PlanView(event.steps, self._marks)
        self._add(self._plan)

    @show.register
    def _(self, event: Judged) -> None:
        if self._plan is not None and event.step in self._plan.lines:
            self._plan.lines[event.step].judge(event.verdict)

    @show.register
    def _(self, event: SandboxReady) -> None:
        self.told.sandbox = event
        for warning in event.warnings:
            self._once(warning, "$text-warning")
        self.post_message(self.Sandboxed(event.driver))

    @show.register
    def _(self, event: StepStarted) -> None:
        self.told.phase = f"running step {event.step}"
        if self._plan is not None and event.step in self._plan.lines:
            self._plan.lines[event.step].become("running")
        elif self._plan is None:
            self._say(Content.assemble((f"{event.step} ", "$text-muted"), visible(event.line)), "call")

    @show.register
    def _(self, event: Output) -> None:
        if self._output is None:
            self._output = LiveOutput()
            self._add(self._output)
        self.told.streamed.add(event.step)
        self._output.feed(event.text)

    @show.register
    def _(self, event: StepFinished) -> None:
        line = self._plan.lines.get(event.step) if self._plan is not None else None
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
        if self._plan is not None and event.step in self._plan.lines:
            self._plan.lines[event.step].become("skipped", note=f"step {event.because} was not done")

    @show.register
    def _(self, event: ApprovalNeeded) -> None:
        self.told.phase = "waits for your answer"
        card = ApprovalCard(event, self._marks)
        self._add(card)
        self.refresh_bindings()
        self.post_message(self.Asking(card))

    @show.register
    def _(self, event: ChangesetMade) -> None:
        self.told.changes = event.changes
        self.diff = event.diff

    @show.register
    def _(self, event: Committed) -> None:
        self.told.ending = f"landed: {event.summary}"
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
        self.told.seconds = sum(seconds for part, seconds in event.timings.items() if part != "total")
        if event.value is not None:
            self.value = event.value
            self._show_value(event.value)
        self._tick()

    # ------------------------------------------------------------------------------------------- parts

    def _once(self, text: str, style: str) -> None:
        if text not in self._told_before:
            self._told_before.add(text)
            self._say(Content.styled(visible(text), style))

    def _fail(self, err: Err) -> None:
        if str(err) not in self._errors:
            self._errors.add(str(err))
            self._say(error_content(err, self._marks), "error")

    def _list_changes(self) -> None:
        self.query(ChangeList).remove()
        if self.told.changes:
            self._add(ChangeList(self.told.changes))

    def _show_value(self, value: Value) -> None:
        last = self._plan.last if self._plan is not None else None
        if last is not None and not isinstance(value, Question | Refusal):
            effects = set(last.step.effects)
            if effects & {"write", "delete"} and "execute" not in effects:
                return  # a change's result is the change, which is listed
            if isinstance(value, Exit) and last.step.number in self.told.streamed:
                return  # it stands there already
        content, left_out = value_content(value, self._workspace)
        if not content:
            content = Content.styled("nothing", "$text-muted")
        self._say(content, "value")
        if left_out:
            self._say(
                Content.styled(f"{self._marks.more} {left_out:,} more: O opens all of it", "$text-muted")
            )

    # ------------------------------------------------------------------------------------------ actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with this process now is offered."""
        if self.screen.focused is not self:
            return False  # the keys are those of the question inside
        state = "" if self.running else self.told.state
        match action, parameters:
            case "wish", ("undo",):
                return state == "committed"
            case "wish", _:
                return state == "held"
            case "cancel", _:
                return self.running
            case "open", _:
                return self.value is not None
            case "diff", _:
                return bool(self.diff)
            case _:
                return True

    def action_details(self) -> None:
        """Shows or hides the typed calls and how the process was run."""
        if self._plan is not None:
            self._plan.toggle()
        if self._details is not None:
            self._details.remove()
            self._details = None
        elif content := details_content(self.told, self.pid):
            self._details = Static(content, classes="told")
            self.mount(self._details, after=self._status)

    def action_cancel(self) -> None:
        """Interrupts the process."""
        self.cancel()

    def action_wish(self, verb: str) -> None:
        """Asks the screen for something."""
        self.post_message(self.Wish(self, verb))

    def action_open(self) -> None:
        """Shows the whole result."""
        self.action_wish("open")

    def action_diff(self) -> None:
        """Shows the whole diff."""
        self.action_wish("diff")

    def action_again(self) -> None:
        """Puts the request into the prompt."""
        self.action_wish("again")
