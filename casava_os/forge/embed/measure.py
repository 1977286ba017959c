"""How well a way of searching finds a request again that was made in other words, beside the usual baselines.

Queries and the requests that they should find are of two different writers, both held out of training, about the same
things. Beside each lie requests about the same things that mean something else, and thousands about other things.
"""

from __future__ import annotations

import math
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from casava_os.forge import corpus
from casava_os.forge.embed import phrases as wordings
from casava_os.forge.embed.phrases import Phrases

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DECOYS = 3
"""Requests about the same things with another meaning, beside each that is to be found."""

Rank = Callable[[str], list[int]]
"""Numbers of episodes for a query, the best first."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Episodes, and queries with the numbers of the episodes that mean the same."""

    episodes: list[str]
    queries: list[tuple[str, frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of queries with a right episode first, and among the first five; and the mean of one over its place."""

    first: float
    five: float
    reciprocal: float


def bench(writers: frozenset[str], episodes: int = 6000, queries: int = 600, seed: int = 7) -> Bench:
    """The bench of these writers; the same arguments and corpus give the same one."""
    rng = random.Random(seed)
    theirs = wordings.of_lines([line for line in corpus.every() if line.writer in writers])
    others = Phrases(wordings.of_lines(wordings.training_lines()))
    alike: dict[wordings.Skeleton, list[wordings.Phrase]] = {}
    for one in theirs:
        alike.setdefault(one.skeleton, []).append(one)
    asked: dict[str, wordings.Phrase] = {}
    kept: dict[str, wordings.Phrase] = {}
    for one in rng.sample(theirs, len(theirs)):
        if len(asked) == queries:
            break
        found = [other for other in alike[one.skeleton] if other.writer != one.writer]
        target = wordings.transplant(rng.choice(found), one.copies) if found else None
        if target is None or target.text.casefold() == one.text.casefold() or one.text in kept:
            continue
        if target.text in asked:
            continue
        asked[one.text] = one
        kept[target.text] = target
        for _ in range(20 * DECOYS if one.copies else 0):
            decoy = others.other(one, rng)
            if decoy is not None and sum(k.copies == one.copies for k in kept.values()) <= DECOYS:
                kept.setdefault(decoy.text, decoy)
    for one in rng.sample(others.all, len(others.all)):
        if len(kept) >= episodes:
            break
        if one.text not in asked:
            kept.setdefault(one.text, one)
    order = [one for one in kept.values() if one.text not in asked]
    rng.shuffle(order)
    places: dict[object, list[int]] = {}
    for number, one in enumerate(order):
        places.setdefault(one.meaning, []).append(number)
    return Bench(
        [one.text for one in order],
        [(one.text, frozenset(places[one.meaning])) for one in asked.values() if one.meaning in places],
    )


def of_commands(pairs: Sequence[Mapping[str, str]], others: Iterable[str], queries: int = 600) -> Bench:
    """A bench of requests that people wrote for the same command line, none of which was trained on."""
    rng = random.Random(7)
    groups = [some for some in wordings.same_command(pairs, held_out=True) if len(some) > 1]
    chosen = rng.sample(groups, min(queries, len(groups)))
    episodes: list[str] = []
    found: list[tuple[str, frozenset[int]]] = []
    for some in chosen:
        asked, *rest = rng.sample(some, len(some))
        found.append((asked, frozenset(range(len(episodes), len(episodes) + len(rest)))))
        episodes += rest
    return Bench([*episodes, *others], found)


def score(queries: Sequence[tuple[str, frozenset[int]]], rank: Rank) -> Score:
    """The scores of a way of searching."""
    first = five = reciprocal = 0.0
    for text, right in queries:
        place = next((at for at, number in enumerate(rank(text), 1) if number in right), 0)
        if place:
            first += place == 1
            five += place <= 5
            reciprocal += 1 / place
    count = max(1, len(queries))
    return Score(first / count, five / count, reciprocal / count)


def by_vectors(episodes: NDArray[np.float32], vector: Callable[[str], NDArray[np.float32]]) -> Rank:
    """The nearest vectors, by cosine."""

    def rank(text: str) -> list[int]:
        import numpy as np

        near = episodes @ vector(text)
        return [int(number) for number in np.argsort(-near)[:100]]

    return rank


def by_words(episodes: Sequence[str]) -> Rank:
    """BM25 over stemmed words: SQLite's FTS5."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='porter unicode61')")
    connection.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", enumerate(episodes))

    def rank(text: str) -> list[int]:
        words = dict.fromkeys("".join(c if c.isalnum() else " " for c in text).split())
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in words)
        rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT 100", (query,)
        )
        return [int(row[0]) for row in rows]

    return rank


def by_characters(episodes: Sequence[str]) -> Rank:
    """TF-IDF over runs of 3 to 5 characters inside words, by cosine."""
    import numpy as np

    counted = [_grams(text) for text in episodes]
    spread = Counter(gram for grams in counted for gram in grams)
    weight = {gram: math.log((1 + len(episodes)) / (1 + seen)) + 1 for gram, seen in spread.items()}
    lists: dict[str, tuple[list[int], list[float]]] = {}
    for number, grams in enumerate(counted):
        values = {gram: (1 + math.log(count)) * weight[gram] for gram, count in grams.items()}
        norm = math.sqrt(sum(value**2 for value in values.values())) or 1.0
        for gram, value in values.items():
            places, shares = lists.setdefault(gram, ([], []))
            places.append(number)
            shares.append(value / norm)
    index = {gram: (np.array(places), np.array(shares)) for gram, (places, shares) in lists.items()}

    def rank(text: str) -> list[int]:
        total = np.zeros(len(episodes))
        for gram, count in _grams(text).items():
            if gram in index:
                places, shares = index[gram]
                total[places] += (1 + math.log(count)) * weight[gram] * shares
        return [int(number) for number in np.argsort(-total)[:100]]

    return rank


def _grams(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for word in text.casefold().split():
        edged = f" {word} "
        for size in (3, 4, 5):
            found.update(edged[at : at + size] for at in range(max(1, len(edged) - size + 1)))
    return found


def table(scores: Mapping[str, Score]) -> str:
    """The scores as rows of a Markdown table."""
    rows = ["| search | recall@1 | recall@5 | MRR |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {one.first:.1%} | {one.five:.1%} | {one.reciprocal:.3f} |"
        for name, one in scores.items()
    ]
    return "\n".join(rows)
