"""Weighs a plan against others that were nearly as likely, and says how sure one can be of the best.

The network writes from left to right and takes the likeliest word each time; what the whole plan leaves out of the
request, or says twice, it never looks at. Three things do that here. A *reader*, fitted apart from the network, reads the
request alone, as a bag of words and pairs of words, and says which parts (calls, fields, choices) a plan for it should
have. A *tagger* (`model.tagger`) says of each word which argument should have it. And some *features* count what a careful
person would look at: names in the request that the plan does not use, results that no step takes, arguments that stand
there twice. Linear models over these choose the plan and say how sure it is; the forge fits both on requests that nobody
trains on (`forge.weighing`).

Choosing among several of a generator's outputs by features of the whole is Collins & Koo, "Discriminative Reranking
for Natural Language Parsing" (2005).
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.bags import Bags, slots
from casava_os.model.tagger import Tagged, Tagger

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = (
    "likelihood", "least", "mean", "steps", "arguments", "parts", "repeated", "unheard", "unheard_steps", "unused",
    "declines", "declines_unheard", "agreement", "least_for", "least_against",
    "tags", "tags_left", "least_tag", "least_left",
)  # fmt: skip
"""What is looked at of a plan, in this order: see `features`."""

_LEAST, _DECLINES = FEATURES.index("least"), FEATURES.index("declines")

SURE = 0.85
"""A plan of at least this confidence is not weighed against others: 96 in 100 of them are right as they are."""

CANDIDATES = 6
"""How many other plans one that is less sure is weighed against at most."""

RELUCTANCE = 1.0
"""By so much a question must outweigh an order. Without it seven plain orders of the first 88 journeys became questions; of five
unseen requests for which it decided, three were questions."""

CONSENT = -6.0
"""Log-odds that the reader must give a deletion. Of 79 requests for one that nobody trains on 97 in 100 get more, and of three that
10,000 synthesized ones did not ask for, two got less."""

WIDEST = 4.0
"""A lead over the next plan above this says no more, and so sure a plan counts as having it."""

_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_NAME = re.compile(r"[./_\d]|[a-z][A-Z]")
_FLOOR = 1e-9


@dataclass(frozen=True)
class Reader(Bags):
    """Says of a request which parts a plan for it should have. Its labels are names of control tokens."""

    def odds(self, request: str) -> NDArray[np.float32]:
        """Log-odds of each label, (labels,)."""
        found: NDArray[np.float32] = self.scores([slots(said(request), self.size)])[0]
        return found


def said(request: str) -> list[str]:
    """A request's words and pairs of words; numbers are all alike."""
    words = ["#" if word.isdigit() else word for word in _WORD.findall(request.lower())]
    return [
        *(f"^{word}" for word in words[:1]),
        *words,
        *(f"{one} {next_one}" for one, next_one in pairwise(words)),
    ]


@dataclass(frozen=True, slots=True)
class Readings:
    """What reader and tagger say of a request."""

    odds: NDArray[np.float32]
    tagged: Tagged


def features(
    request: str, segments: Sequence[Segment], chances: Sequence[float], weighing: Weighing, read: Readings
) -> NDArray[np.float64]:
    """The `FEATURES` of a plan. `chances` are the network's probabilities of its tokens, `read` is what is read of the request."""
    import numpy as np

    logs = [math.log(max(chance, _FLOOR)) for chance in chances] or [math.log(_FLOOR)]
    parts = [segment.name for segment in segments if isinstance(segment, Control)]
    copies = [segment.text for segment in segments if isinstance(segment, Copy)]
    steps = sum(part.startswith("call:") for part in parts)
    declines = float(any(part in ("call:ask", "call:refuse") for part in parts))
    unheard = _unheard(request, copies)
    # Half the reader's word: words that often come together count as if each were a witness of its own.
    half = 0.5 * read.odds
    there = np.isin(weighing.reader.labels, parts)
    for_it, against = _log_sigmoid(half[there]), _log_sigmoid(-half[~there])
    has, leaves = weighing.tagger.chances(request, read.tagged, segments)
    return np.array(
        [
            sum(logs), min(logs), sum(logs) / max(1, len(parts) + len(copies)), steps, len(copies), len(parts),
            len(copies) - len(set(copies)), unheard, unheard * steps, _unused(parts), declines, declines * unheard,
            for_it.sum() + against.sum(), for_it.min(initial=0.0), against.min(initial=0.0),
            sum(has) / 2, sum(leaves) / 2, min(has, default=0.0), min(leaves, default=0.0),
        ]
    )  # fmt: skip


def _log_sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    found: NDArray[np.float32] = -np.logaddexp(np.float32(0), -x)
    return found


def _unheard(request: str, copies: Iterable[str]) -> int:
    """How many of the request's words look like names, numbers or quotations and are in none of the plan's arguments."""
    used = f" {' '.join(copies)} ".lower()
    return sum(
        len(atom.text) > 1
        and (atom.quoted or _NAME.search(atom.text) is not None)
        and atom.text.lower() not in used
        for atom in atoms(request)
    )


def _unused(parts: Sequence[str]) -> int:
    """How many lists that are not the plan's end are taken by no step."""
    calls = [part for part in parts if part.startswith("call:")]
    return sum(
        call in ("call:file.find", "call:file.list", "call:container.list") and f"${number}" not in parts
        for number, call in enumerate(calls[:-1], 1)
    )


@dataclass(frozen=True, slots=True)
class Weighing:
    """The fitted weights of a model, with its reader and its tagger."""

    reader: Reader
    tagger: Tagger
    choice: tuple[float, ...]
    """For each of `FEATURES`: of the plans for a request, that of the greatest sum is taken."""
    certainty: tuple[float, ...]
    """For each number of `evidence`: the log-odds that the plan is right."""

    def digest(self) -> bytes:
        """sha256 of all its numbers and names."""
        read = hashlib.sha256("\n".join(FEATURES).encode() + self.reader.digest() + self.tagger.digest())
        for numbers in (self.choice, self.certainty):
            read.update(struct.pack(f"<{len(numbers)}f", *numbers))
        return read.digest()

    def read(self, request: str) -> Readings:
        """What reader and tagger say of a request."""
        return Readings(self.reader.odds(request), self.tagger.read(request))

    def order(self, looked: Sequence[NDArray[np.float64]], *, sure: bool) -> list[tuple[int, float]]:
        """Which plan is best: `order` by its choice."""
        return order(self.choice, looked, sure=sure)

    def consent(self, read: Readings, parts: Iterable[str]) -> float:
        """How much the reader is for the least of these parts of a plan, 0 to 1: a half at `CONSENT`, 1 where there are none."""
        odds = [
            float(read.odds[self.reader.labels.index(part)]) for part in parts if part in self.reader.labels
        ]
        return 1 / (1 + math.exp(min(60.0, CONSENT - min(odds)))) if odds else 1.0

    def confidence(self, found: NDArray[np.float64], lead: float) -> float:
        """How likely a plan is right that weighs `lead` more than the next one (infinite where there is none), 0 to 1."""
        odds = float(evidence(found, lead) @ self.certainty)
        return 1 / (1 + math.exp(-min(60.0, max(-60.0, odds))))


def order(
    choice: Sequence[float], looked: Sequence[NDArray[np.float64]], *, sure: bool
) -> list[tuple[int, float]]:
    """Which plan is best, of those with these features in the order they were made: place and lead over any other.

    One that is `sure` stays first. Where the network asks, no order is put in the question's place; a question takes an order's
    place only when it outweighs it by `RELUCTANCE`.
    """
    scores = [float(found @ choice) for found in looked]
    declines = [bool(found[_DECLINES]) for found in looked]
    if declines[0]:
        places = sorted(range(len(looked)), key=lambda one: (not declines[one], -scores[one]))
    else:
        places = sorted(range(len(looked)), key=lambda one: RELUCTANCE * declines[one] - scores[one])
    if sure:
        places = [0, *(place for place in places if place)]
        scores[0] = math.inf
    return [
        (
            place,
            scores[place] - max((s for other, s in enumerate(scores) if other != place), default=-math.inf),
        )
        for place in places
    ]


EVIDENCE = len(FEATURES) + 3


def evidence(found: NDArray[np.float64], lead: float) -> NDArray[np.float64]:
    """What `Weighing.certainty` weighs: the features, the least certain token's log-odds, the lead, and 1 for a shift."""
    import numpy as np

    least = float(found[_LEAST])
    odds = least - math.log(-math.expm1(min(least, -1e-6)))
    return np.array([*found, odds, min(WIDEST, max(0.0, lead)), 1.0])
