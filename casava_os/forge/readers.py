"""Teaches what reads a request apart from the network (`model.reader`), from what the network learns from."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge import prose, synth
from casava_os.forge.data import Example as Drawn
from casava_os.forge.data import Sample, Words, noise, redressed, swap, without_defaults
from casava_os.forge.mix import Mix
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
from casava_os.model.encoder import LONGEST, Encoder, Matrix, said
from casava_os.model.reader import Reader
from casava_os.model.slips import SHORTEST, Lexicon, one_slip_from
from casava_os.model.tagger import INSIDE, NONE, tags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROUNDS = 1
"""How often each request is learned from: others teach more."""

SYNTHESIZED = 0.45
"""Share of the reader's requests that are drawn from the synthesizer alone: most of what forbids, wonders and misspells."""

PROSE = 0.07
"""Share of sentences that ask for nothing. With none of them 26 of 8,000 sentences of other packages' comments would have run
something, with these 7."""

SWAPPED, REDRESSED, NOISED = 0.7, 0.3, 0.25
"""Shares of the requests that get other names, another opening or end, and slips."""

OFTEN = 1e-5
"""A word that stands less often in a request is not known …"""

SLIPS = 0.012
"""… nor one that is rarer than this beside a word that one slip makes of it: the forge makes one slip of a word in 100 at most."""

READER = "reader.npz"
"""A file in a model's directory."""

UNKNOWN = -1
"""The tag of a word of which nobody can tell."""

_FRAME = frozenset({REQUEST, STDIN, PLAN, END})
_CHUNK = 20_000

Example = tuple[str, Sequence[Segment]]
"""A request and its plan."""


@dataclass(slots=True)
class Lessons:
    """Requests as what is heard of them, with labels and tags: rows of numbers, for there are millions."""

    words: dict[str, int] = field(default_factory=dict)
    """Each distinct masked word, and its number."""
    ids: list[array[int]] = field(default_factory=list)
    """Of each request the numbers of its words, its bounds among them."""
    labels: list[array[int]] = field(default_factory=list)
    tags: list[array[int]] = field(default_factory=list)
    """Of each word its tag or `UNKNOWN`, (words,) as `ids`: the bounds have none."""

    def add(self, heard: Sequence[str], labels: Iterable[int], tags: Iterable[int]) -> None:
        """One request."""
        numbers = self.words
        self.ids.append(array("i", [numbers.setdefault(word, len(numbers)) for word in heard]))
        self.labels.append(array("h", labels))
        self.tags.append(array("h", tags))

    def join(self, other: Lessons) -> None:
        """All of another's requests."""
        moved = [self.words.setdefault(word, len(self.words)) for word in other.words]
        self.ids += [array("i", [moved[one] for one in ids]) for ids in other.ids]
        self.labels += other.labels
        self.tags += other.tags


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
            if rng.random() < SWAPPED:
                request, calls = swap(request, calls, words, rng)
            if rng.random() < REDRESSED:
                request = redressed(request, calls, rng)
            if rng.random() < NOISED:
                request = noise(request, calls, words, rng)
            plan = list(encode(calls))
        except (ValueError, KeyError):  # a line that is no plan, which the corpus's check complains about
            continue
        yield request, plan


def leaning(sample: Sample, told: Sequence[str]) -> Sample:
    """As `sample`, with more from the synthesizer, and with some of these sentences, which ask for nothing."""

    def drawn(rng: random.Random) -> Drawn:
        if rng.random() < PROSE:
            return prose.sample(rng, told)
        return synth.sample(rng) if rng.random() < SYNTHESIZED else sample(rng)

    return drawn


def lessons(known: Iterator[Example], count: int) -> Lessons:
    """What is heard of so many requests, the parts of their plans, and the arguments that their words are."""
    part_places = {name: at for at, name in enumerate(parts())}
    key_places = {name: at for at, name in enumerate(keys())}
    found = Lessons()
    for request, plan in islice(known, count):
        words = atoms(request)
        labels = {part_places[p.name] for p in plan if isinstance(p, Control) and p.name in part_places}
        tagged = [UNKNOWN if not some else key_places[min(some)] for some in tags(request, words, plan)]
        found.add(said(words), sorted(labels), [UNKNOWN, *tagged[: LONGEST - 2], UNKNOWN])
    return found


def _chunk(
    people: Sequence[Path], texts: Sequence[str], told: Sequence[str], seed_and_count: tuple[int, int]
) -> Lessons:
    seed, count = seed_and_count
    return lessons(examples(leaning(Mix(people), told), texts, seed), count)


def gather(people: Sequence[Path], texts: Sequence[str], count: int, seed: int, threads: int) -> Lessons:
    """Lessons of `count` requests, made by so many processes; the same for any number of them."""
    chunks = [
        (1000 * seed + number, min(_CHUNK, count - start))
        for number, start in enumerate(range(0, count, _CHUNK))
    ]
    found, told = Lessons(), prose.sentences()
    with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:
        for some in pool.map(partial(_chunk, people, texts, told), chunks):
            found.join(some)
    return found


def fit(found: Lessons, seed: int = 1, rounds: int = ROUNDS, known: Reader | None = None) -> Reader:
    """A reader that learned them; with `known`, what that one becomes by learning them, too.

    A `ValueError` where `known` knows other parts of plans or arguments than the ABI has now.
    """
    from casava_os.forge import encoder

    if known is None:
        matrices = encoder.fit(found, parts(), keys(), seed, rounds)
        return Reader(parts(), keys(), Encoder(matrices), lexicon(found))
    if (known.labels, known.tags) != (parts(), keys()):
        raise ValueError("the reader to go on from was made for other syscalls: teach a new one")
    matrices = encoder.fit(found, parts(), keys(), seed, rounds, known.encoder.matrices)
    return Reader(parts(), keys(), Encoder(matrices), known.lexicon)


def lexicon(found: Lessons, often: float = OFTEN, slips: float = SLIPS) -> Lexicon:
    """The words of lessons that are none of the slips in them."""
    counts: Counter[str] = Counter()
    numbers = Counter(chain.from_iterable(found.ids))
    for word, number in found.words.items():
        if word.isascii() and word.isalpha() and numbers[number] >= often * len(found.ids):
            counts[word] = numbers[number]
    known = []
    for word, count in counts.most_common():
        near = (counts[other] for other in one_slip_from(word) if len(other) > SHORTEST and other != word)
        if count >= slips * max(near, default=0):
            known.append(word)
    return Lexicon(tuple(known))


def floats(numbers: NDArray[np.floating]) -> tuple[float, ...]:
    """As 32-bit floats, which is how the file keeps them."""
    return tuple(float(number) for number in numbers.astype("<f4").ravel())


def save(path: Path, reader: Reader) -> None:
    """Writes it beside the checkpoint."""
    import numpy as np

    numbers: dict[str, NDArray[np.generic]] = {}
    for name, matrix in reader.encoder.matrices.items():
        numbers[f"{name}.numbers"] = np.frombuffer(matrix.numbers, np.int8)
        numbers[f"{name}.scales"] = np.array(matrix.scales, np.float32)
        numbers[f"{name}.shifts"] = np.array(matrix.shifts, np.float32)
    texts = {
        "labels": np.array(reader.labels),
        "tags": np.array(reader.tags),
        "known": np.array(reader.lexicon.words, dtype=np.str_),
    }
    np.savez(path, **texts, **numbers)  # type: ignore[arg-type]


def load(path: Path) -> Reader | None:
    """What `save` wrote, None where there is none."""
    import numpy as np

    if not path.exists():
        return None
    with np.load(path) as kept:
        matrices = {}
        for name in (one.removesuffix(".numbers") for one in kept if one.endswith(".numbers")):
            scales, shifts = (tuple(kept[f"{name}.{part}"].tolist()) for part in ("scales", "shifts"))
            matrices[name] = Matrix(kept[f"{name}.numbers"].tobytes(), scales, shifts)
        labels, tags, known = (tuple(map(str, kept[part])) for part in ("labels", "tags", "known"))
        return Reader(labels, tags, Encoder(matrices), Lexicon(known))
