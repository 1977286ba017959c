"""An embedding-bag classifier: rows of a small table are added up, and each label weighs the sum.

Joulin et al., "Bag of Tricks for Efficient Text Classification" (2017), with hashed features and rows of 8 bits.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def slots(features: Iterable[str], size: int) -> list[int]:
    """The rows of a table of `size` that features fall into."""
    return [zlib.crc32(feature.encode()) % size for feature in features]


@dataclass(frozen=True)
class Bags:
    """The classifier's numbers."""

    labels: tuple[str, ...]
    words: bytes
    """Of each slot of its table a row of signed 8-bit weights: (slots, width)."""
    scales: tuple[float, ...]
    """By which a slot's row is multiplied: (slots,)."""
    parts: tuple[float, ...]
    """(labels, width)."""
    shifts: tuple[float, ...]
    """(labels,)."""
    hidden: tuple[float, ...] = ()
    """Added to a sum of rows, of which then only what is positive counts: (width,); empty where the sum counts as it is."""

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.float32], ...]:
        import numpy as np

        rows = np.frombuffer(self.words, np.int8).reshape(len(self.scales), -1).astype(np.float32)
        return (
            rows * np.asarray(self.scales, np.float32)[:, None],
            np.asarray(self.parts, np.float32).reshape(len(self.labels), -1),
            np.asarray(self.shifts, np.float32),
            np.asarray(self.hidden, np.float32),
        )

    @property
    def size(self) -> int:
        """Slots of the table."""
        return len(self.scales)

    def scores(self, bags: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Of each bag of slots a number for each label: (bags, labels)."""
        import numpy as np

        table, parts, shifts, hidden = self._arrays
        sums = np.zeros((len(bags), table.shape[1]), np.float32)
        for at, bag in enumerate(bags):
            sums[at] = table[bag].sum(0)
        if self.hidden:
            sums = np.maximum(sums + hidden, 0)
        found: NDArray[np.float32] = sums @ parts.T + shifts
        return found
