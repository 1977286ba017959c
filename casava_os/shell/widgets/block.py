"""One process as a block: followed to its end, cancelled, looked into, taken back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from casava_os.kernel.events import Answer, ApprovalNeeded, BaseEvent, Output
from casava_os.kernel.running import Running
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.story import Story
from casava_os.shell.widgets.told import Told, details_content, status_content

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
    told: Told | None
    """None when it comes from the journal: the events say all of it."""
    pid: int


class ProcessBlock(Story, can_focus=True):
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
            "Apply",
            id="block.commit",
            tooltip="Apply what it holds, exactly as shown.",
        ),
        Binding("x", "wish('discard')", "Discard", id="block.discard", tooltip="Discard what it holds."),
        Binding("p", "wish('plan')", "Plan", id="block.plan", tooltip="Edit its plan and run it anew."),
        Binding("delete,k", "cancel", "Cancel", id="block.cancel", show=False, tooltip="Interrupt this one."),
        Binding("e", "again", "Edit", id="block.again", tooltip="Put the request into the prompt."),
        Binding("up", "app.focus_previous", "Up", show=False),
        Binding("down", "app.focus_next", "Down", show=False),
        Binding("escape", "screen.focus_prompt", "Back", id="block.back", tooltip="Back to typing."),
    ]

    class Wish(Message):
        """The person wants something done with this process: undo, commit, discard, open, diff, plan or again."""

        def __init__(self, block: ProcessBlock, verb: str) -> None:
            super().__init__()
            self.block = block
            self.verb = verb

    class Numbered(Message):
        """The process has its number."""

        def __init__(self, pid: int) -> None:
            super().__init__()
            self.pid = pid

    class Ended(Message):
        """The process came to its end."""

        def __init__(self, block: ProcessBlock) -> None:
            super().__init__()
            self.block = block

    def __init__(self, request: str, workspace: Path, marks: Marks, told_before: set[str]) -> None:
        super().__init__(request, workspace, marks, told_before)
        self._followed: list[Running] = []
        self._details: Static | None = None
        self._timer: Timer | None = None
        self._events: list[BaseEvent] = []
        self._began = monotonic()

    # -------------------------------------------------------------------------------------- following

    @property
    def running(self) -> bool:
        """Whether events may still come."""
        return bool(self._followed)

    async def follow(self, running: Running) -> None:
        """Shows the events of a process (or of a later command on it) to their end."""
        self._followed.append(running)
        self._began = monotonic()
        self.told.phase, self.told.ending = "starting", ""
        if self._timer is None:
            self._timer = self.set_interval(SPIN, self._tick)
        self.settle()
        try:
            async with running as events:
                async for event in events:
                    if not isinstance(event, ApprovalNeeded | Output):
                        self._events.append(event)
                    before = self.pid
                    self.show(event)
                    if self.pid != before:
                        self.post_message(self.Numbered(self.pid))
        finally:
            self._followed.remove(running)
            if not self._followed:
                self._stop_clock()
            if self.is_attached:  # else the shell was closed over it
                self.settle()
                self.post_message(self.Ended(self))

    def answered(self, answer: Answer) -> None:
        """Its question was answered: what is done about it now, until the kernel tells what came of it."""
        self.told.phase = "holding" if answer is None else "discarding" if answer is False else "applying"
        self.settle()

    def cancel(self) -> None:
        """Interrupts what runs; its last events still come."""
        for running in self._followed:
            self.told.phase = "cancelling"
            running.cancel()

    # ------------------------------------------------------------------------------------- coming back

    def past(self) -> Past:
        """What this block is made again from, when it is finished."""
        events = list(self._events)
        if self.output is not None and (streamed := self.told.streamed):
            tail = Output(pid=self.pid, step=max(streamed), stream="stdout", text=self.output.tail.text)
            events.insert(max(0, len(events) - 1), tail)
        return Past(
            self.request, self.workspace, self.marks, self.told_before, tuple(events), self.told, self.pid
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
        self.pid = past.pid
        if past.told is not None:
            self.told = past.told
        self.settle()

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def settle(self) -> None:
        """Shows the state anew: how long it runs, or how it ended."""
        running = monotonic() - self._began if self.running else None
        self.status.update(status_content(self.told, self.marks, running, self.pid))
        if self.has_focus:  # else its keys are not shown
            self.refresh_bindings()

    def _tick(self) -> None:
        running = monotonic() - self._began
        self.status.update(status_content(self.told, self.marks, running, self.pid))

    # ------------------------------------------------------------------------------------------ actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with this process now is offered."""
        if self.screen.focused is not self:
            return False  # the keys are those of the question inside
        state = "" if self.running else self.told.state
        match action, parameters:
            case "wish", ("undo",):
                return state == "committed"
            case "wish", ("plan",):
                return not self.running and self.told.compiled is not None
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
        if self.plan is not None:
            self.plan.toggle()
        if self._details is not None:
            self._details.remove()
            self._details = None
        elif content := details_content(self.told, self.pid):
            self._details = Static(content, classes="told")
            self.mount(self._details, after=self.status)

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
