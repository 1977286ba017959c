"""Whether the machine can hold what a plan would start: the memory that is asked for against the memory that is free."""

from __future__ import annotations

import time
from collections.abc import Callable

from casava_os.infra.drivers import Deployment, Row, Tell
from casava_syscalls.results import Err

_KEPT_FREE = 256 * 2**20
"""What the rest of the machine goes on with."""
_LOOK_EVERY = 2.0


def free_memory() -> int:
    """Bytes that programs could have without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def wanted_memory(wanted: Deployment, rows: tuple[Row, ...]) -> dict[str, int]:
    """Bytes by service that the containers to be started ask for; a service that names no limit asks for nothing."""
    found: dict[str, int] = {}
    for row in rows:
        if row.kind != "container" or row.action not in ("create", "start"):
            continue
        service = row.name.rpartition("-")[0]
        if asked := wanted.spec.services[service].memory_wanted:
            found[service] = found.get(service, 0) + asked
    return found


def fits(
    wanted: Deployment, rows: tuple[Row, ...], tell: Tell, free: Callable[[], int] = free_memory
) -> Err | None:
    """Why it does not fit, after waiting for room as long as the spec says; None when it does."""
    asked = wanted_memory(wanted, rows)
    total, patience = sum(asked.values()), wanted.spec.x_casava.wait_for_room
    give_up = time.monotonic() + patience
    told = False
    while (room := free() - _KEPT_FREE) < total:
        if wanted.cancelled():
            return Err(code="interrupted", title="Interrupted", message="nothing was begun")
        left = give_up - time.monotonic()
        if left <= 0:
            return _too_large(wanted, asked, max(room, 0))
        if not told:
            tell(f"Waiting up to {patience} s for {_size(total - max(room, 0))} of memory to become free")
            told = True
        time.sleep(min(_LOOK_EVERY, left))
    return None


def _too_large(wanted: Deployment, asked: dict[str, int], room: int) -> Err:
    parts = ", ".join(
        f"{name} {_size(size)}" for name, size in sorted(asked.items(), key=lambda one: -one[1])
    )
    return Err(
        code="limit",
        title="This machine cannot hold it",
        message=f"{wanted.key.name} asks for {_size(sum(asked.values()))} of memory ({parts}), and {_size(room)} are free",
        hint="lower the memory limits or the replicas, end something else, or let it wait: x-casava: {wait_for_room: 10min}",
    )


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
