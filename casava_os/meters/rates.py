"""Counters that only grow, as amounts a second."""

from __future__ import annotations

from collections.abc import Mapping


class Rates:
    """Several counters of one kind, summed; each by name, for devices come and go.

    A counter seen for the first time, or one that fell (a device that was reset or replaced), says nothing this time; with
    `from_zero`, a new one has grown from nothing since the last call (a process that was started meanwhile).
    """

    def __init__(self, *, from_zero: bool = False) -> None:
        self._from_zero = from_zero
        self._seen: Mapping[str, int] = {}
        self._at: float | None = None

    def per_second(self, counters: Mapping[str, int] | None, now: float) -> float | None:
        """Growth of all counters together since the last call, a second. `now` in seconds; None: cannot be told."""
        before, at = self._seen, self._at
        self._seen, self._at = counters or {}, now
        if not counters or at is None or now <= at:
            return None
        grown = [
            value - before.get(name, 0)
            for name, value in counters.items()
            if name in before or self._from_zero
        ]
        grown = [amount for amount in grown if amount >= 0]
        return sum(grown) / (now - at) if grown else None


def share(part: float | None, whole: float | None) -> float | None:
    """Per cent, 0 to 100; None where either is unknown or the whole is nothing."""
    if part is None or not whole:
        return None
    return min(100.0, max(0.0, 100.0 * part / whole))
