"""One llama.cpp context for many requests at once: continuous batching, under the policy of `scheduler`.

Every request is decoded in the thread that asked for it: its grammar, its choice and its callbacks run there, and can
hold up nobody else. Only the network is shared. A thread that wants tokens evaluated and finds the context idle runs
the next batch for everybody in it, so a request that is alone pays for no hand-off between threads, and there is no
worker that could die. A batch that fails ends the requests that wait with an `Err`; the context is made anew.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from casava_os.kernel.ports import ModelLoad, Priority, Usage, ordinary
from casava_os.model.decoding import Question
from casava_os.model.engine import Work
from casava_os.model.scheduler import Entry, Round, Rules, Scheduler, State
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)

POLL = 0.02
"""Seconds after which a request that waits asks again whether it is cancelled or late."""

RESERVE = 64 * 2**20
"""Bytes of memory that stay free when the state of a request is kept outside the context."""

Cancelled = Callable[[], bool]


class Evaluator(Protocol):
    """What batching needs of an engine; `engine.Engine` is one."""

    cell_bytes: int

    def run(self, works: Sequence[Work]) -> list[NDArray[np.float32]]: ...

    def keep(self, sequence: int, tokens: int = 0) -> None: ...

    def save(self, sequence: int) -> tuple[int, bytes]: ...

    def restore(self, sequence: int, saved: tuple[int, bytes]) -> None: ...

    def renew(self) -> None: ...

    def close(self) -> None: ...


def free_memory() -> int:
    """Bytes that programs can still have."""
    import psutil

    return int(psutil.virtual_memory().available)


@dataclass(eq=False)
class Seat:
    """One request among the others: its question, its answer, and what it has cost. Made by `Batching.enter`."""

    entry: Entry
    changed: threading.Condition
    priority: Callable[[], Priority] = ordinary
    """What the request's priority is now."""
    sequence: int | None = None
    saved: tuple[int, bytes] | None = None
    question: Question = field(default_factory=lambda: Question(()))
    kept: int | None = None
    """What its sequence holds after so many tokens is to be forgotten before the next batch."""
    held: int = 0
    """Tokens in its sequence, or in its saved state."""
    offset: int = 0
    """Tokens of the question that are evaluated."""
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    answer: Result[NDArray[np.float32]] | None = None
    lost: Err | None = None
    inside: float = 0.0
    """Seconds from questions to answers."""
    prefill: float = 0.0
    decoding: float = 0.0
    evaluated: int = 0

    def usage(self, seconds: float) -> Usage:
        """What the request cost, of `seconds` in all."""
        return Usage(
            waiting=max(0.0, self.inside - self.prefill - self.decoding),
            prefill=self.prefill,
            decoding=self.decoding,
            thinking=max(0.0, seconds - self.inside),
            evaluated=self.evaluated,
            evictions=self.entry.evictions,
        )


class Batching:
    """The context and who shares it. Any number of threads."""

    def __init__(
        self,
        engine: Evaluator,
        rules: Rules,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] = free_memory,
    ) -> None:
        self._engine, self._clock, self._free = engine, clock, free
        self._lock = threading.Lock()
        self._empty = threading.Condition(self._lock)
        self._policy = Scheduler(rules, clock, self._spare)
        self._seats: dict[Entry, Seat] = {}
        self._stale: set[int] = set()
        """Sequences whose requests have left."""
        self._busy = False
        self._broken: Err | None = None
        self.seconds = 0.0
        """That the context has worked so far; the requests' shares add up to it."""
        self.batches = 0
        self.evaluated = 0

    @property
    def broken(self) -> Err | None:
        """Why no request can be had: closed, or failed for good."""
        return self._broken

    def load(self) -> ModelLoad:
        """What there is to do, and what was done."""
        with self._lock:
            cells = self._policy.rules.cells
            waiting = sum(entry.state is not State.PLACED for entry in self._policy.entries)
            filled = (cells - self._policy.free_cells) / cells
            return ModelLoad(waiting, filled, self.evaluated, self.seconds)

    def enter(
        self,
        cells: int,
        *,
        interactive: bool = True,
        deadline: float | None = None,
        priority: Callable[[], Priority] = ordinary,
    ) -> Result[Seat]:
        """A seat for a request that needs at most so many cells; `leave` it. `Err("limit" | "no-model")`."""
        with self._lock:
            if self._broken is not None:
                return self._broken
            entry = self._policy.enter(cells, interactive=interactive, deadline=deadline, priority=priority())
            if isinstance(entry, Err):
                return entry
            seat = Seat(entry, threading.Condition(self._lock), priority)
            self._seats[entry] = seat
            return Ok(value=seat)

    def evaluate(
        self, seat: Seat, question: Question, cancelled: Cancelled = lambda: False
    ) -> NDArray[np.float32] | Err:
        """The logits that a question asks for. `Err` codes: `interrupted`, `timeout`, `limit`, `no-model`."""
        began = self._clock()
        with self._lock:
            answer: NDArray[np.float32] | Err | None = self._ask(seat, question)
        while answer is None:
            # Called without the lock: a callback that blocks holds up its own request only.
            stop, priority = cancelled(), seat.priority()
            with self._lock:
                if priority != seat.entry.priority:
                    self._policy.renice(seat.entry, priority)
                answer = _interrupted() if stop else self._step(seat)
                if answer is not None:
                    self._policy.want(seat.entry, 0)
                    self._wake()
        seat.inside += self._clock() - began
        return answer

    def leave(self, seat: Seat) -> None:
        """The request has ended. Safe to call twice."""
        with self._lock:
            if self._seats.pop(seat.entry, None) is None:
                return
            self._policy.leave(seat.entry)
            if seat.sequence is not None:
                self._stale.add(seat.sequence)
            self._wake()
            self._empty.notify_all()

    def close(self, patience: float = 2.0) -> None:
        """Ends every request and frees the engine. Safe to call twice."""
        with self._lock:
            self._broken = Err(code="no-model", title="The kernel model is closed")
            for seat in self._seats.values():
                seat.changed.notify()
            gone = self._empty.wait_for(lambda: not self._seats and not self._busy, patience)
            if not gone:
                # Freed memory under a running request would crash everything; so little is better left.
                _LOG.warning("the kernel model is left open: a request does not end")
                return
            self._engine.close()

    # -- inside the lock

    def _ask(self, seat: Seat, question: Question) -> Err | None:
        if seat.lost is not None:
            return seat.lost
        if question.begins:
            seat.kept = question.kept if seat.kept is None else min(seat.kept, question.kept)
            seat.held = question.kept
        seat.held += len(question.tokens)
        if seat.held > seat.entry.cells:
            return _too_long()
        seat.question, seat.offset, seat.rows, seat.answer = question, 0, [], None
        self._policy.want(seat.entry, len(question.tokens))
        return None

    def _step(self, seat: Seat) -> NDArray[np.float32] | Err | None:
        """Does what can be done for a seat that waits: nothing, or a batch. Its answer, once it is there."""
        if (ended := self._ended(seat)) is not None:
            return ended
        if not self._busy and (work := self._policy.next()):
            self._run(work)
            return self._ended(seat)
        # Nothing to do while the context is idle: somebody urgent thinks, and is back soon or loses its claim.
        seat.changed.wait(POLL if self._busy or seat.sequence is None else self._policy.rules.grace)
        return self._ended(seat)

    def _ended(self, seat: Seat) -> NDArray[np.float32] | Err | None:
        if isinstance(seat.answer, Ok):
            return seat.answer.value
        ended = seat.answer or seat.lost or self._broken
        return _late() if ended is None and self._policy.late(seat.entry) else ended

    def _run(self, work: Round) -> None:
        """Carries out a round. The lock is let go meanwhile: who else comes waits for the context, or thinks."""
        seats = [(self._seats[entry], tokens) for entry, tokens in work.batch]
        # Who has which place is settled under the lock: one that leaves while its tokens are saved leaves no one else's place.
        evicted: list[tuple[Seat, int]] = []
        for seat in (self._seats[entry] for entry in work.evict):
            if seat.sequence is not None:
                evicted.append((seat, seat.sequence))
                seat.sequence = None
        placed = [self._seats[entry] for entry, _ in work.place]
        for seat, (_, sequence) in zip(placed, work.place, strict=True):
            seat.sequence = sequence
        stale, self._stale = self._stale, set()
        self._busy = True
        self._lock.release()
        try:
            began = self._clock()
            self._arrange(stale, evicted, placed)
            rows = self._evaluated(seats)
            seconds = self._clock() - began
        except BaseException as problem:
            self._lock.acquire()
            self._busy = False
            self._fail(problem)
            if not isinstance(problem, Exception):
                raise
            return
        self._lock.acquire()
        self._busy = False
        self.batches += 1
        self.seconds += seconds
        whole = sum(tokens for _, tokens in seats)
        self.evaluated += whole
        for (seat, tokens), row in zip(seats, rows, strict=True):
            self._answer(seat, tokens, row, seconds * tokens / whole)
        self._empty.notify_all()

    def _arrange(self, stale: set[int], evicted: list[tuple[Seat, int]], placed: list[Seat]) -> None:
        for sequence in stale:
            self._engine.keep(sequence)
        for seat, sequence in evicted:
            seat.saved = self._engine.save(sequence)
            self._engine.keep(sequence)
        for seat in placed:
            if seat.saved is not None:
                assert seat.sequence is not None, "who is placed has a place"
                self._engine.restore(seat.sequence, seat.saved)
                seat.saved = None

    def _evaluated(self, seats: list[tuple[Seat, int]]) -> list[NDArray[np.float32]]:
        works: list[Work] = []
        for seat, tokens in seats:
            assert seat.sequence is not None, "who is in a batch has a place"
            if seat.kept is not None:
                self._engine.keep(seat.sequence, seat.kept)
                seat.kept = None
            asked = seat.question
            part = asked.tokens[seat.offset : seat.offset + tokens]
            silent = len(asked.tokens) - asked.last - seat.offset
            works.append(Work(seat.sequence, part, max(0, len(part) - max(0, silent))))
        return self._engine.run(works) if works else []

    def _answer(self, seat: Seat, tokens: int, rows: NDArray[np.float32], seconds: float) -> None:
        import numpy as np

        seat.evaluated += tokens
        if seat.question.begins and not seat.question.kept:
            seat.prefill += seconds
        else:
            seat.decoding += seconds
        seat.offset += tokens
        seat.rows.append(rows)
        self._policy.done(seat.entry, tokens)
        if seat.offset == len(seat.question.tokens):
            seat.answer = Ok(value=seat.rows[0] if len(seat.rows) == 1 else np.concatenate(seat.rows))
            seat.changed.notify()

    def _wake(self) -> None:
        """Wakes the first that waits for the context: it runs the next batch."""
        if self._busy:
            return
        waiting = [entry for entry in self._seats if entry.wanted]
        if waiting:
            self._seats[min(waiting, key=lambda entry: entry.order)].changed.notify()

    def _fail(self, problem: BaseException) -> None:
        """What the context held is lost: its requests end, the next ones get a fresh one."""
        _LOG.error("a batch failed", exc_info=problem)
        lost = Err(
            code="no-model",
            title="The kernel model failed",
            message=f"{type(problem).__name__}: {problem}",
            hint="try again; casava-os doctor checks the model",
        )
        for seat in self._seats.values():
            seat.lost, seat.saved = lost, None
            self._policy.want(seat.entry, 0)
            seat.changed.notify()
        try:
            self._engine.renew()
        except RuntimeError as again:
            self._broken = lost.model_copy(update={"message": f"{again}, after {problem}"})
        self._empty.notify_all()

    def _spare(self, cells: int) -> bool:
        return self._free() >= RESERVE + cells * self._engine.cell_bytes


def _interrupted() -> Err:
    return Err(code="interrupted", title="Interrupted", message="the model was stopped")


def _late() -> Err:
    return Err(
        code="timeout",
        title="The model did not answer in time",
        message="its deadline has passed",
        hint="give it more time, or try again when less is going on: casava-os ps",
    )


def _too_long() -> Err:
    return Err(
        code="limit",
        title="The plan is too long",
        message="it is longer than a plan for such a request can be",
        hint="ask for one thing after the other",
    )
