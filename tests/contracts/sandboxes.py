"""What the sandbox contract tests share: layers, ways to run things inside, and the search for leftovers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import psutil

from casava_os.kernel.ports import LayerPaths, Limits, Sandbox, SandboxSession
from casava_sandbox.bubblewrap.groups import PREFIX
from casava_sandbox.docker.container import HOST_LABEL
from casava_syscalls.results import Err, Ok
from casava_syscalls.values import Exit

SMALL = Limits(
    step_seconds=30,
    output_bytes=2**20,
    memory_bytes=256 * 2**20,
    pids=64,
    cpus=1.0,
    tmpfs_bytes=16 * 2**20,
    file_bytes=8 * 2**20,
)


class Closable(Sandbox, Protocol):
    """Both drivers can be closed."""

    async def close(self) -> None: ...


Open = Callable[..., Awaitable[SandboxSession]]
"""Opens a session that is closed at the end of the test."""


def make_layer(place: Path, workspace: Path | None = None) -> LayerPaths:
    paths = LayerPaths(
        4711, workspace or place / "workspace", place / "upper", place / "work", place / "scratch"
    )
    for directory in (paths.workspace, paths.upper, paths.work, paths.scratch):
        directory.mkdir(parents=True)
    return paths


def leftovers(maker: int, place: Path) -> list[str]:
    """All that a sandbox made by process `maker` over a layer in `place` could leave behind."""
    from casava_sandbox.docker.client import connect

    found = [
        f"process {child.cmdline()}"
        for child in psutil.Process().children(recursive=True)
        if "bwrap" in str(child.cmdline())
    ]
    connected = connect()
    assert isinstance(connected, Ok), str(connected)
    api = connected.value
    label = {"label": f"{HOST_LABEL}={maker}"}
    found += [f"container {one['Names']}" for one in api.containers(all=True, filters=label)]
    found += [f"volume {one['Name']}" for one in api.volumes(filters=label)["Volumes"] or []]
    api.close()
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    found += [f"mount {line}" for line in mounts if str(place) in line]
    for folder, names, _ in os.walk("/sys/fs/cgroup"):  # passes over groups that others end meanwhile
        found += [f"group {folder}/{name}" for name in names if name.startswith(f"{PREFIX}{maker}-")]
    found += [f"link {path}" for path in place.rglob(".casava-*")]
    found += [f"work {path}" for path in place.rglob("work/work")]
    found += [f"token {path}" for path in place.rglob("scratch/token")]
    return found


async def run(session: SandboxSession, command: str, **fields: object) -> Exit:
    """Runs a command line that is expected to run."""
    result = await session.perform(1, {"call": "process.run", "command": command, **fields})
    assert isinstance(result, Ok), str(result)
    assert isinstance(result.value, Exit)
    return result.value


async def python(session: SandboxSession, script: str) -> Exit:
    """Runs a Python script in the sandbox."""
    result = await session.perform(1, {"call": "process.run", "script": script, "interpreter": "python3"})
    assert isinstance(result, Ok), str(result)
    assert isinstance(result.value, Exit)
    return result.value


def failure(result: object) -> Err:
    assert isinstance(result, Err), f"expected a failure, got {result}"
    return result
