"""From synthesized examples to training rows: augmentation, tokens, loss weights, padded batches.

Two augmentations carry the model to words it never saw. *Swap* replaces the words of arguments by other words, in the
request and in the plan alike, so that an argument is known by its place and not by its letters. *Noise* drops, repeats,
misspells or replaces words that are no arguments. *Echo* rows ("repeat the request") form the copying circuit early.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from casava_os.forge.synth.noise import BEFORE_ORDER, VERBS
from casava_os.kernel.compiler.lexer import EXTENSION_WORDS, atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment, SurfaceCall, encode, tagged_fields
from casava_syscalls.shapes import Lexeme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from casava_os.forge.tokenizer import Vocabulary

MAX_TOKENS = 320
"""Longer rows are left out: they would pad a whole batch."""

LONG_TOKENS, LONG_SHARE = 100, 0.25
"""Of longer rows only this share is kept: one costs as much as four plain requests."""

COPY_WEIGHT, CALL_WEIGHT = 2.0, 1.5
"""Loss weights of copied text and of calls; every other plan token counts 1."""

TAILED = 0.12
"""Share of swapped-in words that end like the name of one of several: web-3f2a, report_2, model_v3."""

REDRESSED = 0.35
"""Share of hand-worded lines that open or end otherwise than they were written."""

OPENINGS = [opening for opening in BEFORE_ORDER.split("|") if "[" not in opening]

_SWAPPED: frozenset[Lexeme] = frozenset(
    ("path", "glob", "needle", "content", "word", "image", "container", "stack")
)


class Example(Protocol):
    """What the synthesizer gives: a request with its plan in surface form."""

    @property
    def request(self) -> str: ...
    @property
    def calls(self) -> Sequence[Mapping[str, object]]: ...
    @property
    def piped_stdin(self) -> bool: ...


Sample = Callable[[random.Random], Example]


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids and, for each, its weight as a target (0: not learned)."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


def without_defaults(calls: Sequence[Mapping[str, object]]) -> list[SurfaceCall]:
    """The calls without arguments that say what the ABI assumes anyway: a plan has one spelling.

    `encode` checks that what remains are surface values.
    """
    slim: list[SurfaceCall] = []
    for call in calls:
        fields = {shape.name: shape for shape in tagged_fields(str(call["call"]))}
        kept = {
            key: value
            for key, value in call.items()
            if key == "call" or fields[key].required or not _is_default(value, fields[key].default)
        }
        slim.append(cast("SurfaceCall", kept))
    return slim


def _is_default(value: object, default: object) -> bool:
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        return tuple(value) == default
    return type(value) is type(default) and value == default


# ---------------------------------------------------------------------------------------------- augmentation


class Words:
    """Words to swap in: of real texts, and invented ones."""

    def __init__(self, texts: Sequence[str]) -> None:
        found = {word for text in texts for word in re.findall("[A-Za-z]{3,12}", text)}
        self.known = sorted(word.lower() for word in found) or ["alpha", "beta", "gamma", "delta"]
        pairs: dict[str, str] = {}
        for word in self.known:
            for a, b in itertools.pairwise(word):
                pairs[a] = pairs.get(a, "") + b
        self._pairs = pairs

    def pick(self, rng: random.Random) -> str:
        """A known word, or now and then one that does not exist."""
        word = rng.choice(self.known)
        if rng.random() < 0.15:
            length = rng.randint(3, 9)
            while len(word) < length:
                word += rng.choice(self._pairs.get(word[-1], "aeiou"))
            word = word[:length]
        return word

    def name(self, rng: random.Random) -> str:
        """A word as names are made of: now and then with what tells it from its like, `-3f2a`, `2`, `_v3`, `-web-1`."""
        word = self.pick(rng)
        if rng.random() >= TAILED:
            return word
        number = rng.choice((rng.randint(1, 9), rng.randint(10, 99), rng.randint(2019, 2027)))
        mark = f"-{rng.randrange(1 << 16):04x}"
        joint = rng.choice("-_")
        other = joint + self.pick(rng)
        return word + rng.choice(
            (mark, f"{joint}{number}", f"{number}", f"_v{number}", other, f"{other}{joint}{number}")
        )


def swap(
    request: str, calls: Sequence[SurfaceCall], words: Words, rng: random.Random
) -> tuple[str, list[SurfaceCall]]:
    """The example with the words of its copied arguments replaced, each everywhere by the same other word."""
    texts: dict[str, str] = {}
    spans: list[tuple[int, int]] = []
    mapping: dict[str, str] = {}
    for text in dict.fromkeys(_swappable(calls)):
        # An argument that occurs more than once, or inside another, could be an instruction word as well.
        start = request.find(text)
        if start < 0 or request.find(text, start + 1) >= 0:
            continue
        if any(start < end and begin < start + len(text) for begin, end in spans):
            continue
        texts[text] = _reworded(text, mapping, words, rng)
        spans.append((start, start + len(text)))
    if not texts:
        return request, list(calls)
    for text, other in sorted(texts.items(), key=lambda item: -request.find(item[0])):
        start = request.find(text)
        request = request[:start] + other + request[start + len(text) :]

    def renamed(value: object) -> object:
        match value:
            case str():
                return texts.get(value, value)
            case list() | tuple():
                return [renamed(item) for item in value]
            case Mapping():
                return {key: renamed(item) for key, item in value.items()}
            case _:
                return value

    changed: list[SurfaceCall] = []
    for call in calls:
        swapped = {shape.name for shape in tagged_fields(str(call["call"])) if shape.lexeme in _SWAPPED}
        changed.append(
            {key: renamed(value) if key in swapped else value for key, value in call.items()}  # type: ignore[misc]
        )
    return request, changed


def _reworded(text: str, mapping: dict[str, str], words: Words, rng: random.Random) -> str:
    """The text with each word replaced, by `mapping` where it has the word; a file's extension stays."""

    def other(match: re.Match[str]) -> str:
        word = match.group()
        if text[match.start() - 1 : match.start()] == "." and (match.end() == len(text) or word == "tar"):
            return word
        new = mapping.setdefault(word, words.name(rng) if rng.random() < 0.8 else word.lower())
        return new.upper() if word.isupper() else new.capitalize() if word[0].isupper() else new

    return re.sub(r"(?<![A-Za-z'\u2019\\$-])[A-Za-z]{3,}(?![A-Za-z])", other, text)


def _swappable(calls: Sequence[SurfaceCall]) -> Iterator[str]:
    kept: set[str] = set()
    free: list[str] = []
    for call in calls:
        for shape in tagged_fields(str(call["call"])):
            for text in _copied(call.get(shape.name)):
                if shape.lexeme in _SWAPPED and not shape.choices and text not in EXTENSION_WORDS:
                    free.append(text)
                else:
                    kept.add(text)
    yield from (text for text in free if text not in kept and text != "." and not text.startswith("$"))


def _copied(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() | tuple():
            for item in value:
                yield from _copied(item)
        case Mapping():
            yield from value.values()


def noise(request: str, calls: Sequence[SurfaceCall], words: Words, rng: random.Random) -> str:
    """The request with a few of its instruction words changed; what the plan copies stays."""
    kept = " ".join(text for call in calls for key, v in call.items() if key != "call" for text in _copied(v))
    pieces: list[str] = []
    at = 0
    articles = 0.5 if rng.random() < 0.15 else 0.0
    for atom in atoms(request):
        pieces.append(request[at : atom.start])
        word = request[atom.start : atom.end]
        at = atom.end
        if atom.quoted or word in kept or not word.isalpha():
            pieces.append(word)
            continue
        chance = rng.random()
        if word in ("the", "a", "an") and rng.random() < articles:
            word = ""
        elif chance < 0.03:
            word = words.pick(rng)
        elif chance < 0.05:
            word = ""
        elif chance < 0.09 and len(word) > 3:
            word = misspelt(word, rng)
        elif chance < 0.10:
            word = f"{word} {words.pick(rng)}"
        pieces.append(word)
    return "".join(pieces) + request[at:]


def redressed(request: str, calls: Sequence[SurfaceCall], rng: random.Random) -> str:
    """A hand-worded request with another opening, capital or final mark: all that differs between two moods of one writer."""
    opening, space, rest = request.partition(" ")
    kept = {text for call in calls for key, v in call.items() if key != "call" for text in _copied(v)}
    whole = not any(
        request.endswith(text) or (" " in text and request.rstrip(" .!?").endswith(text)) for text in kept
    )
    copied = any(text.startswith(opening) for text in kept)
    draw = rng.random()
    if draw < 0.35 and opening.lower() in VERBS and not copied and space:
        request = f"{rng.choice(OPENINGS)}{opening.lower()} {rest}"
    elif draw < 0.6 and not copied and opening.isalpha() and opening.lower() != "i":
        first = (
            opening[0].lower() if opening[0].isupper() and not opening[1:].isupper() else opening[0].upper()
        )
        request = first + request[1:]
    if whole and rng.random() < 0.4:
        request = request.rstrip(".!") if request.endswith((".", "!")) else f"{request}."
    return request


def misspelt(word: str, rng: random.Random) -> str:
    """One slip of the fingers: letters exchanged, one missing, doubled or wrong."""
    i = rng.randrange(1, len(word) - 1)
    match rng.randrange(4):
        case 0:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        case 1:
            return word[:i] + word[i + 1 :]
        case 2:
            return word[:i] + word[i] + word[i:]
        case _:
            return word[:i] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[i + 1 :]


# ---------------------------------------------------------------------------------------------- rows and batches


def row(vocabulary: Vocabulary, request: str, piped_stdin: bool, segments: Sequence[Segment]) -> Row:
    """Prompt and plan as one row, only the plan weighted."""
    prompt = vocabulary.prompt(request, piped_stdin)
    ids, weights = list(prompt), [0.0] * len(prompt)
    for segment in segments:
        tokens = vocabulary.plan([segment])
        ids += tokens
        match segment:
            case Copy():
                weights += [COPY_WEIGHT] * len(tokens)
            case Control(name):
                weights += [CALL_WEIGHT if name.startswith("call:") else 1.0]
    return Row(tuple(ids), tuple(weights))


class Rows:
    """An endless stream of rows from a synthesizer."""

    def __init__(
        self, vocabulary: Vocabulary, sample: Sample, texts: Sequence[str], rng: random.Random
    ) -> None:
        self._vocabulary, self._sample, self._texts, self._rng = vocabulary, sample, texts, rng
        self._words = Words(texts)
        self.echo = 0.0
        """Share of rows whose plan is the request itself."""

    def __iter__(self) -> Iterator[Row]:
        while True:
            made = self._one()
            if made is None or len(made.ids) > MAX_TOKENS:
                continue
            if len(made.ids) <= LONG_TOKENS or self._rng.random() < LONG_SHARE:
                yield made

    def _one(self) -> Row | None:
        rng = self._rng
        if rng.random() < self.echo:
            text = (
                rng.choice(self._texts) if self._texts and rng.random() < 0.5 else self._sample(rng).request
            )
            return row(self._vocabulary, text[:200], False, [Copy(text[:200]), Control("end")])
        example = self._sample(rng)
        try:
            request, calls = example.request, without_defaults(example.calls)
            encode(calls)
        except (ValueError, KeyError):
            # A line that is no plan teaches nothing; `python -m casava_os.forge.corpus` complains about it.
            return None
        # A hand-worded line comes back many times: its wording is to be learned, not its names.
        written = hasattr(example, "writer")
        if rng.random() < (0.8 if written else 0.4):
            request, calls = swap(request, calls, self._words, rng)
        if written and rng.random() < REDRESSED:
            request = redressed(request, calls, rng)
        if rng.random() < (0.2 if written else 0.12):
            request = noise(request, calls, self._words, rng)
        return row(self._vocabulary, request, example.piped_stdin, encode(calls))


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded token ids (rows, length) and target weights of the same shape; `tokens` counts the real ones."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float32]
    tokens: int


def batches(rows: Iterator[Row], budget: Callable[[], int], rng: random.Random) -> Iterator[Batch]:
    """Batches of rows of similar length, about `budget()` tokens each, in random order."""
    import numpy as np

    while True:
        size = budget()
        pool = sorted((next(rows) for _ in range(max(256, size // 6))), key=lambda r: len(r.ids))
        groups: list[list[Row]] = [[]]
        for one in pool:
            if groups[-1] and len(one.ids) * (len(groups[-1]) + 1) > size:
                groups.append([])
            groups[-1].append(one)
        rng.shuffle(groups)
        for group in groups:
            length = max(len(one.ids) for one in group)
            ids = np.zeros((len(group), length), np.int64)
            weights = np.zeros((len(group), length), np.float32)
            for i, one in enumerate(group):
                ids[i, : len(one.ids)] = one.ids
                weights[i, : len(one.weights)] = one.weights
            yield Batch(ids, weights, sum(len(one.ids) for one in group))
