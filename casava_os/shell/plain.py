"""The shell without drawing: for screen readers, for terminals that cannot draw, and for pipes.

The same kernel and the same events as the other shell. Each thing is said once, in order, as a sentence; questions are
answered by a word. In a pipe there is nobody to answer, so what needs an answer is held.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from casava_os.errors import ExitCode
from casava_os.kernel.events import ApprovalNeeded, Started
from casava_os.kernel.journal import guarded
from casava_os.kernel.life import real, text_of
from casava_os.kernel.options import RunOptions
from casava_os.kernel.run import Kernel
from casava_os.kernel.running import Running
from casava_os.shell.apps import app_words, start_app
from casava_os.shell.history import History
from casava_os.shell.plainpanels import HELP as PANELS_HELP
from casava_os.shell.plainpanels import PANELS, aloud, asked_before, here
from casava_os.shell.reading import Lines
from casava_os.shell.sentences import error_sentences
from casava_os.shell.telling import Teller, Voice
from casava_syscalls.names import path_text
from casava_syscalls.plan import Plan
from casava_syscalls.process import Run
from casava_syscalls.results import Err

MOST_DIFF_LINES = 2000

_HELP = """\
Type what you want done in this folder, in plain words, and press Enter.
An exclamation mark and a command runs a program in the sandbox, like !ls.
Nothing changes before you have heard what would change and answered yes.
/undo takes back the last change, /undo 7 that of process 7.
/commit 7 applies what process 7 holds, /discard 7 discards it.
/held lists what waits. /app lists apps, /app NAME runs one. /model says which model makes the plans, /model NAME chooses another.
PANELS
/quit or Ctrl-D leaves. Ctrl-C interrupts what runs. A \\ at the end of a line: the request goes on."""


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
        self.leases_over: Callable[[], Sequence[str]] = tuple
        """Ends what was started and has had its time; a sentence for each. Called with each request."""
        self._private = False
        self._code = 0
        self._over = False
        self._conversation = 0
        """Its number in the journal: that of its first process."""
        self._plans: tuple[Plan, ...] = ()
        """What the last question stands for; a number alone takes one of them."""

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
                self._all(self.leases_over())
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
        plans, self._plans = self._plans, ()
        if self._lines.terminal and text in {str(number) for number in range(1, len(plans) + 1)}:
            plan = plans[int(text) - 1]
            self._follow(
                runner, self._kernel.run_plan(plan, workspace=self._workspace, options=self._options())
            )
        elif text.startswith("/") and "/" not in name:
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
        commands: Mapping[str, Callable[[asyncio.Runner, str], None]] = {
            "undo": lambda run, what: self._later(run, "undo", what),
            "commit": lambda run, what: self._later(run, "commit", what),
            "discard": lambda run, what: self._later(run, "discard", what),
            "held": lambda _run, _what: self._held(),
            "app": self._app,
            "model": lambda _run, what: self._use_model(what),
            **{panel: partial(self._panel, panel) for panel in PANELS},
            "help": lambda _run, _what: self._all(_HELP.replace("PANELS", PANELS_HELP).splitlines()),
            "quit": lambda _run, _what: self._leave(),
        }
        if name in commands:
            commands[name](runner, argument)
        else:
            self._refuse(f"There is no command /{name}. /help lists them.")

    def _later(self, runner: asyncio.Runner, verb: str, argument: str) -> None:
        if argument and not argument.isdigit():
            self._refuse(f"/{verb} takes the number of a process.")
        elif verb == "undo":
            pid = int(argument) if argument else None
            self._follow(runner, self._kernel.undo(pid, workspace=self._workspace))
        elif argument:
            begin = self._kernel.commit if verb == "commit" else self._kernel.discard
            self._follow(runner, begin(int(argument)))
        else:
            self._refuse(f"/{verb} needs the number of a process; /held lists them.")

    def _app(self, runner: asyncio.Runner, argument: str) -> None:
        if not argument:
            self._all(f"{name}: {sentence}" for name, (sentence, _) in app_words().items())
            return
        begun = start_app(self._kernel, argument, self._workspace, self._options())
        if isinstance(begun, Err):
            self._all(error_sentences(begun))
            self._code = self._code or ExitCode.USAGE
        else:
            self._follow(runner, begun.value)

    def _panel(self, panel: str, runner: asyncio.Runner, argument: str) -> None:
        """Containers, stacks, memory: told, or something done, which is asked for like any request."""
        words = argument.split()
        if (panel, words) == ("memory", ["private"]):
            self._private = not self._private
            self._voice.say(f"Private mode is {'on: nothing is remembered' if self._private else 'off'}.")
            return
        question = asked_before(words) if panel == "memory" else ""
        if question and not (
            self._lines.terminal and (self._lines.next(question) or "").strip() in ("yes", "y")
        ):
            self._refuse("Nothing was forgotten.")
            return
        found = PANELS[panel](self._kernel, here(self._workspace), words)
        if isinstance(found, Err):
            self._all(error_sentences(found))
            self._code = self._code or (ExitCode.USAGE if found.code == "usage" else ExitCode.FAILED)
        elif isinstance(found.value, list):
            self._all(aloud(found.value))
        else:
            deed = found.value
            options = self._options()
            self._follow(
                runner,
                self._kernel.call(
                    deed.call, workspace=self._workspace, options=options, request=deed.request
                ),
            )

    def _use_model(self, name: str) -> None:
        if name:
            failed = self._kernel.ready(name)
            if failed is not None:
                self._all(error_sentences(failed))
                self._code = self._code or ExitCode.NO_MODEL
            else:
                self._chosen = self._model = name
        self._voice.say(f"{self._model} makes the plans. Here: {', '.join(self._models)}.")

    def _leave(self) -> None:
        self._over = True

    def _all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._voice.say(line)

    def _refuse(self, sentence: str) -> None:
        self._voice.say(sentence)
        self._code = self._code or ExitCode.USAGE

    def _held(self, *, quiet: bool = False) -> None:
        """What waits in this workspace."""
        rows = guarded(lambda: self._kernel.journal.processes(states=("held",)))
        if isinstance(rows, Err):
            self._all(error_sentences(rows))
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
        return RunOptions(
            interactive=self._lines.terminal,
            model=self._chosen,
            sandbox=self._sandbox,
            session=self._conversation,
            memory=not self._private,
        )

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
                    if isinstance(event, Started) and not self._conversation:
                        self._conversation = event.pid
                    if isinstance(event, ApprovalNeeded):
                        asking.add(asyncio.create_task(self._ask(event)))
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        self._plans = teller.plans
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
