"""Fits what reads a request apart from the network: the reader (`model.reader`) and the tagger (`model.tagger`).

Both learn from what the network learns from: requests with other argument words each time.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from casava_os.forge import synth
from casava_os.forge.data import Sample, Words, noise, redressed, swap, without_defaults
from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import (
    END,
    PLAN,
    REQUEST,
    STDIN,
    Control,
    Segment,
    control_names,
    encode,
)
from casava_os.model.bags import Bags, slots
from casava_os.model.reader import KINDS, Reader, heard
from casava_os.model.tagger import INSIDE, NONE, Tagger, tags, views

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

READER_SLOTS, READER_WIDTH = 2**16, 64
"""The reader's table: 4 MB."""

TAGGER_SLOTS, TAGGER_WIDTH = 2**15, 48

READER_ROUNDS, TAGGER_ROUNDS = 3, 2

RATE = 3e-3

FIRST_SHARE = 0.2
"""Of the requests that the reader learns from, so many teach a first one, which only says what the reader should attend to."""

TELLING, OTHERS = -4.5, 0.35
"""Log-odds of anything that needs consent from which on a request is worth attending to, and the share of the others that is."""

SYNTHESIZED = 0.45
"""Share of the reader's requests that are drawn from the synthesizer alone: most of what forbids, wonders and misspells."""

READER, TAGGER = "reader.npz", "tagger.npz"
"""Files in a model's directory."""

_FRAME = frozenset({REQUEST, STDIN, PLAN, END})

Example = tuple[str, Sequence[Segment]]
"""A request and its plan."""

_Kind = TypeVar("_Kind", bound=Bags)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A bag of slots, and the labels that it has: by their places."""

    bag: Sequence[int]
    labels: Sequence[int]


def parts() -> tuple[str, ...]:
    """The parts of plans that a reader can know: all but references, and the end, which every plan has."""
    return tuple(name for name in control_names() if name not in _FRAME and not name.startswith("$"))


def keys() -> tuple[str, ...]:
    """The tags of words: every key, and the two that are none."""
    return (NONE, INSIDE, *(name[4:] for name in control_names() if name.startswith("key:")))


def examples(sample: Sample, texts: Sequence[str], seed: int) -> Iterator[Example]:
    """Requests with other argument words each time, and their plans, without end."""
    rng, words = random.Random(seed), Words(texts)
    while True:
        example = sample(rng)
        try:
            request, calls = example.request, without_defaults(example.calls)
            if rng.random() < 0.7:
                request, calls = swap(request, calls, words, rng)
            if rng.random() < 0.3:
                request = redressed(request, calls, rng)
            if rng.random() < 0.15:
                request = noise(request, calls, words, rng)
            plan = list(encode(calls))
        except (ValueError, KeyError):  # a line that is no plan, which the corpus's check complains about
            continue
        yield request, plan


def leaning(sample: Sample) -> Sample:
    """As `sample`, with more from the synthesizer."""
    return lambda rng: synth.sample(rng) if rng.random() < SYNTHESIZED else sample(rng)


def telling(known: Iterable[Example], first: Reader, seed: int = 1) -> Iterator[Example]:
    """Those of the examples that do, or seem to ask for, something that needs consent; and some of the others."""
    rng, dangers = random.Random(seed), frozenset().union(*KINDS.values())
    places = [at for at, label in enumerate(first.labels) if label.removeprefix("call:") in dangers]
    for request, plan in known:
        does = any(isinstance(p, Control) and p.name.removeprefix("call:") in dangers for p in plan)
        if does or rng.random() < OTHERS or first.odds(request)[places].max() >= TELLING:
            yield request, plan


def of_reader(known: Iterable[Example]) -> list[list[Lesson]]:
    """What the reader learns: a request as a bag, and the parts of its plan."""
    places = {name: at for at, name in enumerate(parts())}
    return [
        [
            Lesson(
                array("I", slots(heard(request), READER_SLOTS)),
                sorted({places[p.name] for p in plan if isinstance(p, Control) and p.name in places}),
            )
        ]
        for request, plan in known
    ]


def of_tagger(known: Iterable[Example]) -> list[list[Lesson]]:
    """What the tagger learns: each word of a request as a bag, and its tag. Words of which nobody can tell are left out."""
    places = {name: at for at, name in enumerate(keys())}
    found = []
    for request, plan in known:
        words = atoms(request)
        tagged = zip(views(words, TAGGER_SLOTS), tags(request, words, plan), strict=True)
        found.append([Lesson(array("I", bag), (places[min(some)],)) for bag, some in tagged if some])
    return found


def fit_reader(known: Iterable[Example], seed: int = 1, rounds: int = READER_ROUNDS) -> Reader:
    """The reader: of each label whether the plan has it, with two fifths of what is listened to left out each time."""
    import torch.nn.functional as F

    def loss(scores: torch.Tensor, labels: Sequence[Sequence[int]]) -> torch.Tensor:
        wanted = scores.new_zeros(scores.shape)
        for row, some in enumerate(labels):
            wanted[row, list(some)] = 1
        return F.binary_cross_entropy_with_logits(scores, wanted, reduction="sum") / len(labels)

    fitting = _Fitting(READER_SLOTS, READER_WIDTH, parts(), rectified=True, shift=-4.0, left_out=0.4)
    return fitting.fit(Reader, of_reader(known), loss, seed, rounds, 256)


def fit_tagger(known: Iterable[Example], seed: int = 1, rounds: int = TAGGER_ROUNDS) -> Tagger:
    """The tagger: of each word which one tag it has, with three tenths of what is looked at left out each time."""
    import torch.nn.functional as F

    def loss(scores: torch.Tensor, labels: Sequence[Sequence[int]]) -> torch.Tensor:
        return F.cross_entropy(scores, scores.new_tensor([some[0] for some in labels]).long())

    fitting = _Fitting(TAGGER_SLOTS, TAGGER_WIDTH, keys(), rectified=True, shift=0.0, left_out=0.3)
    return fitting.fit(Tagger, of_tagger(known), loss, seed, rounds, 48)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """How an embedding-bag classifier is fitted: by Adam, its rate falling to zero."""

    slots: int
    width: int
    labels: tuple[str, ...]
    rectified: bool
    shift: float
    left_out: float

    def fit(
        self,
        kind: type[_Kind],
        known: Sequence[Sequence[Lesson]],
        loss: Callable[[torch.Tensor, Sequence[Sequence[int]]], torch.Tensor],
        seed: int,
        rounds: int,
        size: int,
    ) -> _Kind:
        """`size` requests are learned from at a time, every one of them `rounds` times."""
        import numpy as np
        import torch

        torch.manual_seed(seed)
        rng = random.Random(seed)
        table = torch.nn.EmbeddingBag(self.slots, self.width, mode="sum")
        hidden = torch.nn.Parameter(torch.zeros(self.width))
        head = torch.nn.Linear(self.width, len(self.labels))
        torch.nn.init.normal_(table.weight, std=0.05 if self.rectified else 0.1)
        torch.nn.init.constant_(head.bias, self.shift)
        learned = [*table.parameters(), *head.parameters(), *([hidden] if self.rectified else [])]
        optimiser = torch.optim.Adam(learned, lr=RATE)
        order, done = list(known), 0
        for _ in range(rounds):
            rng.shuffle(order)
            for start in range(0, len(order), size):
                lessons = [lesson for some in order[start : start + size] for lesson in some]
                optimiser.param_groups[0]["lr"] = RATE * (1 - done / (rounds * len(order)))
                done += len(order[start : start + size])
                if not lessons:
                    continue
                bags = [
                    [slot for slot in lesson.bag if rng.random() > self.left_out] or lesson.bag[:1]
                    for lesson in lessons
                ]
                starts = torch.tensor(np.cumsum([0, *(len(bag) for bag in bags[:-1])]))
                sums = table(torch.tensor([slot for bag in bags for slot in bag]), starts)
                scores = head(torch.relu(sums + hidden) if self.rectified else sums)
                error = loss(scores, [lesson.labels for lesson in lessons])
                optimiser.zero_grad()
                error.backward()
                optimiser.step()
        weights = table.weight.detach().numpy()
        scales = np.maximum(np.abs(weights).max(1), 1e-9) / 127
        return kind(
            labels=self.labels,
            words=np.round(weights / scales[:, None]).astype(np.int8).tobytes(),
            scales=floats(scales),
            parts=floats(head.weight.detach().numpy()),
            shifts=floats(head.bias.detach().numpy()),
            hidden=floats(hidden.detach().numpy()) if self.rectified else (),
        )


def floats(numbers: NDArray[np.floating]) -> tuple[float, ...]:
    """As 32-bit floats, which is how the file keeps them."""
    return tuple(float(number) for number in numbers.astype("<f4").ravel())


def save(path: Path, bags: Bags) -> None:
    """Writes it beside the checkpoint."""
    import numpy as np

    np.savez(
        path, labels=np.array(bags.labels), words=np.frombuffer(bags.words, np.int8),
        scales=np.array(bags.scales), parts=np.array(bags.parts), shifts=np.array(bags.shifts),
        hidden=np.array(bags.hidden),
    )  # fmt: skip


def load(path: Path, kind: type[_Kind]) -> _Kind | None:
    """What `save` wrote, None where there is none."""
    import numpy as np

    if not path.exists():
        return None
    with np.load(path) as kept:
        return kind(
            labels=tuple(str(label) for label in kept["labels"]),
            words=kept["words"].tobytes(),
            scales=floats(kept["scales"]),
            parts=floats(kept["parts"]),
            shifts=floats(kept["shifts"]),
            hidden=floats(kept["hidden"]) if "hidden" in kept else (),
        )
