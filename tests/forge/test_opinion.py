"""The second opinion: fitted apart from the network, it lets through what asks and holds up what does not."""

from __future__ import annotations

import random

from casava_os.forge import opinion
from casava_os.model.gguf_file import OPINIONS
from casava_syscalls.registry import SYSCALLS

ASKS, NEVER, SIZE = 7, 9, 40


def drawn(count: int, seed: int) -> list[opinion.Example]:
    """Requests of random tokens; those that ask for a delete have one token, with a slip now and then."""
    rng, found = random.Random(seed), []
    for _ in range(count):
        asks = rng.random() < 0.2
        tokens = {rng.randrange(10, SIZE) for _ in range(6)} | {
            ASKS if asks and rng.random() < 0.99 else NEVER
        }
        found.append((frozenset(tokens), frozenset({"delete"} if asks else ())))
    return found


def test_it_finds_the_word_that_asks_and_ignores_the_rest() -> None:
    weights = opinion.fit(drawn(2000, 1), SIZE)
    assert set(weights) == set(OPINIONS)
    assert all(len(one) == SIZE + 1 for one in weights.values())
    delete = weights["delete"]
    assert opinion.score(delete, {ASKS, 12, 13}) > 0 > opinion.score(delete, {NEVER, 12, 13})
    said = opinion.judged(weights, drawn(1000, 2)).splitlines()[0]
    assert said.startswith("delete: ")
    held = float(said.partition(" pass, ")[2].partition("%")[0])
    assert held > 90


def test_it_is_about_calls_of_the_abi_that_change_or_run_something() -> None:
    for calls in OPINIONS.values():
        assert calls <= set(SYSCALLS)
    assert opinion.opinions_of(["file.find", "file.delete"]) == {"delete"}
    assert opinion.opinions_of(["file.move", "process.run"]) == {"move", "run"}
    assert opinion.opinions_of(["idiom.tree"]) == frozenset()
