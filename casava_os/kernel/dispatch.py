"""The dispatcher: performs a plan's steps, each as soon as what it needs is there.

Steps that only read overlap; a step that does more keeps its place in the plan's order. Each step is performed by the
agent in the sandbox or by the broker. Whatever happens to a performer, its step ends: with a value, with an `Err`, or
skipped because an earlier step was not done. Nothing here waits without a limit.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from casava_os.kernel.errands import Errands
from casava_os.kernel.events import BaseEvent, Output, StepFinished, StepSkipped, StepStarted
from casava_os.kernel.journal import JournalError
from casava_os.kernel.policy import Deny, Policy
from casava_os.kernel.ports import Broker, OutputSink, SandboxSession
from casava_syscalls.base import AnyCall, Effect
from casava_syscalls.plan import Plan, describe, references
from casava_syscalls.process import Run, Wait
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Exit, Files, Matches, Value

_LOG = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How much longer than a step's own limit its performer is waited for, and how long a cancelled one may take to end."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one process may use for its steps: seconds for all of them, how many, bytes of its programs' output."""

    seconds: float = 600.0
    steps: int = 32
    output_bytes: int = 64 * 2**20
    step_seconds: float = 120.0
    """Longest time for one syscall that names none itself."""
    repairs: int = 2
    """How often a model that can may plan again after a failure."""


@dataclass(slots=True)
class Performed:
    """What became of a plan: results by step, steps that were skipped, and why it stopped early, if it did."""

    results: dict[int, Result[Value]] = field(default_factory=dict)
    skipped: dict[int, int] = field(default_factory=dict)
    stopped: Err | None = None

    @property
    def failure(self) -> Err | None:
        """The first step's failure in plan order, or what stopped all of them."""
        failed = next((r for _, r in sorted(self.results.items()) if isinstance(r, Err)), None)
        return self.stopped or failed

    @property
    def value(self) -> Value | None:
        """The value of the last step that was performed, when it has one."""
        last = self.results[max(self.results)] if self.results else None
        return last.value if isinstance(last, Ok) else None

    @property
    def bad_exit(self) -> tuple[int, Exit] | None:
        """The first program that ended with a code other than 0, with its step."""
        for number, result in sorted(self.results.items()):
            if isinstance(result, Ok) and isinstance(result.value, Exit) and result.value.code != 0:
                return number, result.value
        return None


def needs_sandbox(plan: Plan) -> bool:
    """Whether any step is performed by the agent, or takes files out of the layer or brings some into it."""
    return any(step.performer == "agent" or step.cargo is not None for step in plan.steps)


def changes(plan: Plan) -> bool:
    """Whether the plan may change the workspace."""
    return bool(plan.effect & (Effect.WRITE | Effect.DELETE | Effect.EXECUTE))


def predecessors(steps: Sequence[AnyCall], number: int) -> frozenset[int]:
    """Steps that must be done before step `number`: those it refers to, and those whose effects conflict with its own."""
    step = steps[number - 1]
    found = {ref.step for _, ref in references(step) if ref.step}
    for earlier in range(1, number):
        if _orders(step) or _orders(steps[earlier - 1]):
            found.add(earlier)
    return frozenset(found)


def _orders(step: AnyCall) -> bool:
    return bool(step.effect & ~Effect.READ) or step.family() == "process"


class Dispatcher:
    """Performs one plan, once; or, without a plan, one syscall after another as a program makes them."""

    def __init__(
        self,
        plan: Plan | None,
        *,
        session: SandboxSession | None,
        broker: Broker,
        policy: Policy,
        request: str,
        budget: Budget,
        tell: Callable[[BaseEvent], None],
        errands: Errands | None = None,
    ) -> None:
        """`session` may be None for a plan whose steps are all the broker's; `request` is what policy reads names from."""
        self._steps: tuple[AnyCall, ...] = plan.steps if plan is not None else ()
        self._session = session
        self._broker = broker
        self._errands = errands or Errands(tell, request)
        self._policy = policy
        self._request = request
        self._budget = budget
        self._tell = tell
        self._done = Performed()
        self._output_bytes = 0
        self._overrun = asyncio.Event()

    async def perform(self) -> Performed:
        """Performs every step that can be. Cancelling it ends all programs and re-raises."""
        if len(self._steps) > self._budget.steps:
            self._done.stopped = Err(
                code="limit",
                title="The plan has too many steps",
                message=f"it has {len(self._steps)}, and the budget is {self._budget.steps}; nothing ran",
                hint="raise it with --budget steps=N",
            )
            return self._done
        clock = asyncio.timeout(self._budget.seconds)
        try:
            async with clock, asyncio.TaskGroup() as group:
                tasks: dict[int, asyncio.Task[None]] = {}
                for number, step in enumerate(self._steps, 1):
                    before = {n: tasks[n] for n in predecessors(self._steps, number)}
                    tasks[number] = group.create_task(self._in_turn(number, step, before))
        except TimeoutError:
            if not clock.expired():
                raise
            self._done.stopped = Err(
                code="timeout",
                title="The time budget is spent",
                message=f"the steps did not end within {self._budget.seconds:g} seconds; nothing was changed",
                hint="raise it with --budget seconds=N",
            )
        except ExceptionGroup as several:
            # What steps at the same time met is one failure when it is the journal's: nothing can go on without it.
            broken = several.subgroup(JournalError)
            if broken is None:
                raise
            raise next(_leaves(broken)) from several
        return self._done

    async def _in_turn(self, number: int, step: AnyCall, before: dict[int, asyncio.Task[None]]) -> None:
        """Waits for what the step needs, then performs it; skips it when one of those was not done."""
        if before:
            await asyncio.wait(before.values())
        for earlier in sorted(before):
            if not isinstance(self._done.results.get(earlier), Ok):
                self._done.skipped[number] = earlier
                self._tell(StepSkipped(step=number, because=earlier))
                return
        await self._tell_and_perform(number, step)

    async def follow(self, step: AnyCall) -> Result[Value]:
        """Performs the next syscall of a program. `Err("limit")` when its budget of steps is spent."""
        number = len(self._steps) + 1
        if number > self._budget.steps:
            return Err(
                code="limit",
                title="Too many syscalls",
                message=f"the budget is {self._budget.steps}",
                hint="raise it with --budget steps=N",
            )
        if any(references(step)):
            message = f"{describe(step)} refers to a step: give it the value itself"
            return Err(code="usage", title="A program hands values on itself", message=message)
        self._steps += (step,)
        return await self._tell_and_perform(number, step)

    @property
    def steps(self) -> tuple[AnyCall, ...]:
        """The syscalls; those of a program as far as it made them."""
        return self._steps

    async def _tell_and_perform(self, number: int, step: AnyCall) -> Result[Value]:
        self._tell(StepStarted(step=number, line=describe(step)))
        began = time.perf_counter()
        result = await self._performed(number, step)
        self._done.results[number] = result
        seconds = round(time.perf_counter() - began, 5)
        if isinstance(result, Ok):
            self._tell(StepFinished(step=number, value=result.value, seconds=seconds))  # type: ignore[arg-type]
        else:
            self._tell(StepFinished(step=number, err=result, seconds=seconds))
        return result

    async def _performed(self, number: int, step: AnyCall) -> Result[Value]:
        if not step.available:
            return Err(
                code="unavailable",
                title=f"{step.call} is not there yet",
                message="the ABI declares it, and nothing performs it so far",
                hint="casava-os call --list shows what is available",
            )
        denied = self._denied(step)
        if denied is not None:
            return denied
        call: dict[str, object] = {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)}
        seconds = self._seconds(step)
        if step.performer == "broker" and step.call in self._broker.performs():
            result = await self._guarded(step, self._by_broker(number, step, call, seconds), seconds)
            return await self._handed_on(number, step, result)
        if step.performer == "agent" and self._session is not None:
            sink = self._sink(number)
            work = self._session.perform(number, call, on_output=sink, seconds=seconds)
            return await self._guarded(step, work, seconds)
        return Err(
            code="unavailable",
            title=f"Nothing here performs {step.call}",
            message=f"it is a syscall of the {step.performer}, and this kernel runs without one for it",
        )

    async def _by_broker(
        self, number: int, step: AnyCall, call: dict[str, object], seconds: float
    ) -> Result[Value]:
        """What the broker gives. Files that it takes along or brings pass through the agent, which alone touches the layer."""
        given = {
            name: result.value
            for name, ref in references(step)
            if isinstance(result := self._done.results.get(ref.step), Ok)
        }
        errand = self._errands.errand(number, step, given, self._sink(number))
        if step.cargo is None:
            return await self._broker.perform(call, seconds=seconds, errand=errand)
        if self._session is None or errand.cargo is None:
            title, message = f"{step.call} needs a sandbox", "it takes files of the workspace along"
            return Err(code="no-sandbox", title=title, message=message)
        try:
            if step.cargo == "takes":
                packed = await self._session.perform(number, call, seconds=seconds)
                if isinstance(packed, Err):
                    return packed
            result = await self._broker.perform(call, seconds=seconds, errand=errand)
            if step.cargo == "brings" and isinstance(result, Ok):
                unpacked = await self._session.perform(number, call, seconds=seconds)
                return unpacked if isinstance(unpacked, Err) else result
            return result
        finally:
            errand.cargo.unlink(missing_ok=True)

    async def _handed_on(self, number: int, step: AnyCall, result: Result[Value]) -> Result[Value]:
        """Gives the agent the value of a broker's step that a later step refers to."""
        wanted = any(ref.step == number for later in self._steps for _, ref in references(later))
        if isinstance(result, Ok) and wanted and self._session is not None:
            session, value = self._session, result.value

            async def put() -> Result[Value]:
                await session.put(number, value)
                return Ok(value=value)

            return await self._guarded(step, put(), self._budget.step_seconds)
        return result

    def _denied(self, step: AnyCall) -> Err | None:
        """Policy's last word, with the paths that earlier steps found."""
        found: dict[str, tuple[str, ...]] = {}
        for name, ref in references(step):
            result = self._done.results.get(ref.step)
            if isinstance(result, Ok) and isinstance(result.value, Files | Matches):
                found[name] = tuple(dict.fromkeys(item.path for item in result.value.items))
        if not found:
            return None
        verdict = self._policy.judge_step(step, self._request, found)
        if not isinstance(verdict, Deny):
            return None
        return denial(verdict, step.call)

    def _seconds(self, step: AnyCall) -> float:
        own = step.seconds if isinstance(step, Run | Wait) else None
        if step.patient:
            return self._budget.seconds
        return min(float(own) if own else self._budget.step_seconds, self._budget.seconds)

    def _sink(self, number: int) -> OutputSink:
        """Sends a program's output on, and stops the process when there is more of it than the budget allows."""
        new = codecs.getincrementaldecoder("utf-8")
        decoders = {"stdout": new("replace"), "stderr": new("replace")}

        def sink(stream: Literal["stdout", "stderr"], data: bytes) -> None:
            self._output_bytes += len(data)
            if self._output_bytes > self._budget.output_bytes:
                self._overrun.set()
            elif text := decoders[stream].decode(data):
                self._tell(Output(step=number, stream=stream, text=text))

        return sink

    async def _guarded(
        self, step: AnyCall, work: Coroutine[object, object, Result[Value]], seconds: float
    ) -> Result[Value]:
        """The performer's answer, or why there is none: it raised, took too long, or printed too much."""
        task = asyncio.ensure_future(work)
        overrun = asyncio.ensure_future(self._overrun.wait())
        try:
            await asyncio.wait(
                {task, overrun}, timeout=seconds + GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            overrun.cancel()
            ended = task.done()
            if not ended:
                task.cancel()
                await asyncio.wait({task}, timeout=GRACE_SECONDS)
        if self._overrun.is_set():
            return Err(
                code="limit",
                title="Too much output",
                message=f"the programs printed more than {self._budget.output_bytes} bytes and were ended",
                hint="raise it with --budget output_bytes=N, or send the output to a file",
            )
        if not ended:
            return Err(
                code="timeout",
                title=f"{step.call} did not end in time",
                message=f"it was given {seconds:g} seconds",
                hint="give it more with --budget seconds=N or the syscall's own `seconds`",
            )
        if task.cancelled():
            return Err(
                code="interrupted", title=f"{step.call} was interrupted", message="its performer was stopped"
            )
        problem = task.exception()
        if problem is None:
            return task.result()
        _LOG.error("the performer of %s failed", step.call, exc_info=problem)
        return Err(
            code="failed",
            title=f"The performer of {step.call} failed",
            message=f"{type(problem).__name__}: {problem}",
            hint="this is a fault in Casava OS; nothing was changed",
        )


def denial(verdict: Deny, what: str) -> Err:
    """A denial as a failure that names the path and the reason."""
    where = f" on {verdict.path!r}" if verdict.path else ""
    return Err(
        code="denied",
        title=f"Policy denies {what}{where}",
        message=verdict.reason,
        hint="rules are in policy.toml in the configuration directory: casava-os config shows where",
    )


def _leaves(group: ExceptionGroup[JournalError]) -> Iterator[JournalError]:
    for one in group.exceptions:
        if isinstance(one, ExceptionGroup):
            yield from _leaves(one)
        else:
            yield one
