"""The shell without drawing: for screen readers, for terminals that cannot draw, and for pipes.

The same kernel and the same events as the other shell. Each thing is said once, in order, as a sentence; questions are
answered by a word. Results go to standard output, everything else to standard error; in a pipe there is nobody to answer,
so what needs an answer is held.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import singledispatchmethod
from pathlib import Path

from casava_os.errors import ExitCode
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
    PlanStep,
    SandboxReady,
    StepFinished,
    StepSkipped,
    Undone,
)
from casava_os.kernel.options import RunOptions
from casava_os.kernel.run import Kernel
from casava_os.kernel.running import Running
from casava_os.shell.apps import app_words, start_app
from casava_os.shell.history import History
from casava_os.shell.reading import Lines
from casava_os.shell.sentences import (
    changes_sentences,
    ending_sentence,
    error_sentences,
    step_sentence,
)
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import path_text, text_to_name
from casava_syscalls.process import Run
from casava_syscalls.results import Err
from casava_syscalls.values import Exit, Question

MOST_DIFF_LINES = 2000

_HELP = """\
Type what you want done in this folder, in plain words, and press Enter.
An exclamation mark and a command runs a program in the sandbox, like !ls.
Nothing changes before you have heard what would change and answered yes.
/undo takes back the last change, /undo 7 that of process 7.
/commit 7 lets land what process 7 holds, /discard 7 throws it away.
/held lists what waits. /app lists apps, /app NAME runs one. /model says which model makes the plans, /model NAME chooses another.
/quit or Ctrl-D leaves. Ctrl-C interrupts what runs. A \\ at the end of a line: the request goes on."""


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
        self._errors: set[str] = set()
        self._printed = Printed(voice.result)
        self._warned = Printed(lambda text: voice.say(text.rstrip("\n")))
        self._streamed: set[int] = set()
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
            for number, call in enumerate(event.calls, 1):
                self._voice.say(f"{number}. {call}.")
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
            for number, choice in enumerate(value.choices, 1):
                self._voice.result(f"{number}. {choice}")
        elif value is not None and not changed and not shown:
            self._voice.result(value.render() or "nothing")
        self._voice.say(ending_sentence(event, self._ending))


class PlainShell:
    """Reads requests, one after the other, until the input ends."""

    def __init__(
        self,
        kernel: Kernel,
        workspace: Path,
        *,
        model: str = "",
        models: Sequence[str] = (),
        chosen_model: str | None = None,
        sandbox: str | None = None,
        history: History | None = None,
        lines: Lines | None = None,
    ) -> None:
        self._kernel, self._workspace = kernel, workspace
        self._model, self._models, self._chosen, self._sandbox = model, models, chosen_model, sandbox
        self._history = history if history is not None else History(None)
        self._lines = lines if lines is not None else Lines(self._history.entries)
        self._voice = Voice()
        self._told_before: set[str] = set()
        self._code = 0
        self._over = False

    def run(self) -> int:
        """The exit code: 0, or in a pipe that of the first request that did not end with 0."""
        if self._lines.terminal:
            place = path_text(str(self._workspace))
            self._voice.say(
                f"Casava OS in {place}. Say in plain words what you want done. /help explains more."
            )
        self._held(quiet=True)
        with asyncio.Runner() as runner:
            while not self._over and (text := self._request()) is not None:
                if not text:
                    continue
                self._history.add(text)
                try:
                    self._obey(runner, text)
                except KeyboardInterrupt:  # before the process was there to be interrupted
                    self._voice.say("Cancelled. Nothing was changed.")
        if self._lines.terminal:
            self._voice.say("Goodbye.")
            return 0
        return self._code

    def _request(self) -> str | None:
        """The next request, of one line or more; None at the end."""
        said: list[str] = []
        while True:
            try:
                line = self._lines.next("Request: " if not said else "More: ")
            except KeyboardInterrupt:
                self._voice.say("\nNothing runs. Ctrl-D leaves." if not said else "\nForgotten.")
                said = []
                continue
            if line is None:
                return "\n".join(said).strip() if said else None
            said.append(line.removesuffix("\\"))
            if not line.endswith("\\"):
                return "\n".join(said).strip()

    # ------------------------------------------------------------------------------------------ obeying

    def _obey(self, runner: asyncio.Runner, text: str) -> None:
        name, _, argument = text[1:].partition(" ")
        if text.startswith("/") and "/" not in name:
            self._command(runner, name, argument.strip())
        elif text.startswith("!"):
            command = text[1:].strip()
            if command:
                call = Run(script=command) if "\n" in command else Run(command=command)
                self._follow(
                    runner, self._kernel.call(call, workspace=self._workspace, options=self._options())
                )
        else:
            self._follow(runner, self._kernel.run(text, workspace=self._workspace, options=self._options()))

    def _command(self, runner: asyncio.Runner, name: str, argument: str) -> None:
        kernel = self._kernel
        if argument and name in ("undo", "commit", "discard") and not argument.isdigit():
            self._refuse(f"/{name} takes the number of a process.")
            return
        match name:
            case "undo":
                pid = int(argument) if argument else None
                self._follow(runner, kernel.undo(pid, workspace=self._workspace))
            case "commit" | "discard" if argument:
                self._follow(runner, getattr(kernel, name)(int(argument)))
            case "commit" | "discard":
                self._refuse(f"/{name} needs the number of a process; /held lists them.")
            case "held":
                self._held()
            case "app" if argument:
                begun = start_app(kernel, argument, self._workspace, self._options())
                if isinstance(begun, Err):
                    for line in error_sentences(begun):
                        self._voice.say(line)
                    self._code = self._code or ExitCode.USAGE
                else:
                    self._follow(runner, begun.value)
            case "app":
                for name, (sentence, _parameters) in app_words().items():
                    self._voice.say(f"{name}: {sentence}")
            case "model":
                if argument:
                    self._chosen = self._model = argument
                self._voice.say(f"{self._model} makes the plans. Here: {', '.join(self._models)}.")
            case "help":
                for line in _HELP.splitlines():
                    self._voice.say(line)
            case "quit":
                self._over = True
            case _:
                self._refuse(f"There is no command /{name}. /help lists them.")

    def _refuse(self, sentence: str) -> None:
        self._voice.say(sentence)
        self._code = self._code or ExitCode.USAGE

    def _held(self, *, quiet: bool = False) -> None:
        """What waits in this workspace."""
        from casava_os.kernel.journal import guarded
        from casava_os.kernel.life import real, text_of

        rows = guarded(lambda: self._kernel.journal.processes(states=("held",)))
        if isinstance(rows, Err):
            for line in error_sentences(rows):
                self._voice.say(line)
            return
        here = text_of(real(self._workspace))
        held = [row for row in rows.value if row.workspace == here]
        if quiet and held:
            what = "1 request waits" if len(held) == 1 else f"{len(held)} requests wait"
            self._voice.say(f"{what} for your word here; /held lists what.")
        elif not quiet:
            for row in held:
                self._voice.say(f"Process {row.pid} holds its changes: {row.request}")
            if not held:
                self._voice.say("Nothing is held here.")

    def _options(self) -> RunOptions:
        return RunOptions(interactive=self._lines.terminal, model=self._chosen, sandbox=self._sandbox)

    # ----------------------------------------------------------------------------------------- following

    def _follow(self, runner: asyncio.Runner, running: Running) -> None:
        code = runner.run(self._followed(running))
        self._code = self._code or code

    async def _followed(self, running: Running) -> int:
        teller = Teller(self._voice, self._told_before)
        asking: set[asyncio.Task[None]] = set()
        with self._interruptible(running):
            async with running as events:
                async for event in events:
                    teller.tell(event)
                    if isinstance(event, ApprovalNeeded):
                        asking.add(asyncio.create_task(self._ask(event)))
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        return teller.code

    async def _ask(self, event: ApprovalNeeded) -> None:
        """Asks until a word of the offered ones comes; at the end of input a changeset is held, an effect refused."""
        effects = event.changeset is None
        offered = "yes or no" if effects else "yes, no, hold or diff"
        self._voice.ask(f"{event.question} Answer {offered}: ")
        while True:
            typed = await self._lines.answer()
            match "" if typed is None else typed.lower():
                case "yes" | "y":
                    event.answer(True)
                case "no" | "n":
                    event.answer(False)
                case "hold" | "h" if not effects:
                    event.answer(None)
                case "diff" | "d" if not effects:
                    lines = event.diff.splitlines()
                    for line in lines[:MOST_DIFF_LINES]:
                        self._voice.say(line)
                    if (more := len(lines) - MOST_DIFF_LINES) > 0:
                        self._voice.say(f"And {more:,} more lines.")
                    self._voice.ask(f"Answer {offered}: ")
                    continue
                case _ if typed is None:
                    self._over = True
                    event.answer(False if effects else None)
                case _:
                    self._voice.ask(f"Please answer {offered}: ")
                    continue
            return

    @contextmanager
    def _interruptible(self, running: Running) -> Iterator[None]:
        """Ctrl-C ends the process and not the shell; a closed terminal ends both."""
        loop = asyncio.get_running_loop()

        def leave() -> None:
            self._over = True
            running.cancel()

        loop.add_signal_handler(signal.SIGINT, running.cancel)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, leave)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)
