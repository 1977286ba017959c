"""The walk of one request, from what the person typed to what lands in the workspace. Read it from top to bottom.

1 shell, cli   str         `Kernel.run(request)` gives events
2 compiler     str         → Plan, or a question, or a refusal
3 policy       Plan        → verdicts; effects that no layer holds are asked for here
4 dispatcher   Plan        → results, in the layer, in the sandbox
5 layer        —           → Changeset, shown; approval asked once, with the real diff (`landing`)
6 layer        Changeset   → workspace, or held, or discarded (`landing`)
7 journal      everything  → recorded as it is told (`Process.tell`)
8 shell, cli   `Finished`  with the exit code and the result (`life`)
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from casava_os.errors import ExitCode, exit_code, step_exit_code
from casava_os.kernel import repair
from casava_os.kernel.compiler.compile import (
    DESTRUCTIVE,
    Certainty,
    Compilation,
    Outcome,
    Unsure,
    clean,
    compile_request,
    workspace_names,
)
from casava_os.kernel.control import Control
from casava_os.kernel.dispatch import Budget, Dispatcher, Performed, changes, denial, needs_sandbox
from casava_os.kernel.events import (
    ApprovalNeeded,
    Asked,
    Compiled,
    Judged,
    Note,
    PlanStep,
    Refused,
    SandboxReady,
)
from casava_os.kernel.journal import Journal
from casava_os.kernel.landing import Landing, Work, approval
from casava_os.kernel.later import Later
from casava_os.kernel.life import Walk, begin, stop
from casava_os.kernel.options import RunOptions
from casava_os.kernel.policy import Allow, Ask, Deny, Policy
from casava_os.kernel.ports import (
    Attempt,
    Broker,
    ChooseSandbox,
    CompileRequest,
    LayerStore,
    Limits,
    LoadModel,
    Measured,
    Model,
    SandboxSession,
)
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.program import Desk, Program, run_program
from casava_os.kernel.replay import Past, compare_while
from casava_os.kernel.running import Running
from casava_os.kernel.threads import in_thread, uninterrupted
from casava_syscalls.base import HELD_BY_LAYER, AnyCall, Effect
from casava_syscalls.plan import Plan, describe, references
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Refusal

__all__ = ["Kernel", "RunOptions"]

Verdicts = tuple[Allow | Ask | Deny, ...]

REPAIRED = "the plan was made again after another one failed"
"""Why every step of such a plan that does more than read is asked for."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A compiled plan with the model that made it."""

    plan: Plan
    model: Model


@dataclass(frozen=True, slots=True)
class _Worked:
    """A plan that was performed in its layer, with the verdicts on it."""

    plan: Plan
    verdicts: Verdicts
    performed: Performed
    own_words: bool = False
    """A qualified model made the plan at its first attempt from the request."""


@dataclass(slots=True)
class Kernel:
    """The kernel over its concrete parts, which `boot` picks."""

    journal: Journal
    policy: Policy
    layers: LayerStore
    broker: Broker
    choose_sandbox: ChooseSandbox
    load_model: LoadModel
    certainty: Certainty = field(default_factory=Certainty)
    landing: Landing = field(default_factory=Landing)
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    request_bytes: int = 8192
    names: int = 500
    timeout: float | None = None
    """Longest time for a whole request, in seconds, when its options name none."""
    notices: tuple[str, ...] = ()
    """What the person should hear of what was found at the start, a sentence each."""
    control: Control = field(init=False)
    """What may be done with a process that runs, here or in another `casava-os`."""
    _models: dict[str | None, Model] = field(default_factory=dict)
    _loading: threading.Lock = field(default_factory=threading.Lock)
    """Held while a model is loaded: a hint, a request and a screen may ask for the same one at once, each in a thread."""

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
        return begin(self.control, request, workspace, walk, how.priority, how.timeout or self.timeout)

    async def _walk(self, p: Process, request: str, options: RunOptions) -> Ending:
        budget = options.budget or self.budget
        attempts: tuple[Attempt, ...] = ()
        failure: Err | None = None
        while True:
            compiled = await self._compile(p, request, options, attempts, failure)
            if isinstance(compiled, Ending):
                return compiled
            work = await self._work(p, compiled.plan, options, repaired=bool(attempts))
            if isinstance(work, Ending):
                return work
            work = replace(work, own_words=compiled.model.qualified and not attempts)
            again = repair.attempt(compiled.plan, work.performed) if compiled.model.repairs else None
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
        if _refers_to_stdin(plan) and options.stdin is None:
            hint = "pipe the input in, as when the plan was made"
            return stop(
                p,
                Err(code="usage", title="The plan reads standard input", message="none was piped", hint=hint),
            )
        p.tell(_compiled(plan))
        work = await self._work(p, plan, options)
        return work if isinstance(work, Ending) else await self._settle(p, work, options)

    async def _work(
        self, p: Process, plan: Plan, options: RunOptions, *, repaired: bool = False
    ) -> _Worked | Ending:
        """Points 3 and 4: the plan judged and performed in its layer, or the end."""
        policy = self.policy.narrowed(options.granted)
        verdicts = policy.judge_plan(plan, p.request, REPAIRED if repaired else "")
        if (stopped := await self._judged(p, plan, verdicts, options)) is not None:
            return stopped
        performed = await self._perform(p, plan, policy, options)
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

    # ------------------------------------------------------------------------------ 2: request → plan

    async def _compile(
        self,
        p: Process,
        request: str,
        options: RunOptions,
        attempts: tuple[Attempt, ...] = (),
        failure: Err | None = None,
    ) -> _Planned | Ending:
        """The plan, or the end: a question, a refusal, or why there is none.

        `failure` of the last of the `attempts` is the end when no other plan comes of it.
        """
        text = clean(request, self.request_bytes)
        if isinstance(text, Err):
            return stop(p, text)
        p.move("compiling")
        with p.timings.of("model"):
            loaded = await in_thread(lambda: self._model(options.model))
        if isinstance(loaded, Err):
            return stop(p, loaded)
        model = loaded.value
        with p.timings.of("compile"):
            asked = CompileRequest(
                text=text.value,
                offered=self.offered(options.granted, qualified=model.qualified),
                piped_stdin=options.stdin is not None,
                names=await in_thread(lambda: workspace_names(p.workspace, self.names)),
                interactive=options.interactive or options.approve is not None,
                priority=lambda: p.priority,
                certain=max(self.certainty.confidence, self.certainty.destructive),
                attempts=attempts,
            )
            outcome = await compile_request(
                model, asked, self.certainty, (options.budget or self.budget).repairs, p.spend
            )
        tried = [list(attempt.steps) for attempt in attempts]
        if failure is not None and (
            isinstance(outcome, Err)
            or (isinstance(outcome, Compilation) and repair.documents(outcome.plan) in tried)
        ):
            return stop(p, failure, step_exit_code(failure))
        if isinstance(outcome, Err):
            return stop(p, outcome)
        if isinstance(outcome, Unsure):
            plans = tuple(json.loads(plan.canonical()) for plan in outcome.plans)
            p.tell(Asked(question=outcome.question, confidence=outcome.confidence, plans=plans))
            return Ending(ExitCode.NOT_UNDERSTOOD, "done", outcome.question)
        if isinstance(outcome, Refusal):
            p.tell(Refused(refusal=outcome))
            return Ending(ExitCode.NOT_UNDERSTOOD, "done", outcome)
        told = {"model": model.name, "model_digest": model.digest, "confidence": outcome.confidence}
        p.tell(
            _compiled(outcome.plan).model_copy(
                update={**told, "seconds": outcome.seconds, "raw": outcome.raw}
            )
        )
        return _Planned(outcome.plan, model)

    def offered(self, granted: Effect | None = None, *, qualified: bool = True) -> frozenset[str]:
        """Syscalls that a model may use: performed by somebody here, and not denied outright.

        A model that is not `qualified` gets none that destroys or that no layer holds.
        """
        performed = self.broker.performs()
        there = {name for name in available() if SYSCALLS[name].performer != "broker" or name in performed}
        if not qualified:
            there = {name for name in there if not SYSCALLS[name].effect & DESTRUCTIVE}
        return self.policy.narrowed(granted).offered(there)

    async def draft(self, request: str, *, workspace: Path, options: RunOptions | None = None) -> Outcome:
        """What a request would become, while it is still being typed: nothing is recorded, nothing runs."""
        how = options or RunOptions()
        text = clean(request, self.request_bytes)
        if isinstance(text, Err):
            return text
        loaded = await in_thread(lambda: self._model(how.model))
        if isinstance(loaded, Err):
            return loaded
        asked = CompileRequest(
            text=text.value,
            offered=self.offered(how.granted, qualified=loaded.value.qualified),
            names=await in_thread(lambda: workspace_names(workspace, self.names)),
            interactive=False,
        )
        return await compile_request(loaded.value, asked, self.certainty)

    def ready(self, name: str | None) -> Err | None:
        """Loads a model, so that the next request finds it there; why it cannot be had, or None. Blocking."""
        loaded = self._model(name)
        return loaded if isinstance(loaded, Err) else None

    def _model(self, name: str | None) -> Result[Model]:
        """The model of this name, loaded once. Blocking; any thread."""
        if (there := self._models.get(name)) is not None:
            return Ok(value=there)
        with self._loading:
            if (there := self._models.get(name)) is not None:
                return Ok(value=there)
            loaded = self.load_model(name)
            if isinstance(loaded, Ok):
                self._models[name] = loaded.value
            return loaded

    # ------------------------------------------------------------------------------ 3: plan → verdicts

    async def _judged(self, p: Process, plan: Plan, verdicts: Verdicts, options: RunOptions) -> Ending | None:
        """The end, when policy or the person says no to the plan; None to go on."""
        for number, verdict in enumerate(verdicts, 1):
            p.tell(Judged(step=number, verdict=verdict))
        judged = list(zip(plan.steps, verdicts, strict=True))
        for step, verdict in judged:
            if isinstance(verdict, Deny):
                return stop(p, denial(verdict, step.call))
        if options.plan_only:
            return Ending(ExitCode.DONE, "done")
        beyond = [
            (describe(s), v.reason) for s, v in judged if s.effect & ~HELD_BY_LAYER and isinstance(v, Ask)
        ]
        if not beyond:
            return None
        calls = tuple(line for line, _ in beyond)
        if options.dry_run:
            p.tell(Note(text=f"A dry run stops here: no layer can hold {', '.join(calls)}."))
            return Ending(ExitCode.DONE, "done")
        question = ApprovalNeeded(
            pid=p.pid,
            kind="effects",
            question="This acts outside the workspace, where nothing can be undone. Run it?",
            reasons=tuple(dict.fromkeys(reason for _, reason in beyond if reason)),
            calls=calls,
            sha256=plan.sha256(),
        )
        answer = await approval(p, question, options)
        if answer:
            return None
        return stop(
            p,
            Err(
                code="approval-needed",
                title="Approval is needed" if answer is None else "Not approved",
                message=f"nothing ran: {'; '.join(calls)}",
                hint="add --yes, or write the plan to a file and approve it: casava-os plan … -o plan.json,"
                " then casava-os apply plan.json --approve sha256:…",
            ),
        )

    # ------------------------------------------------------------------------------ 4: plan → results

    async def _perform(
        self, p: Process, plan: Plan, policy: Policy, options: RunOptions
    ) -> Performed | Ending:
        """What the steps gave, performed in the layer, in the sandbox; or why none could be had."""
        p.changing = changes(plan)
        session: SandboxSession | None = None
        if needs_sandbox(plan):
            stdin = options.stdin if _refers_to_stdin(plan) else None
            opened = await self._open_sandbox(p, stdin, options)
            if isinstance(opened, Ending):
                return opened
            session = opened
        p.move("running")
        with p.timings.of("steps"):
            performed = await self._dispatcher(p, plan, session, policy, options).perform()
        with p.timings.of("sandbox"):
            await p.end_sandbox()
        return performed

    async def _walk_program(self, p: Process, program: Program, options: RunOptions) -> Ending:
        """Points 3 and 4 for a program: each syscall is judged when it is made, then performed."""
        policy, budget = self.policy.narrowed(options.granted), options.budget or self.budget
        p.changing = True
        opened = await self._open_sandbox(p, options.stdin, options)
        if isinstance(opened, Ending):
            return opened
        p.move("running")
        desk = Desk(p, policy, self._dispatcher(p, None, opened, policy, options), options)
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

    def _dispatcher(
        self,
        p: Process,
        plan: Plan | None,
        session: SandboxSession | None,
        policy: Policy,
        options: RunOptions,
    ) -> Dispatcher:
        return Dispatcher(
            plan,
            session=session,
            broker=self.broker,
            policy=policy,
            request=p.request,
            budget=options.budget or self.budget,
            tell=p.tell,
        )

    async def _open_sandbox(
        self, p: Process, stdin: Path | None, options: RunOptions
    ) -> SandboxSession | Ending:
        """A running sandbox over a fresh layer, with the standard input in its scratch space when it is wanted."""
        with p.timings.of("sandbox"):
            loop = asyncio.get_running_loop()

            def progress(sentence: str) -> None:
                loop.call_soon_threadsafe(lambda: p.tell(Note(text=sentence)))

            chosen = await self.choose_sandbox(options.sandbox, progress)
            if isinstance(chosen, Err):
                return stop(p, chosen)
            p.sandbox = chosen.value.sandbox
            for note in chosen.value.notes:
                p.tell(Note(text=note))
            created = await uninterrupted(lambda: self.layers.create(p.pid, p.workspace))
            if isinstance(created, Err):
                return stop(p, created, _workspace_exit(created))
            p.layer = created.value
            if stdin is not None:
                kept = await in_thread(lambda: _keep(stdin, created.value.paths.scratch / "stdin"))
                if isinstance(kept, Err):
                    return stop(p, kept)
            opened = await p.sandbox.open(p.layer.paths, self.limits)
            if isinstance(opened, Err):
                return stop(p, opened)
            p.session = opened.value
            if p.priority != "normal":
                await p.share()
            info = p.session.info
            p.tell(SandboxReady(driver=info.driver, verified=dict(info.verified), warnings=info.warnings))
            return p.session

    # ------------------------------------------------------------------------------ 5, 6: `landing`; and later

    @property
    def later(self) -> Later:
        return Later(self.journal, self.layers, self.policy, self.landing)

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
        return self.later.commit(pid, only, merge=merge, yes=yes, interactive=interactive)

    def discard(self, pid: int) -> Running:
        """Throws away the changeset of a held process."""
        return self.later.discard(pid)

    def undo(self, pid: int | None = None, *, workspace: Path | None = None) -> Running:
        """Takes back a commit: that of `pid`, or the last one (in the workspace, when one is given)."""
        return self.later.undo(pid, workspace)

    def redo(self, pid: int | None = None, *, workspace: Path | None = None) -> Running:
        """Lands again what was taken back: from `pid`, or what was taken back last (in the workspace, when one is given)."""
        return self.later.redo(pid, workspace)

    def diff(self, pid: int) -> Running:
        """Tells the changeset of a process again, as it was shown."""
        return self.later.diff(pid)

    def measured(self) -> tuple[Measured, ...]:
        """The models that are loaded and tell what they do, the latest last."""
        return tuple(model for model in list(self._models.values()) if isinstance(model, Measured))

    # ------------------------------------------------------------------------------ 7, 8: `Process.tell`, `life`

    def close(self) -> None:
        """Frees the models and the journal."""
        with self._loading:
            for model in self._models.values():
                model.close()
            self._models.clear()
        self.journal.close()


def _refers_to_stdin(plan: Plan) -> bool:
    return any(ref.step == 0 for step in plan.steps for _, ref in references(step))


def _keep(source: Path, target: Path) -> Err | None:
    """Copies the standard input to where the agent looks for it."""
    try:
        shutil.copyfile(source, target)
    except OSError as problem:
        full = problem.errno == 28
        message = problem.strerror or str(problem)
        return Err(
            code="disk-full" if full else "failed", title="Standard input cannot be kept", message=message
        )
    return None


def _compiled(plan: Plan) -> Compiled:
    """The event of a plan, without what a model adds to it."""
    document = json.loads(plan.canonical())
    steps = tuple(
        PlanStep(number=number, line=describe(step), call=call, effects=step.effect.names())
        for number, (step, call) in enumerate(zip(plan.steps, document["steps"], strict=True), 1)
    )
    return Compiled(steps=steps, plan=document, sha256=plan.sha256())


def _workspace_exit(err: Err) -> ExitCode:
    """A workspace that cannot be used is a wrong argument; a full disk is not."""
    wrong = ("usage", "permission", "outside-workspace", "not-found", "not-a-directory", "unsupported")
    return ExitCode.USAGE if err.code in wrong else exit_code(err)
