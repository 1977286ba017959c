"""Waiting in line for what only one can use at a time: by rank instead of by who happens to wake first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Rank = Callable[[], float]
"""Asked whenever the next one is chosen: who has the least is next. Must not block."""


class Line:
    """Any number of threads, of which one is at the front."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Place] = []
        self._front: Place | None = None

    def join(self, rank: Rank) -> Place:
        """A place in the line. `leave` it, whatever happens."""
        place = Place(self, rank)
        with self._changed:
            self._waiting.append(place)
        return place

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Goes before everybody who waits, once who is at the front has left."""
        place = self.join(lambda: float("-inf"))
        try:
            while not place.first(1.0):
                pass
            yield
        finally:
            place.leave()

    def _is_first(self, place: Place, seconds: float) -> bool:
        def free() -> bool:
            return self._front is None and min(self._waiting, key=lambda one: one.rank()) is place

        with self._changed:
            if self._front is not place and self._changed.wait_for(free, seconds):
                self._waiting.remove(place)
                self._front = place
            return self._front is place

    def _leave(self, place: Place) -> None:
        with self._changed:
            if self._front is place:
                self._front = None
            elif place in self._waiting:
                self._waiting.remove(place)
            self._changed.notify_all()


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One that waits, or is at the front."""

    line: Line
    rank: Rank

    def first(self, seconds: float) -> bool:
        """Whether it is at the front now; waits so long for it."""
        return self.line._is_first(self, seconds)  # noqa: SLF001 - two halves of one thing

    def leave(self) -> None:
        """Lets the next one to the front. Safe to call twice."""
        self.line._leave(self)  # noqa: SLF001
