"""What the engine is asked for, on whose behalf, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from casava_os.containers.leases import Leased
from casava_os.infra.drivers import Found, StackPlan, StackState, Tell
from casava_os.infra.record import Record
from casava_os.infra.spec import StackSpec
from casava_syscalls.infra import Driver
from casava_syscalls.results import Result


@dataclass(frozen=True, slots=True)
class Wish:
    """A stack as somebody wants it, and who."""

    name: str
    spec: StackSpec
    workspace: Path
    source: str = ""
    driver: Driver = "docker"
    lease: int | None = None
    """Seconds; None: the spec's, or the one it has."""
    approved: str = ""
    """Digest of the plan that was shown; empty: whatever the plan is by now."""


@dataclass(frozen=True, slots=True)
class Errand:
    """On whose behalf, and how to tell them what is being done."""

    pid: int = 0
    reason: str = ""
    workspace: Path | None = None
    seconds: float | None = None
    tell: Tell = lambda _: None
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did."""

    plan: StackPlan
    state: StackState


@dataclass(frozen=True, slots=True)
class Told:
    """A stack for a list: its record (or what labels tell), and how it is."""

    name: str
    driver: Driver
    record: Record | None
    found: Found | None
    state: Result[StackState]
    lease: Leased | None = None

    @property
    def begun(self) -> float | None:
        if self.record is not None and self.record.begun:
            return self.record.begun
        return self.found.begun if self.found is not None else None
