"""Weighs a plan against others that were nearly as likely (`fusion`), and says how sure one can be of the best.

The network writes from left to right and takes the likeliest word each time; what the whole plan leaves out of the
request, or says twice, it never looks at. Two things do that here. A *reader* (`model.reader`), a small network of its own, says
which parts (calls, fields, choices) a plan for the request should have, and of each word which argument should have it. And
some *features* count what a careful person would look at: names in the request that the
plan does not use, results that no step takes, arguments that stand there twice. Linear models over these choose the plan and say
how sure it is. What deletes, moves or runs needs the reader's *consent* besides: without it a plan is a question, however sure
it is. The forge fits all of this on requests that nobody trains on (`forge.weighing`).

Choosing among several of a generator's outputs by features of the whole is Collins & Koo, "Discriminative Reranking
for Natural Language Parsing" (2005).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.caution import TARGETS, copies, hardly_meant
from casava_os.model.encoder import NAME
from casava_os.model.misread import turned_round
from casava_os.model.reader import CHANGES, KINDS, NEVER, Asked, Heard, Reader
from casava_os.model.spoken import NOTHING_SPARED, Spared, ordered, plain, silent, spared, unnamed, wary
from casava_os.model.withdrawn import may_be, not_kept, reported, taken_back

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

RELUCTANCE = 3.0
"""By so much a question must outweigh an order. Without it plain orders ("find files smaller than 2 MB") become questions; of 2,465
requests that nobody trains on it makes three worse, and of the journeys two better."""

WIDEST = 4.0
"""A lead over the next plan above this says no more, and so sure a plan counts as having it."""

CONTRARY = -1.0
"""A choice of which the reader gives less log-odds ("stop" where the request says to kill) makes a question of a plan. Of 351 right plans for
requests that nobody trains on 2 become one so, of 74 wrong ones 3."""

REFUSED = 0.1
"""The certainty of a plan that writes or fetches what is forbidden or only spoken of: a question whatever the settings are."""

_FLOOR = 1e-9
_NAMES = TARGETS | {
    f"key:{name}"
    for name in (
        "exclude", "name_contains", "name_starts", "name_ends", "prefix", "suffix", "find", "replacement", "pattern", "contains",
        "image", "cwd", "content",
    )
}  # fmt: skip
"""… and all whose words may be any."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What the reader says of a request."""

    request: str
    heard: Heard
    wary: bool = False
    orders: NDArray[np.float32] | None = None
    """The log-odds of the request without what it only speaks of; None where that is all of it."""
    spared: Spared = NOTHING_SPARED
    mended: Readings | None = None
    """The same of the request without slips (`model.slips`): consent is asked there, too. None where there are none."""


@dataclass(frozen=True, slots=True)
class Consent:
    """How much a request asks for what a plan does of `KINDS`: nothing is in it where the plan does none of them."""

    asked: Mapping[str, Asked]
    aside: Mapping[str, float]
    """The log-odds where what the plan takes for names is put aside."""
    hinted: Mapping[str, float]
    """What is still hinted without what the request only speaks of, where it speaks of anything."""


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
    half = 0.5 * read.heard.parts
    there = np.isin(weighing.reader.labels, parts)
    for_it, against = _log_sigmoid(half[there]), _log_sigmoid(-half[~there])
    has, leaves = weighing.reader.chances(request, read.heard, segments)
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
        and (atom.quoted or NAME.search(atom.text) is not None)
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
    """The fitted weights of a model, with its reader."""

    reader: Reader
    choice: tuple[float, ...]
    """For each of `FEATURES`: of the plans for a request, that of the greatest sum is taken."""
    certainty: tuple[float, ...]
    """For each number of `evidence`: the log-odds that the plan is right."""
    consent: tuple[float, ...]
    """For each of `KINDS` the log-odds that the reader must give a plan that does it; then, for any of them, the `Asked.rival`, and
    the log-odds where what the plan takes for names is put aside (`model.spoken.unnamed`); then log-odds and `Asked.lead` in a
    request to be wary of (`model.spoken.wary`), and what is hinted without what is only spoken of (`Reader.hinted`)."""

    def read(self, request: str) -> Readings:
        """What the reader says of a request, as it stands and without slips."""
        found, mended = self._read(request), self.reader.lexicon.mended(request)
        return found if mended == request else replace(found, mended=self._read(mended))

    def _read(self, request: str) -> Readings:
        rest = ordered(request)
        return Readings(
            request,
            self.reader.hear(request),
            wary(request),
            None if rest == request else self._left(rest),
            spared(request),
        )

    def _left(self, rest: str) -> NDArray[np.float32]:
        import numpy as np

        return np.full(len(self.reader.labels), NEVER, np.float32) if silent(rest) else self.reader.odds(rest)

    def asked(self, read: Readings, plan: Sequence[Segment]) -> Consent:
        """How much a request asks for what a plan does of `KINDS`."""
        names = [part.name for part in plan if isinstance(part, Control)]
        asked = self.reader.asked(read.heard.parts, names)
        if not asked:
            return Consent({}, {}, {})
        bare = unnamed(read.request, (text for key, text in copies(plan) if key in _NAMES))
        aside = asked if bare == read.request else self.reader.asked(self.reader.odds(bare), names)
        hinted = {} if read.orders is None else self.reader.hinted(read.orders, names)
        return Consent(asked, {kind: one.odds for kind, one in aside.items()}, hinted)

    def might_consent(self, read: Readings) -> bool:
        """Whether there is any plan at all that does some of `KINDS` and that the reader could consent to."""
        if read.mended is not None and not self.might_consent(read.mended):
            return False
        *_, odds, lead, hint = self.consent
        for wanted, calls in zip(self.consent, KINDS.values(), strict=False):
            for call in calls:
                found = self.reader.asked(read.heard.parts, (call,))
                if any(
                    one.odds >= wanted and (not read.wary or (one.odds >= odds and one.lead >= lead))
                    for one in found.values()
                ) and (read.orders is None or max(self.reader.hinted(read.orders, (call,)).values()) >= hint):
                    return True
        return False

    def consents(self, read: Readings, plan: Sequence[Segment]) -> float:
        """1 where the reader consents to a plan, or nobody has to; else less than a half, the less the more is wanting."""
        consents = self._consents(read, plan)
        if read.mended is None:
            return consents
        request, mended = read.mended.request, self.reader.lexicon.mended
        same = [
            Copy(mended(part.text)) if isinstance(part, Copy) and part.text not in request else part
            for part in plan
        ]
        return min(consents, self._consents(read.mended, same))

    def _consents(self, read: Readings, plan: Sequence[Segment]) -> float:
        found = self.asked(read, plan)
        if found.asked and (hardly_meant(read.request, plan, read.spared) or self._differs(read.heard, plan)):
            return 0.0
        wanted, (rival, aside, odds, lead, hint) = (
            dict(zip(KINDS, self.consent, strict=False)),
            self.consent[len(KINDS) :],
        )
        least = [min(one.odds - wanted[kind], one.rival - rival) for kind, one in found.asked.items()]
        least += [one - aside for one in found.aside.values()]
        if read.wary:
            least += [min(one.odds - odds, one.lead - lead) for one in found.asked.values()]
        least += [one - hint for one in found.hinted.values()]
        most = min(least, default=0.0)
        consents = 1.0 if most >= 0 else 1 / (1 + math.exp(-max(-60.0, most)))
        changes = self._changed(read, plan)
        return consents if changes is None or changes >= hint else min(consents, REFUSED)

    def _changed(self, read: Readings, plan: Sequence[Segment]) -> float | None:
        """The least of the log-odds, without what the request only speaks of, of what a plan writes, fetches or remembers.

        None where it does nothing like it, or the request only orders; what can be undone needs no other consent.
        """
        calls = CHANGES.intersection(part.name[5:] for part in plan if isinstance(part, Control))
        if not calls:
            return None
        said = plain(read.request)
        if taken_back(said, moves=False) or ("memory.remember" in calls and not_kept(said)):
            return NEVER
        calls -= {"memory.remember"}  # what is remembered may say anything
        if calls and (reported(said) or turned_round(read.request, plan)):
            return NEVER
        if not calls or read.orders is None or may_be(said):
            return None
        odds = dict(zip(self.reader.labels, read.orders.tolist(), strict=True))
        return float(min(odds.get(f"call:{call}", NEVER) for call in calls))

    def _differs(self, heard: Heard, plan: Sequence[Segment]) -> bool:
        """Whether a plan has a choice that is not heard at all, or leaves nothing out of a list where that is heard."""
        odds = dict(zip(self.reader.labels, heard.parts.tolist(), strict=True))
        names = {part.name for part in plan if isinstance(part, Control)}
        if any(name.startswith("=:") and odds.get(name, 0.0) < CONTRARY for name in names):
            return True
        lists = any(name.startswith("$") for name in names)
        return lists and "key:exclude" not in names and odds.get("key:exclude", NEVER) > 0

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

CONSENT = len(KINDS) + 5


def evidence(found: NDArray[np.float64], lead: float) -> NDArray[np.float64]:
    """What `Weighing.certainty` weighs: the features, the least certain token's log-odds, the lead, and 1 for a shift."""
    import numpy as np

    least = float(found[_LEAST])
    odds = least - math.log(-math.expm1(min(least, -1e-6)))
    return np.array([*found, odds, min(WIDEST, max(0.0, lead)), 1.0])
