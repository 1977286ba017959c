"""Says of each word of a request which argument of the plan has it: a view of the request apart from the network's.

A classifier over a word and its neighbours, fitted on the same requests as the network. What is tagged are the lexer's
atoms; the tag is the key that copies the atom, or "in" for the directory of a name, or none. Mesnil et al., "Using Recurrent Neural Networks for Slot Filling in
Spoken Language Understanding" (2015) compare such taggers; this is the least of them, with one hidden layer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import IN, Control, Segment
from casava_os.model.bags import Bags, slots

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE, INSIDE = "none", "in"
"""The tags of a word that no argument has, and of the directory in "NAME in DIRECTORY"."""

LEAST = -9.0
"""No word counts more against a plan than this, as the logarithm of a probability."""

Tagged: TypeAlias = "tuple[tuple[Atom, ...], NDArray[np.float32]]"
"""A request's words, and of each the logarithm of how likely each tag is: (words, labels)."""

_EDGE = ("|", "|", "|")
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


def tags(request: str, words: Sequence[Atom], plan: Sequence[Segment]) -> list[frozenset[str] | None]:
    """For each word the tags that a plan gives it; None where nobody can tell: what is copied stands there twice."""
    starts = {begin: at for at, word in enumerate(words) for begin in (word.start, word.start + word.quoted)}
    ends = {end: at for at, word in enumerate(words) for end in (word.end, word.end - word.quoted)}
    found: list[set[str]] = [set() for _ in words]
    unclear: set[int] = set()
    key, inside = NONE, False
    for part in plan:
        if isinstance(part, Control):
            key = part.name[4:] if part.name.startswith("key:") else key
            inside = part.name == IN
            continue
        places = []
        at = request.find(part.text)
        while at >= 0:
            if at in starts and at + len(part.text) in ends:
                places.append(range(starts[at], ends[at + len(part.text)] + 1))
            at = request.find(part.text, at + 1)
        if len(places) > 1:
            unclear.update(*places)
        for place in places:
            for word in place:
                found[word].add(INSIDE if inside else key)
    return [None if at in unclear else frozenset(some or (NONE,)) for at, some in enumerate(found)]


def views(words: Sequence[Atom], size: int) -> list[list[int]]:
    """For each word the slots of a table of `size` that it, its neighbours and the whole request fall into."""
    if not words:
        return []
    said = [_said(word) for word in words]
    around = [*_EDGE, *said, *_EDGE]
    whole = [f"any {word}" for word in dict.fromkeys(said) if word.isalpha()]
    whole = [*whole, f"first {said[0]}", f"opening {' '.join(said[:2])}"]
    common, found = slots(whole, size), []
    for at, word in enumerate(words):
        third, second, before, itself, after, next_but_one, further = around[at : at + 7]
        shape = '"' if word.quoted else shape_of(word.text)
        own = (
            f"0 {itself}", f"shape {shape}", f"-1 {before}", f"-2 {second}", f"-3 {third}",
            f"+1 {after}", f"+2 {next_but_one}", f"+3 {further}",
            f"-2-1 {second} {before}", f"-3-2-1 {third} {second} {before}", f"+1+2 {after} {next_but_one}",
            f"-1+1 {before} {after}", f"-1 shape {before} {shape}", f"shape+1 {shape} {after}",
            f"-1 0 {before} {itself}", f"0+1 {itself} {after}", f"-2-1 shape {second} {before} {shape}",
            f"place {min(at, 3)} {min(len(words) - at, 3)}", f"ending {itself[-4:]}", f"first shape {said[0]} {shape}",
        )  # fmt: skip
        found.append(slots(own, size) + common)
    return found


def shape_of(word: str) -> str:
    """What a word looks like, letters and digits aside: `server.log` → a.a, `10MB` → 0a."""
    return _DIGITS.sub("0", _LETTERS.sub("a", word))[:12]


def _said(word: Atom) -> str:
    if word.quoted:
        return '"'
    text = word.text.lower()
    return text if text.isalpha() or len(text) == 1 else shape_of(text)


@dataclass(frozen=True)
class Tagger(Bags):
    """Says of each word of a request which argument has it."""

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: at for at, label in enumerate(self.labels)}

    def read(self, request: str) -> Tagged:
        """The request's words with how likely each tag is."""
        import numpy as np

        words = atoms(request)
        scores = self.scores(views(words, self.size))
        return words, scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)

    def chances(
        self, request: str, tagged: Tagged, plan: Sequence[Segment]
    ) -> tuple[list[float], list[float]]:
        """Logarithms of how likely a plan's tags are: of the words that it has, and of those that it leaves out."""
        words, logs = tagged
        has: list[float] = []
        leaves: list[float] = []
        for at, some in enumerate(tags(request, words, plan)):
            if some is not None:
                chances = [float(logs[at, self._places[tag]]) for tag in some if tag in self._places]
                (leaves if NONE in some else has).append(max([LEAST, *chances]))
        return has, leaves
