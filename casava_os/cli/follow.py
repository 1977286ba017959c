"""Runs one process of the kernel from the command line: its events shown, its questions asked, its exit code handed on.

Every command that starts or resumes a process goes through `Front.follow`, so signals, `--json`, a reader that went away
and approval behave the same everywhere.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from casava_os.cli import stdin
from casava_os.cli.output import Output
from casava_os.cli.screen import Screen
from casava_os.errors import ExitCode, exit_code
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.kernel.dispatch import Budget
    from casava_os.kernel.events import ApprovalNeeded, Asked, BaseEvent
    from casava_os.kernel.replay import Past
    from casava_os.kernel.run import Kernel, RunOptions
    from casava_os.kernel.running import Running
    from casava_os.plugins.manifest import App
    from casava_syscalls.base import Effect
    from casava_syscalls.plan import Plan

Begin = Callable[["Kernel"], "Running"]
"""Starts or resumes a process."""


@dataclass(frozen=True, slots=True)
class RunChoices:
    """What a person chose on the command line for one process, as they wrote it."""

    workspace: Path | None = None
    sandbox: str | None = None
    model: str | None = None
    timeout: str | None = None
    budget: str | None = None
    yes: bool = False
    dry_run: bool = False
    plan_only: bool = False
    approved: str | None = None
    granted: Effect | None = None
    priority: Literal["low", "normal", "high"] = "normal"
    session: int | None = None
    """The conversation that it goes on with."""
    go_on: bool = False
    """It goes on with the last one in the workspace."""
    memory: bool = True
    cache: bool = True
    limits: Budget | None = None
    """The budget before `budget` changes it; None for the settings'."""


SHORT_DIFF_LINES = 30
"""A diff of at most so many lines is shown before the question; a longer one when asked for."""


class Front:
    """One command's face: standard output, standard error, and the kernel behind them."""

    def __init__(self, *, json: bool = False, null: bool = False, terse: bool = False) -> None:
        """`json` prints events instead of values; `null` ends file names with NUL; `terse` leaves the plan out."""
        self.screen = Screen()
        self.output = Output(null=null)
        self.json = json
        self._terse = terse

    def fail(self, err: Err) -> int:
        """Shows a failure that no process had; gives the exit code."""
        code = exit_code(err)
        if self.json:
            from casava_os.kernel.events import Failed, Finished

            self.output.json(Failed(err=err))
            self.output.json(Finished(exit_code=code, state="failed"))
        else:
            self.screen.error(err)
        return code

    def notices(self, kernel: Kernel) -> None:
        """What the person should hear of what was found at the start."""
        for sentence in kernel.notices:
            self.screen.warning(sentence)

    # ----------------------------------------------------------------------------------------- starting

    def request(
        self,
        text: str,
        choices: RunChoices,
        *,
        wait_for_stdin: bool | None = None,
        seen: Callable[[BaseEvent], None] | None = None,
    ) -> int:
        """Runs a request in plain words. `wait_for_stdin`: None uses standard input when it is piped."""
        with self._piped(wait_for_stdin) as piped:
            if isinstance(piped, Err):
                return self.fail(piped)
            return self.start(
                choices,
                lambda kernel, where, how: kernel.run(text, workspace=where, options=how),
                piped.value,
                seen,
            )

    def apply(self, plan: Plan, choices: RunChoices) -> int:
        """Runs a plan; reads standard input to its end when the plan refers to it."""
        with self._piped(plan.reads_stdin) as piped:
            if isinstance(piped, Err):
                return self.fail(piped)
            # An input that was named and is empty is an empty text, not a missing one.
            found = piped.value or (Path(os.devnull) if plan.reads_stdin else None)
            return self.start(
                choices, lambda kernel, where, how: kernel.run_plan(plan, workspace=where, options=how), found
            )

    def replay(self, past: Past, choices: RunChoices) -> int:
        """Runs the plan of a past process again; reads standard input to its end when the plan refers to it."""
        with self._piped(past.plan.reads_stdin) as piped:
            if isinstance(piped, Err):
                return self.fail(piped)
            found = piped.value or (Path(os.devnull) if past.plan.reads_stdin else None)
            return self.start(
                choices, lambda kernel, where, how: kernel.replay(past, workspace=where, options=how), found
            )

    def program(self, app: App, parameters: Mapping[str, str], choices: RunChoices) -> int:
        """Runs an app's `main`."""
        from casava_os.plugins.program import program_of

        program = program_of(app, parameters)
        if isinstance(program, Err):
            return self.fail(program)
        title, main = f"app {app.manifest.name}", program.value

        def begin(kernel: Kernel, where: Path, how: RunOptions) -> Running:
            return kernel.run_program(title, main, workspace=where, options=how)

        return self.start(choices, begin)

    def start(
        self,
        choices: RunChoices,
        begin: Callable[[Kernel, Path, RunOptions], Running],
        piped: Path | None = None,
        seen: Callable[[BaseEvent], None] | None = None,
    ) -> int:
        """Boots the kernel and runs a new process; `piped` holds its standard input, `seen` gets every event."""
        workspace = workspace_path(choices.workspace)
        if isinstance(workspace, Err):
            return self.fail(workspace)
        where = workspace.value
        kernel = boot()
        if isinstance(kernel, Err):
            return self.fail(kernel)
        asks = self.screen.interactive and not self.json
        options = run_options(choices, kernel.value.budget, piped, interactive=asks)
        if isinstance(options, Err):
            kernel.value.close()
            return self.fail(options)
        how = options.value
        if choices.go_on:
            from casava_os.cli.sessions import last_session

            last = last_session(kernel.value.journal, where)
            if isinstance(last, Err):
                kernel.value.close()
                return self.fail(last)
            how = replace(how, session=last.value)
        return self.follow(
            lambda kernel: begin(kernel, where, how),
            kernel=kernel.value,
            dry_run=choices.dry_run,
            seen=seen,
            meant=(lambda kernel, plan: kernel.run_plan(plan, workspace=where, options=how))
            if asks
            else None,
        )

    # ---------------------------------------------------------------------------------------- following

    def follow(
        self,
        begin: Begin,
        *,
        kernel: Kernel | None = None,
        dry_run: bool = False,
        seen: Callable[[BaseEvent], None] | None = None,
        meant: Callable[[Kernel, Plan], Running] | None = None,
    ) -> int:
        """Follows a process to its end; gives its exit code. `seen` is called with every event.

        `meant` runs the plan that the person chose, when the process ended with plans to choose from.
        """
        if kernel is None:
            booted = boot()
            if isinstance(booted, Err):
                return self.fail(booted)
            kernel = booted.value
        self.notices(kernel)
        try:
            return asyncio.run(self._follow(kernel, begin, dry_run, seen, meant))
        finally:
            kernel.close()

    async def _follow(
        self,
        kernel: Kernel,
        begin: Begin,
        dry_run: bool,
        seen: Callable[[BaseEvent], None] | None,
        meant: Callable[[Kernel, Plan], Running] | None,
    ) -> int:
        from casava_os.cli.show import Show
        from casava_os.kernel.events import ApprovalNeeded, Asked, Finished

        show = Show(self.screen, self.output, terse=self._terse, dry_run=dry_run)
        code = int(ExitCode.FAILED)
        asking: set[asyncio.Task[None]] = set()
        asked: Asked | None = None
        running = begin(kernel)
        with _interruptible(running, self.screen):
            async with running as events:
                async for event in events:
                    if self.json:
                        self.output.json(event)
                    else:
                        show.event(event)
                    if seen is not None:
                        seen(event)
                    if isinstance(event, ApprovalNeeded):
                        asking.add(asyncio.create_task(self._ask(event)))
                    if isinstance(event, Asked):
                        asked = event
                    if isinstance(event, Finished):
                        code = event.exit_code
                    elif self.output.gone:
                        running.cancel()
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        if meant is None or asked is None or (plan := await self._choose(asked)) is None:
            return code
        return await self._follow(kernel, lambda kernel: meant(kernel, plan), dry_run, seen, None)

    async def _choose(self, event: Asked) -> Plan | None:
        """The plan that the person at the terminal means, of those that the question stands for."""
        from casava_os.shell.planwords import sentences_of

        plans = [plan for plan, _ in sentences_of(event.plans)]
        number = await self.screen.choose(len(plans)) if plans else 0
        return plans[number - 1] if number else None

    async def _ask(self, event: ApprovalNeeded) -> None:
        """Asks the person at the terminal, and hands the answer to the kernel."""
        offers = "yn" if event.changeset is None else "yndh"
        if 0 < len(event.diff.splitlines()) <= SHORT_DIFF_LINES:
            self.screen.diff(event.diff)
        while (answer := await self.screen.ask(event.question, offers=offers)) == "diff":
            self.screen.diff(event.diff)
        event.answer(None if answer == "hold" else answer == "yes")

    # ------------------------------------------------------------------------------------ standard input

    @contextmanager
    def _piped(self, wanted: bool | None) -> Iterator[Result[Path | None]]:
        """The file that holds the standard input: looked for (None), read to its end (True), or left alone (False)."""
        descriptor = None if wanted is False else stdin.descriptor()
        if wanted is None and descriptor is not None:
            presence = stdin.presence(descriptor, stdin.GRACE_SECONDS)
            if presence == "silent":
                self.screen.note(
                    f"nothing came on standard input within {stdin.GRACE_SECONDS:g} seconds: going on without it "
                    "(--stdin waits for it, --no-stdin does not look)"
                )
            if presence != "piped":
                descriptor = None
        elif descriptor is not None and os.isatty(descriptor):
            self.screen.note("reading standard input up to Ctrl-D")
        most = stdin_bytes()
        if isinstance(most, Err):
            yield most
            return
        with stdin.spooled(descriptor, most.value) as kept:
            yield kept

    def read_stdin(self) -> Result[str]:
        """All of standard input as text."""
        with self._piped(True) as kept:
            if isinstance(kept, Err):
                return kept
            try:
                return Ok(value="" if kept.value is None else kept.value.read_bytes().decode())
            except UnicodeDecodeError:
                return Err(
                    code="not-text", title="Standard input is not text", message="its bytes are no UTF-8"
                )


# ------------------------------------------------------------------------------------------------ parts


def boot(*, sweep: bool = True) -> Result[Kernel]:
    """The kernel with its concrete parts; `sweep` settles what killed programs left behind."""
    from casava_os.boot import boot_kernel

    return boot_kernel(sweep=sweep)


def stdin_bytes() -> Result[int]:
    """Longest standard input that is kept, from the settings."""
    from casava_os.paths import config_dir
    from casava_os.settings import load_settings

    settings = load_settings(config_dir())
    return settings if isinstance(settings, Err) else Ok(value=settings.value.stdin_bytes)


def workspace_path(chosen: Path | None) -> Result[Path]:
    """The directory to work on: the chosen one, else the current one."""
    try:
        return Ok(value=(chosen or Path.cwd()).absolute())
    except OSError:
        return Err(
            code="usage",
            title="The current directory is gone",
            message="it was removed or cannot be read",
            hint="change into another one, or name one with --workspace",
        )


def run_options(
    choices: RunChoices, budget: Budget, piped: Path | None, *, interactive: bool
) -> Result[RunOptions]:
    """The kernel's options from what was chosen; `Err("usage")` for a budget or time that cannot be read."""
    from casava_os.cli.quantities import budget_of, seconds_of
    from casava_os.kernel.run import RunOptions

    timeout: float | None = None
    if choices.timeout is not None:
        seconds = seconds_of(choices.timeout)
        if isinstance(seconds, Err):
            return seconds
        timeout = seconds.value
    limits = choices.limits
    if choices.budget:
        changed = budget_of(choices.budget, choices.limits or budget)
        if isinstance(changed, Err):
            return changed
        limits = changed.value
    return Ok(
        value=RunOptions(
            yes=choices.yes,
            approved=choices.approved,
            dry_run=choices.dry_run,
            plan_only=choices.plan_only,
            interactive=interactive and not choices.dry_run,
            budget=limits,
            priority=choices.priority,
            timeout=timeout,
            stdin=piped,
            sandbox=choices.sandbox,
            model=choices.model,
            granted=choices.granted,
            session=choices.session,
            memory=choices.memory,
            cache=choices.cache,
        )
    )


@contextmanager
def _interruptible(running: Running, screen: Screen) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the process cleanly; the third one ends this program at once."""
    loop = asyncio.get_running_loop()
    times = 0

    def interrupt() -> None:
        nonlocal times
        times += 1
        if times == 1:
            running.cancel()
        elif times == 2:
            screen.note("cleaning up; once more to leave at once, with leftovers")
        else:
            os._exit(ExitCode.INTERRUPTED)

    # What was ignored on purpose stays ignored: `nohup`, or a job in the background of a script.
    numbers = [
        n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN
    ]
    for number in numbers:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
