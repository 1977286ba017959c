"""Fits what a model's plans are weighed by (`model.weighing`): the reader, and the two linear models over features.

The reader learns from what the network learns from: requests with other argument words each time. The linear models are
fitted on the lines of the corpus that nobody trains on, from what the network makes of them, because on a request that it
has learnt by heart the network is right for another reason.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge import evaluate as judging
from casava_os.forge.data import Sample, Words, noise, redressed, swap, without_defaults
from casava_os.kernel.compiler.tagged import END, PLAN, REQUEST, STDIN, Control, control_names, encode
from casava_os.kernel.ports import CompileRequest
from casava_os.model.gguf_file import Weights
from casava_os.model.llama import LlamaModel
from casava_os.model.weighing import EVIDENCE, FEATURES, Reader, Weighing, evidence, features, slots
from casava_syscalls.results import Ok

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLOTS, WIDTH = 2**14, 64
"""The reader's table: 1 MB. With 2**15 slots and 331 weights in each, 40 times as much, the choice is right in 0.3 of 100
requests more."""

ROUNDS = 5

READER, WEIGHTS = "reader.npz", "weighing.npz"
"""Files in a model's directory."""

_FRAME = frozenset({REQUEST, STDIN, PLAN, END})

_DECLINES = FEATURES.index("declines")
_NOBODY = Reader((), b"", (), (), ())

Example = tuple[list[int], list[int]]
"""Slots of a request, and the labels of its plan."""


def labels() -> tuple[str, ...]:
    """The parts of plans that a reader can know: all but references, and the end, which every plan has."""
    return tuple(name for name in control_names() if name not in _FRAME and not name.startswith("$"))


def examples(sample: Sample, texts: Sequence[str], count: int, seed: int) -> Iterator[Example]:
    """Requests with other argument words each time, and what their plans have."""
    rng, words, known = random.Random(seed), Words(texts), {name: at for at, name in enumerate(labels())}
    while count:
        example = sample(rng)
        try:
            request, calls = example.request, without_defaults(example.calls)
            if rng.random() < 0.7:
                request, calls = swap(request, calls, words, rng)
            if rng.random() < 0.3:
                request = redressed(request, calls, rng)
            if rng.random() < 0.15:
                request = noise(request, calls, words, rng)
            parts = {part.name for part in encode(calls) if isinstance(part, Control)}
        except (ValueError, KeyError):  # a line that is no plan, which the corpus's check complains about
            continue
        count -= 1
        yield slots(request, SLOTS), [known[name] for name in parts if name in known]


def fit_reader(known: Sequence[Example], seed: int = 1, rounds: int = ROUNDS) -> Reader:
    """The reader: Adam on the sum of the labels' cross entropies, with a seventh of the words left out each time."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    torch.manual_seed(seed)
    rng, named = random.Random(seed), labels()
    table = torch.nn.EmbeddingBag(SLOTS, WIDTH, mode="sum")
    head = torch.nn.Linear(WIDTH, len(named))
    torch.nn.init.normal_(table.weight, std=0.1)
    torch.nn.init.constant_(head.bias, -4.0)
    optimiser = torch.optim.Adam([*table.parameters(), *head.parameters()], lr=3e-3)
    order, size, done = list(known), 128, 0
    for _ in range(rounds):
        rng.shuffle(order)
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            optimiser.param_groups[0]["lr"] = 3e-3 * (1 - done / (rounds * len(order)))
            kept = [[word for word in words if rng.random() > 1 / 7] or words[:1] for words, _ in batch]
            starts = torch.tensor(np.cumsum([0, *(len(words) for words in kept[:-1])]))
            wanted = torch.zeros(len(batch), len(named))
            for row, (_, parts) in enumerate(batch):
                wanted[row, parts] = 1
            read = head(table(torch.tensor([word for words in kept for word in words]), starts))
            loss = F.binary_cross_entropy_with_logits(read, wanted, reduction="sum") / len(batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            done += len(batch)
    weights = table.weight.detach().numpy()
    scales = np.maximum(np.abs(weights).max(1), 1e-9) / 127
    return Reader(
        labels=named,
        words=np.round(weights / scales[:, None]).astype(np.int8).tobytes(),
        scales=_floats(scales),
        parts=_floats(head.weight.detach().numpy()),
        shifts=_floats(head.bias.detach().numpy()),
    )


def _floats(numbers: NDArray[np.floating]) -> tuple[float, ...]:
    """As 32-bit floats, which is how the file keeps them."""
    return tuple(float(number) for number in numbers.astype("<f4").ravel())


@dataclass(frozen=True, slots=True)
class Case:
    """What the network made of a request: its plans in the order they were made."""

    looked: NDArray[np.float64]
    """(plans, FEATURES)."""
    right: NDArray[np.bool_]
    """(plans,): which of them do what was asked."""
    sure: bool
    """The network was so sure that it made no other."""


def gather(
    weights: Weights, reader: Reader, items: Iterable[judging.Item], offered: frozenset[str]
) -> list[Case]:
    """A case for each item whose known plan is valid and that the model makes any plan of."""
    import numpy as np

    nothing = Weighing(reader, (0.0,) * len(FEATURES), (0.0,) * EVIDENCE)
    model = LlamaModel(replace(weights, weighing=nothing))

    found: list[Case] = []
    for item in items:
        known = judging.known_plan(item, datetime.now())  # noqa: DTZ005 - as in the engine
        if known is None:
            continue
        drawn = model.plans(CompileRequest(item.request, offered, item.piped_stdin, item.names))
        if not isinstance(drawn, Ok):
            continue
        odds = reader.odds(item.request)
        looked = [
            features(item.request, trace.segments, trace.free, reader, odds) for _, trace in drawn.value
        ]
        right = [judging.right(draft.steps, item.piped_stdin, known) for draft, _ in drawn.value]
        found.append(Case(np.stack(looked), np.array(right), model.is_sure(drawn.value[0])))
    model.close()
    return found


def fit(cases: Sequence[Case], reader: Reader) -> Weighing:
    """The weights: first the choice, then how sure one can be of what it chooses."""
    import numpy as np

    choice = fit_choice(cases)
    bare = Weighing(reader, choice, ())
    chosen = [chosen_of(case, bare) for case in cases]

    rows = np.array(
        [evidence(case.looked[best], lead) for case, (best, lead) in zip(cases, chosen, strict=True)]
    )
    right = np.array([case.right[best] for case, (best, _) in zip(cases, chosen, strict=True)], float)
    return Weighing(reader, choice, _floats(_logistic(rows, right)))


def chosen_of(case: Case, weighing: Weighing) -> tuple[int, float]:
    """Which plan of a case is taken, and its lead over the next."""
    return weighing.order(list(case.looked), sure=case.sure)[0]


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
    return _floats(weights / spread)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    powers: NDArray[np.float64] = np.exp(scores - scores.max())
    return powers / powers.sum()


def _logistic(rows: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the rows' columns (the last is the shift): logistic regression by Newton's method, with a weak prior."""
    import numpy as np

    spread = np.where(rows.std(0) > 1e-6, rows.std(0), 1.0)
    scaled, weights = rows / spread, np.zeros(rows.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        slope = scaled.T @ (right - chances) - weights
        curve = (scaled * (chances * (1 - chances))[:, None]).T @ scaled + np.eye(len(weights))
        weights += np.linalg.solve(curve, slope)
    found: NDArray[np.float64] = weights / spread
    return found


def tried(cases: Sequence[Case], folds: int = 5, seed: int = 1) -> str:
    """How often the right plan comes first, before and after, each fifth weighed by what was fitted on the others."""
    order = list(cases)
    random.Random(seed).shuffle(order)
    hits = 0
    for fold in range(folds):
        choice = fit_choice([case for at, case in enumerate(order) if at % folds != fold])
        weighing = Weighing(_NOBODY, choice, ())
        hits += sum(bool(case.right[chosen_of(case, weighing)[0]]) for case in order[fold::folds])
    count = max(1, len(order))
    before, best = sum(bool(case.right[0]) for case in order), sum(bool(case.right.any()) for case in order)
    return (
        f"{count} requests, {sum(case.sure for case in order)} of them sure: right first {before / count:.1%}, "
        f"weighed {hits / count:.1%}, among the plans {best / count:.1%}"
    )


def save_reader(directory: Path, reader: Reader) -> None:
    """Writes it beside the checkpoint."""
    import numpy as np

    np.savez(
        directory / READER, labels=np.array(reader.labels), words=np.frombuffer(reader.words, np.int8),
        scales=np.array(reader.scales), parts=np.array(reader.parts), shifts=np.array(reader.shifts),
    )  # fmt: skip


def load_reader(directory: Path) -> Reader | None:
    """The reader that `save_reader` wrote, None where there is none."""
    import numpy as np

    if not (path := directory / READER).exists():
        return None
    with np.load(path) as kept:
        return Reader(
            labels=tuple(str(label) for label in kept["labels"]),
            words=kept["words"].tobytes(),
            scales=_floats(kept["scales"]),
            parts=_floats(kept["parts"]),
            shifts=_floats(kept["shifts"]),
        )


def save(directory: Path, weighing: Weighing) -> None:
    """Writes the fitted weights beside the reader."""
    import numpy as np

    np.savez(directory / WEIGHTS, choice=np.array(weighing.choice), certainty=np.array(weighing.certainty))


def fitted(directory: Path) -> Weighing | None:
    """What a model of this directory weighs its plans by, None where nothing was fitted."""
    import numpy as np

    reader, path = load_reader(directory), directory / WEIGHTS
    if reader is None or not path.exists():
        return None
    with np.load(path) as kept:
        return Weighing(reader, _floats(kept["choice"]), _floats(kept["certainty"]))
