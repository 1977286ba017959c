"""Network traffic: /proc/net/dev (proc(5)), of the interfaces that lead out of the machine."""

from __future__ import annotations

import os
from pathlib import Path

from casava_os.meters.files import read_text, whole
from casava_os.meters.rates import Rates
from casava_os.meters.readings import NetworkReading


class NetworkMeter:
    """Bytes a second in both directions.

    Counted are interfaces with a device behind them (bridges, bonds and tunnels carry the same bytes again). Inside a
    container there are none: then all but the loopback count.
    """

    def __init__(self, proc: Path, sys: Path) -> None:
        self._dev, self._class = str(proc / "net/dev"), str(sys / "class/net")
        self._names: frozenset[str] = frozenset()
        self._outward: frozenset[str] = frozenset()
        self._received, self._sent = Rates(), Rates()

    def read(self, now: float) -> NetworkReading | None:
        """None where there is no interface but the loopback."""
        counters = self._counters()
        if not counters:
            return None
        return NetworkReading(
            received=self._received.per_second({name: both[0] for name, both in counters.items()}, now),
            sent=self._sent.per_second({name: both[1] for name, both in counters.items()}, now),
        )

    def _counters(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for line in (read_text(self._dev) or "").splitlines():
            name, colon, rest = line.partition(":")
            fields = rest.split()
            if not colon or len(fields) < 9 or name.strip() == "lo":
                continue
            received, sent = whole(fields[0]), whole(fields[8])
            if received is not None and sent is not None:
                found[name.strip()] = (received, sent)
        if found.keys() != self._names:
            self._names = frozenset(found)
            real = frozenset(name for name in found if os.path.exists(f"{self._class}/{name}/device"))  # noqa: PTH110
            self._outward = real or self._names
        return {name: both for name, both in found.items() if name in self._outward}
