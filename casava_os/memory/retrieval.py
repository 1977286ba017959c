"""Ranks what memory holds for a query: by meaning and by words, the two fused, with where and when it was.

Meaning finds "make room on the disk" for "delete the old logs"; words find the file's name, the number and the error code
that a small model of meaning blurs. Each gives an order, and the orders are fused (Cormack et al. 2009, Reciprocal Rank
Fusion, SIGIR): scores of the two cannot be compared, places can. Without an embedding model words rank alone.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Sequence

from casava_os.memory.embedding import NoEmbedderError
from casava_os.memory.ports import Candidate, Entry, Filter, Store

_LOG = logging.getLogger(__name__)

POOL = 50
"""Candidates of each kind. Beyond, a place adds next to nothing: 1/(FUSION + 50) is a fifth of the first place's share."""

FUSION, MEANING = 1.0, 0.8
"""The constant of the fusion (how little the first places count above those after them), and the share of the order by
meaning. Of 1, 5, 10, 20, 60 and 0.6 to 0.9 the best on 600 requests of the development writers (MRR 0.853; the usual 60
with 0.6: 0.811; meaning alone: 0.852) and on 307 of other people (0.849; 0.786; 0.847)."""

SAME = 1e-4
"""Scores that differ by less share a place. Many entries are the same request, made elsewhere or at another time."""

HERE = 0.15
"""How much more an entry of the person's own workspace counts. Chosen, not measured: with `FRESH` it decides among equals, and
is less than one place among the first (there the next place has two thirds of the score)."""

FRESH = 0.15
"""How much more an entry of this moment counts than one of long ago …"""
FRESH_DAYS = 14.0
"""… and after how many days half of that is gone. "What I did last week" is the most frequent reference to the past."""

WORDS = 24
"""Of a query: the longest of a long one, which are its rarest."""

_WORD = re.compile(r"\w+")
_EVERYWHERE = frozenset({
    "a", "an", "all", "and", "any", "are", "as", "at", "be", "by", "can", "could", "do", "for", "from",
    "get", "have", "i", "if", "in", "is", "it", "me", "my", "of", "on", "or", "please", "show", "so",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "up", "was", "we",
    "what", "which", "will", "with", "you", "your",
})  # fmt: skip
"""Words that nearly every request has. To look them up takes most of a search's time, and they tell nothing."""


def words(query: str) -> list[str]:
    """The words of a query that may tell entries apart; all of them when none does."""
    found = list(dict.fromkeys(word.casefold() for word in _WORD.findall(query[:4096])))
    telling = [word for word in found if word not in _EVERYWHERE] or found
    if len(telling) <= WORDS:
        return telling
    longest = set(sorted(telling, key=len, reverse=True)[:WORDS])
    return [word for word in telling if word in longest]


def hybrid(
    store: Store, query: str, wanted: Filter, limit: int, workspace: str, *, now: float | None = None
) -> list[Candidate]:
    """The entries most relevant to a query, the best first (`ports.Retrieve`).

    The score is 0 to 1.3: 1 for the first by meaning and by words alike, before place and age are counted.
    """
    by_meaning: list[Candidate] = []
    try:
        embedder = store.embedder() if query.strip() else None
        if embedder is not None:
            by_meaning = store.dense(embedder.embed([query])[0], wanted, limit=max(POOL, limit))
    except NoEmbedderError as problem:
        _LOG.warning("words alone are searched: %s", problem.err.message)
    by_words = store.lexical(words(query), wanted, limit=max(POOL, limit))
    moment = time.time() if now is None else now
    return fuse(by_meaning, by_words, workspace, moment)[:limit]


def fuse(
    by_meaning: Sequence[Candidate], by_words: Sequence[Candidate], workspace: str, now: float
) -> list[Candidate]:
    """One order from two."""
    entries: dict[str, Entry] = {}
    scores: dict[str, float] = {}
    for order, share in ((by_meaning, MEANING), (by_words, 1 - MEANING)):
        place, before = 1, math.inf
        for number, candidate in enumerate(order, 1):
            if before - candidate.score > SAME:
                place, before = number, candidate.score
            entries[candidate.entry.id] = candidate.entry
            scores[candidate.entry.id] = scores.get(candidate.entry.id, 0.0) + share * (FUSION + 1) / (
                FUSION + place
            )
    found = [
        Candidate(entry, scores[one] * _bearing(entry, workspace, now)) for one, entry in entries.items()
    ]
    return sorted(found, key=lambda candidate: (-candidate.score, -candidate.entry.time, candidate.entry.id))


def _bearing(entry: Entry, workspace: str, now: float) -> float:
    """How much an entry counts for where and when it was. A time in the future (a clock that jumped) is taken as now."""
    days = max(0.0, now - entry.time) / 86_400 if math.isfinite(entry.time) else math.inf
    here = HERE if workspace and entry.workspace == workspace else 0.0
    return 1.0 + here + FRESH * math.exp2(-days / FRESH_DAYS)
