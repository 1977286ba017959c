"""`container.stats`: CPU, memory and network use, without the second that the daemon's own question takes.

The kernel's counters are read twice, a quarter of a second apart. Only where they cannot be read the daemon is asked.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from casava_os.containers.counters import Counters, counters
from casava_os.containers.desk import Desk
from casava_os.containers.known import Known, find
from casava_os.containers.printing import not_running
from casava_syscalls.base import AnyCall
from casava_syscalls.container import ContainerStats
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Cell, Table

if TYPE_CHECKING:
    from docker import APIClient

SAMPLE_SECONDS = 0.25
"""Time between the two readings that CPU use is computed from."""
_UNLIMITED = 2**60
COLUMNS = (
    "name", "cpu_percent", "memory", "memory_limit", "memory_percent", "received", "sent", "read", "written", "pids",
)  # fmt: skip
"""CPU in per cent of one core; sizes in bytes; network and disk since the container was started."""


def stats(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.stats`: of those that are named, or of all that run, the busiest first."""
    assert isinstance(call, ContainerStats)
    names = call.containers or tuple(str(one["Id"]) for one in desk.api.containers())
    wanted: list[Known] = []
    for text in dict.fromkeys(names):
        found = find(desk.api, text)
        if isinstance(found, Ok) and found.value.running:
            wanted.append(found.value)
        elif call.containers:
            return found if isinstance(found, Err) else not_running(found.value)
    rows = measured(desk.api, wanted)
    return Ok(value=Table(columns=COLUMNS, rows=tuple(sorted(rows, key=lambda row: -float(row[1] or 0)))))


def measured(api: APIClient, wanted: list[Known]) -> list[tuple[Cell, ...]]:
    """A row for each container that still runs."""
    first = [(time.monotonic(), _counted(one)) for one in wanted]
    if any(before is not None for _, before in first):
        time.sleep(SAMPLE_SECONDS)
    rows: list[tuple[Cell, ...]] = []
    unread: list[Known] = []
    for one, (began, before) in zip(wanted, first, strict=True):
        after = _counted(one) if before is not None else None
        if before is None or after is None:
            unread.append(one)
        else:
            rows.append(_row(one.name, before, after, time.monotonic() - began))
    if unread:
        with ThreadPoolExecutor(max_workers=min(8, len(unread))) as pool:
            rows += [row for row in pool.map(lambda one: _asked(api, one), unread) if row is not None]
    return rows


def _counted(one: Known) -> Counters | None:
    state = one.details.get("State")
    pid = state.get("Pid") if isinstance(state, dict) else None
    return counters(pid, one.id) if isinstance(pid, int) and pid > 0 else None


def _row(name: str, before: Counters, after: Counters, seconds: float) -> tuple[Cell, ...]:
    cpu = max(0, after.cpu - before.cpu) / 1e9 / max(1e-3, seconds) * 100
    share = round(100 * after.memory / after.limit, 1) if after.limit else None
    return (
        name, round(cpu, 1), after.memory, after.limit, share,
        after.received, after.sent, after.read, after.written, after.pids,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------ by the daemon


def _asked(api: APIClient, one: Known) -> tuple[Cell, ...] | None:
    """The same from the daemon, whose samples are a second apart; None for a container that is gone."""
    from docker.errors import APIError

    with suppress(APIError):
        began = time.monotonic()
        before = told(api.stats(one.id, decode=False, stream=False, one_shot=True))
        after = told(api.stats(one.id, decode=False, stream=False, one_shot=True))
        if before is not None and after is not None:
            return _row(one.name, before, after, time.monotonic() - began)
    return None


def told(said: object) -> Counters | None:
    """What the daemon's answer counts; None when the container does not run."""
    cpu = _number(said, "cpu_stats", "cpu_usage", "total_usage")
    if not cpu:
        return None
    cache = _number(said, "memory_stats", "stats", "total_inactive_file") or _number(
        said, "memory_stats", "stats", "inactive_file"
    )
    limit = _number(said, "memory_stats", "limit")
    networks = said.get("networks") if isinstance(said, dict) else None
    each = list(networks.values()) if isinstance(networks, dict) else []
    return Counters(
        cpu=cpu,
        memory=max(0, _number(said, "memory_stats", "usage") - cache),
        limit=limit if 0 < limit < _UNLIMITED else None,
        received=sum(_number(one, "rx_bytes") for one in each),
        sent=sum(_number(one, "tx_bytes") for one in each),
        read=_blocks(said, "read"),
        written=_blocks(said, "write"),
        pids=_number(said, "pids_stats", "current") or None,
    )


def _number(said: object, *path: str) -> int:
    for part in path:
        said = said.get(part) if isinstance(said, dict) else None
    return said if isinstance(said, int) else 0


def _blocks(said: object, name: str) -> int:
    part = said.get("blkio_stats") if isinstance(said, dict) else None
    listed = part.get("io_service_bytes_recursive") if isinstance(part, dict) else None
    return sum(int(one.get("value") or 0) for one in listed or () if str(one.get("op", "")).lower() == name)
