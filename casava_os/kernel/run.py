"""The walk of one request, from what the person typed to what lands in the workspace. Read it from top to bottom.

1 shell, cli   str         `Kernel.run(request)` gives events
2 compiler     str         → Plan, or a question, or a refusal
3 policy       Plan        → verdicts; effects that no layer holds are asked for here
4 dispatcher   Plan        → results, in the layer, in the sandbox
5 layer        —           → Changeset, shown; approval asked once, with the real diff
6 layer        Changeset   → workspace, or held, or discarded
7 journal      everything  → recorded as it is told (`Process.tell`)
8 shell, cli   `Finished`  with the exit code and the result
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from casava_os.errors import ExitCode, exit_code, step_exit_code
from casava_os.kernel.compiler.compile import Certainty, Unsure, clean, compile_request, workspace_names
from casava_os.kernel.dispatch import Budget, Dispatcher, Performed, changes, denial, needs_sandbox
from casava_os.kernel.events import (
    ApprovalNeeded,
    Asked,
    ChangesetMade,
    Committed,
    Compiled,
    Failed,
    Finished,
    Held,
    Judged,
    Note,
    PlanStep,
    Refused,
    SandboxReady,
    Started,
    Undone,
)
from casava_os.kernel.journal import Journal, JournalError
from casava_os.kernel.policy import Allow, Ask, Deny, Policy
from casava_os.kernel.ports import (
    Broker,
    Changeset,
    ChooseSandbox,
    CompileRequest,
    Layer,
    LayerStore,
    Limits,
    LoadModel,
    Model,
    SandboxSession,
)
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.running import Running, Send
from casava_os.kernel.threads import in_thread, uninterrupted
from casava_syscalls.base import HELD_BY_LAYER, AnyCall, Effect
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.plan import Plan, describe, parse_plan, references
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Refusal, Value

_LOG = logging.getLogger(__name__)

Approve = Callable[[ApprovalNeeded], Awaitable[bool | None]]
"""Asks the person: True lands it, False throws it away, None holds it."""

Walk = Callable[[Process], Awaitable[Ending]]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How one request is to be run."""

    yes: bool = False
    """Approves whatever policy asks for. What it denies stays denied, and a failed program's changes stay held."""
    approved: str | None = None
    """sha256 of a plan or a changeset that the person approves: exactly that one, and nothing else."""
    dry_run: bool = False
    """Shows the changeset and throws it away; effects that no layer holds are shown and not run."""
    plan_only: bool = False
    """Stops after the verdicts."""
    interactive: bool = False
    """Somebody watches the events and answers each `ApprovalNeeded`."""
    approve: Approve | None = None
    """Asks the person; with it the events need no answer from whoever watches them."""
    budget: Budget | None = None
    timeout: float | None = None
    """Longest time for the whole request, in seconds, approval included."""
    stdin: Path | None = None
    """File that holds the piped standard input; the kernel does not remove it."""
    sandbox: str | None = None
    model: str | None = None
    granted: Effect | None = None
    """Effects that the app was granted; None for the person's own requests."""


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
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    request_bytes: int = 8192
    names: int = 500
    diff_context: int = 3
    diff_bytes: int = 2**20
    timeout: float | None = None
    _models: dict[str | None, Model] = field(default_factory=dict)

    # -------------------------------------------------------------------------------- 1: a request comes in

    def run(self, request: str, *, workspace: Path, options: RunOptions | None = None) -> Running:
        """Compiles a request and carries it out. Nothing happens before the first event is asked for."""
        options = options or RunOptions()
        return self._begin(request, workspace, options, lambda p: self._walk(p, request, options))

    def run_plan(self, plan: Plan, *, workspace: Path, options: RunOptions | None = None) -> Running:
        """Carries out a plan that is already there; no model is needed."""
        options = options or RunOptions()
        request = plan.request or "; ".join(describe(step) for step in plan.steps)
        return self._begin(request, workspace, options, lambda p: self._walk_plan(p, plan, options))

    def call(self, call: AnyCall, *, workspace: Path, options: RunOptions | None = None) -> Running:
        """Performs one syscall."""
        plan = Plan(steps=(call,), reads_stdin=options is not None and options.stdin is not None)
        return self.run_plan(plan, workspace=workspace, options=options)

    async def _walk(self, p: Process, request: str, options: RunOptions) -> Ending:
        compiled = await self._compile(p, request, options)
        return compiled if isinstance(compiled, Ending) else await self._carry_out(p, compiled, options)

    async def _walk_plan(self, p: Process, plan: Plan, options: RunOptions) -> Ending:
        if (
            plan.reads_stdin
            and options.stdin is None
            and any(r.step == 0 for s in plan.steps for _, r in references(s))
        ):
            hint = "pipe the input in, as when the plan was made"
            return self._stop(
                p,
                Err(code="usage", title="The plan reads standard input", message="none was piped", hint=hint),
            )
        p.tell(_compiled_event(plan))
        return await self._carry_out(p, plan, options)

    async def _carry_out(self, p: Process, plan: Plan, options: RunOptions) -> Ending:
        policy = self.policy.narrowed(options.granted)
        verdicts = policy.judge_plan(plan, p.request)
        stopped = await self._judged(p, plan, verdicts, options)
        if stopped is not None:
            return stopped
        performed = await self._perform(p, plan, policy, options)
        if isinstance(performed, Ending):
            return performed
        return await self._settle(p, plan, policy, verdicts, performed, options)

    # -------------------------------------------------------------------------------- 2: request → plan

    async def _compile(self, p: Process, request: str, options: RunOptions) -> Plan | Ending:
        """The plan, or the end: a question, a refusal, or why there is none."""
        text = clean(request, self.request_bytes)
        if isinstance(text, Err):
            return self._stop(p, text)
        p.move("compiling")
        with p.timings.of("model"):
            loaded = await in_thread(lambda: self._model(options.model))
        if isinstance(loaded, Err):
            return self._stop(p, loaded)
        model = loaded.value
        with p.timings.of("compile"):
            names = await in_thread(lambda: workspace_names(p.workspace, self.names))
            asked = CompileRequest(
                text=text.value,
                offered=self.offered(options.granted),
                piped_stdin=options.stdin is not None,
                names=names,
            )
            outcome = await compile_request(model, asked, self.certainty)
        if isinstance(outcome, Err):
            return self._stop(p, outcome)
        if isinstance(outcome, Unsure):
            p.tell(Asked(question=outcome.question, confidence=outcome.confidence))
            return Ending(ExitCode.NOT_UNDERSTOOD, "done", outcome.question)
        if isinstance(outcome, Refusal):
            p.tell(Refused(refusal=outcome))
            return Ending(ExitCode.NOT_UNDERSTOOD, "done", outcome)
        p.tell(
            _compiled_event(outcome.plan).model_copy(
                update={
                    "confidence": outcome.confidence,
                    "model": model.name,
                    "model_digest": model.digest,
                    "seconds": outcome.seconds,
                    "raw": outcome.raw,
                }
            )
        )
        return outcome.plan

    def offered(self, granted: Effect | None = None) -> frozenset[str]:
        """Syscalls that a model may use: performed by somebody here, and not denied outright."""
        performed = self.broker.performs()
        there = {name for name in available() if SYSCALLS[name].performer != "broker" or name in performed}
        return self.policy.narrowed(granted).offered(there)

    def _model(self, name: str | None) -> Result[Model]:
        if name not in self._models:
            loaded = self.load_model(name)
            if isinstance(loaded, Err):
                return loaded
            self._models[name] = loaded.value
        return Ok(value=self._models[name])

    # -------------------------------------------------------------------------------- 3: plan → verdicts

    async def _judged(
        self, p: Process, plan: Plan, verdicts: tuple[Allow | Ask | Deny, ...], options: RunOptions
    ) -> Ending | None:
        """The end, when policy or the person says no to the plan; None to go on."""
        for number, verdict in enumerate(verdicts, 1):
            p.tell(Judged(step=number, verdict=verdict))
        for step, verdict in zip(plan.steps, verdicts, strict=True):
            if isinstance(verdict, Deny):
                return self._stop(p, denial(verdict, step.call))
        if options.plan_only:
            return Ending(ExitCode.DONE, "done")
        beyond = [
            (describe(step), verdict.reason)
            for step, verdict in zip(plan.steps, verdicts, strict=True)
            if step.effect & ~HELD_BY_LAYER and isinstance(verdict, Ask)
        ]
        if not beyond:
            return None
        lines = tuple(line for line, _ in beyond)
        if options.dry_run:
            p.tell(Note(text=f"A dry run stops here: no layer can hold {', '.join(lines)}."))
            return Ending(ExitCode.DONE, "done")
        question = ApprovalNeeded(
            pid=p.pid,
            kind="effects",
            question="This acts outside the workspace, where nothing can be undone. Run it?",
            reasons=tuple(dict.fromkeys(reason for _, reason in beyond)),
            calls=lines,
            sha256=plan.sha256(),
        )
        answer = await self._approval(p, question, options)
        if answer:
            return None
        return self._stop(
            p,
            Err(
                code="approval-needed",
                title="Approval is needed" if answer is None else "Not approved",
                message=f"nothing ran: {'; '.join(lines)}",
                hint="add --yes, or write the plan to a file and approve it: casava-os plan … -o plan.json,"
                " then casava-os apply plan.json --approve sha256:…",
            ),
        )

    async def _approval(self, p: Process, question: ApprovalNeeded, options: RunOptions) -> bool | None:
        """The person's answer; None when nobody is there to give one."""
        if options.yes or options.approved == question.sha256:
            return True
        if not options.interactive and options.approve is None:
            return None
        p.move("waiting")
        question.expect()
        p.tell(question)
        if options.approve is not None:
            question.answer(await options.approve(question))
        return await question.answered()

    # -------------------------------------------------------------------------------- 4: plan → results

    async def _perform(
        self, p: Process, plan: Plan, policy: Policy, options: RunOptions
    ) -> Performed | Ending:
        """What the steps gave, performed in the layer, in the sandbox; or why none could be had."""
        p.changing = changes(plan)
        session: SandboxSession | None = None
        if needs_sandbox(plan):
            with p.timings.of("sandbox"):
                opened = await self._open_sandbox(p, plan, options)
            if isinstance(opened, Ending):
                return opened
            session = opened
        p.move("running")
        dispatcher = Dispatcher(
            plan,
            session=session,
            broker=self.broker,
            policy=policy,
            request=p.request,
            budget=options.budget or self.budget,
            tell=p.tell,
        )
        with p.timings.of("steps"):
            performed = await dispatcher.perform()
        with p.timings.of("sandbox"):
            await p.end_sandbox()
        return performed

    async def _open_sandbox(self, p: Process, plan: Plan, options: RunOptions) -> SandboxSession | Ending:
        loop = asyncio.get_running_loop()

        def progress(sentence: str) -> None:
            loop.call_soon_threadsafe(lambda: p.tell(Note(text=sentence)))

        chosen = await self.choose_sandbox(options.sandbox, progress)
        if isinstance(chosen, Err):
            return self._stop(p, chosen)
        p.sandbox = chosen.value.sandbox
        for note in chosen.value.notes:
            p.tell(Note(text=note))
        created = await uninterrupted(lambda: self.layers.create(p.pid, p.workspace))
        if isinstance(created, Err):
            return self._stop(p, created, _workspace_exit(created))
        p.layer = created.value
        if options.stdin is not None and any(r.step == 0 for s in plan.steps for _, r in references(s)):
            source, target = options.stdin, p.layer.paths.scratch / "stdin"
            try:
                await in_thread(lambda: shutil.copyfile(source, target))
            except OSError as problem:
                return self._stop(
                    p,
                    Err(
                        code="failed",
                        title="Standard input cannot be kept",
                        message=problem.strerror or str(problem),
                    ),
                )
        opened = await p.sandbox.open(p.layer.paths, self.limits)
        if isinstance(opened, Err):
            return self._stop(p, opened, ExitCode.NO_SANDBOX)
        p.session = opened.value
        info = p.session.info
        p.tell(SandboxReady(driver=info.driver, verified=dict(info.verified), warnings=info.warnings))
        return p.session

    # -------------------------------------------------------------------------------- 5: layer → changeset

    async def _settle(
        self,
        p: Process,
        plan: Plan,
        policy: Policy,
        verdicts: tuple[Allow | Ask | Deny, ...],
        performed: Performed,
        options: RunOptions,
    ) -> Ending:
        """What becomes of the changes: landed, held or discarded."""
        if (failure := performed.failure) is not None:
            if p.changing:
                p.discard_reason = "a step failed, so nothing of the plan lands"
            return self._stop(p, failure, step_exit_code(failure))
        value = performed.value
        bad_exit = performed.bad_exit
        code = ExitCode.FAILED if bad_exit else ExitCode.DONE
        layer = p.layer
        if not p.changing or layer is None:
            return Ending(code, "failed" if bad_exit else "done", value)
        with p.timings.of("changeset"):
            read = await self._changeset(layer)
        if isinstance(read, Err):
            p.discard_reason = "what it changed cannot be read"
            return self._stop(p, read)
        changeset, diff = read.value
        if changeset.empty:
            p.tell(Note(text="Nothing changed."))
            return Ending(code, "failed" if bad_exit else "done", value)
        p.tell(_changeset_event(changeset, diff))
        verdict = policy.judge_changes(plan, p.request, changeset)
        if isinstance(verdict, Deny):
            p.discard_reason = "policy denies a part of it, so nothing of it lands"
            return self._stop(p, denial(verdict, "a change"))
        if options.dry_run:
            p.discard_reason = "it was a dry run"
            return Ending(code, "discarded", value)
        by_policy = all(isinstance(v, Allow) for v in (verdict, *verdicts))
        question = ApprovalNeeded(
            pid=p.pid,
            kind="changeset",
            question=f"{changeset.summary()}. Apply?",
            reasons=tuple(
                dict.fromkeys(v.reason for v in (*verdicts, verdict) if isinstance(v, Ask) and v.reason)
            ),
            calls=tuple(describe(step) for step in plan.steps),
            changeset=changeset,
            diff=diff,
            sha256=changeset.digest,
        )
        if bad_exit is not None:
            step, exit_value = bad_exit
            why = f"the program of step {step} ended with code {exit_value.code}"
            question = question.model_copy(update={"question": f"{why.capitalize()}. {question.question}"})
            careful = RunOptions(
                interactive=options.interactive, approve=options.approve, approved=options.approved
            )
            answer = await self._approval(p, question, careful)
        else:
            why = "its changes wait for approval"
            plan_approved = options.approved == plan.sha256()
            answer = True if by_policy or plan_approved else await self._approval(p, question, options)
        if answer:
            return await self._land(p, layer, changeset, value, code)
        if answer is False:
            p.discard_reason = "it was not approved"
            return Ending(ExitCode.APPROVAL_NEEDED, "discarded", value)
        return self._hold(p, why, value, ExitCode.FAILED if bad_exit else ExitCode.APPROVAL_NEEDED)

    async def _changeset(self, layer: Layer) -> Result[tuple[Changeset, str]]:
        """What the layer changes, and its diff."""

        def read() -> tuple[Changeset, str]:
            changeset = layer.changeset()
            return changeset, layer.diff(changeset, context=self.diff_context, max_bytes=self.diff_bytes)

        try:
            return Ok(value=await in_thread(read))
        except OSError as problem:
            where = f" ({path_text(os.fsdecode(problem.filename))})" if problem.filename else ""
            return Err(
                code="failed",
                title="The changes cannot be read",
                message=f"{problem.strerror or problem}{where}; nothing was applied",
                hint="casava-os doctor looks at the state directory",
            )

    # -------------------------------------------------------------------------------- 6: changeset → workspace

    async def _land(
        self, p: Process, layer: Layer, changeset: Changeset, value: Value | None, code: ExitCode
    ) -> Ending:
        """Commits exactly this changeset. What cannot land is held, so that nothing is lost."""
        if not p.move("committing"):
            return self._stop(p, _elsewhere(p.pid), ExitCode.USAGE)
        with p.timings.of("commit"):
            landed = await uninterrupted(lambda: layer.commit(changeset))
        if isinstance(landed, Err):
            p.tell(Failed(err=landed))
            return self._hold(p, "nothing of it was applied", value, exit_code(landed))
        p.move("committed", code)
        p.tell(
            Committed(summary=changeset.summary(), digest=changeset.digest, undo=f"casava-os undo {p.pid}")
        )
        return Ending(code, "committed", value)

    def _hold(self, p: Process, reason: str, value: Value | None, code: ExitCode) -> Ending:
        p.keeps_layer = True
        p.tell(Held(reason=reason, commit=f"casava-os commit {p.pid}", discard=f"casava-os discard {p.pid}"))
        return Ending(code, "held", value)

    def commit(self, pid: int) -> Running:
        """Lands the changeset of a held process: exactly the one that was shown."""
        return self._resume(pid, self._commit)

    async def _commit(self, p: Process) -> Ending:
        opened = self._held(p)
        if isinstance(opened, Err):
            return self._stop(p, opened)
        layer = opened.value
        p.layer, p.keeps_layer = layer, True
        shown = self.journal.last(p.pid, "changeset")
        planned = self.journal.last(p.pid, "compiled")
        plan = parse_plan(planned.body["plan"]) if planned else None
        if shown is None or not isinstance(plan, Ok):
            return self._stop(
                p,
                Err(
                    code="failed",
                    title="The journal does not hold what was shown",
                    message=f"of process {p.pid}",
                ),
            )
        with p.timings.of("changeset"):
            read = await self._changeset(layer)
        if isinstance(read, Err):
            return self._stop(p, read)
        changeset = read.value[0]
        if changeset.digest != shown.body["digest"]:
            return self._stop(
                p,
                Err(
                    code="conflict",
                    title="The changeset is no longer the one that was shown",
                    message="the layer or the workspace changed since; nothing was applied",
                    hint=f"casava-os discard {p.pid}, and give the request again",
                ),
            )
        verdict = self.policy.judge_changes(plan.value, p.request, changeset)
        if isinstance(verdict, Deny):
            return self._stop(p, denial(verdict, "a change"))
        ending = await self._land(p, layer, changeset, None, ExitCode.DONE)
        p.keeps_layer = ending.state == "held"
        return ending

    def discard(self, pid: int) -> Running:
        """Throws away the changeset of a held process."""
        return self._resume(pid, self._discard)

    async def _discard(self, p: Process) -> Ending:
        opened = self._held(p)
        if isinstance(opened, Err):
            return self._stop(p, opened)
        if not p.move("discarded", ExitCode.DONE):
            return self._stop(p, _elsewhere(p.pid), ExitCode.USAGE)
        p.layer, p.discard_reason = opened.value, "as you asked"
        return Ending(ExitCode.DONE, "discarded")

    def _held(self, p: Process) -> Result[Layer]:
        if p.state != "held":
            return Err(
                code="usage",
                title=f"Process {p.pid} holds no changes",
                message=f"it is {p.state}",
                hint="casava-os log lists processes and their states",
            )
        return self.layers.open(p.pid)

    def undo(self, pid: int | None = None, *, workspace: Path | None = None) -> Running:
        """Takes back a commit: that of `pid`, or the last one (in the workspace, when one is given)."""

        def find() -> Result[int]:
            if pid is not None:
                return Ok(value=pid)
            row = self.journal.last_committed(
                None if workspace is None else _text(Path(os.path.realpath(workspace)))
            )
            if row is not None:
                return Ok(value=row.pid)
            where = "in this workspace" if workspace is not None else "in the journal"
            return Err(
                code="not-found", title="There is nothing to undo", message=f"no commit stands {where}"
            )

        return self._resume(find, self._undo)

    async def _undo(self, p: Process) -> Ending:
        if p.state != "committed":
            return self._stop(
                p,
                Err(
                    code="usage",
                    title=f"Process {p.pid} cannot be undone",
                    message=f"it is {p.state}: only a commit is undone",
                    hint="casava-os log lists processes and their states",
                ),
            )
        with p.timings.of("commit"):
            undone = await uninterrupted(lambda: self.layers.undo(p.pid))
        if isinstance(undone, Err):
            return self._stop(p, undone)
        p.move("undone", ExitCode.DONE)
        p.tell(Undone(changes=undone.value.changes, summary=undone.value.summary()))
        return Ending(ExitCode.DONE, "undone")

    def diff(self, pid: int) -> Running:
        """Tells the changeset of a process again, as it was shown; nothing is recorded."""

        async def live(send: Send) -> None:
            try:
                found = self.journal.process(pid)
                shown = self.journal.last(pid, "changeset") if isinstance(found, Ok) else None
            except JournalError as problem:
                return _refuse(send, problem.err)
            if isinstance(found, Err):
                return _refuse(send, found, pid)
            if shown is None:
                return _refuse(
                    send,
                    Err(
                        code="not-found",
                        title=f"Process {pid} changed nothing",
                        message=f"it is {found.value.state}",
                    ),
                    pid,
                )
            send(ChangesetMade.model_validate({**shown.body, "pid": pid}))
            send(Finished(pid=pid, exit_code=ExitCode.DONE, state=found.value.state))
            return None

        return Running(live)

    # -------------------------------------------------------------------------------- 7, 8: recorded, finished

    def _begin(self, request: str, workspace: Path, options: RunOptions, walk: Walk) -> Running:
        """A new process that goes this walk."""
        shown = request.encode("utf-8", "backslashreplace").decode()[: self.request_bytes]
        absolute = Path(os.path.realpath(workspace))

        async def live(send: Send) -> None:
            try:
                pid = self.journal.new(shown, _text(absolute))
                p = Process(pid=pid, request=shown, workspace=absolute, journal=self.journal, send=send)
                p.tell(Started(request=shown, workspace=_text(absolute)))
            except JournalError as problem:
                return _refuse(send, problem.err)
            return await self._live(
                p, partial(self._from_workspace, walk=walk), options.timeout or self.timeout
            )

        return Running(live)

    async def _from_workspace(self, p: Process, walk: Walk) -> Ending:
        try:
            is_directory = p.workspace.is_dir()
        except OSError:
            is_directory = False
        if not is_directory:
            return self._stop(
                p,
                Err(
                    code="usage",
                    title="There is no such workspace",
                    message=f"{_text(p.workspace)} is not a directory that can be read",
                    hint="name another one with --workspace, or make it first",
                ),
            )
        return await walk(p)

    def _resume(self, pid: int | Callable[[], Result[int]], walk: Walk) -> Running:
        """A process of the journal that goes on with this walk."""

        async def live(send: Send) -> None:
            try:
                found = pid() if callable(pid) else Ok(value=pid)
                row = self.journal.process(found.value) if isinstance(found, Ok) else found
            except JournalError as problem:
                return _refuse(send, problem.err)
            if isinstance(row, Err):
                return _refuse(send, row)
            p = Process(
                pid=row.value.pid,
                request=row.value.request,
                workspace=Path(fs_path(row.value.workspace)),
                journal=self.journal,
                send=send,
                state=row.value.state,
            )
            return await self._live(p, walk, None)

        return Running(live)

    async def _live(self, p: Process, walk: Walk, seconds: float | None) -> None:
        """Goes the walk, and whatever happens on it: cleans up, records how it ended, says so."""
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                ending = await walk(p)
        except asyncio.CancelledError:
            ending = self._broken_off(
                p, Err(code="interrupted", title="Interrupted", message="nothing was changed")
            )
        except JournalError as problem:
            ending = self._broken_off(p, problem.err)
        except Exception as problem:  # noqa: BLE001 - the kernel's own edge: whoever waits must hear of it
            if isinstance(problem, TimeoutError) and clock.expired():
                message = f"it took longer than {seconds:g} seconds; nothing was changed"
                hint = "give it more with --timeout"
                err = Err(code="timeout", title="Out of time", message=message, hint=hint)
            else:
                _LOG.exception("process %s failed", p.pid)
                fault = f"{type(problem).__name__}: {problem}"
                hint = "this is a fault in Casava OS; casava-os log has what was done"
                err = Err(code="failed", title="The kernel failed", message=fault, hint=hint)
            ending = self._broken_off(p, err)
        try:
            await p.release()
            ending = p.end(ending)
        except JournalError as problem:
            p.send(Failed(pid=p.pid, err=problem.err))
            ending = Ending(exit_code(problem.err), ending.state, ending.value)
        last = Finished(
            pid=p.pid,
            exit_code=ending.exit_code,
            state=ending.state,
            value=ending.value,  # type: ignore[arg-type]  # every concrete value is one of the union
            timings=p.timings.total(),
        )
        try:
            p.tell(last)
        except JournalError:
            p.send(last)

    def _broken_off(self, p: Process, err: Err) -> Ending:
        """The end of a process that was interrupted, timed out or failed on the way."""
        if p.state == "committing":
            p.keeps_layer = True  # what landed is not known: lose nothing
        elif p.layer is not None and p.changing:
            p.discard_reason = "it did not come to its end"
        try:
            p.tell(Failed(err=err))
        except JournalError:
            p.send(Failed(pid=p.pid, err=err))
        return Ending(exit_code(err), "cancelled" if err.code in ("interrupted", "timeout") else "failed")

    def _stop(self, p: Process, err: Err, code: ExitCode | None = None) -> Ending:
        """The end of a process that an expected failure stops."""
        p.tell(Failed(err=err))
        return Ending(exit_code(err) if code is None else code, "failed")

    def close(self) -> None:
        """Frees the models and the journal."""
        for model in self._models.values():
            model.close()
        self._models.clear()
        self.journal.close()


def _text(path: Path) -> str:
    """The text form of a path, which JSON and SQLite can hold."""
    return path_text(str(path))


def _compiled_event(plan: Plan) -> Compiled:
    steps = tuple(
        PlanStep(
            number=number,
            line=describe(step),
            call={"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)},
            effects=step.effect.names(),
        )
        for number, step in enumerate(plan.steps, 1)
    )
    return Compiled(steps=steps, plan=json.loads(plan.canonical()), sha256=plan.sha256())


def _changeset_event(changeset: Changeset, diff: str) -> ChangesetMade:
    return ChangesetMade(
        changes=changeset.changes, summary=changeset.summary(), diff=diff, digest=changeset.digest
    )


def _workspace_exit(err: Err) -> ExitCode:
    """A workspace that cannot be used is a wrong argument; a full disk is not."""
    wrong = ("usage", "permission", "outside-workspace", "not-found", "not-a-directory", "unsupported")
    return ExitCode.USAGE if err.code in wrong else exit_code(err)


def _elsewhere(pid: int) -> Err:
    return Err(
        code="usage",
        title=f"Process {pid} is no longer held",
        message="another command took it meanwhile",
        hint="casava-os log shows what became of it",
    )


def _refuse(send: Send, err: Err, pid: int = 0) -> None:
    """Ends a command that has no process to run in."""
    send(Failed(pid=pid, err=err))
    send(Finished(pid=pid, exit_code=exit_code(err), state="failed"))
