"""Performs the `infra` syscalls: reads specs, asks the engine, makes tables."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from casava_os.containers import labels
from casava_os.containers.extending import extend
from casava_os.containers.leases import LeaseBook, Leased, now
from casava_os.infra import tables
from casava_os.infra.blueprints import blueprint, catalog
from casava_os.infra.drivers import InfraDriver, StackPlan
from casava_os.infra.engine import Engine
from casava_os.infra.reading import read_spec
from casava_os.infra.store import Store
from casava_os.infra.watched import watched
from casava_os.infra.wishes import Applied, Errand, Wish
from casava_os.kernel.ports import Errand as KernelErrand
from casava_syscalls.base import AnyCall
from casava_syscalls.infra import (
    ApplyStack,
    Catalog,
    DestroyStack,
    Driver,
    ExtendLease,
    PlanStack,
    ScaleStack,
    StackStatus,
)
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Cell, Facts, Table, Value

_LOG = logging.getLogger(__name__)
_LONGEST_SPEC = 2**20


def find_driver(name: Driver, state: Path) -> Result[InfraDriver]:
    """The driver of this name. `Err("unavailable")` for one that is not there.

    `state`: the state directory; what a driver keeps of a stack lies in `Store(state).place(name) / "driver"`, which goes
    with the stack.
    """
    if name == "docker":
        from casava_os.infra.docker.driver import DockerDriver

        return Ok(value=DockerDriver())
    if name == "kubernetes":
        from casava_os.infra.kubernetes.driver import KubernetesDriver

        return Ok(value=KubernetesDriver(Store(state)))
    from casava_os.infra.terraform.driver import TerraformDriver

    return Ok(value=TerraformDriver(state))


def engine_of(state: Path) -> Engine:
    """The engine over a state directory. Connects to nothing."""
    known: dict[Driver, InfraDriver] = {}

    def driver(name: Driver) -> Result[InfraDriver]:
        if name not in known:
            found = find_driver(name, state)
            if isinstance(found, Err):
                return found
            known[name] = watched(found.value)
        return Ok(value=known[name])

    def let_go() -> None:
        for one in known.values():
            one.close()
        known.clear()

    return Engine(Store(state), labels.owner(), driver, LeaseBook(state), let_go=let_go)


class Performing:
    """One syscall at a time, with a connection of its own."""

    def __init__(self, state: Path, shown: dict[tuple[int, str], str]) -> None:
        """`shown`: digests of the plans that were shown, by process and call; kept by the broker."""
        self._engine = engine_of(state)
        self._shown = shown

    def foresee(self, call: AnyCall, kernel: KernelErrand) -> tuple[str, ...]:
        """What an apply or a destroy would do, a line each; of an apply it is remembered, and nothing else will be done."""
        try:
            if isinstance(call, DestroyStack):
                return self._doomed(call)
            if not isinstance(call, ApplyStack):
                return ()
            planned = self._planned(call, _errand(kernel, None, lambda: False))
        finally:
            self._engine.close()
        if isinstance(planned, Err):
            return (str(planned),)
        self._shown[kernel.pid, call.model_dump_json()] = planned.value.sha256
        if not planned.value.rows:
            return ("Nothing is to be done: all is as it is wanted.",)
        return tuple(
            f"{row.action} {row.kind} {row.name}{f': {row.why}' if row.why else ''}"
            for row in planned.value.rows
        )

    def _doomed(self, call: DestroyStack) -> tuple[str, ...]:
        found = self._engine.status(call.stack) if isinstance(call.stack, str) else None
        if not isinstance(found, Ok):
            return ()
        (told,) = found.value
        services = told.state.value.services if isinstance(told.state, Ok) else ()
        lines = [f"destroy {one.service}: {one.running} running" for one in services]
        fate = "goes for good, with its data" if call.volumes else "stays, with its data"
        return (*lines, *(f"volume {name} {fate}" for name in (told.found.volumes if told.found else ())))

    def perform(
        self, call: AnyCall, kernel: KernelErrand, seconds: float | None, cancelled: Callable[[], bool]
    ) -> Result[Value]:
        """Blocking. Whatever happens is a value."""
        try:
            return self._performed(call, _errand(kernel, seconds, cancelled), kernel)
        except Exception as problem:  # noqa: BLE001 - the worker's edge
            _LOG.exception("%s failed", call.call)
            message, hint = f"{type(problem).__name__}: {problem}", "this is a fault in Casava OS"
            return Err(code="failed", title=f"{call.call} failed", message=message, hint=hint)
        finally:
            self._engine.close()
            for note in self._engine.heard():
                kernel.note(note)

    def _performed(self, call: AnyCall, errand: Errand, kernel: KernelErrand) -> Result[Value]:
        if isinstance(call, Catalog):
            return _value(tables.catalog_table(catalog()))
        if isinstance(call, PlanStack):
            planned = self._planned(call, errand)
            return planned if isinstance(planned, Err) else Ok(value=tables.plan_table(planned.value))
        if isinstance(call, ApplyStack):
            return self._apply(call, errand, kernel)
        if isinstance(call, StackStatus):
            return self._status(call)
        if isinstance(call, ScaleStack):
            scaled = self._engine.scale(call.stack, call.service, call.replicas, errand)
            return scaled if isinstance(scaled, Err) else Ok(value=_scaled(call, scaled.value))
        if isinstance(call, ExtendLease):
            longer = self._engine.extend(call.stack, call.lease, errand)
            if isinstance(longer, Err) and longer.code == "not-found":
                alone = extend(self._engine.store.state, call.stack, call.lease)
                longer = longer if isinstance(alone, Err) and alone.code == "not-found" else alone
            return longer if isinstance(longer, Err) else Ok(value=_lease(longer.value))
        if isinstance(call, DestroyStack):
            return self._destroy(call, errand, kernel)
        return Err(code="unavailable", title=f"{call.call} is not there yet", message="no part performs it")

    # ------------------------------------------------------------------------------------ one each

    def _planned(self, call: PlanStack | ApplyStack, errand: Errand) -> Result[StackPlan]:
        wish = wish_of(call, errand.workspace)
        return wish if isinstance(wish, Err) else self._engine.plan(wish.value, errand)

    def _apply(self, call: ApplyStack, errand: Errand, kernel: KernelErrand) -> Result[Value]:
        wish = wish_of(call, errand.workspace)
        if isinstance(wish, Err):
            return wish
        approved = call.approve or self._shown.pop((kernel.pid, call.model_dump_json()), "")
        wanted = replace(wish.value, lease=call.lease, approved=approved.removeprefix("sha256:"))
        applied = self._engine.apply(wanted, errand)
        if isinstance(applied, Err):
            return applied
        if any(secret.x_casava for secret in wanted.spec.secrets.values()):
            place = self._engine.store.place(wanted.name) / "secrets"
            kernel.note(f"Secrets made up for {wanted.name} lie in {place}, readable for you alone.")
        rows = tuple(tables.service_row(wanted.name, one) for one in applied.value.state.services)
        return Ok(value=Table(columns=tables.SERVICES, rows=rows))

    def _status(self, call: StackStatus) -> Result[Value]:
        found = self._engine.status(call.stack)
        if isinstance(found, Err):
            return found
        if call.stack is not None:
            (told,) = found.value
            if isinstance(told.state, Err):
                return told.state
            return Ok(value=tables.services_table(told, told.state.value.services, told.state.value.other))
        since = _since(call)
        return Ok(
            value=tables.stacks_table(
                [one for one in found.value if since is None or (one.begun or 0) >= since]
            )
        )

    def _destroy(self, call: DestroyStack, errand: Errand, kernel: KernelErrand) -> Result[Value]:
        if isinstance(call.stack, str):
            names = [call.stack]
        else:
            listed = _names_in(kernel.given.get("stack"))
            if isinstance(listed, Err):
                return listed
            names = listed.value
        rows: list[tuple[Cell, ...]] = []
        failed: Err | None = None
        for name in names:
            done = self._engine.destroy(name, volumes=call.volumes, errand=errand)
            if isinstance(done, Err):
                failed = failed or done
                if len(names) > 1:
                    kernel.note(f"{name} stays: {done}")
            else:
                rows += tables.rows_table(name, done.value)
        return failed or Ok(value=Table(columns=("stack", "action", "kind", "name"), rows=tuple(rows)))


# ------------------------------------------------------------------------------------------------ parts


def wish_of(call: PlanStack | ApplyStack, workspace: Path | None) -> Result[Wish]:
    """The stack that a call names, read from the workspace or the catalogue."""
    if call.blueprint is not None:
        found = blueprint(call.blueprint, call.settings)
        if isinstance(found, Err):
            return found
        name, spec, source = found.value.name, found.value.spec, f"blueprint {found.value.name}"
    else:
        if workspace is None or call.spec is None:
            return Err(code="usage", title="A spec lies in a workspace", message="there is none here")
        text = _spec_text(workspace, call.spec)
        if isinstance(text, Err):
            return text
        read = read_spec(text.value, call.spec, call.settings)
        if isinstance(read, Err):
            return read
        spec, source = read.value, call.spec
        name = spec.name or _slug((workspace / call.spec).resolve().parent.name)
    return Ok(value=Wish(call.stack or name, spec, workspace or Path("/"), source, call.driver))


def _slug(text: str) -> str:
    """A stack's name from a directory's, as Compose makes it."""
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("-_")[:63] or "stack"


def _spec_text(workspace: Path, name: str) -> Result[str]:
    path = (workspace / name).resolve()
    if not path.is_relative_to(workspace.resolve()):
        message = f"{name} leads to {path}"
        return Err(code="outside-workspace", title="The spec lies outside the workspace", message=message)
    try:
        if path.is_dir():
            usual = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
            path = next((path / one for one in usual if (path / one).is_file()), path)
        if path.stat().st_size > _LONGEST_SPEC:
            return Err(code="limit", title=f"{name} is too large", message="a spec has at most 1 MiB")
        return Ok(value=path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "name a Compose file of the workspace, or a blueprint: casava-os stack catalog"
        return Err(
            code="not-found", title=f"There is no spec {name}", message=f"{path} does not exist", hint=hint
        )
    except IsADirectoryError:
        message = f"{path} holds no compose.yaml"
        return Err(code="not-found", title=f"There is no spec in {name}", message=message)
    except UnicodeDecodeError:
        return Err(code="not-text", title=f"{name} is not text", message="its bytes are no UTF-8")
    except OSError as problem:
        return Err(code="permission", title=f"{name} cannot be read", message=str(problem))


def _errand(kernel: KernelErrand, seconds: float | None, cancelled: Callable[[], bool]) -> Errand:
    return Errand(
        pid=kernel.pid,
        reason=kernel.request,
        workspace=kernel.workspace,
        seconds=seconds,
        tell=lambda sentence: kernel.progress(sentence, None),
        cancelled=cancelled,
    )


def _value(table: Result[Table]) -> Result[Value]:
    return table if isinstance(table, Err) else Ok(value=table.value)


def _since(call: StackStatus) -> float | None:
    """The earliest beginning that is asked for, in seconds since the epoch."""
    limits: list[float] = []
    if call.newer_than is not None:
        limits.append(time.time() - call.newer_than)
    if isinstance(call.started_after, datetime):
        limits.append(call.started_after.timestamp())
    return max(limits) if limits else None


def _names_in(value: Value | None) -> Result[list[str]]:
    """The stacks that an earlier step listed, each once."""
    if not isinstance(value, Table) or "stack" not in value.columns:
        message = "its result has no column `stack`"
        return Err(code="type", title="The earlier step listed no stacks", message=message)
    at = value.columns.index("stack")
    return Ok(value=list(dict.fromkeys(str(row[at]) for row in value.rows if row[at])))


def _scaled(call: ScaleStack, applied: Applied) -> Facts:
    services = applied.state.services
    service = call.service or services[0].service
    one = next(s for s in services if s.service == service)
    return Facts(
        items={
            "stack": call.stack, "service": service, "replicas": call.replicas, "running": one.running, "state": one.state,
            "ports": ", ".join(one.ports),
        }
    )  # fmt: skip


def _lease(entry: Leased) -> Facts:
    assert entry.lease is not None
    at = now()
    ends = datetime.fromtimestamp(entry.lease.ends(at), UTC).astimezone().isoformat(" ", "seconds")
    return Facts(items={entry.kind: entry.name, "seconds": entry.lease.seconds, "until": ends})
