"""A kernel to try things on, closed when the test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.doubles import Bench

MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    """Makes a bench from the arguments of `Bench`, with its folders below the test's own."""
    made: list[Bench] = []

    def make(**parts: object) -> Bench:
        made.append(Bench(tmp_path, **parts))  # type: ignore[arg-type]  # what a test gives is what Bench takes
        return made[-1]

    yield make
    for bench in made:
        bench.kernel.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
