"""A stack at one look, with what is to be said of it, and where its services and what they print are shown."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from casava_os.containers.leases import now
from casava_os.containers.watching import Seen
from casava_os.infra.drivers import ServiceState
from casava_os.infra.wishes import Told
from casava_os.shell.widgets.logpane import LogPane
from casava_os.shell.widgets.rows import Column, RowList
from casava_syscalls.results import Err, Ok


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack at one look, with its containers."""

    told: Told
    containers: tuple[Seen, ...] = ()

    @property
    def name(self) -> str:
        return self.told.name

    @property
    def services(self) -> tuple[ServiceState, ...]:
        return self.told.state.value.services if isinstance(self.told.state, Ok) else ()

    @property
    def down(self) -> bool:
        """Only its data is left."""
        record = self.told.record
        return (
            not self.services and record is not None and record.applied is None and not record.rebuilt
            and isinstance(self.told.state, Ok)
        )  # fmt: skip

    @property
    def state(self) -> str:
        if self.down:
            return "down, data kept"
        return self.told.state.value.state if isinstance(self.told.state, Ok) else "unknown"

    @property
    def lease(self) -> float | None:
        """Seconds that are left of it."""
        entry = self.told.lease
        return None if entry is None or entry.lease is None else entry.lease.left(now())

    @property
    def reason(self) -> str:
        """The request that it was set up for."""
        if self.told.lease is not None:
            return self.told.lease.reason
        return self.told.found.reason if self.told.found is not None else ""

    @property
    def drift(self) -> tuple[str, ...]:
        """What is not as the spec says."""
        if isinstance(self.told.state, Err):
            return ()
        return tuple(text for one in self.services for text in one.drift) + self.told.state.value.other


class ServiceList(RowList):
    """The services of one stack."""

    COLUMNS = (
        Column("service", 10, rest=True),
        Column("state", 10),
        Column("replicas", 8, right=True),
        Column("memory", 7, right=True),
        Column("peak", 7, right=True, wide=62),
        Column("limit", 7, right=True, wide=62),
        Column("proposed", 8, right=True, wide=62),
        Column("watts", 6, right=True, wide=92),
        Column("health", 10, wide=84),
    )


class StackDetail(Vertical):
    """The services, what is to be said of the one under the cursor, and what it prints."""

    def __init__(self, services: ServiceList, logs: LogPane) -> None:
        super().__init__(id="stack")
        self.head = Static("", id="stackhead", markup=False)
        self.service = Static("", id="service", markup=False)
        self._services, self._logs = services, logs

    def compose(self) -> ComposeResult:
        yield self.head
        yield self._services
        yield self.service
        yield self._logs
