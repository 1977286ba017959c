"""What stacks look like in the results of syscalls: columns, and cells that a person reads at a glance."""

from __future__ import annotations

from datetime import UTC, datetime

from casava_os.containers.leases import now
from casava_os.infra.blueprints import Blueprint
from casava_os.infra.drivers import Row, ServiceState, StackPlan
from casava_os.infra.wishes import Told
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Cell, Table

PLAN = ("stack", "action", "kind", "name", "why", "digest")
SERVICES = (
    "stack", "service", "state", "replicas", "health", "ports", "memory", "peak", "limit", "proposed_limit", "watts", "drift",
)  # fmt: skip
STACKS = ("stack", "state", "services", "driver", "since", "lease_left", "memory", "watts", "drift", "reason")
CATALOG = ("blueprint", "description", "services", "memory", "settings")


def plan_table(plan: StackPlan) -> Table:
    """A row for each thing that would be done."""
    return Table(
        columns=PLAN,
        rows=tuple((plan.stack, r.action, r.kind, r.name, r.why, r.digest) for r in plan.rows),
    )


def plan_rows(table: Table) -> list[dict[str, str]]:
    """The rows of such a table as the plan's digest is taken of them."""
    return [
        {key: str(cell) for key, cell in zip(table.columns, row, strict=True) if key != "stack"}
        for row in table.rows
    ]


def rows_table(stack: str, rows: tuple[Row, ...]) -> tuple[tuple[Cell, ...], ...]:
    """What was done to one stack."""
    return tuple((stack, row.action, row.kind, row.name) for row in rows)


def services_table(told: Told, services: tuple[ServiceState, ...], other: tuple[str, ...]) -> Table:
    """A row for each service; what belongs to none comes last."""
    rows: list[tuple[Cell, ...]] = [service_row(told.name, one) for one in services]
    rows += [(told.name, None, "drift", None, "", "", None, None, None, None, None, text) for text in other]
    kept = told.record.kept if told.record is not None else ()
    rows += [
        (told.name, None, "kept", None, "", "", None, None, None, None, None, f"volume {v} with its data")
        for v in kept
    ]
    return Table(columns=SERVICES, rows=tuple(rows))


def service_row(stack: str, one: ServiceState) -> tuple[Cell, ...]:
    """Sizes in bytes."""
    replicas = f"{one.running}" if one.wanted is None else f"{one.running}/{one.wanted}"
    return (
        stack, one.service, one.state, replicas, one.health, ", ".join(one.ports), one.memory, one.peak, one.limit,
        one.proposed, one.watts, "; ".join(one.drift),
    )  # fmt: skip


def stacks_table(stacks: list[Told]) -> Table:
    """A row for each stack."""
    return Table(columns=STACKS, rows=tuple(_stack_row(one) for one in stacks))


def _stack_row(told: Told) -> tuple[Cell, ...]:
    entry, begun = told.lease, told.begun
    left = None if entry is None or entry.lease is None else duration(entry.lease.left(now()))
    since = (
        None if begun is None else datetime.fromtimestamp(begun, UTC).astimezone().isoformat(" ", "minutes")
    )
    reason = entry.reason if entry is not None else told.found.reason if told.found is not None else ""
    if isinstance(told.state, Err):
        return (told.name, "unknown", None, told.driver, since, left, None, None, str(told.state), reason)
    state = told.state.value
    down = (
        told.record is not None
        and told.record.applied is None
        and not told.record.rebuilt
        and not state.services
    )
    memory = [one.memory for one in state.services if one.memory is not None]
    watts = [one.watts for one in state.services if one.watts is not None]
    drift = sum(len(one.drift) for one in state.services) + len(state.other)
    well = sum(one.state in ("running", "completed") for one in state.services)
    return (
        told.name,
        "down, data kept" if down else state.state,
        None if down else f"{well}/{len(state.services)}",
        told.driver,
        since,
        left,
        sum(memory) if memory else None,
        round(sum(watts), 2) if watts else None,
        f"{drift} things" if drift > 1 else "1 thing" if drift else "",
        reason,
    )


def catalog_table(found: Result[list[Blueprint]]) -> Result[Table]:
    """A row for each blueprint; memory in bytes."""
    if isinstance(found, Err):
        return found
    rows: list[tuple[Cell, ...]] = []
    for one in found.value:
        extension = one.spec.x_casava
        memory = sum((s.memory_wanted or 0) * s.replicas for s in one.spec.services.values())
        rows.append(
            (
                one.name,
                extension.description,
                ", ".join(one.spec.services),
                memory or None,
                ", ".join(f"{name}={p.fallback() or ''}" for name, p in extension.parameters.items()),
            )
        )
    return Ok(value=Table(columns=CATALOG, rows=tuple(rows)))


def duration(seconds: float) -> str:
    """A span as two units at most: 2 d 3 h, 45 min, 20 s."""
    left = max(0, int(seconds))
    for size, unit, below, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if left >= size:
            rest = left % size // below
            return f"{left // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{left // 60} min" if left >= 60 else f"{left} s"
