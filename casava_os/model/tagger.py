"""Says of each word of a request which argument of the plan it belongs to: a view of the request apart from the network's.

The classifier is that of the reader (`model.weighing`), an embedding bag with one hidden layer, over features of the word
and its neighbours. What is labelled are the lexer's atoms; the label is the key that copies the atom, or none. Tagging
words with the argument that they fill is slot filling: Mesnil et al., "Using Recurrent Neural Networks for Slot Filling in
Spoken Language Understanding" (2015), where a log-linear model over neighbouring words is the baseline.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import IN, Control, Copy, Segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE = "none"
"""The label of a word that no argument has."""

INSIDE = "in"
"""The label of the directory in "NAME in DIRECTORY"."""


def marked(request: str, words: Sequence[Atom], segments: Sequence[Segment]) -> list[frozenset[str] | None]:
    """For each word the labels that a plan gives it; None where that cannot be told: what is copied stands there twice."""
    found: list[set[str]] = [set() for _ in words]
    unclear: set[int] = set()
    starts = {atom.start + atom.quoted: at for at, atom in enumerate(words)}
    ends = {atom.end - atom.quoted: at for at, atom in enumerate(words)}
    starts |= {atom.start: at for at, atom in enumerate(words)}
    ends |= {atom.end: at for at, atom in enumerate(words)}
    key = NONE
    for part in segments:
        if isinstance(part, Control):
            if part.name.startswith("key:"):
                key = part.name[4:]
            elif part.name == IN:
                key = INSIDE
            continue
        places = []
        at = request.find(part.text)
        while at >= 0:
            if at in starts and at + len(part.text) in ends:
                places.append(range(starts[at], ends[at + len(part.text)] + 1))
            at = request.find(part.text, at + 1)
        if len(places) > 1:
            unclear.update(*places)
        for place in places[:1]:
            for word in place:
                found[word].add(key)
    return [
        None if at in unclear else frozenset(labels or (NONE,)) for at, labels in enumerate(found)
    ]


_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


def _shape(word: str) -> str:
    """What a word looks like: `server.log` → a.a, `10MB` → 0a."""
    return _DIGITS.sub("0", _LETTERS.sub("a", word))[:12]


def views(request: str, words: Sequence[Atom], size: int) -> list[list[int]]:
    """For each word the slots of a table of `size` that it and its neighbours fall into."""
    said = [_said(atom) for atom in words]
    shapes = ["q" if atom.quoted else _shape(atom.text) for atom in words]
    edge = "|"
    all_said = [edge] * 3 + said + [edge] * 3
    opening = " ".join(said[:2])
    common = [f"r:{word}" for word in dict.fromkeys(said) if word.isalpha()]
    kept = [zlib.crc32(one.encode()) % size for one in (*common, f"^{said[0]}", f"^^{opening}")] if said else []
    found = []
    for at, word in enumerate(said):
        c, b, a, _, x, y, z = all_said[at : at + 7]
        shape = shapes[at]
        named = (
            f"0:{word}", f"s:{shape}", f"-1:{a}", f"-2:{b}", f"-3:{c}", f"+1:{x}", f"+2:{y}", f"+3:{z}",
            f"-2-1:{b} {a}", f"-3-2-1:{c} {b} {a}", f"+1+2:{x} {y}", f"-1+1:{a} {x}", f"-1s:{a} {shape}",
            f"s+1:{shape} {x}", f"-10:{a} {word}", f"0+1:{word} {x}", f"-2-1s:{b} {a} {shape}",
            f"p:{min(at, 3)} {min(len(said) - at, 3)}", f"e:{word[-4:]}", f"^s:{said[0]} {shape}",
        )  # fmt: skip
        found.append([zlib.crc32(one.encode()) % size for one in named] + kept)
    return found


def _said(atom: Atom) -> str:
    if atom.quoted:
        return '"'
    text = atom.text.lower()
    return text if text.isalpha() or len(text) == 1 else _shape(text)


@dataclass(frozen=True)
class Tagger:
    """Says of each word of a request which argument has it."""

    labels: tuple[str, ...]
    words: bytes
    """Of each slot of its table a row of signed 8-bit weights: (slots, width)."""
    scales: tuple[float, ...]
    """By which a slot's row is multiplied: (slots,)."""
    parts: tuple[float, ...]
    """(labels, width)."""
    shifts: tuple[float, ...]
    """Of the hidden layer, then of the labels: (width + labels,)."""

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.float32], ...]:
        import numpy as np

        rows = np.frombuffer(self.words, np.int8).reshape(len(self.scales), -1).astype(np.float32)
        table = rows * np.asarray(self.scales, np.float32)[:, None]
        shifts = np.asarray(self.shifts, np.float32)
        width = table.shape[1]
        return table, np.asarray(self.parts, np.float32).reshape(len(self.labels), -1), shifts[:width], shifts[width:]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: at for at, label in enumerate(self.labels)}

    def read(self, request: str) -> tuple[tuple[Atom, ...], NDArray[np.float32]]:
        """The request's words, and of each the logarithm of how likely each label is: (words, labels)."""
        import numpy as np

        words = atoms(request)
        table, parts, hidden, shifts = self._arrays
        if not words:
            return words, np.zeros((0, len(self.labels)), np.float32)
        looked = np.array(views(request, words, len(table)))
        inside = np.maximum(table[looked].sum(1) + hidden, 0)
        scores = inside @ parts.T + shifts
        scores -= scores.max(1, keepdims=True)
        found: NDArray[np.float32] = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return words, found

    def chances(
        self, request: str, read: tuple[tuple[Atom, ...], NDArray[np.float32]], segments: Sequence[Segment]
    ) -> tuple[list[float], list[float]]:
        """Logarithms of how likely a plan's labels are: those of the words that it has, and of those that it leaves out."""
        import numpy as np

        words, logs = read
        used: list[float] = []
        left: list[float] = []
        for at, labels in enumerate(marked(request, words, segments)):
            if labels is None:
                continue
            places = [self._places[label] for label in labels if label in self._places]
            chance = float(np.logaddexp.reduce(logs[at, places])) if places else -9.0
            (left if labels == {NONE} else used).append(max(-9.0, chance))
        return used, left
