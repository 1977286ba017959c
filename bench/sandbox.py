"""Measures the sandbox: how long a start takes, and a round trip to the agent against `docker exec` for every call."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from casava_os.kernel.ports import LayerPaths, Limits, SandboxSession
from casava_sandbox.bubblewrap.driver import BubblewrapSandbox
from casava_sandbox.docker.client import connect
from casava_sandbox.docker.driver import DockerSandbox
from casava_syscalls.results import Err

_STARTS, _TRIPS, _EXECS = 7, 300, 15


def measure() -> dict[str, float]:
    """Medians in milliseconds, by "driver what"; the ratio is how many round trips one `docker exec` is worth.

    A driver that cannot be had here is left out.
    """
    return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="casava-bench-") as place:
        for driver in (DockerSandbox(Path(place)), BubblewrapSandbox(Path(place))):
            if await driver.check() is None:
                figures |= await _driver(driver, Path(place))
            await driver.close()
    if "docker exec" in figures:
        figures["docker exec / round trip"] = figures["docker exec"] / figures["docker round trip"]
    return figures


async def _driver(driver: DockerSandbox | BubblewrapSandbox, place: Path) -> dict[str, float]:
    opens: list[float] = []
    closes: list[float] = []
    figures: dict[str, float] = {}
    for attempt in range(_STARTS):
        directory = place / driver.name / str(attempt)
        layer = LayerPaths(attempt, *(directory / name for name in ("workspace", "upper", "work", "scratch")))
        for path in (layer.workspace, layer.upper, layer.work, layer.scratch):
            path.mkdir(parents=True)
        started = time.perf_counter()
        opened = await driver.open(layer, Limits())
        if isinstance(opened, Err):
            raise SystemExit(str(opened))
        opens.append(time.perf_counter() - started)
        session = opened.value
        if attempt == _STARTS - 1:
            figures = await _calls(driver, session)
        started = time.perf_counter()
        await session.close()
        closes.append(time.perf_counter() - started)
    figures["open"] = statistics.median(opens)
    figures["close"] = statistics.median(closes)
    return {f"{driver.name} {name}": value * 1000 for name, value in figures.items()}


async def _calls(driver: DockerSandbox | BubblewrapSandbox, session: SandboxSession) -> dict[str, float]:
    """A round trip is a whole call without work: sent, refused by the agent, answered."""

    async def trip() -> None:
        await session.perform(1, {"call": "bench.nothing"})

    async def program() -> None:
        await session.perform(1, {"call": "process.run", "command": "true"})

    figures = {"round trip": await _median(trip, _TRIPS), "program": await _median(program, _EXECS)}
    if driver.name == "docker":
        figures["exec"] = await asyncio.to_thread(_exec)
    return figures


async def _median(work: Callable[[], Awaitable[None]], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _exec() -> float:
    """The same `true` by `docker exec` through the SDK, in a container of this process."""
    import os

    from casava_sandbox.docker.container import HOST_LABEL

    connected = connect()
    if isinstance(connected, Err):
        raise SystemExit(str(connected))  # it answered a moment ago
    api = connected.value
    (container,) = api.containers(filters={"label": f"{HOST_LABEL}={os.getpid()}"})
    taken = []
    for _ in range(_EXECS):
        started = time.perf_counter()
        api.exec_start(api.exec_create(container["Id"], ["true"])["Id"])
        taken.append(time.perf_counter() - started)
    api.close()
    return statistics.median(taken)
