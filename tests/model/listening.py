"""Readers made by hand: a network whose layers add nothing, so that each word counts by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from casava_os.model.encoder import PARTS, TABLES, TAGS, WIDTH, WORDS, Encoder, Matrix, shapes, sound
from casava_os.model.reader import Reader

LOUD = float(np.sqrt(WIDTH))
"""What a word's one number is after the norm."""


def matrix(weights: Sequence[Sequence[float]], shifts: Sequence[float] = ()) -> Matrix:
    """In 8 bits."""
    rows = np.array(weights, np.float32)
    scales = np.maximum(np.abs(rows).max(1), 1e-9) / 127
    return Matrix(
        np.round(rows / scales[:, None]).astype(np.int8).tobytes(),
        tuple(scales.tolist()),
        tuple(float(shift) for shift in shifts),
    )


def empty(rows: int, columns: int, *, shifted: bool = True) -> Matrix:
    """All zeros."""
    return Matrix(bytes(rows * columns), (1.0,) * rows, (0.0,) * (shifted * rows))


def hears(
    labels: Mapping[str, float],
    words: Mapping[str, Mapping[str, float]] | None = None,
    tags: Mapping[str, float] | None = None,
) -> Reader:
    """One that gives each label so much, and so much more where one of these words stands there; and each tag so much, always."""
    words, tags = words or {}, tags or {"none": 0.0}
    found = {
        name: empty(*shape, shifted=name not in TABLES)
        for name, shape in shapes(len(labels), len(tags)).items()
    }
    table = np.zeros((WORDS, WIDTH), np.float32)
    parts = np.zeros((len(labels), 2 * WIDTH), np.float32)
    for number, (word, more) in enumerate(words.items()):
        table[sound(word).word, number] = 1.0
        for at, label in enumerate(labels):
            parts[at, number] = more.get(label, 0.0) / LOUD
    found["words"] = matrix(table.tolist())
    found[PARTS] = matrix(parts.tolist(), tuple(labels.values()))
    found[TAGS] = empty(*shapes(len(labels), len(tags))[TAGS], shifted=False)
    found[TAGS] = Matrix(found[TAGS].numbers, found[TAGS].scales, tuple(tags.values()))
    return Reader(tuple(labels), tuple(tags), Encoder(found))
