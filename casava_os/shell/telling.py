"""What is said in the plain shell, and where: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import singledispatchmethod
from itertools import zip_longest

from casava_os.errors import ExitCode
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
    PlanStep,
    SandboxReady,
    StepFinished,
    StepSkipped,
    Undone,
)
from casava_os.shell.planwords import in_words, sentences_of
from casava_os.shell.sentences import changes_sentences, ending_sentence, error_sentences, step_sentence
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import text_to_name
from casava_syscalls.plan import Plan
from casava_syscalls.values import Exit, Question


class Voice:
    """Where it is said: results on standard output, the rest on standard error, both harmless for a terminal."""

    def say(self, text: str) -> None:
        """One sentence or line."""
        sys.stdout.flush()
        sys.stderr.write(visible(text) + "\n")
        sys.stderr.flush()

    def ask(self, text: str) -> None:
        """A question whose answer stands on the same line."""
        sys.stderr.write(visible(text))
        sys.stderr.flush()

    def result(self, text: str) -> None:
        """Data: as it is for a pipe, harmless for a terminal."""
        text = text if text.endswith("\n") or not text else text + "\n"
        if sys.stdout.isatty():
            sys.stdout.write(visible(text, keep="\n\t"))
        else:
            sys.stdout.buffer.write(text_to_name(text))
        sys.stdout.flush()


class Printed:
    """What a program prints, line by line; a line that is written over counts as what was written last."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rest = ""

    def feed(self, text: str) -> None:
        """The next piece."""
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._say("".join(f"{line.removesuffix(chr(13)).rpartition(chr(13))[2]}\n" for line in lines))
        if len(self._rest) > 65_536:
            self.end()

    def end(self) -> None:
        """What has no end of line yet."""
        rest, self._rest = self._rest, ""
        if rest:
            self._say(rest.rpartition("\r")[2] + "\n")


class Teller:
    """Tells the events of one process."""

    def __init__(self, voice: Voice, told_before: set[str]) -> None:
        self._voice = voice
        self._told_before = told_before
        self._steps: tuple[PlanStep, ...] = ()
        self._ending = ""
        self._question: Question | None = None
        self._errors: set[str] = set()
        self._printed = Printed(voice.result)
        self._warned = Printed(lambda text: voice.say(text.rstrip("\n")))
        self._streamed: set[int] = set()
        self.plans: tuple[Plan, ...] = ()
        """What a question stands for: plans to choose from."""
        self.code = int(ExitCode.FAILED)

    def _all(self, lines: Iterator[str]) -> None:
        for line in lines:
            self._voice.say(line)

    @singledispatchmethod
    def tell(self, event: BaseEvent) -> None:
        """Says one event; of some there is nothing to say."""

    @tell.register
    def _(self, event: Compiled) -> None:
        self._steps = event.steps
        count = len(event.steps)
        self._voice.say(f"Plan, {count} step{'' if count == 1 else 's'}:")

    @tell.register
    def _(self, event: Asked) -> None:
        self._question = in_words(event.question, event.plans)
        self.plans = tuple(plan for plan, _ in sentences_of(event.plans))

    @tell.register
    def _(self, event: Judged) -> None:
        for step in self._steps:
            if step.number == event.step:
                self._voice.say(step_sentence(step, event.verdict))

    @tell.register
    def _(self, event: SandboxReady) -> None:
        for warning in event.warnings:
            self._once(f"Warning: {warning}")

    @tell.register
    def _(self, event: Note) -> None:
        self._once(event.text)

    def _once(self, text: str) -> None:
        if text not in self._told_before:
            self._told_before.add(text)
            self._voice.say(text)

    @tell.register
    def _(self, event: Output) -> None:
        (self._printed if event.stream == "stdout" else self._warned).feed(event.text)
        self._streamed.add(event.step)

    @tell.register
    def _(self, event: StepFinished) -> None:
        self._printed.end()
        self._warned.end()
        if event.err is not None:
            self._errors.add(str(event.err))
            self._all(error_sentences(event.err))
        elif isinstance(event.value, Exit):
            if event.value.code:
                code = event.value.code
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                self._voice.say(f"Step {event.step} ended with {how}.")
            if event.value.truncated:
                self._voice.say(f"Step {event.step} printed more than is kept; the end is missing.")

    @tell.register
    def _(self, event: StepSkipped) -> None:
        self._voice.say(f"Step {event.step} was skipped, because step {event.because} was not done.")

    @tell.register
    def _(self, event: ChangesetMade) -> None:
        if event.changes:
            self._all(changes_sentences(event.changes, "What would change"))

    @tell.register
    def _(self, event: ApprovalNeeded) -> None:
        if event.changeset is None:
            self._voice.say("It would do this:")
            for number, (call, meaning) in enumerate(
                zip_longest(event.calls, event.meaning, fillvalue=""), 1
            ):
                self._voice.say(f"{number}. {call}. {'; '.join(meaning.splitlines())}".rstrip())
        for reason in event.reasons:
            self._voice.say(f"You are asked because {reason}.")

    @tell.register
    def _(self, event: Committed) -> None:
        self._ending = event.summary

    @tell.register
    def _(self, event: Held) -> None:
        self._ending = event.reason

    @tell.register
    def _(self, event: Discarded) -> None:
        self._ending = self._ending or event.reason

    @tell.register
    def _(self, event: Undone) -> None:
        self._ending = event.summary
        self._all(changes_sentences(event.changes, "What was put back"))

    @tell.register
    def _(self, event: Failed) -> None:
        if event.err.code not in ("interrupted", "approval-needed") and str(event.err) not in self._errors:
            self._all(error_sentences(event.err))

    @tell.register
    def _(self, event: Finished) -> None:
        self._printed.end()
        self._warned.end()
        self.code = event.exit_code
        value, last = event.value, self._steps[-1] if self._steps else None
        effects = set(last.effects) if last is not None else set()
        changed = bool(effects & {"write", "delete"}) and "execute" not in effects
        shown = isinstance(value, Exit) and last is not None and last.number in self._streamed
        if isinstance(value, Question):
            self._voice.result(value.text)
            for number, choice in enumerate((self._question or value).choices, 1):
                self._voice.result(f"{number}. {choice}")
        elif value is not None and not changed and not shown:
            self._voice.result(value.render() or "nothing")
        self._voice.say(ending_sentence(event, self._ending, plans=len(self.plans)))
