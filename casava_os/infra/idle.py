"""The idle policy: a stack in which nothing happens is paused or stopped, and wakes when it is applied or scaled again.

Whether something happens is read from counters (processor time, bytes over the network) at each look; what health checks
cost stays below the threshold. There is no proxy that would wake a stack at the first connection.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from casava_os.infra.engine import Engine
from casava_os.infra.record import Record
from casava_os.paths import write_private
from casava_syscalls.results import Err

FILE = "idle.json"
STILL = 0.02
"""Activity a second up to which nothing happens: 2 % of one processor, or 20 kB."""


def rest_idle(engine: Engine, at: float | None = None) -> tuple[str, ...]:
    """Looks at every stack that has an idle policy, once. `at`: seconds since the epoch."""
    told: list[str] = []
    moment = time.time() if at is None else at
    for name in engine.store.names():
        record = engine.store.read(name)
        if not isinstance(record, Record) or record.applied is None or record.pending is not None:
            continue
        policy = record.applied.spec.get("x-casava")
        idle = policy.get("idle") if isinstance(policy, dict) else None
        if not isinstance(idle, dict):
            continue
        after, action = float(idle["after"]), "stop" if idle.get("action") == "stop" else "pause"
        with engine.store.locked(name) as lock:
            if isinstance(lock, Err):
                continue
            since = _still_since(engine, name, moment)
            if since is None or moment - since < after:
                continue
            driver = engine.driver(record.driver)
            if isinstance(driver, Err):
                continue
            rested = driver.value.rest(engine.key(name), "stop" if action == "stop" else "pause")
            if isinstance(rested, Err):
                told.append(f"The idle stack {name} could not be put to sleep: {rested}")
            elif rested.value:
                done = "stopped" if action == "stop" else "paused"
                told.append(
                    f"The stack {name} was {done}: nothing has happened in it. Applying it again wakes it."
                )
    return tuple(told)


def _still_since(engine: Engine, name: str, moment: float) -> float | None:
    """Since when nothing has happened, in seconds since the epoch; None when that cannot be told, or it sleeps."""
    record = engine.store.read(name)
    if not isinstance(record, Record):
        return None
    driver = engine.driver(record.driver)
    activity = driver if isinstance(driver, Err) else driver.value.activity(engine.key(name))
    path = engine.store.place(name) / FILE
    if isinstance(activity, Err) or activity.value is None:
        with suppress(OSError):
            path.unlink()
        return None
    before = _read(path)
    since = moment
    if before is not None:
        seen, at, still_since = before
        grown = activity.value - seen
        if 0 <= grown <= STILL * max(moment - at, 0.001) and moment >= at:
            since = still_since
    with suppress(OSError):
        write_private(path, json.dumps([activity.value, moment, since]).encode())
    return since


def _read(path: Path) -> tuple[float, float, float] | None:
    """Activity, when it was read, and since when nothing happens."""
    try:
        seen, at, since = (float(part) for part in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return seen, at, since
