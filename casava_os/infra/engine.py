"""The engine: plan, apply, status, scale, extend, destroy, for any driver; `settling` and `ledger` are what it stands on.

Order of an apply: lock, look, plan, the digest against the approved one, room, **write down what is about to be done**, do it,
write down that it is there, remove what it replaced. A kill at any point leaves either no `pending` in the record, or one that
`reconcile` finds: then the version before is brought back, or all of it goes when there was none.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from casava_os.containers.leases import Lease, Leased, now
from casava_os.infra.contents import copies
from casava_os.infra.drivers import Deployment, InfraDriver, Row, StackPlan, Tell
from casava_os.infra.fit import fits
from casava_os.infra.graph import check, graph_of
from casava_os.infra.ledger import parsed, unknown
from casava_os.infra.record import Pending, Record, Version
from casava_os.infra.settling import Settling
from casava_os.infra.spec import StackSpec
from casava_os.infra.store import unwritable
from casava_os.infra.wishes import Applied, Errand, Told, Wish
from casava_syscalls.results import Err, Ok, Result


@dataclass(slots=True)
class Engine(Settling):
    """The stacks of one installation."""

    # ------------------------------------------------------------------------------------ what may be asked

    def plan(self, wish: Wish, errand: Errand) -> Result[StackPlan]:
        """What applying would do. Changes nothing."""
        driver = self.driver(wish.driver)
        if isinstance(driver, Err):
            return driver
        wanted = self._wanted(wish, errand, "")
        return wanted if isinstance(wanted, Err) else driver.value.plan(wanted.value)

    def apply(self, wish: Wish, errand: Errand) -> Result[Applied]:
        """Makes it so. On `Err` the stack is as it was before."""
        with self.store.locked(wish.name) as lock:
            return lock if isinstance(lock, Err) else self._apply(wish, errand)

    def scale(self, stack: str, service: str | None, replicas: int, errand: Errand) -> Result[Applied]:
        """Another number of replicas of one service."""
        with self.store.locked(stack) as lock:
            if isinstance(lock, Err):
                return lock
            found = self._known(stack, errand.tell)
            if isinstance(found, Err):
                return found
            record = found.value
            version = record.applied
            if version is None:
                return _no_spec(stack, record)
            spec = parsed(version, stack)
            if isinstance(spec, Err):
                return spec
            scaled = _scaled(spec.value, stack, service, replicas)
            if isinstance(scaled, Err):
                return scaled
            wish = Wish(stack, scaled.value, Path(version.workspace), version.source, record.driver)
            return self._apply(wish, errand)

    def extend(self, stack: str, seconds: int, errand: Errand) -> Result[Leased]:
        """Lets the lease begin anew."""
        with self.store.locked(stack) as lock:
            if isinstance(lock, Err):
                return lock
            found = self._known(stack, errand.tell)
            if isinstance(found, Err):
                return found
            entry = self.book.find("stack", stack) or Leased(
                kind="stack", name=stack, pid=errand.pid, reason=found.value.reason, lease=None
            )
            longer = entry.model_copy(update={"lease": Lease.beginning(seconds, now())})
            return self._written(longer)

    def destroy(self, stack: str, *, volumes: bool, errand: Errand) -> Result[tuple[Row, ...]]:
        """Takes a stack away, half gone or whole."""
        with self.store.locked(stack) as lock:
            if isinstance(lock, Err):
                return lock
            found = self._known(stack, errand.tell, settle=False)
            if isinstance(found, Err):
                return found
            record = found.value
            pending = Pending(doing="destroy", operation=_operation(), at=time.time(), volumes=volumes)
            return self._destroy(record.model_copy(update={"pending": pending}), errand.tell)

    def status(self, stack: str | None = None) -> Result[list[Told]]:
        """One stack, or all that there are."""
        found = self._found()
        if isinstance(found, Err) and (stack is None or self.store.read(stack) is None):
            if not self.store.names():
                return Ok(value=[]) if stack is None else unknown(stack, [])
            return found
        labelled = {} if isinstance(found, Err) else found.value
        names = sorted({*labelled, *self._recorded()})
        if stack is not None:
            if stack not in names:
                return unknown(stack, names)
            names = [stack]
        return Ok(value=[self._told(name, labelled.get(name)) for name in names])

    # ------------------------------------------------------------------------------------ apply, inside the lock

    def _apply(self, wish: Wish, errand: Errand) -> Result[Applied]:
        driver = self.driver(wish.driver)
        if isinstance(driver, Err):
            return driver
        known = self._record(wish.name, errand.tell, only=wish.driver)
        if isinstance(known, Err):
            return known
        record = known.value or Record(stack=wish.name, owner=self.owner, driver=wish.driver)
        if record.driver != wish.driver and (record.applied is not None or record.kept):
            what = "runs" if record.applied is not None else "has its data"
            return Err(
                code="exists",
                title=f"The stack {wish.name} {what} on {record.driver}",
                message=f"it was asked for on {wish.driver}",
                hint=f"destroy it first, or give this one another name: casava-os stack destroy {wish.name}",
            )
        operation = _operation()
        made = self._wanted(wish, errand, operation)
        if isinstance(made, Err):
            return made
        wanted = made.value
        planned = driver.value.plan(wanted)
        if isinstance(planned, Err):
            return planned
        plan = planned.value
        if wish.approved and plan.sha256 != wish.approved:
            return Err(
                code="conflict",
                title="The plan is another one by now",
                message=f"approved was {wish.approved[:12]}, and it would be {plan.sha256[:12]}; nothing was done",
                hint="plan again, and look at it",
            )
        if not plan.rows:
            return self._nothing_to_do(wish, record, wanted, driver.value, plan)
        if (no_room := fits(wanted, plan.rows, errand.tell, self.free)) is not None:
            return no_room
        return self._do(wish, record, wanted, driver.value, plan, errand)

    def _do(
        self,
        wish: Wish,
        record: Record,
        wanted: Deployment,
        driver: InfraDriver,
        plan: StackPlan,
        errand: Errand,
    ) -> Result[Applied]:
        """Writes down, does, writes down."""
        pending = Pending(doing="apply", operation=wanted.operation, at=time.time())
        record = record.model_copy(
            update={"driver": wish.driver, "pending": pending, "begun": record.begun or time.time()}
        )
        before = self.book.find("stack", wish.name)
        written = (
            self.store.write(record) or self._lay_out(wish, wanted) or self._leased(wish, wanted, before)
        )
        if written is not None:
            return self._undone(record, before, written, errand.tell)
        version = Version.of(wish.spec, self._digests(wanted), str(wish.workspace), wish.source)

        def landed() -> Err | None:
            nonlocal record
            update = {
                "applied": version,
                "pid": errand.pid,
                "reason": errand.reason,
                "kept": (),
                "rebuilt": False,
            }
            there = record.model_copy(update=update)
            if (failed := self.store.write(there)) is None:
                record = there
            return failed

        applied = driver.apply(wanted, plan, errand.tell, landed)
        if isinstance(applied, Err):
            return self._undone(record, before, applied, errand.tell)
        ended = self._ended(record.model_copy(update={"pending": None}))
        return ended if isinstance(ended, Err) else Ok(value=Applied(plan, applied.value))

    def _undone(self, record: Record, before: Leased | None, why: Err, tell: Tell) -> Err:
        """Takes back what was begun; the failure, with what became of it."""
        assert record.pending is not None
        tell("Taking it back")
        back = self._back(record, record.pending.operation, tell)
        if isinstance(back, Err):
            told = f"{why.message}; it could not be taken back now ({back.title}), the next start tries again"
            return why.model_copy(update={"message": told})
        if before is None:
            self.book.strike("stack", record.stack)
        elif before != self.book.find("stack", record.stack):
            self._written(before)
        self._ended(record.model_copy(update={"pending": None}))
        now_is = "everything is as it was before" if record.applied else "nothing is left of it"
        return why.model_copy(update={"message": f"{why.message}; {now_is}"})

    def _nothing_to_do(
        self,
        wish: Wish,
        record: Record,
        wanted: Deployment,
        driver: InfraDriver,
        plan: StackPlan,
    ) -> Result[Applied]:
        """All is as it is wanted; a lease and the record are brought up to date."""
        if (failed := self._leased(wish, wanted, self.book.find("stack", wish.name))) is not None:
            return failed
        version = Version.of(wish.spec, self._digests(wanted), str(wish.workspace), wish.source)
        update = {"applied": version, "pending": None, "rebuilt": False, "begun": record.begun or time.time()}
        if (failed := self.store.write(record.model_copy(update=update))) is not None:
            return failed
        state = driver.status(wanted.key, wanted)
        return state if isinstance(state, Err) else Ok(value=Applied(plan, state.value))

    def _destroy(self, record: Record, tell: Tell) -> Result[tuple[Row, ...]]:
        assert record.pending is not None
        driver = self.driver(record.driver)
        if isinstance(driver, Err):
            return driver
        if (failed := self.store.write(record)) is not None:
            return failed
        done = driver.value.destroy(self.key(record.stack), volumes=record.pending.volumes, tell=tell)
        if isinstance(done, Err):
            return done
        self.book.strike("stack", record.stack)
        ended = self._ended(record.model_copy(update={"applied": None, "pending": None}))
        return ended if isinstance(ended, Err) else done

    # ------------------------------------------------------------------------------------ parts of an apply

    def _wanted(self, wish: Wish, errand: Errand, operation: str) -> Result[Deployment]:
        try:
            contents = self.store.contents(wish.name, wish.spec, wish.workspace)
            if isinstance(contents, Err):
                return contents
            digests = self.store.digests(wish.name, contents.value)
        except OSError as problem:
            return unwritable(problem)
        lease = wish.lease if wish.lease is not None else wish.spec.x_casava.lease
        return Ok(
            value=Deployment(
                key=self.key(wish.name),
                spec=wish.spec,
                graph=graph_of(wish.spec, digests),
                workspace=wish.workspace,
                files=self.store.paths(wish.name, digests),
                pid=errand.pid,
                reason=errand.reason,
                operation=operation,
                lease=None if lease is None else Lease.beginning(lease, now()),
                seconds=errand.seconds,
                cancelled=errand.cancelled,
            )
        )

    def _lay_out(self, wish: Wish, wanted: Deployment) -> Err | None:
        """Makes up secrets, and writes what containers will mount."""
        contents = self.store.contents(wish.name, wish.spec, wish.workspace)
        if isinstance(contents, Err):
            return contents
        if (failed := self.store.make_up(wish.name, wish.spec, contents.value)) is not None:
            return failed
        files = {
            path: (contents.value[node], mode) for node in wanted.files for path, mode in copies(wanted, node)
        }
        return self.store.lay_out(files)

    def _leased(self, wish: Wish, wanted: Deployment, before: Leased | None) -> Err | None:
        """Writes the lease down. A stack that has one keeps it, unless this apply names another."""
        named = wish.lease is not None or before is None
        lease = wanted.lease if named else before.lease if before is not None else None
        written = self._written(
            Leased(kind="stack", name=wish.name, pid=wanted.pid, reason=wanted.reason, lease=lease)
        )
        return written if isinstance(written, Err) else None


def _operation() -> str:
    return secrets.token_hex(8)


def _scaled(spec: StackSpec, stack: str, service: str | None, replicas: int) -> Result[StackSpec]:
    """The spec with another number of replicas."""
    names = ", ".join(spec.services)
    if service is None:
        if len(spec.services) != 1:
            return Err(
                code="usage", title="Which service?", message=f"{stack} has {names}", hint="name one of them"
            )
        service = next(iter(spec.services))
    if service not in spec.services:
        title = f"{stack} has no service {service!r}"
        return Err(code="not-found", title=title, message=f"its services are {names}")
    one = spec.services[service]
    deploy = one.deploy.model_copy(update={"replicas": replicas})
    changed = one.model_copy(update={"deploy": deploy, "scale": None})
    scaled = spec.model_copy(update={"services": {**spec.services, service: changed}})
    problems = check(scaled)
    if problems:
        return Err(
            code="usage", title=f"{service} cannot have {replicas} replicas", message="; ".join(problems)
        )
    return Ok(value=scaled)


def _no_spec(stack: str, record: Record) -> Err:
    down = record.kept and not record.rebuilt
    return Err(
        code="not-found",
        title=f"The stack {stack} is down" if down else f"What was applied of {stack} is not known",
        message="only its data is left"
        if down
        else "its record was lost; what runs is known from labels alone",
        hint="apply its spec",
    )
