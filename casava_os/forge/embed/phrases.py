"""Pairs of requests that mean the same in other words, and pairs that look alike and do not.

Two requests whose plans have the same shape (the same calls with the same fields) say the same once the arguments of
one stand in the other: "the file salaries.xlsx is for my eyes only" and "make budget.xlsx private" become paraphrases
when budget becomes salaries. So hand-worded lines of different writers pair up without anybody having paired them.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from casava_os.forge import corpus
from casava_os.forge.data import Words, swap, without_defaults
from casava_os.kernel.compiler.tagged import Copy, encode

DEVELOPMENT = frozenset(
    {"backend_developer", "dictation", "homelab", "lab_manager", "non_native", "support_engineer"}
)
"""Writers whose words nobody trains on; the constants of retrieval are chosen on them."""

HELD_OUT = frozenset(
    {"civil_servant", "film_editor", "kid_coder", "night_owl", "novelist", "retired_engineer", "unix_veteran"}
)
"""Writers whose words nobody trains on, and nothing is chosen on: the scores of the card are theirs."""

_WITHOUT_MEANING = frozenset({"ask", "refuse"})
"""Two requests that are both refused need not mean the same."""

Skeleton = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A request, its plan's shape, and the texts that its plan copies, in order."""

    text: str
    skeleton: Skeleton
    copies: tuple[str, ...]
    writer: str = ""

    @property
    def meaning(self) -> tuple[Skeleton, tuple[str, ...]]:
        """The same for two requests with the same plan."""
        return self.skeleton, tuple(copy.casefold() for copy in self.copies)


def phrase(text: str, calls: Sequence[Mapping[str, object]], writer: str = "") -> Phrase | None:
    """A request as a phrase; None for one that is no plan, or whose plan says too little of what it means."""
    try:
        segments = encode(without_defaults(calls))
    except (ValueError, KeyError):
        return None
    if any(call["call"] in _WITHOUT_MEANING for call in calls):
        return None
    skeleton = tuple("_" if isinstance(segment, Copy) else segment.name for segment in segments)
    return Phrase(text, skeleton, tuple(s.text for s in segments if isinstance(s, Copy)), writer)


def of_lines(lines: Iterable[corpus.Line]) -> list[Phrase]:
    """The hand-worded lines as phrases."""
    made = (phrase(line.request, line.calls, line.writer) for line in lines)
    return [one for one in made if one is not None]


def training_lines() -> list[corpus.Line]:
    """Every line of the corpus but those of writers who are held out."""
    return [line for line in corpus.every() if line.writer not in DEVELOPMENT | HELD_OUT]


def transplant(one: Phrase, copies: Sequence[str]) -> Phrase | None:
    """The phrase about other things: its arguments replaced one by one. None where it is unclear which words they are."""
    if len(copies) != len(one.copies):
        return None
    others: dict[str, str] = {}
    for old, new in zip(one.copies, copies, strict=True):
        if others.setdefault(old, new) != new:
            return None
    places: list[tuple[int, str]] = []
    for old in others:
        start = one.text.find(old)
        if start < 0 or one.text.find(old, start + 1) >= 0:
            return None
        places.append((start, old))
    text = one.text
    ends = len(text) + 1
    for start, old in sorted(places, reverse=True):
        if start + len(old) > ends:
            return None
        ends = start
        text = text[:start] + others[old] + text[start + len(old) :]
    return Phrase(text, one.skeleton, tuple(copies), one.writer)


def reworded(line: corpus.Line, words: Words, rng: random.Random) -> Phrase | None:
    """The line as a phrase with other argument words."""
    try:
        text, calls = swap(line.request, list(line.calls), words, rng)
    except (ValueError, KeyError):
        return None
    return phrase(text, calls, line.writer)


@dataclass(frozen=True, slots=True)
class Triple:
    """A request, the same in other words, and perhaps one that is about the same things and wants something else."""

    anchor: str
    positive: str
    negative: str | None
    meaning: int
    """Equal for requests that mean the same."""


class Phrases:
    """Draws triples from phrases."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self.all = list(phrases)
        alike: dict[Skeleton, list[Phrase]] = defaultdict(list)
        about: dict[int, list[Phrase]] = defaultdict(list)
        for one in self.all:
            alike[one.skeleton].append(one)
            about[len(one.copies)].append(one)
        self._alike, self._about = alike, about
        self._paired = [one for one in self.all if len(alike[one.skeleton]) > 1]

    def same(self, one: Phrase, rng: random.Random) -> Phrase | None:
        """Another phrase with the same meaning."""
        other = rng.choice(self._alike[one.skeleton])
        if other.text == one.text:
            return None
        found = transplant(other, one.copies)
        return found if found is not None and found.text.casefold() != one.text.casefold() else None

    def other(self, one: Phrase, rng: random.Random) -> Phrase | None:
        """A phrase about the same things with another meaning."""
        other = rng.choice(self._about[len(one.copies)])
        return None if other.skeleton == one.skeleton else transplant(other, one.copies)

    def draw(self, rng: random.Random, changed: Words | None = None) -> Triple:
        """One triple; with `changed`, often about other things than the phrase was."""
        while True:
            anchor = rng.choice(self._paired)
            if changed is not None and anchor.copies and rng.random() < 0.7:
                moved = transplant(anchor, [_moved(copy, changed, rng) for copy in anchor.copies])
                anchor = moved or anchor
            positive = self.same(anchor, rng)
            if positive is None:
                continue
            negative = self.other(anchor, rng) if rng.random() < 0.5 and anchor.copies else None
            return Triple(
                anchor.text, positive.text, negative.text if negative else None, _number(repr(anchor.meaning))
            )


def _moved(copy: str, words: Words, rng: random.Random) -> str:
    """Another argument in the place of one: its longest run of letters becomes another word. Endings and numbers stay."""
    stem, dot, ending = copy.rpartition(".")
    if not dot:
        stem, ending = copy, ""
    if not stem.isascii() or len(stem) < 4 or not stem.replace("_", "").replace("-", "").isalpha():
        return copy
    return words.pick(rng) + dot + ending


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def same_command(pairs: Sequence[Mapping[str, str]], *, held_out: bool) -> list[list[str]]:
    """Requests that people wrote for the same command line, by command. A fifth of the commands is held out."""
    found: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        command = " ".join(pair["cmd"].split())
        if (hashlib.sha256(command.encode()).digest()[0] % 5 == 0) == held_out and pair["nl"].strip():
            found[command].append(pair["nl"].strip())
    return [sorted(set(requests)) for _, requests in sorted(found.items())]
