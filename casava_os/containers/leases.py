"""Leases: for how long a thing that Casava started may stay, and the book in which every lease stands.

A lease counts on the clock that no one can set (CLOCK_BOOTTIME) as long as the machine has not been started anew, and on the
wall clock after that. A wall clock that was set back ends nothing early. The book is one small file a thing in the state
directory, written before the thing is made: a start with an empty book asks no daemon anything.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from casava_os.kernel.owners import alive
from casava_os.paths import private_dir, write_private
from casava_syscalls.results import Err, Result

FOLDER = "leases"
_FORMER_BOOT = "-"


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time on both clocks: seconds since the epoch, seconds since the start of the machine, and which start."""

    wall: float
    since_boot: float
    boot: str


def now() -> Instant:
    """What both clocks say."""
    return Instant(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot())


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Lease(BaseModel):
    """For how long, from when on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: int
    wall: float
    """When it began, in seconds since the epoch."""
    since_boot: float
    boot: str
    """The start of the machine in which it began; empty when that could not be told."""

    @classmethod
    def beginning(cls, seconds: int, at: Instant) -> Lease:
        """A lease of so many seconds from this moment on."""
        return cls(seconds=seconds, wall=at.wall, since_boot=at.since_boot, boot=at.boot)

    def left(self, at: Instant) -> float:
        """Seconds until it is over; 0 or less when it is."""
        if self.boot and self.boot == at.boot:
            return self.since_boot + self.seconds - at.since_boot
        return self.seconds - max(0.0, at.wall - self.wall)

    def over(self, at: Instant) -> bool:
        return self.left(at) <= 0

    def ends(self, at: Instant) -> float:
        """When it is over, in seconds since the epoch, as the wall clock goes now."""
        return at.wall + self.left(at)

    def text(self) -> str:
        """The form that stands in a label."""
        return f"{self.seconds} {self.wall:.3f} {self.since_boot:.3f} {self.boot or _FORMER_BOOT}"

    @classmethod
    def read(cls, text: str) -> Lease | None:
        """A lease from its label; None when there is none in it."""
        parts = text.split()
        if len(parts) != 4:
            return None
        boot = "" if parts[3] == _FORMER_BOOT else parts[3]
        try:
            return cls(seconds=int(parts[0]), wall=float(parts[1]), since_boot=float(parts[2]), boot=boot)
        except (ValueError, OverflowError):
            return None


class Leased(BaseModel):
    """One entry of the book."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["container", "stack"]
    name: str
    """Of a container or a stack, as the person knows it."""
    id: str = ""
    """The daemon's, where there is one: a name can be given to another thing."""
    pid: int = 0
    """The process that started it."""
    reason: str = ""
    lease: Lease | None
    """None: it stays until it is removed."""
    phase: Literal["there", "starting", "followed"] = "there"
    """starting: it may not be there yet; followed: somebody waits for its end and throws it away."""
    maker: int = 0
    """The program of the operating system that starts or follows it."""
    born: str = ""

    @property
    def abandoned(self) -> bool:
        """Whether the program that started or followed it was killed before it could end that."""
        return self.phase != "there" and not alive(self.maker, self.born)


Ender = Callable[[Leased], "Result[str]"]
"""Ends a thing whose time is over. The value is what the person should hear of it; `Err`: it is tried again later."""


@dataclass(frozen=True, slots=True)
class LeaseBook:
    """The leases of one installation."""

    state: Path

    def write(self, entry: Leased) -> None:
        """Adds or replaces the entry of this kind and name. Raises `OSError`."""
        private_dir(self.state / FOLDER)
        write_private(self._file(entry.kind, entry.name), entry.model_dump_json().encode())

    def find(self, kind: str, name: str) -> Leased | None:
        return self._read(self._file(kind, name))

    def strike(self, kind: str, name: str) -> None:
        """Takes an entry out; none is no error."""
        with suppress(OSError):
            self._file(kind, name).unlink()

    def extend(self, kind: str, name: str, seconds: int, at: Instant) -> Leased | None:
        """Lets the lease begin anew; None when there is no such entry."""
        entry = self.find(kind, name)
        if entry is None:
            return None
        longer = entry.model_copy(update={"lease": Lease.beginning(seconds, at)})
        self.write(longer)
        return longer

    def entries(self) -> list[Leased]:
        """All that can be read, by kind and name."""
        read = [self._read(path) for path in (self.state / FOLDER).glob("*.json")]
        found = [entry for entry in read if entry is not None]
        return sorted(found, key=lambda entry: (entry.kind, entry.name))

    def due(self, at: Instant) -> list[Leased]:
        """Those whose time is over."""
        return [entry for entry in self.entries() if entry.lease is not None and entry.lease.over(at)]

    def abandoned(self) -> list[Leased]:
        """Those whose starting or following program is gone."""
        return [entry for entry in self.entries() if entry.abandoned]

    def next_end(self, at: Instant) -> float | None:
        """Seconds until the next lease is over (0 when one is), for a timer; None when none is running."""
        left = [entry.lease.left(at) for entry in self.entries() if entry.lease is not None]
        return max(0.0, min(left)) if left else None

    def expire(self, at: Instant, enders: Mapping[str, Ender]) -> tuple[str, ...]:
        """Ends what is over, each by the ender of its kind; a sentence for each. What could not be ended stays in the book."""
        told = []
        for entry in self.due(at):
            end = enders.get(entry.kind)
            if end is None:
                continue
            # Somebody may have extended it since the book was read.
            current = self.find(entry.kind, entry.name)
            if current is None or current.lease is None or not current.lease.over(at):
                continue
            ended = end(current)
            if isinstance(ended, Err):
                told.append(f"The lease of {entry.name} is over, and it could not be ended: {ended}")
                continue
            self.strike(entry.kind, entry.name)
            told.append(ended.value)
        return tuple(told)

    def _file(self, kind: str, name: str) -> Path:
        return self.state / FOLDER / f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"

    @staticmethod
    def _read(path: Path) -> Leased | None:
        try:
            return Leased.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None
