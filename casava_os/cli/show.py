"""What a person sees of a process: its events as lines on the screen, and its result on standard output.

`--json` shows nothing here but failures of the command itself: there every event is a line of JSON on standard output.
"""

from __future__ import annotations

from functools import singledispatchmethod
from itertools import zip_longest

from casava_os.cli.output import Output
from casava_os.cli.screen import MOST_CHANGES, Screen
from casava_os.kernel.events import (
    ApprovalNeeded,
    Asked,
    BaseEvent,
    ChangesetMade,
    Committed,
    Compiled,
    Conflicted,
    Discarded,
    Failed,
    Finished,
    Held,
    Judged,
    Note,
    PlanStep,
    Progress,
    Replayed,
    SandboxReady,
    StepFinished,
    StepSkipped,
    Undone,
)
from casava_os.kernel.events import Output as Printed
from casava_syscalls.values import Exit, Question


class Show:
    """Shows the events of one process, in the order they come."""

    def __init__(self, screen: Screen, output: Output, *, terse: bool = False, dry_run: bool = False) -> None:
        """`terse` leaves the plan out (a call that the person spelled out); `dry_run` shows the changeset's diff."""
        self._screen = screen
        self._output = output
        self._terse = terse
        self._dry_run = dry_run
        self._steps: tuple[PlanStep, ...] = ()
        self._streamed = False
        self._ended = True
        self._shown_digest = ""
        self._told: list[str] = []
        self._question: Question | None = None

    @singledispatchmethod
    def event(self, event: BaseEvent) -> None:
        """Shows one event; `ApprovalNeeded` is shown, not answered. Of some there is nothing to show."""

    @event.register
    def _compiled(self, event: Compiled) -> None:
        self._steps = event.steps

    # -------------------------------------------------------------------------------------------- the plan

    @event.register
    def _judged(self, event: Judged) -> None:
        step = next((step for step in self._steps if step.number == event.step), None)
        verdict = event.verdict
        if step is not None and (not self._terse or verdict.decision == "deny"):
            self._screen.step(step.number, step.line, step.effects, verdict.decision, verdict.reason)

    # --------------------------------------------------------------------------------------------- running

    @event.register
    def _printed(self, event: Printed) -> None:
        """Output of a program as it comes: the last step's on stdout, for it is the result."""
        if event.stream == "stderr":
            self._screen.raw(event.text)
        elif event.step == len(self._steps):
            self._streamed = True
            self._screen.settle()
            self._ended = event.text.endswith("\n")
            self._output.stream(event.text)

    @event.register
    def _step_finished(self, event: StepFinished) -> None:
        if not self._steps:
            return  # a program's syscall: the program knows what to do about a failure, and says what matters
        if event.err is not None:
            self._told.append(str(event.err))
            if len(self._steps) > 1:
                self._screen.line((f"step {event.step} failed", "red"))
            self._screen.error(event.err)
        elif isinstance(event.value, Exit):
            self._program_ended(event.step, event.value)

    def _program_ended(self, step: int, value: Exit) -> None:
        if value.truncated:
            self._screen.warning(
                f"step {step} printed more than is kept: the end is missing (raise limits.output_bytes, "
                "or let it write to a file)"
            )
        if value.code != 0:
            how = f"signal {-value.code}" if value.code < 0 else f"exit code {value.code}"
            self._screen.line((f"step {step} ended with {how}", "yellow"))

    @event.register
    def _step_skipped(self, event: StepSkipped) -> None:
        self._screen.note(f"step {event.step} was skipped, because step {event.because} was not done")

    @event.register
    def _sandbox(self, event: SandboxReady) -> None:
        for warning in event.warnings:
            self._screen.warning(warning)

    # ------------------------------------------------------------------------------------------ the changeset

    @event.register
    def _changeset(self, event: ChangesetMade) -> None:
        if event.changes:
            self._shown_digest = event.digest
            self._screen.changes(event.changes, summary=event.summary)
            if self._dry_run:
                self._screen.diff(event.diff)

    @event.register
    def _approval(self, event: ApprovalNeeded) -> None:
        for call, meaning in zip_longest(event.calls, event.meaning, fillvalue=""):
            self._screen.line("  ", (call, "bold"))
            for line in meaning.splitlines():
                self._screen.line("    ", line)
        for reason in event.reasons:
            self._screen.line(("  " + reason, "yellow"))
        if event.changeset is not None and event.sha256 != self._shown_digest:
            self._screen.changes(event.changeset.changes, summary=event.changeset.summary())

    @event.register
    def _conflict(self, event: Conflicted) -> None:
        for path in event.paths:
            self._screen.line(("  ! ", "bold red"), path, (" changed in the workspace", "dim"))
        for sentence in event.refused:
            self._screen.line(("  ! ", "bold red"), sentence)
        if event.lands:
            few, more = event.lands[:MOST_CHANGES], len(event.lands) - MOST_CHANGES
            for path in few:
                self._screen.line(("  = ", "green"), path, (" could be applied", "dim"))
            if more > 0:
                self._screen.line((f"  … and {more} more", "dim"))

    @event.register
    def _held(self, event: Held) -> None:
        self._screen.line(("held: ", "yellow"), event.reason)
        self._screen.line(
            "  → ", (event.commit, "cyan"), " applies it, ", (event.discard, "cyan"), " discards it"
        )

    @event.register
    def _committed(self, event: Committed) -> None:
        self._screen.line(("done: ", "green"), f"{event.summary}  ", (f"take it back: {event.undo}", "dim"))
        if event.rest:
            held = f"casava-os commit {event.rest} applies it, casava-os discard {event.rest} discards it"
            self._screen.line(("held: ", "yellow"), f"{event.rest_summary}  ", (held, "dim"))

    @event.register
    def _discarded(self, event: Discarded) -> None:
        self._screen.note(event.reason)

    @event.register
    def _undone(self, event: Undone) -> None:
        self._screen.changes(event.changes, summary=f"undone: {event.summary}")

    @event.register
    def _replayed(self, event: Replayed) -> None:
        if event.same:
            self._screen.line(("same: ", "green"), f"it changes what process {event.of} changed")
            return
        self._screen.line(("differs: ", "bold yellow"), f"not what process {event.of} changed")
        for path in event.differing[:MOST_CHANGES]:
            self._screen.line("  ≠ ", (path, "yellow"))
        if (more := len(event.differing) - MOST_CHANGES) > 0:
            self._screen.line((f"  … and {more} more", "dim"))

    # ------------------------------------------------------------------------------------------- the result

    @event.register
    def _progress(self, event: Progress) -> None:
        from casava_os.shell.wording import progress_text

        self._screen.progress(f"{progress_text(event.doing, event.share)} … {event.seconds:.0f} s")

    @event.register
    def _note(self, event: Note) -> None:
        self._screen.note(event.text)

    @event.register
    def _failed(self, event: Failed) -> None:
        if str(event.err) not in self._told:
            self._screen.error(event.err)

    @event.register
    def _asked(self, event: Asked) -> None:
        from casava_os.shell.planwords import in_words

        self._question = in_words(event.question, event.plans)

    @event.register
    def _finished(self, event: Finished) -> None:
        self._screen.settle()
        if self._streamed and not self._ended and self._output.tty:
            self._output.stream("\n")
        if event.value is not None and not self._streamed and not self._changes_only():
            self._output.value(self._question or event.value)

    def _changes_only(self) -> bool:
        """Whether the last step is a change, whose summary is on the screen: its result is no data."""
        if not self._steps:
            return False
        effects = set(self._steps[-1].effects)
        if "execute" in effects:
            return False
        # What was deleted on the host itself (a container) is on no summary.
        return "write" in effects or ("delete" in effects and not effects & {"host", "provision"})
