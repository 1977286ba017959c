"""Runs a program that makes syscalls (an app's `main`): blocking code in a thread of its own, judged call by call.

A plan is fixed before anything is read; a program chooses its next syscall after seeing what the last one gave. So taint
is kept here by order: once it has read what files say or programs print, whatever it does beyond reading is asked for.
Blocking code cannot be cancelled, but its next syscall can: whoever stops the process gets the program's thread out of
its waiting, and does not wait for one that never makes a syscall again.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from casava_os.kernel.dispatch import Dispatcher, denial
from casava_os.kernel.events import ApprovalNeeded, Judged
from casava_os.kernel.landing import approval
from casava_os.kernel.options import RunOptions
from casava_os.kernel.policy import Allow, Ask, Deny, Policy
from casava_os.kernel.process import Process
from casava_os.kernel.taint import FROM_CONTENT
from casava_syscalls.base import HELD_BY_LAYER, AnyCall, Effect
from casava_syscalls.plan import Plan, describe
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value

_LOG = logging.getLogger(__name__)

Perform = Callable[[AnyCall], "Result[Value]"]
"""Performs one syscall for a program and waits for it. Never raises; may be called from any thread of the program's."""

Program = Callable[[Perform], "Result[Value] | None"]
"""Does its work through `Perform`; gives its result, why it failed, or None when there is nothing to say.

What it raises is a fault of its own: it is told as `Err("failed")`, and nothing lands.
"""

STOPPED = Err(code="interrupted", title="Interrupted", message="the process was stopped")
GRACE_SECONDS = 2.0
"""How long a stopped program may take to leave its thread."""


@dataclass(slots=True)
class Desk:
    """Judges and performs a program's syscalls, one at a time."""

    p: Process
    policy: Policy
    dispatcher: Dispatcher
    options: RunOptions
    verdicts: list[Allow | Ask | Deny] = field(default_factory=list)
    _tainted_by: str = ""

    async def perform(self, call: AnyCall) -> Result[Value]:
        """A syscall that is denied or not approved is an `Err`; the program may go on after it."""
        if call.performer == "kernel":
            message = "a program gives its answer back as its result"
            return Err(code="unsupported", title=f"A program cannot call {call.call}", message=message)
        verdict = self.policy.judge_step(call, self.p.request)
        if self._tainted_by and not isinstance(verdict, Deny) and call.effect & ~Effect.READ:
            why = f"{call.call} was chosen after reading untrusted text ({self._tainted_by})"
            verdict = Ask(reason=why, tainted=True)
        self.verdicts.append(verdict)
        self.p.tell(Judged(step=len(self.dispatcher.steps) + 1, verdict=verdict))
        if isinstance(verdict, Deny):
            return denial(verdict, call.call)
        if (
            isinstance(verdict, Ask)
            and call.effect & ~HELD_BY_LAYER
            and not await self._approved(call, verdict)
        ):
            return Err(code="approval-needed", title="Not approved", message=f"not run: {describe(call)}")
        result = await self.dispatcher.follow(call)
        if isinstance(result, Ok) and isinstance(result.value, FROM_CONTENT):
            self._tainted_by = self._tainted_by or call.call
        return result

    async def _approved(self, call: AnyCall, verdict: Ask) -> bool:
        if self.options.dry_run:
            return False
        question = ApprovalNeeded(
            pid=self.p.pid,
            kind="effects",
            question="This acts outside the workspace, where nothing can be undone. Run it?",
            reasons=(verdict.reason,) if verdict.reason else (),
            calls=(describe(call),),
            meaning=(call.meaning(),) if call.meaning() else (),
            sha256=Plan(steps=(call,)).sha256(),
        )
        return bool(await approval(self.p, question, self.options))


async def run_program(
    program: Program, perform: Callable[[AnyCall], Awaitable[Result[Value]]]
) -> Result[Value] | None:
    """The program's result. Cancelling ends the syscall in progress and refuses every later one."""
    loop = asyncio.get_running_loop()
    lock = asyncio.Lock()
    under_way: set[asyncio.Task[Result[Value]]] = set()
    stopped = threading.Event()
    outcome: asyncio.Future[Result[Value] | None] = loop.create_future()

    async def one(call: AnyCall) -> Result[Value]:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            async with lock:
                return STOPPED if stopped.is_set() else await perform(call)
        except Exception as problem:  # noqa: BLE001 - the program's thread waits for an answer, whatever happens
            if not outcome.done():
                outcome.set_exception(problem)
            return STOPPED
        finally:
            under_way.discard(task)

    def blocking(call: AnyCall) -> Result[Value]:
        if stopped.is_set() or loop.is_closed():
            return STOPPED
        try:
            return asyncio.run_coroutine_threadsafe(one(call), loop).result()
        except concurrent.futures.CancelledError:
            return STOPPED

    def tell(result: Result[Value] | None) -> None:
        if not outcome.done():
            outcome.set_result(result)

    def work() -> None:
        try:
            result = program(blocking)
        except Exception as problem:  # noqa: BLE001 - the edge of somebody else's code
            _LOG.exception("the program failed")
            message = f"{type(problem).__name__}: {problem}"
            hint = "this is a fault of the program; nothing was changed"
            result = Err(code="failed", title="The program failed", message=message, hint=hint)
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result)

    # A daemon: a program that never comes back must not keep the kernel from ending.
    threading.Thread(target=work, name="casava-program", daemon=True).start()
    try:
        return await asyncio.shield(outcome)
    finally:
        stopped.set()
        for task in list(under_way):
            task.cancel()
        if not outcome.done():
            await asyncio.wait({outcome}, timeout=GRACE_SECONDS)
