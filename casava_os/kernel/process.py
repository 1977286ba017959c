"""A process: one request on its way through the kernel, its states, its timings and what it holds open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from casava_os.errors import ExitCode
from casava_os.kernel.events import ApprovalNeeded, BaseEvent, Discarded, Note
from casava_os.kernel.journal import Journal, State, journal_body
from casava_os.kernel.ports import Layer, Priority, Sandbox, SandboxSession
from casava_os.kernel.threads import uninterrupted
from casava_syscalls.values import Value

ENDED: frozenset[State] = frozenset({"done", "committed", "undone", "discarded", "failed", "cancelled"})
"""States that nothing follows, but for `committed`, which can be undone, and `undone`, which can be landed again."""

UNDER_WAY: frozenset[State] = frozenset({"new", "compiling", "waiting", "running"})
"""States of a process that works in its layer, with nothing shown to be landed yet."""

_ALWAYS: frozenset[State] = frozenset({"failed", "cancelled", "done"})
NEXT: dict[State, frozenset[State]] = {
    "new": _ALWAYS | {"compiling", "running", "waiting"},
    "compiling": _ALWAYS | {"running", "waiting"},
    "waiting": _ALWAYS | {"running", "committing", "held", "discarded"},
    "running": _ALWAYS | {"waiting", "committing", "held", "discarded", "compiling"},
    "committing": frozenset({"committed", "held", "discarded", "failed"}),
    "held": frozenset({"committing", "discarded"}),
    "committed": frozenset({"undone"}),
    "undone": frozenset({"committed"}),
    "done": frozenset(),
    "discarded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
"""Which states may follow which."""


@dataclass(slots=True)
class Timings:
    """Seconds by part of the walk."""

    parts: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Adds the time of the block to a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.parts[part] = self.parts.get(part, 0.0) + time.perf_counter() - start

    def total(self) -> dict[str, float]:
        """All parts, rounded to 10 µs, with `total`: since the process began."""
        measured = {**self.parts, "total": time.perf_counter() - self._began}
        return {part: round(seconds, 5) for part, seconds in measured.items()}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ends: its exit code, its last state and its result."""

    exit_code: ExitCode
    state: State
    value: Value | None = None


@dataclass(slots=True)
class Process:
    """One request on its way through the kernel."""

    pid: int
    request: str
    workspace: Path
    journal: Journal
    send: Callable[[BaseEvent], None]
    cancel: Callable[[], None] = lambda: None
    """Interrupts its walk."""
    priority: Priority = "normal"
    state: State = "new"
    timings: Timings = field(default_factory=Timings)
    layer: Layer | None = None
    sandbox: Sandbox | None = None
    session: SandboxSession | None = None
    keeps_layer: bool = False
    """The layer outlives the process's run: it is held."""
    changing: bool = False
    """Whether there may be changes in the layer that the person should know were thrown away."""
    discard_reason: str = ""
    question: ApprovalNeeded | None = None
    """What the person is asked just now."""
    holds: bool = False
    """What it changes is held, whoever would let it land."""
    killed: bool = False

    def tell(self, event: BaseEvent) -> None:
        """Records an event in the journal, then sends it to whoever watches."""
        event = event if event.pid else event.model_copy(update={"pid": self.pid})
        if (body := journal_body(event)) is not None:
            self.journal.record(self.pid, event.event, body)
        self.send(event)

    def move(self, state: State, exit_code: int | None = None) -> bool:
        """Goes to the next state; False when another command took this process elsewhere."""
        if state not in NEXT[self.state]:
            raise ValueError(f"process {self.pid} cannot go from {self.state} to {state}")
        if not self.journal.move(self.pid, self.state, state, exit_code):
            return False
        self.state = state
        return True

    def end(self, ending: Ending) -> Ending:
        """Takes the last state. A process of the journal whose walk failed stays what it was (held, committed)."""
        if ending.state == self.state or (
            self.state in ("held", *ENDED) and ending.state not in NEXT[self.state]
        ):
            return replace(ending, state=self.state)
        self.move(ending.state, ending.exit_code)
        return ending

    # ------------------------------------------------------------------------------------- wishes about it

    def kill(self) -> None:
        """Interrupts it: nothing of it lands."""
        self.killed = True
        self.cancel()

    def hold(self) -> None:
        """What it changes is held at its end, or now, if it waits for an answer."""
        if self.holds:
            return
        self.holds = True
        if self.question is not None and self.question.kind == "changeset":
            self.question.answer(None)
        else:
            self.tell(Note(text="What it changes will be held, as you asked."))

    async def renice(self, priority: Priority) -> None:
        """Another priority from now on: at the kernel model, and at the processors."""
        self.priority = priority
        self.tell(Note(text=f"Its priority is {priority} now."))
        await self.share()

    async def share(self) -> None:
        """Gives the sandbox's programs the share of the processors that the priority means."""
        if self.session is not None and (err := await self.session.renice(self.priority)) is not None:
            self.tell(Note(text=str(err)))

    def spend(self, tokens: int) -> None:
        """The kernel model evaluated so many tokens for it."""
        if tokens:
            self.journal.spend(self.pid, tokens)

    # --------------------------------------------------------------------------------------------- its end

    async def end_sandbox(self) -> None:
        """Ends the sandbox, if one runs. Safe to call twice."""
        session, self.session = self.session, None
        if session is not None:
            await session.close()
        sandbox, self.sandbox = self.sandbox, None
        if sandbox is not None:
            await sandbox.close()

    async def start_over(self) -> None:
        """Throws the layer away: the plan failed, and another one is made."""
        await self.end_sandbox()
        layer, self.layer, self.changing = self.layer, None, False
        if layer is not None:
            await uninterrupted(layer.discard)

    async def release(self) -> None:
        """Ends the sandbox, and removes the layer unless it is held. Safe to call twice."""
        await self.end_sandbox()
        if self.layer is not None and not self.keeps_layer:
            layer, self.layer = self.layer, None
            await uninterrupted(layer.discard)
            if self.discard_reason:
                self.tell(Discarded(reason=self.discard_reason))
