"""What is known of the stacks of one installation: records, leases, and what labels tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from casava_os.containers.leases import LeaseBook, Leased
from casava_os.infra.drivers import Deployment, Found, InfraDriver, StackKey, StackState
from casava_os.infra.fit import free_memory
from casava_os.infra.graph import Node, graph_of
from casava_os.infra.record import Record, Version
from casava_os.infra.spec import StackSpec
from casava_os.infra.store import Store, unwritable
from casava_os.infra.wishes import Told
from casava_syscalls.infra import Driver
from casava_syscalls.results import Err, Ok, Result


@dataclass(slots=True)
class Ledger:
    """The stacks of one installation, as they are known."""

    store: Store
    owner: str
    driver: Callable[[Driver], Result[InfraDriver]]
    book: LeaseBook
    free: Callable[[], int] = free_memory
    finders: tuple[Driver, ...] = ("docker", "terraform", "kubernetes")
    """Drivers that find stacks by labels, whatever the records say."""
    let_go: Callable[[], None] = lambda: None
    """Closes what `driver` has opened."""
    notes: list[str] = field(default_factory=list)
    """What the person should hear, a sentence each; taken by `heard`."""

    def heard(self) -> list[str]:
        """The notes so far, each once."""
        notes, self.notes = self.notes, []
        return notes

    def close(self) -> None:
        """Lets go of the drivers' connections."""
        self.let_go()

    def key(self, stack: str) -> StackKey:
        """Whose stack it is."""
        return StackKey(self.owner, stack)

    def _deployment(self, record: Record, version: Version, operation: str = "") -> Result[Deployment]:
        """What was applied, from the record."""
        spec = parsed(version, record.stack)
        if isinstance(spec, Err):
            return spec
        digests = version.files()
        return Ok(
            value=Deployment(
                key=self.key(record.stack),
                spec=spec.value,
                graph=graph_of(spec.value, digests),
                workspace=Path(version.workspace),
                files=self.store.paths(record.stack, digests),
                pid=record.pid,
                reason=record.reason,
                operation=operation,
            )
        )

    @staticmethod
    def _digests(wanted: Deployment) -> dict[Node, str]:
        return {node: path.name for node, path in wanted.files.items()}

    def _written(self, entry: Leased) -> Result[Leased]:
        try:
            self.book.write(entry)
        except OSError as problem:
            return unwritable(problem)
        return Ok(value=entry)

    def _recorded(self) -> list[str]:
        """Stacks whose records say that there is something; a record that cannot be believed says so, too."""
        found = ((name, self.store.read(name)) for name in self.store.names())
        return [name for name, r in found if isinstance(r, str) or (r is not None and says_something(r))]

    def _drivers_on_record(self) -> tuple[Driver, ...]:
        """On which drivers the stacks are that there are records of."""
        records = (self.store.read(name) for name in self.store.names())
        return tuple(dict.fromkeys(r.driver for r in records if isinstance(r, Record)))

    def _found(self, only: Driver | None = None) -> Result[dict[str, Found]]:
        """What labels tell of all stacks, or of those of one driver: no other has to be there then.

        Where all records name other drivers, one that cannot be had is passed over.
        """
        recorded = () if only is not None else self._drivers_on_record()
        there: dict[str, Found] = {}
        for name in dict.fromkeys((*self.finders, *recorded)) if only is None else (only,):
            driver = self.driver(name)
            found = driver if isinstance(driver, Err) else driver.value.found(self.owner)
            if isinstance(found, Err):
                if recorded and name not in recorded:
                    continue
                return found
            there |= {one.key.name: one for one in found.value}
        return Ok(value=there)

    def _told(self, name: str, found: Found | None) -> Told:
        read = self.store.read(name)
        record = read if isinstance(read, Record) else None
        which = record.driver if record is not None else found.driver if found is not None else "docker"
        driver = self.driver(which)
        state: Result[StackState]
        if isinstance(driver, Err):
            state = driver
        else:
            wanted = None
            if record is not None and record.applied is not None:
                made = self._deployment(record, record.applied)
                wanted = made.value if isinstance(made, Ok) else None
            state = driver.value.status(self.key(name), wanted)
        return Told(name, which, record, found, state, self.book.find("stack", name))


def says_something(record: Record) -> bool:
    """Whether there is something of the stack, or something is being done to it."""
    doing = record.pending is not None and record.pending.doing != "sweep"
    return record.applied is not None or bool(record.kept) or record.rebuilt or doing


def parsed(version: Version, stack: str) -> Result[StackSpec]:
    """The spec of what was applied."""
    try:
        return Ok(value=version.parsed())
    except ValidationError as problem:
        return Err(
            code="failed",
            title=f"What was applied of {stack} is not understood any more",
            message=str(problem.errors(include_url=False)[0]["msg"]),
            hint="apply its spec again, or destroy it",
        )


def unknown(stack: str, names: Iterable[str]) -> Err:
    """There is no such stack; those that there are."""
    known = ", ".join(names)
    return Err(
        code="not-found",
        title=f"There is no stack {stack!r}",
        message=f"there are {known}" if known else "there is none at all",
        hint="casava-os stack list",
    )
