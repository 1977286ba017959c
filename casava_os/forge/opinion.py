"""The second opinion on dangerous plans: a linear model over the request's words, fitted apart from the network.

Does this request ask for something to be deleted, moved, or run? The network answers by writing a plan; a logistic
regression over the set of the request's tokens answers by itself. It is a weak model, which fails elsewhere than the network
does: a request with none of the words that go with deleting gets no delete on the network's word alone. The engine caps a
plan's confidence by the opinion on what it does, so that a doubt of either becomes a question.

Each opinion is shifted so that `RECALL` of the requests that do ask pass at a probability of one half.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from casava_os.forge.data import Sample, Words, swap
from casava_os.kernel.compiler.tagged import SurfaceCall
from casava_os.model.gguf_file import OPINIONS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from casava_os.forge.tokenizer import Vocabulary

RECALL = 0.97
"""Share of the requests that ask for a thing which the opinion on it lets pass."""

EXAMPLES = 60_000

Example = tuple[frozenset[int], frozenset[str]]
"""Tokens of a request, and the names of the opinions that say yes to it."""


def opinions_of(calls: Iterable[str]) -> frozenset[str]:
    """Which opinions a plan of these calls needs."""
    named = set(calls)
    return frozenset(name for name, asked in OPINIONS.items() if named & asked)


def examples(
    vocabulary: Vocabulary, sample: Sample, texts: Sequence[str], count: int, seed: int
) -> Iterator[Example]:
    """Requests with other argument words each time: the opinion must not be one on names of files."""
    rng, words = random.Random(seed), Words(texts)
    while count:
        example = sample(rng)
        request, calls = swap(example.request, cast("Sequence[SurfaceCall]", example.calls), words, rng)
        count -= 1
        yield frozenset(vocabulary.text(request)), opinions_of(str(call["call"]) for call in calls)


def fit(known: Sequence[Example], size: int, seed: int = 1) -> dict[str, NDArray[np.float32]]:
    """By opinion: a weight for each of `size` tokens, then the shift. Fitted by AdaGrad with a little decay."""
    import numpy as np

    rng = random.Random(seed)
    taught, tried = known[: len(known) * 9 // 10], known[len(known) * 9 // 10 :]
    fitted: dict[str, NDArray[np.float32]] = {}
    for name in OPINIONS:
        weights, squares = np.zeros(size + 1, np.float64), np.full(size + 1, 1e-2)
        for _ in range(4):
            for tokens, asked in rng.sample(taught, len(taught)):
                at = np.fromiter((*tokens, size), np.intp, len(tokens) + 1)
                error = 1 / (1 + np.exp(-np.clip(weights[at].sum(), -30, 30))) - (name in asked)
                gradient = error + 1e-4 * weights[at]
                squares[at] += gradient * gradient
                weights[at] -= 0.2 * gradient / np.sqrt(squares[at])
        passing = sorted(score(weights, tokens) for tokens, asked in tried if name in asked)
        if passing:
            weights[size] -= min(0.0, passing[int((1 - RECALL) * len(passing))])
        fitted[name] = weights.astype(np.float32)
    return fitted


def score(weights: NDArray[np.floating], tokens: Iterable[int]) -> float:
    """Log-odds that a request of these tokens asks for it."""
    return float(weights[[*tokens, len(weights) - 1]].sum())


def judged(weights: dict[str, NDArray[np.float32]], known: Sequence[Example]) -> str:
    """By opinion: the share of requests that ask which pass, and of the others which are held up."""
    lines = []
    for name, one in weights.items():
        yes = [score(one, tokens) >= 0 for tokens, asked in known if name in asked]
        no = [score(one, tokens) < 0 for tokens, asked in known if name not in asked]
        lines.append(
            f"{name}: {sum(yes) / max(1, len(yes)):.1%} of {len(yes)} that ask pass, "
            f"{sum(no) / max(1, len(no)):.1%} of {len(no)} others are held up"
        )
    return "\n".join(lines)
