"""The last values of every figure, in rings of fixed length."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class History:
    """Rings by the figure's name; a moment in which a figure was not known is None in its ring."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._rings: dict[str, deque[float | None]] = {}

    def add(self, figures: Mapping[str, float | None]) -> None:
        """One moment. A figure that has not been known for as long as a ring is forgotten."""
        for name, value in figures.items():
            if value is not None and name not in self._rings:
                self._rings[name] = deque(maxlen=self._length)
        for name, ring in list(self._rings.items()):
            ring.append(figures.get(name))
            if all(value is None for value in ring):
                del self._rings[name]

    def last(self, name: str, count: int) -> tuple[float | None, ...]:
        """The newest values, oldest first; fewer than `count` when there are no more."""
        ring = self._rings.get(name)
        return tuple(ring)[-count:] if ring and count > 0 else ()
