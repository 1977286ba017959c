"""One plan in the making as a resumable object: it says which tokens it wants evaluated, and goes on with the logits.

Greedy decoding under the grammar. Where only one token may come, it is taken without asking the network and evaluated
with the next question in one batch. Nothing here knows of llama.cpp, other requests or time: between two questions a
plan can rest as long as it likes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from casava_os.kernel.compiler.tagged import Segment
from casava_os.model.grammar import Cursor
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ATTEMPTS = 12
"""How often a plan that contradicts itself ("copy a to a") is begun again, each time without what made it so."""

ATTEMPTS_BESIDE = 3
"""The same of a plan that is only weighed beside another one."""


@dataclass(slots=True)
class Trace:
    """How sure the model was, token by token: probabilities before the grammar had its say, and after."""

    free: list[float] = field(default_factory=list)
    """Of every token of the plan, forced ones too, among control tokens and the tokens of the request.

    Training tells the right token from these only; what the network thinks of other tokens means nothing.
    """
    masked: list[float] = field(default_factory=list)
    """Of every token that was a choice, among those that the grammar allowed."""
    contradicted: bool = False
    """The plan is not the one that the network wanted: that contradicted itself."""
    segments: Sequence[Segment] = ()
    """The plan, when it is made."""

    def confidence(self, slope: float = 1.0, offset: float = 0.0) -> float:
        """From the least `free` probability, which is low also where the grammar forbade what the model wanted.

        `slope` and `offset` act on its log-odds: the forge fits them so that the result is the share of exact plans.
        """
        least = min(max(min(self.free, default=0.0), 1e-6), 1 - 1e-6)
        return 1 / (1 + math.exp(-slope * math.log(least / (1 - least)) - offset))


@dataclass(frozen=True, slots=True)
class Question:
    """Tokens to evaluate after the ones before; logits are wanted after each of the `last` last ones."""

    tokens: Sequence[int]
    last: int = 1
    begins: bool = False
    """The tokens stand at the beginning: what was evaluated before is forgotten …"""
    kept: int = 0
    """… but for so many tokens, after which they stand."""


Choose: TypeAlias = "Callable[[NDArray[np.float32]], int]"
"""Picks an index from the logits of the allowed tokens."""


Lean: TypeAlias = "Callable[[Sequence[int], Cursor], NDArray[np.float32]]"
"""What is added to the logits of the allowed tokens before one of them is picked: see `fusion`."""


@dataclass(slots=True)
class Forks:
    """Chooses the likeliest, but at the choices in `second` the next one; notes how close each choice was."""

    second: frozenset[int] = frozenset()
    margins: list[float] = field(default_factory=list)
    """Of each choice so far: how far the likeliest token's logit is above the next one's."""

    def __call__(self, logits: NDArray[np.float32]) -> int:
        order = logits.argsort()[::-1]
        self.margins.append(float(logits[order[0]] - logits[order[1]]))
        return int(order[1 if len(self.margins) - 1 in self.second else 0])

    def closest(self, count: int) -> list[frozenset[int]]:
        """The `count` choices that were closest, one at a time: where another plan begins that is nearly as likely."""
        ranked = sorted(range(len(self.margins)), key=self.margins.__getitem__)
        return [frozenset({place}) for place in ranked[:count]]


Decoding: TypeAlias = "Generator[Question, NDArray[np.float32], Result[tuple[Cursor, Trace]]]"
"""A plan in the making: gives questions, is sent logits (last, vocabulary), returns the plan."""


def greedy(logits: NDArray[np.float32]) -> int:
    """The likeliest."""
    return int(logits.argmax())


def decoding(
    prompt: Sequence[int],
    start: Callable[[dict[tuple[int, str], frozenset[str]]], Cursor],
    meant: frozenset[int],
    choose: Choose = greedy,
    lean: Lean | None = None,
    most: int | None = None,
) -> Decoding:
    """The plan after a prompt. `start` makes a cursor under bans; `meant` are the tokens whose probability says something.

    With `lean` the choice is among other logits; the trace keeps the network's own. A plan of more than `most` tokens is begun
    again like one that contradicts itself.

    A plan that contradicts itself is begun again. Where the choice is the network's own, or drawn by chance, this is the
    only plan of its request, or the first: there is no other answer, and `ATTEMPTS` are made. One that leans or forks
    stands beside up to six others. A request of which nothing can be made would cost all the attempts of each, so
    `ATTEMPTS_BESIDE` have to do.

    `Err` codes: `not-understood` when there is no plan, `no-model` when the network gives no numbers.
    """
    bans: dict[tuple[int, str], frozenset[str]] = {}
    among = _Among(meant)
    beside = lean is not None or (isinstance(choose, Forks) and bool(choose.second))
    attempts = ATTEMPTS_BESIDE if beside else ATTEMPTS
    for attempt in range(attempts):
        cursor = start(bans)
        result = yield from _attempt(prompt, cursor, among, choose, lean, most)
        if isinstance(result, Ok):
            result.value.segments, result.value.contradicted = cursor.segments, bool(bans)
            return Ok(value=(cursor, result.value))
        blamed = cursor.blame() if result.code == "not-understood" else None
        if blamed is None or attempt == attempts - 1:
            return result
        step, key, text = blamed
        bans[step, key] = bans.get((step, key), frozenset()) | {text}
    raise AssertionError("the last attempt returns")


def _attempt(
    prompt: Sequence[int],
    cursor: Cursor,
    among: _Among,
    choose: Choose,
    lean: Lean | None,
    most: int | None,
) -> Generator[Question, NDArray[np.float32], Result[Trace]]:
    trace = Trace()
    pending, forced, begins = [*prompt], 0, True
    while not cursor.finished:
        allowed = cursor.allowed()
        if not allowed or (most is not None and cursor.length >= most):
            return _stuck()
        if len(allowed) == 1:
            cursor.accept(allowed[0])
            pending.append(allowed[0])
            forced += 1
            continue
        scores = yield Question(pending, forced + 1, begins)
        sure = among.chances(scores, pending, forced, allowed)
        if sure is None:
            return _damaged()
        logits = scores[-1].take(allowed)
        picked = choose(logits if lean is None else logits + lean(allowed, cursor))
        token = allowed[picked]
        chances = sure.of(logits)
        trace.free += sure.taken
        trace.free.append(float(chances[picked]))
        trace.masked.append(float(chances[picked] / max(1e-30, chances.sum())))
        cursor.accept(token)
        pending, forced, begins = [token], 0, False
    if forced:
        # What was forced at the end is evaluated too: the network may have wanted to go on.
        scores = yield Question(pending[:-1], forced, begins)
        sure = among.chances(scores, pending, forced, ())
        if sure is None:
            return _damaged()
        trace.free += sure.taken
    return Ok(value=trace)


@dataclass(frozen=True, slots=True)
class _Chances:
    """Probabilities after one question."""

    taken: list[float]
    """Of each token that was taken without a question, after the one before it."""
    peak: float
    total: float
    """Of the last row: its largest logit, and the sum of all powers over that."""

    def of(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the tokens with these logits in the last row."""
        import numpy as np

        powers: NDArray[np.float32] = np.exp(logits - self.peak)
        return powers / self.total


class _Among:
    """Probabilities among the tokens that are meant, and those that the grammar lets a name of a file add."""

    def __init__(self, meant: frozenset[int]) -> None:
        import numpy as np

        self._meant = meant
        self._tokens = np.fromiter(meant, dtype=np.intp, count=len(meant))

    def chances(
        self, scores: NDArray[np.float32], pending: Sequence[int], forced: int, allowed: Sequence[int]
    ) -> _Chances | None:
        """After `pending`, whose `forced` last tokens were not asked for; None where the network gave no numbers."""
        import numpy as np

        known, tokens = self._meant.issuperset, self._tokens
        if not (known(pending) and known(allowed)):
            tokens = np.append(tokens, [*{*pending, *allowed} - self._meant])
        taken: list[float] = []
        peak = total = 0.0
        for row, scored in enumerate(scores):
            chosen = scored.take(tokens)
            peak = float(np.maximum.reduce(chosen))
            total = float(np.add.reduce(np.exp(chosen - peak)))
            if not math.isfinite(total):
                return None
            if row < forced:
                token = pending[len(pending) - forced + row]
                taken.append(math.exp(float(scored[token]) - peak) / total)
        return _Chances(taken, peak, total)


def _stuck() -> Err:
    return Err(
        code="not-understood",
        title="I did not understand that",
        message="what I made of the request is no valid plan",
        hint="say it in other words",
    )


def _damaged() -> Err:
    return Err(
        code="no-model",
        title="The kernel model is damaged",
        message="it does not answer with numbers",
        hint="reinstall Casava OS, or make one with `make model`",
    )
