"""How often a plan that contradicts itself is begun again: its questions are answered here, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from casava_os.model.decoding import ATTEMPTS, ATTEMPTS_BESIDE, Choose, Forks, Lean, Trace, decoding, greedy
from casava_os.model.grammar import Cursor
from casava_syscalls.results import Err, Ok, Result

VOCABULARY = 4

Bans = dict[tuple[int, str], frozenset[str]]


@dataclass
class Contradicting:
    """A cursor that gets stuck after one choice, while so few attempts have been made."""

    number: int
    fails: int
    segments: Sequence[object] = ()
    taken: list[int] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return bool(self.taken) and self.number > self.fails

    def allowed(self) -> list[int]:
        return [] if self.taken else [1, 2]

    def accept(self, token: int) -> None:
        self.taken.append(token)

    def blame(self) -> tuple[int, str, str]:
        return 1, "to", str(self.number)


def attempts(
    choose: Choose, lean: Lean | None, fails: int = 10**6
) -> tuple[list[Bans], Result[tuple[Cursor, Trace]]]:
    """The bans of each attempt, and what came of them where the first so many fail."""
    begun: list[Bans] = []

    def start(bans: Bans) -> Cursor:
        begun.append(dict(bans))
        return cast(Cursor, Contradicting(len(begun), fails))

    plan = decoding([0], start, frozenset(range(VOCABULARY)), choose, lean)
    try:
        question = next(plan)
        while True:
            question = plan.send(np.zeros((question.last, VOCABULARY), dtype=np.float32))
    except StopIteration as ended:
        return begun, cast("Result[tuple[Cursor, Trace]]", ended.value)


def leaning(allowed: Sequence[int], cursor: Cursor) -> NDArray[np.float32]:
    return np.zeros(len(allowed), dtype=np.float32)


def drawn(logits: NDArray[np.float32]) -> int:
    return len(logits) - 1


CASES: list[tuple[Choose, Lean | None, int]] = [
    (greedy, None, ATTEMPTS),
    (Forks(), None, ATTEMPTS),
    (drawn, None, ATTEMPTS),
    (Forks(frozenset({0})), None, ATTEMPTS_BESIDE),
    (Forks(frozenset({0})), leaning, ATTEMPTS_BESIDE),
    (Forks(), leaning, ATTEMPTS_BESIDE),
    (greedy, leaning, ATTEMPTS_BESIDE),
]


@pytest.mark.parametrize(("choose", "lean", "wanted"), CASES)
def test_a_hopeless_plan_is_begun_so_often(choose: Choose, lean: Lean | None, wanted: int) -> None:
    begun, result = attempts(choose, lean)
    assert isinstance(result, Err)
    assert result.code == "not-understood"
    assert len(begun) == wanted
    assert begun[-1] == {(1, "to"): frozenset(map(str, range(1, wanted)))}


@pytest.mark.parametrize(("choose", "lean", "wanted"), CASES)
def test_the_last_attempt_may_be_the_plan(choose: Choose, lean: Lean | None, wanted: int) -> None:
    begun, result = attempts(choose, lean, wanted - 1)
    assert isinstance(result, Ok)
    assert len(begun) == wanted
    assert result.value[1].contradicted
