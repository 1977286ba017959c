"""What the model is taught: mostly synthesized requests, and now and then one that somebody worded."""

from __future__ import annotations

import random
from functools import cache

from casava_os.forge import corpus, synth

CORPUS_SHARE = 0.25
"""Share of hand-worded lines; each then gets other argument words and noise like any example."""


@cache
def _lines() -> tuple[corpus.Line, ...]:
    return tuple(corpus.load())


def sample(rng: random.Random) -> synth.Example | corpus.Line:
    """One example; the same state of `rng` and the same corpus give the same one."""
    lines = _lines()
    return rng.choice(lines) if lines and rng.random() < CORPUS_SHARE else synth.sample(rng)
