"""The walk of one request, from what the person typed to what lands in the workspace. Read it from top to bottom.

1 shell, cli   str         `Kernel.run(request)` gives events
2 compiler     str         → Plan, or a question, or a refusal (`understanding`, `compiling`)
3 policy       Plan        → verdicts; effects that no layer holds are asked for here (`judging`)
4 dispatcher   Plan        → results, in the layer, in the sandbox (`performing`)
5 layer        —           → Changeset, shown; approval asked once, with the real diff (`landing`)
6 layer        Changeset   → workspace, or held, or discarded (`landing`)
7 journal      everything  → recorded as it is told (`Process.tell`)
8 shell, cli   `Finished`  with the exit code and the result (`life`)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from casava_os.kernel import compiling, repair
from casava_os.kernel.compiler.compile import Outcome
from casava_os.kernel.compiling import compile_plan, compiled, refers_to_stdin
from casava_os.kernel.control import Control
from casava_os.kernel.dispatch import Performed
from casava_os.kernel.events import Note
from casava_os.kernel.judging import Verdicts, judged
from casava_os.kernel.landing import Work
from casava_os.kernel.later import Later
from casava_os.kernel.life import Ended, Walk, begin, stop
from casava_os.kernel.options import RunOptions
from casava_os.kernel.parts import Parts
from casava_os.kernel.performing import dispatcher, open_sandbox, perform
from casava_os.kernel.ports import Attempt
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.program import Desk, Program, run_program
from casava_os.kernel.recalling import PRIVATE
from casava_os.kernel.replay import Past, compare_while
from casava_os.kernel.running import Running
from casava_os.kernel.understanding import understand
from casava_os.kernel.watching import WalkName
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import Plan, describe
from casava_syscalls.results import Err, Ok

__all__ = ["Kernel", "RunOptions"]


REPAIRED = "the plan was made again after another one failed"
"""Why every step of such a plan that does more than read is asked for."""


@dataclass(frozen=True, slots=True)
class _Worked:
    """A plan that was performed in its layer, with the verdicts on it."""

    plan: Plan
    verdicts: Verdicts
    performed: Performed
    own_words: bool = False
    """A qualified model made the plan at its first attempt from the request."""


@dataclass(slots=True)
class Kernel(Parts):
    """The kernel over its concrete parts, which `boot` picks."""

    control: Control = field(init=False)
    """What may be done with a process that runs, here or in another `casava-os`."""

    def __post_init__(self) -> None:
        self.control = Control(self.journal, self.layers)

    # ------------------------------------------------------------------------------ 1: a request comes in

    def run(self, request: str, *, workspace: Path, options: RunOptions | None = None) -> Running:
        """Compiles a request and carries it out. Nothing happens before the first event is asked for."""
        how = options or RunOptions()
        shown = request[: self.request_bytes]  # what is longer is refused; the journal need not hold it
        return self._begin(shown, workspace, how, lambda p: self._walk(p, request, how))

    def run_plan(self, plan: Plan, *, workspace: Path, options: RunOptions | None = None) -> Running:
        """Carries out a plan that is already there; no model is needed."""
        how = options or RunOptions()
        request = plan.request or "; ".join(describe(step) for step in plan.steps)
        return self._begin(request, workspace, how, lambda p: self._walk_plan(p, plan, how))

    def replay(self, of: Past, *, workspace: Path, options: RunOptions | None = None) -> Running:
        """Carries out the plan of a past process in a fresh layer, and tells whether the changeset is the same."""
        how = options or RunOptions()
        lands = not how.dry_run

        async def walk(p: Process) -> Ending:
            return await compare_while(p, of, lambda: self._walk_plan(p, of.plan, how), lands=lands)

        return self._begin(of.request, workspace, how, walk)

    def call(
        self, call: AnyCall, *, workspace: Path, options: RunOptions | None = None, request: str = ""
    ) -> Running:
        """Performs one syscall. `request`: what the person typed for it; by default the call stands for itself."""
        reads = options is not None and options.stdin is not None
        plan = Plan(request=request, steps=(call,), reads_stdin=reads)
        return self.run_plan(plan, workspace=workspace, options=options)

    def run_program(
        self, title: str, program: Program, *, workspace: Path, options: RunOptions | None = None
    ) -> Running:
        """Runs a program that makes its syscalls one by one; what it changed is settled like a plan's."""
        how = options or RunOptions()
        return self._begin(title, workspace, how, lambda p: self._walk_program(p, program, how))

    def _begin(self, request: str, workspace: Path, how: RunOptions, walk: Walk) -> Running:
        seconds = how.timeout or self.timeout
        if not how.memory:
            told = walk

            async def walk_privately(p: Process) -> Ending:
                p.journal.record(p.pid, PRIVATE, "{}")
                return await told(p)

            private = begin(
                self.control, request, workspace, walk_privately, how.priority, seconds, session=how.session
            )
            return self._watched("request", private)
        running = begin(
            self.control, request, workspace, walk, how.priority, seconds, self._remembers(), how.session
        )
        return self._watched("request", running)

    def _watched(self, walk: WalkName, running: Running) -> Running:
        watcher = self.watcher
        return running if watcher is None else running.watched(lambda: watcher.begins(walk))

    def _remembers(self) -> Ended | None:
        return None if self.memory is None else self.memory.keep

    async def _walk(self, p: Process, request: str, options: RunOptions) -> Ending:
        budget = options.budget or self.budget
        attempts: tuple[Attempt, ...] = ()
        failure: Err | None = None
        while True:
            made = await (
                compile_plan(self, p, request, options, attempts, failure)
                if attempts
                else understand(self, p, request, options, self.undo)
            )
            if isinstance(made, Ending):
                return made
            work = await self._work(p, made.plan, options, repaired=bool(attempts))
            if isinstance(work, Ending):
                return work
            model = made.model
            own_words = (
                model is not None
                and model.qualified
                and made.own_words
                and not made.exampled
                and not attempts
            )
            work = replace(work, own_words=own_words)
            repairs = model is not None and model.repairs and made.own_words
            again = repair.attempt(made.plan, work.performed) if repairs else None
            if again is None or len(attempts) >= budget.repairs:
                return await self._settle(p, work, options)
            attempts, failure = (*attempts, again), work.performed.failure
            p.tell(
                Note(
                    text=f"Step {again.step} failed: {failure}. Planning again ({len(attempts)} of {budget.repairs})."
                )
            )
            await p.start_over()

    async def _walk_plan(self, p: Process, plan: Plan, options: RunOptions) -> Ending:
        if refers_to_stdin(plan) and options.stdin is None:
            hint = "pipe the input in, as when the plan was made"
            return stop(
                p,
                Err(code="usage", title="The plan reads standard input", message="none was piped", hint=hint),
            )
        p.tell(compiled(plan))
        work = await self._work(p, plan, options)
        return work if isinstance(work, Ending) else await self._settle(p, work, options)

    async def _work(
        self, p: Process, plan: Plan, options: RunOptions, *, repaired: bool = False
    ) -> _Worked | Ending:
        """Points 3 and 4: the plan judged and performed in its layer, or the end."""
        policy = self.policy.narrowed(options.granted)
        verdicts = policy.judge_plan(plan, p.request, REPAIRED if repaired else "")
        if (stopped := await judged(self, p, plan, verdicts, options)) is not None:
            return stopped
        performed = await perform(self, p, plan, policy, options)
        return performed if isinstance(performed, Ending) else _Worked(plan, verdicts, performed)

    async def _settle(self, p: Process, work: _Worked, options: RunOptions) -> Ending:
        """Points 5 and 6."""
        done, plan = work.performed, work.plan
        made = Work(
            plan.steps,
            work.verdicts,
            done.value,
            done.failure,
            done.bad_exit,
            sha256=plan.sha256(),
            own_words=work.own_words,
        )
        return await self.landing.settle(p, made, self.policy.narrowed(options.granted), self.layers, options)

    # ------------------------------------------------------------------------------ 2: `understanding`, `compiling`

    async def draft(self, request: str, *, workspace: Path, options: RunOptions | None = None) -> Outcome:
        """What a request would become, while it is still being typed: nothing is recorded, nothing runs."""
        return await compiling.draft(self, request, workspace=workspace, options=options)

    # ------------------------------------------------------------------------------ 3, 4: `judging`, `performing`

    async def _walk_program(self, p: Process, program: Program, options: RunOptions) -> Ending:
        """Points 3 and 4 for a program: each syscall is judged when it is made, then performed."""
        policy, budget = self.policy.narrowed(options.granted), options.budget or self.budget
        p.changing = True
        opened = await open_sandbox(self, p, options.stdin, options)
        if isinstance(opened, Ending):
            return opened
        p.move("running")
        desk = Desk(p, policy, dispatcher(self, p, None, opened, policy, options), options)
        clock = asyncio.timeout(budget.seconds)
        try:
            with p.timings.of("steps"):
                async with clock:
                    result = await run_program(program, desk.perform)
        except TimeoutError:
            if not clock.expired():
                raise
            message = f"the program did not end within {budget.seconds:g} seconds; nothing was changed"
            result = Err(code="timeout", title="The time budget is spent", message=message)
        with p.timings.of("sandbox"):
            await p.end_sandbox()
        value = result.value if isinstance(result, Ok) else None
        failure = result if isinstance(result, Err) else None
        return await self.landing.settle(
            p, Work(desk.dispatcher.steps, tuple(desk.verdicts), value, failure), policy, self.layers, options
        )

    # ------------------------------------------------------------------------------ 5, 6: `landing`; and later

    @property
    def later(self) -> Later:
        return Later(self.journal, self.layers, self.policy, self.landing, self._remembers())

    def commit(
        self,
        pid: int,
        *,
        only: Sequence[str] = (),
        merge: bool = False,
        yes: bool = False,
        interactive: bool = False,
    ) -> Running:
        """Lands the changeset of a held process: exactly the one that was shown, or what it has at these paths.

        With `merge`, where the workspace has moved on: what is not concerned, once approved (`yes`, or by whoever watches).
        """
        landing = self.later.commit(pid, only, merge=merge, yes=yes, interactive=interactive)
        return self._watched("commit", landing)

    def discard(self, pid: int) -> Running:
        """Throws away the changeset of a held process."""
        return self._watched("discard", self.later.discard(pid))

    def undo(self, pid: int | None = None, *, workspace: Path | None = None) -> Running:
        """Takes back a commit: that of `pid`, or the last one (in the workspace, when one is given)."""
        return self._watched("undo", self.later.undo(pid, workspace))

    def redo(self, pid: int | None = None, *, workspace: Path | None = None) -> Running:
        """Lands again what was taken back: from `pid`, or what was taken back last (in the workspace, when one is given)."""
        return self._watched("redo", self.later.redo(pid, workspace))

    def diff(self, pid: int) -> Running:
        """Tells the changeset of a process again, as it was shown."""
        return self.later.diff(pid)

    # ------------------------------------------------------------------------------ 7, 8: `Process.tell`, `life`

    def close(self) -> None:
        """Frees the models, memory and the journal."""
        if self.memory is not None:
            self.memory.close()
        self.free_models()
        self.journal.close()
        if self.watcher is not None:
            self.watcher.close()
