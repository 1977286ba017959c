"""Who is served next: the policy of one model for many requests, without a model, a thread or a clock of its own.

A request is *entered*, gets a *place* (a sequence and its cells), *wants* tokens evaluated, thinks (its grammar and
its choice run in its own thread), wants again, and *leaves*. Between two batches the policy says who gives up a place,
who gets one, and whose tokens are evaluated together.

A person who waits goes before background work, and background work ages: it ranks as if it had come `handicap` seconds
later than it did, so whatever comes after that cannot overtake it. A low priority is such a handicap, too, and a high one
as much of a start. What is urgent has the model to itself; the others
rest where they are, between two tokens. Nobody can hold the others up: who thinks longer than `grace` has no say in
their batches, and who thinks longer than `patience` loses its place to whoever needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from casava_os.kernel.ports import Priority
from casava_syscalls.results import Err

HANDICAP = 2.0
"""Seconds."""

HANDICAPS: dict[Priority, int] = {"low": 1, "normal": 0, "high": -1}
"""By how many handicaps later a request of each priority ranks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What there is to share out, and how. Times in seconds, room in tokens."""

    sequences: int = 16
    """Requests with a place at one time; one of several is kept for who is urgent."""
    cells: int = 4096
    """Tokens for which the context has room."""
    queue: int = 256
    """Most requests that wait for a place."""
    handicap: float = HANDICAP
    """By so much later a background request ranks, and one of low priority."""
    grace: float = 0.002
    """So long the others' batches wait for an urgent request that thinks."""
    patience: float = 0.05
    """So long a request that thinks keeps a place that others need."""
    quantum: int = 32
    """Tokens up to which a batch is filled: it is the time that a person who comes in between has to wait."""
    limit: int = 512
    """Most tokens in one batch."""


class State(Enum):
    """Where a request stands."""

    WAITING = auto()
    PLACED = auto()
    EVICTED = auto()
    """It had a place and gave it up; its state is kept outside the context."""
    LEFT = auto()


@dataclass(slots=True, eq=False)
class Entry:
    """One request, as the policy sees it."""

    interactive: bool
    cells: int
    came: float
    number: int
    deadline: float | None = None
    priority: Priority = "normal"
    rank: float = 0.0
    """When it came, with its handicap. Who has the least goes first."""
    state: State = State.WAITING
    sequence: int | None = None
    wanted: int = 0
    """Tokens that it wants evaluated; 0 while it thinks."""
    since: float = 0.0
    """When it last began to think."""
    evictions: int = 0

    @property
    def order(self) -> tuple[float, int]:
        return self.rank, self.number


@dataclass(slots=True)
class Round:
    """What to do between two batches, and the next batch."""

    evict: list[Entry] = field(default_factory=list)
    """Who gives up a place; first of all."""
    place: list[tuple[Entry, int]] = field(default_factory=list)
    """Who gets one, and which sequence it is."""
    batch: list[tuple[Entry, int]] = field(default_factory=list)
    """Whose tokens are evaluated, and how many."""

    def __bool__(self) -> bool:
        return bool(self.evict or self.place or self.batch)


class Scheduler:
    """The policy over its entries. Not thread-safe."""

    def __init__(
        self, rules: Rules, clock: Callable[[], float], spare: Callable[[int], bool] = lambda cells: True
    ) -> None:
        """`spare` says whether there is memory left to keep the state of so many tokens outside the context."""
        self.rules, self._clock, self._spare = rules, clock, spare
        self._entries: list[Entry] = []
        self._free = list(range(rules.sequences - 1, -1, -1))
        self._cells = rules.cells
        self._count = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    @property
    def free_cells(self) -> int:
        return self._cells

    def enter(
        self,
        cells: int,
        *,
        interactive: bool = True,
        deadline: float | None = None,
        priority: Priority = "normal",
    ) -> Entry | Err:
        """Takes a request that needs at most so many cells. `Err("limit")` when it cannot be had, or too many wait."""
        if cells > self.rules.cells:
            return Err(
                code="limit",
                title="The request is too long for the model",
                message=f"it needs room for {cells} tokens, and there is room for {self.rules.cells}",
                hint="say it shorter, and put long text into a file",
            )
        waiting = sum(entry.state is not State.PLACED for entry in self._entries)
        if waiting >= self.rules.queue + len(self._free):
            return Err(
                code="limit",
                title="The model is busy",
                message=f"{waiting} requests wait for it already",
                hint="try again when some of them are done: casava-os ps",
            )
        now = self._clock()
        self._count += 1
        entry = Entry(interactive, cells, now, self._count, deadline, since=now)
        self.renice(entry, priority)
        self._entries.append(entry)
        return entry

    def renice(self, entry: Entry, priority: Priority) -> None:
        """The request has this priority from now on."""
        entry.priority = priority
        entry.rank = rank(entry.came, entry.interactive, priority, self.rules.handicap)

    def want(self, entry: Entry, tokens: int) -> None:
        """The request wants so many tokens evaluated."""
        entry.wanted = tokens

    def done(self, entry: Entry, tokens: int) -> None:
        """So many of its tokens were evaluated; when none is left it thinks."""
        entry.wanted -= tokens
        entry.since = self._clock()

    def leave(self, entry: Entry) -> None:
        """The request has ended; its place is free. Safe to call twice."""
        if entry.state is State.LEFT:
            return
        self._give_up(entry, State.LEFT)
        self._entries.remove(entry)

    def late(self, entry: Entry) -> bool:
        """Whether its deadline has passed."""
        return entry.deadline is not None and self._clock() >= entry.deadline

    def urgent(self, entry: Entry) -> bool:
        """Whether nobody who comes now could overtake it."""
        return entry.rank <= self._clock()

    # -- between two batches

    def next(self) -> Round:
        """What to do now; an empty round when there is nothing to do, or when the next is soon to come."""
        if len(self._entries) == 1 and (alone := self._entries[0]).state is State.PLACED:
            # The commonest case by far, and its microseconds are every token's.
            return Round(batch=[(alone, min(alone.wanted, self.rules.limit))] if alone.wanted else [])
        found = Round()
        self._seat(found)
        found.batch = self._batch()
        return found

    def _seat(self, found: Round) -> None:
        """Gives places by rank. Nobody smaller overtakes one who needs more room: that one would starve."""
        candidates = [e for e in self._entries if e.state in (State.WAITING, State.EVICTED) and e.wanted]
        for entry in sorted(candidates, key=_order):
            victims = self._victims(entry)
            if victims is None:
                return
            for victim in victims:
                victim.evictions += 1
                self._give_up(victim, State.EVICTED)
            found.evict += victims
            entry.state, entry.sequence = State.PLACED, self._free.pop()
            found.place.append((entry, entry.sequence))
            self._cells -= entry.cells

    def _victims(self, entry: Entry) -> list[Entry] | None:
        """Who must go so that this one has a place: nobody, some, or None when it has to wait."""
        kept = self.rules.sequences > 1 and not self.urgent(entry)
        sequences, cells = len(self._free) - kept, self._cells
        victims: list[Entry] = []
        for victim in self._yielding(entry):
            if sequences > 0 and cells >= entry.cells:
                break
            victims.append(victim)
            sequences, cells = sequences + 1, cells + victim.cells
        if sequences <= 0 or cells < entry.cells:
            return None
        if victims and not self._spare(sum(victim.cells for victim in victims)):
            return None
        return victims

    def _yielding(self, entry: Entry) -> Iterable[Entry]:
        """Who would give up its place for this one: first who only thinks, then background work, the last come first."""
        now, placed = self._clock(), [e for e in self._entries if e.state is State.PLACED]
        away = [e for e in placed if not e.wanted and now - e.since > self.rules.patience]
        yield from sorted(away, key=lambda e: e.since)
        if self.urgent(entry):
            idle = (e for e in placed if e not in away and not self.urgent(e))
            yield from sorted(idle, key=_order, reverse=True)

    def _batch(self) -> list[tuple[Entry, int]]:
        """The first by rank with all its tokens (as many as fit into a batch), then its like while the quantum lasts.

        Only who wants as many tokens: llama.cpp cuts up a batch of unlike lengths, and the last bits of the logits
        depend on where it cuts. So what a request gets is the same to the bit, whoever else is there.
        """
        now = self._clock()
        placed = [entry for entry in self._entries if entry.state is State.PLACED]
        urgent = [e for e in placed if self.urgent(e) and (e.wanted or now - e.since <= self.rules.grace)]
        batch: list[tuple[Entry, int]] = []
        used = 0
        for entry in sorted((e for e in urgent or placed if e.wanted), key=_order):
            tokens = min(entry.wanted, self.rules.limit)
            if batch and (tokens != batch[0][1] or used + tokens > self.rules.quantum):
                continue
            batch.append((entry, tokens))
            used += tokens
        return batch

    def _give_up(self, entry: Entry, state: State) -> None:
        if entry.state is State.PLACED and entry.sequence is not None:
            self._free.append(entry.sequence)
            self._cells += entry.cells
        entry.state, entry.sequence = state, None


def rank(came: float, interactive: bool, priority: Priority, handicap: float) -> float:
    """When a request counts as come, in seconds."""
    return came + handicap * (HANDICAPS[priority] + (not interactive))


def _order(entry: Entry) -> tuple[float, int]:
    return entry.order
