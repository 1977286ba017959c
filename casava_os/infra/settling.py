"""What was killed or has failed is settled: the version before runs again, or what was begun is gone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from casava_os.containers.leases import Leased
from casava_os.infra.drivers import Tell
from casava_os.infra.ledger import Ledger, says_something, unknown
from casava_os.infra.record import Pending, Record
from casava_syscalls.infra import Driver
from casava_syscalls.results import Err, Ok, Result

SWEEP_AFTER = 20.0
"""Seconds after which nothing that a killed program had asked the daemon for can still come to be."""


@dataclass(slots=True)
class Settling(Ledger):
    """Records that may say that something was being done."""

    def reconcile(self, tell: Tell = lambda _: None) -> tuple[str, ...]:
        """Settles what killed programs left half done; a sentence for each. What cannot be settled now is left for later."""
        told: list[str] = []
        for name in self.store.names():
            record = self.store.read(name)
            if not isinstance(record, Record) or record.pending is None:
                continue
            with self.store.locked(name) as lock:
                if isinstance(lock, Err):  # somebody is at it
                    continue
                record = self.store.read(name)
                if not isinstance(record, Record) or record.pending is None:
                    continue
                doing = record.pending.doing
                if doing == "sweep" and time.time() - record.pending.at < SWEEP_AFTER:
                    continue
                settled = self._settle(record, tell)
                if isinstance(settled, Err):
                    told.append(f"The stack {name} was left half done and cannot be settled now: {settled}")
                elif doing != "sweep":
                    told.append(_what_became(name, record))
        return tuple(told)

    def _settle(self, record: Record, tell: Tell) -> Result[None]:
        """Brings back the version before, or ends what was to go; then it is looked at once more later."""
        pending = record.pending
        if pending is None:
            return Ok(value=None)
        if pending.doing == "destroy" or (pending.doing == "sweep" and pending.volumes):
            driver = self.driver(record.driver)
            if isinstance(driver, Err):
                return driver
            gone = driver.value.destroy(self.key(record.stack), volumes=pending.volumes, tell=tell)
            if isinstance(gone, Err):
                return gone
            self.book.strike("stack", record.stack)
            record = record.model_copy(update={"applied": None})
        else:
            back = self._back(record, pending.operation, tell)
            if isinstance(back, Err):
                return back
        if pending.doing == "sweep":
            return self._ended(record.model_copy(update={"pending": None}))
        swept = Pending(
            doing="sweep",
            operation=pending.operation,
            at=time.time(),
            volumes=pending.doing == "destroy" and pending.volumes,
        )
        failed = self.store.write(record.model_copy(update={"pending": swept}))
        return failed or Ok(value=None)

    def _back(self, record: Record, operation: str, tell: Tell) -> Result[None]:
        """The version before the operation, or nothing where there was none."""
        driver = self.driver(record.driver)
        if isinstance(driver, Err):
            return driver
        if record.applied is None:
            return driver.value.retreat(self.key(record.stack), undone=operation, tell=tell)
        wanted = self._deployment(record, record.applied, operation)
        if isinstance(wanted, Err):
            return wanted
        return driver.value.converge(wanted.value, undone=operation, tell=tell)

    def _ended(self, record: Record) -> Result[None]:
        """Keeps a record that still says something, and forgets one that does not."""
        if record.applied is None:
            found = self._found(record.driver)
            if isinstance(found, Err):
                return found
            there = found.value.get(record.stack)
            if there is None:
                self.store.forget(record.stack)
                self.book.strike("stack", record.stack)
                return Ok(value=None)
            if not there.services:
                record = record.model_copy(update={"kept": there.volumes})
        failed = self.store.write(record)
        if failed is None and record.applied is not None:
            self.store.sweep_files(record.stack, record.applied.files())
        return failed or Ok(value=None)

    def _record(
        self, stack: str, tell: Tell, *, settle: bool = True, only: Driver | None = None
    ) -> Result[Record | None]:
        """The record, settled; made anew from labels (of one driver `only`) when it is gone or cannot be believed."""
        record = self.store.read(stack)
        if isinstance(record, Record):
            if record.pending is not None and record.pending.doing != "sweep" and settle:
                settled = self._settle(record, tell)
                if isinstance(settled, Err):
                    return settled
                self.notes.append(_what_became(stack, record))
                again = self.store.read(stack)
                return Ok(value=again if isinstance(again, Record) else None)
            return Ok(value=record)
        found = self._found(only)
        if isinstance(found, Err):
            return found
        if isinstance(record, str):
            where = self.store.set_aside(stack)
            self.notes.append(
                f"The record of the stack {stack} is not used: {record}. It lies in {where} now."
            )
        there = found.value.get(stack)
        if there is None:
            return Ok(value=None)
        made = Record(
            stack=stack,
            owner=self.owner,
            driver=there.driver,
            pid=there.pid or 0,
            reason=there.reason,
            begun=there.begun or 0.0,
            kept=() if there.services else there.volumes,
            rebuilt=True,
        )
        self.notes.append(f"The record of the stack {stack} was made anew from the labels of what is there.")
        if there.lease is not None and self.book.find("stack", stack) is None:
            self._written(
                Leased(kind="stack", name=stack, pid=made.pid, reason=made.reason, lease=there.lease)
            )
        failed = self.store.write(made)
        return failed or Ok(value=made)

    def _known(self, stack: str, tell: Tell, *, settle: bool = True) -> Result[Record]:
        """The record of a stack that there is. `Err("not-found")` names those that there are."""
        found = self._record(stack, tell, settle=settle)
        if isinstance(found, Err):
            return found
        if found.value is None or not says_something(found.value):
            labelled = self._found()
            names = [] if isinstance(labelled, Err) else labelled.value
            return unknown(stack, sorted({*names, *self._recorded()}))
        return Ok(value=found.value)


def _what_became(name: str, record: Record) -> str:
    if record.pending is not None and record.pending.doing == "destroy":
        return f"The stack {name} was being taken down when Casava was killed: that is finished now."
    before = "the version before runs again" if record.applied is not None else "what was begun is gone"
    return f"The stack {name} was being changed when Casava was killed: {before}."
