"""Fits what a model's plans are weighed by (`model.weighing`): two linear models over features of a plan, and what consent takes.

They are fitted on the lines of the corpus that nobody trains on, from what the network makes of them, because on a request
that it has learnt by heart the network is right for another reason.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge import evaluate as judging
from casava_os.forge import readers
from casava_os.forge.logistic import logistic
from casava_os.forge.readers import floats
from casava_os.kernel.ports import CompileRequest
from casava_os.model.gguf_file import Weights
from casava_os.model.llama import LlamaModel
from casava_os.model.reader import KINDS, Reader
from casava_os.model.weighing import CONSENT, EVIDENCE, FEATURES, Consent, Weighing, evidence, features, order
from casava_syscalls.results import Ok

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS = "weighing.npz"
"""A file in a model's directory."""

RECALL = 0.95
"""Share of the right plans that delete, move, run or stop for which the request asks enough …"""

CLOSE_RECALL = 0.97
"""… of those for which it asks for nothing else as well, and still asks where their names are put aside …"""

SPOKEN_RECALL = 0.70
"""… and of those for requests that speak of something besides, without that."""

NONE_NEEDED = Consent({}, {}, {})
"""Of a plan that does none of `KINDS`."""

_ALWAYS = -1e3
"""Log-odds that are always given."""
_FITTED = ("choice", "certainty", "consent")
_DECLINES = FEATURES.index("declines")


@dataclass(frozen=True, slots=True)
class Case:
    """What the network made of a request: its plans in the order they were made."""

    looked: NDArray[np.float64]
    """(plans, FEATURES)."""
    right: NDArray[np.bool_]
    """(plans,): which of them do what was asked."""
    sure: bool
    """The network was so sure that it made no other."""
    consent: Consent = NONE_NEEDED
    """How much the request asks for what the first right plan does of `KINDS`."""
    wary: bool = False
    """The request is one to be wary of."""


def unfitted(reader: Reader) -> Weighing:
    """One that weighs every plan alike, and consents to all."""
    return Weighing(reader, (0.0,) * len(FEATURES), (0.0,) * EVIDENCE, (_ALWAYS,) * CONSENT)


def read_by(directory: Path) -> Weighing | None:
    """An unfitted one with the reader of a directory, None where there is none."""
    reader = readers.load(directory / readers.READER)
    return None if reader is None else unfitted(reader)


def gather(
    weights: Weights, weighing: Weighing, items: Iterable[judging.Item], offered: frozenset[str]
) -> list[Case]:
    """A case for each item whose known plan is valid and that the model makes any plan of."""
    import numpy as np

    model = LlamaModel(replace(weights, weighing=weighing))
    found: list[Case] = []
    for item in items:
        known = judging.known_plan(item, datetime.now())  # noqa: DTZ005 - as in the engine
        if known is None:
            continue
        drawn = model.plans(CompileRequest(item.request, offered, item.piped_stdin, item.names))
        if not isinstance(drawn, Ok):
            continue
        read = weighing.read(item.request)
        looked = [
            features(item.request, trace.segments, trace.free, weighing, read) for _, trace in drawn.value
        ]
        right = [judging.right(draft.steps, item.piped_stdin, known) for draft, _ in drawn.value]
        consent = NONE_NEEDED
        if any(right):
            consent = weighing.asked(read, drawn.value[right.index(True)][1].segments)
        sure = model.is_sure(drawn.value[0])
        found.append(Case(np.stack(looked), np.array(right), sure, consent, read.wary))
    model.close()
    return found


def fit(cases: Sequence[Case], weighing: Weighing) -> Weighing:
    """The weights: the choice, how sure one can be of what it chooses, and what consent takes."""
    import numpy as np

    choice = fit_choice(cases)
    chosen = [chosen_of(case, choice) for case in cases]
    rows = np.array(
        [evidence(case.looked[best], lead) for case, (best, lead) in zip(cases, chosen, strict=True)]
    )
    right = np.array([case.right[best] for case, (best, _) in zip(cases, chosen, strict=True)], float)
    spread = np.where(rows.std(0) > 1e-6, rows.std(0), 1.0)
    certainty = logistic(rows / spread, right, (0.0,) * EVIDENCE, 1.0) / spread
    return replace(weighing, choice=choice, certainty=floats(certainty), consent=fit_consent(cases))


def fit_consent(cases: Sequence[Case]) -> tuple[float, ...]:
    """What at least `RECALL` of the right plans have that do any of `KINDS`, and of those for requests to be wary of.

    What `CLOSE_RECALL` have in the other respects, and `SPOKEN_RECALL` without what is only spoken of. Even odds where there are none.
    """
    import numpy as np

    def least(found: Iterable[float], recall: float = RECALL) -> float:
        ranked = sorted(found)
        return ranked[int((1 - recall) * len(ranked))] if ranked else 0.0

    every = [asked for case in cases for asked in case.consent.asked.values()]
    doubtful = [asked for case in cases if case.wary for asked in case.consent.asked.values()]
    kinds = [
        least(case.consent.asked[kind].odds for case in cases if kind in case.consent.asked) for kind in KINDS
    ]
    more = [
        least((one.rival for one in every), CLOSE_RECALL),
        least((odds for case in cases for odds in case.consent.aside.values()), CLOSE_RECALL),
        least(one.odds for one in doubtful),
        least(one.lead for one in doubtful),
        least((odds for case in cases for odds in case.consent.hinted.values()), SPOKEN_RECALL),
    ]
    return floats(np.array([*kinds, *more]))


def chosen_of(case: Case, choice: Sequence[float]) -> tuple[int, float]:
    """Which plan of a case is taken, and its lead over the next."""
    return order(choice, list(case.looked), sure=case.sure)[0]


def fit_choice(cases: Sequence[Case]) -> tuple[float, ...]:
    """Maximises how likely a right plan is among those it may be chosen from (a softmax of their sums), with a weak prior of 0."""
    import numpy as np

    told = []
    for case in cases:
        like = case.looked[:, _DECLINES] >= case.looked[0, _DECLINES]
        if not case.sure and case.right[like].any() and not case.right[like].all():
            told.append((case.looked[like], case.right[like]))
    if not told:
        return tuple(float(name == "likelihood") for name in FEATURES)  # nothing says better than the network
    spread = np.concatenate([looked for looked, _ in told]).std(0) + 1e-6
    weights = np.zeros(len(FEATURES))
    for _ in range(400):
        slope = np.zeros_like(weights)
        for looked, right in told:
            chances = _softmax(looked / spread @ weights)
            wanted = chances * right
            slope += (wanted / wanted.sum() - chances) @ (looked / spread)
        weights += 0.5 * (slope / len(told) - 0.01 * weights)
    return floats(weights / spread)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    powers: NDArray[np.float64] = np.exp(scores - scores.max())
    return powers / powers.sum()


def tried(cases: Sequence[Case], folds: int = 5, seed: int = 1) -> str:
    """How often the right plan comes first, before and after, each fifth weighed by what was fitted on the others."""
    mixed = list(cases)
    random.Random(seed).shuffle(mixed)
    hits = 0
    for fold in range(folds):
        choice = fit_choice([case for at, case in enumerate(mixed) if at % folds != fold])
        hits += sum(bool(case.right[chosen_of(case, choice)[0]]) for case in mixed[fold::folds])
    count = max(1, len(mixed))
    before, best = sum(bool(case.right[0]) for case in mixed), sum(bool(case.right.any()) for case in mixed)
    return (
        f"{count} requests, {sum(case.sure for case in mixed)} of them sure: right first {before / count:.1%}, "
        f"weighed {hits / count:.1%}, among the plans {best / count:.1%}"
    )


def save(directory: Path, weighing: Weighing) -> None:
    """Writes the fitted weights beside the reader."""
    import numpy as np

    fitted = {name: np.array(getattr(weighing, name)) for name in _FITTED}
    np.savez(directory / WEIGHTS, **fitted)  # type: ignore[arg-type]


def fitted(directory: Path) -> Weighing | None:
    """What a model of this directory weighs its plans by, None where nothing was fitted."""
    import numpy as np

    weighing, path = read_by(directory), directory / WEIGHTS
    if weighing is None or not path.exists():
        return None
    with np.load(path) as kept:
        if not set(_FITTED) <= set(kept):  # from before there was all of it
            return None
        choice, certainty, consent = (floats(kept[name]) for name in _FITTED)
        return replace(weighing, choice=choice, certainty=certainty, consent=consent)
