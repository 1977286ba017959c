"""llama.cpp's context: a prompt is read in both directions, whatever it comes with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from casava_os import model
from casava_os.kernel.compiler.tagged import PLAN, REQUEST
from casava_os.model import gguf_file
from casava_os.model.engine import Engine, Work
from casava_syscalls.results import Ok

REST = [17, 18, 19]


@pytest.fixture(scope="module")
def weights() -> gguf_file.Weights:
    read = gguf_file.read(model.shipped_weights() or Path())
    assert isinstance(read, Ok), read
    return read.value


@pytest.fixture(params=["both", "forwards"])
def engine(request: pytest.FixtureRequest, weights: gguf_file.Weights) -> Iterator[Engine]:
    end = weights.controls.index(PLAN) if request.param == "both" else None
    opened = Engine(weights.path, 256, sequences=3, prompt_end=end)
    yield opened
    opened.close()


def prompt(weights: gguf_file.Weights, *words: int) -> list[int]:
    return [weights.controls.index(REQUEST), *words, weights.controls.index(PLAN)]


def after(engine: Engine, works: list[Work]) -> list[np.ndarray]:
    for work in works:
        engine.keep(work.sequence)
    return engine.run(works)


def test_the_first_word_of_a_prompt_sees_the_last_where_both_directions_are_read(
    weights: gguf_file.Weights, engine: Engine
) -> None:
    one, other = prompt(weights, 300, 301, 302), prompt(weights, 300, 301, 999)
    (before,), (changed,) = (after(engine, [Work(0, words, len(words))]) for words in (one, other))
    both = engine._prompt_end is not None
    assert (np.abs(before[1] - changed[1]).max() > 0.01) == both
    assert (before[1] == changed[1]).all() != both


def test_what_follows_a_prompt_sees_only_what_stands_before_it(
    weights: gguf_file.Weights, engine: Engine
) -> None:
    """The tokens of a plan, in one work with their prompt or one by one after it."""
    words = prompt(weights, 300, 301, 302)
    (together,) = after(engine, [Work(0, [*words, *REST], 1 + len(REST))])
    alone = [after(engine, [Work(0, words)])[0], *(engine.run([Work(0, [token])])[0] for token in REST)]
    assert together.shape == (1 + len(REST), engine.size)
    assert np.abs(together - np.concatenate(alone)).max() < 0.5  # other kernels for one token than for three
    (fewer,) = after(engine, [Work(0, [*words, *REST], 2)])
    assert (fewer == together[-2:]).all()


def test_a_prompt_gets_the_same_to_the_bit_whoever_else_is_there(
    weights: gguf_file.Weights, engine: Engine
) -> None:
    """Beside prompts of its length, beside a plan that goes on, and beside a prompt with its plan's first tokens."""
    words, others = prompt(weights, 300, 301, 302), prompt(weights, 400, 401, 402)
    (alone,) = after(engine, [Work(0, words)])
    assert (after(engine, [Work(1, others), Work(0, words), Work(2, others[::-1])])[1] == alone).all()
    after(engine, [Work(1, others)])
    engine.keep(0)
    going_on, beside = engine.run([Work(1, others), Work(0, words)])
    assert (beside == alone).all()
    after(engine, [Work(1, others)])
    assert (engine.run([Work(1, others)])[0] == going_on).all()
    with_plan = [*prompt(weights, 400, 401), 17]
    _, mixed = after(engine, [Work(1, with_plan), Work(0, words)])
    assert (mixed == alone).all()
    assert (after(engine, [Work(1, with_plan)])[0] == after(engine, [Work(2, with_plan)])[0]).all()


def test_reading_forwards_is_what_a_failed_batch_leaves_behind(
    weights: gguf_file.Weights, engine: Engine
) -> None:
    words = prompt(weights, 300, 301, 302)
    after(engine, [Work(1, words)])
    (good,) = engine.run([Work(1, REST, len(REST))])
    engine.keep(1, len(words))
    decode = engine._decode

    def failing(works: object) -> list[np.ndarray]:
        raise RuntimeError("llama.cpp did not evaluate")

    engine._decode = failing  # type: ignore[method-assign]
    engine.keep(0)
    with pytest.raises(RuntimeError):
        engine.run([Work(0, words)])
    engine._decode = decode  # type: ignore[method-assign]
    assert (engine.run([Work(1, REST, len(REST))])[0] == good).all()
