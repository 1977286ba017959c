"""A small network that listens to a request apart from the kernel's network: convolutions and attention over its words.

It says two things: of each label of a plan (its calls, fields, choices) whether the plan should have it, and of each word of the
request which argument has it. What is heard of a word is itself and its letters; of a name, a number or a quotation only
what it looks like. It runs on numpy alone, in a millisecond or two.

Words in a hashed table beside their letters are those of Bojanowski et al., "Enriching Word Vectors with Subword Information"
(2017): they make a mistyped word look like the right one. One network for the whole and for each word is Liu & Lane, "Attention-Based
Recurrent Neural Network Models for Joint Intent Detection and Slot Filling" (2016). Attention that falls with the
distance is Press et al., "Train Short, Test Long" (2022). Weights are kept in 8 bits, with a scale for each row.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from casava_os.kernel.compiler.lexer import Atom

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH, HIDDEN, HEADS = 128, 256, 4
CONVOLUTIONS, ATTENTIONS = 2, 2
WORDS, LETTERS = 2**14, 2**13
"""Rows of the two tables."""

LONGEST = 96
"""Words of a request, its bounds among them, that are listened to. What stands behind them is not heard, and so asks for nothing."""

SLOPES = (0.0, 0.1, 0.3, 1.0)
"""By so much less a word heeds another for each word between them: one number for each head."""

PARTS, TAGS = "parts", "tags"
"""The two matrices that answer."""

EPSILON = 1e-6

NAME = re.compile(r"[./\\_\d]|[a-z][A-Z]")
"""What makes a word a name rather than one of the language."""

_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
_OPENING, _END = "^", "$"


class Sound(NamedTuple):
    """What is heard of a word: rows of the tables."""

    word: int
    letters: tuple[int, ...]


def said(words: Sequence[Atom]) -> list[str]:
    """The words of a request that are listened to, masked, between its bounds."""
    return [_OPENING, *map(masked, words[: LONGEST - 2]), _END]


def masked(word: Atom) -> str:
    """A word in lower case; of a name, number or quotation only what it looks like: `server.log` → `<a.a>`, `10MB` → `<0a>`."""
    text = word.text
    if word.quoted:
        return f'<"{_looks(text)}>' if text else '<">'
    if text.isdigit():
        return "<0>"
    if NAME.search(text) and any(map(str.isalnum, text)):
        return f"<{_looks(text)}>"
    return text.lower()


def _looks(text: str) -> str:
    """Letters and digits aside: `server.log` → a.a, `10MB` → 0a."""
    return _DIGITS.sub("0", _LETTERS.sub("a", text))[:12]


@lru_cache(maxsize=2**16)
def sound(word: str) -> Sound:
    """The rows of the tables that a masked word falls into."""
    letters = []
    if len(word) > 2:
        bounded = word if word.startswith("<") else f"<{word}>"
        letters = [bounded[at : at + size] for size in (3, 4) for at in range(len(bounded) - size + 1)]
    return Sound(_row(word, WORDS), tuple(_row(one, LETTERS) for one in dict.fromkeys(letters)))


def _row(text: str, size: int) -> int:
    return zlib.crc32(text.encode()) % size


def shapes(labels: int, tags: int) -> dict[str, tuple[int, int]]:
    """Rows and columns of each matrix of a network with so many labels and tags. The first two are tables."""
    found = {"words": (WORDS, WIDTH), "letters": (LETTERS, WIDTH)}
    for at in range(CONVOLUTIONS):
        found |= {f"conv{at}.in": (WIDTH, 3 * WIDTH), f"conv{at}.out": (WIDTH, WIDTH)}
    for at in range(ATTENTIONS):
        found |= {
            f"attn{at}.qkv": (3 * WIDTH, WIDTH),
            f"attn{at}.out": (WIDTH, WIDTH),
            f"attn{at}.up": (HIDDEN, WIDTH),
            f"attn{at}.down": (WIDTH, HIDDEN),
        }
    return found | {PARTS: (labels, 2 * WIDTH), TAGS: (tags, WIDTH)}


TABLES = ("words", "letters")
"""Matrices whose rows are looked up: nothing is added to what they give."""


@dataclass(frozen=True)
class Matrix:
    """A matrix in 8 bits, and what is added to each of its rows' products."""

    numbers: bytes
    """(rows, columns), signed."""
    scales: tuple[float, ...]
    """By which a row is multiplied: (rows,)."""
    shifts: tuple[float, ...] = ()
    """(rows,); none for a table."""

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """(rows, columns)."""
        import numpy as np

        rows = np.frombuffer(self.numbers, np.int8).reshape(len(self.scales), -1).astype(np.float32)
        return rows * np.asarray(self.scales, np.float32)[:, None]

    @cached_property
    def shift(self) -> NDArray[np.float32]:
        """(rows,)."""
        import numpy as np

        return np.asarray(self.shifts, np.float32)

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(…, columns) → (…, rows)."""
        found: NDArray[np.float32] = x @ self.weights.T + self.shift
        return found


@dataclass(frozen=True)
class Encoder:
    """The network's numbers: the matrices that `shapes` names."""

    matrices: Mapping[str, Matrix]

    def __call__(self, heard: Sequence[Sound]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of what is heard between its bounds, the log-odds of the labels (labels,), and the logarithms of the tags' chances (words, tags)."""
        import numpy as np

        x = self._states(heard)
        whole = np.concatenate((x.max(0), x.mean(0)))
        scores = self.matrices[TAGS](x[1:-1])
        return self.matrices[PARTS](whole), scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)

    def _states(self, heard: Sequence[Sound]) -> NDArray[np.float32]:
        """(words, WIDTH)."""
        import numpy as np

        table, letters = (self.matrices[name].weights for name in TABLES)
        x = table[[one.word for one in heard]]
        for at, one in enumerate(heard):
            if one.letters:
                x[at] += letters[list(one.letters)].mean(0)
        for layer in range(CONVOLUTIONS):
            h = np.pad(norm(x), ((1, 1), (0, 0)))
            h = np.concatenate((h[:-2], h[1:-1], h[2:]), 1)
            x = x + self._through(f"conv{layer}.out", np.maximum(self._through(f"conv{layer}.in", h), 0))
        places = np.arange(len(heard), dtype=np.float32)
        falls = -np.abs(places[:, None] - places)[None] * np.asarray(SLOPES, np.float32)[:, None, None]
        for layer in range(ATTENTIONS):
            q, k, v = (
                some.reshape(len(heard), HEADS, -1).transpose(1, 0, 2)
                for some in np.split(self._through(f"attn{layer}.qkv", norm(x)), 3, 1)
            )
            scores = q @ k.transpose(0, 2, 1) * np.float32((WIDTH // HEADS) ** -0.5) + falls
            powers = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = (powers / powers.sum(-1, keepdims=True)) @ v
            x = x + self._through(f"attn{layer}.out", mixed.transpose(1, 0, 2).reshape(len(heard), -1))
            up = np.maximum(self._through(f"attn{layer}.up", norm(x)), 0)
            x = x + self._through(f"attn{layer}.down", up)
        return norm(x)

    def _through(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.matrices[name](x)


def norm(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of mean square 1."""
    import numpy as np

    found: NDArray[np.float32] = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(EPSILON))
    return found
