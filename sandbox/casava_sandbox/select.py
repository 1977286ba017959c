"""Chooses the sandbox driver: Docker where its daemon answers, else bubblewrap, else none. It fails closed.

Also finds and removes what a killed run may have left.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from casava_os.kernel.ports import Chosen, Sandbox
from casava_sandbox.bubblewrap.driver import BubblewrapSandbox
from casava_sandbox.bubblewrap.groups import leftover_groups
from casava_sandbox.docker.driver import DockerSandbox
from casava_syscalls.results import Err, Ok, Result

DRIVERS = ("docker", "bubblewrap")
"""Names of the drivers, in order of preference."""


async def choose(
    wanted: str | None,
    *,
    cache: Path,
    image: str | None = None,
    home: str = "",
    progress: Callable[[str], None] = lambda sentence: None,
) -> Result[Chosen]:
    """The wanted driver, or the first that can be had; `Err("no-sandbox")` says what was tried.

    `cache`: directory for the staged agent. `image`: the setting of that name. `home`: the state directory, for labels.
    `progress`: is told, a sentence each, of what takes long (a pull, a build). Closes what it does not choose.
    """
    if wanted is not None and wanted not in DRIVERS:
        return Err(
            code="usage", title="No such sandbox", message=wanted, hint=f"use one of {', '.join(DRIVERS)}"
        )
    tried: list[Err] = []
    for name in (wanted,) if wanted else DRIVERS:
        driver: DockerSandbox | BubblewrapSandbox = (
            DockerSandbox(cache, image=image, home=home, progress=progress)
            if name == "docker"
            else BubblewrapSandbox(cache)
        )
        problem = await driver.check()
        if problem is None:
            sandbox: Sandbox = driver
            notes = tuple(f"Using {name}: {_sentence(failed)}." for failed in tried)
            return Ok(value=Chosen(sandbox, notes))
        tried.append(problem)
        await driver.close()
    if len(tried) == 1:
        return tried[0]
    return Err(
        code="no-sandbox",
        title="There is no sandbox to run in",
        message="; ".join(
            f"{name}: {_sentence(problem)}" for name, problem in zip(DRIVERS, tried, strict=True)
        ),
        hint="start the Docker daemon (or join the group docker), or install bubblewrap; casava-os doctor says more",
    )


def _sentence(problem: Err) -> str:
    title = problem.title[0].lower() + problem.title[1:] if problem.title else ""
    return f"{title} ({problem.message})" if problem.message else title


async def leftovers(*, all_owners: bool = False) -> list[str]:
    """What killed runs left behind, a line each: containers, volumes and control groups whose maker is gone."""
    return await asyncio.to_thread(_leftovers, False, all_owners)


async def sweep() -> list[str]:
    """Removes what `leftovers` finds; the lines say what was removed."""
    return await asyncio.to_thread(_leftovers, True, False)


def _leftovers(remove: bool, all_owners: bool) -> list[str]:
    found = []
    for directory in leftover_groups(_is_gone):
        found.append(f"control group {directory}")
        if remove:
            directory.rmdir()
    return found + _docker_leftovers(remove, all_owners)


def _docker_leftovers(remove: bool, all_owners: bool) -> list[str]:
    from casava_sandbox.docker import container
    from casava_sandbox.docker.client import connect

    connected = connect(timeout=10)
    if isinstance(connected, Err):
        return []
    api = connected.value
    label = container.OWNER_LABEL if all_owners else f"{container.OWNER_LABEL}={os.getuid()}"
    found = []
    try:
        for one in api.containers(all=True, filters={"label": label}):
            if _is_stale(one.get("Labels") or {}):
                found.append(f"container {one['Names'][0].lstrip('/')}")
                if remove:
                    container.remove(api, one["Id"])
        for volume in api.volumes(filters={"label": label})["Volumes"] or []:
            if _is_stale(volume.get("Labels") or {}):
                found.append(f"volume {volume['Name']}")
                if remove:
                    api.remove_volume(volume["Name"])
    finally:
        api.close()
    return found


def _is_stale(labels: dict[str, str]) -> bool:
    from casava_sandbox.docker.container import HOST_LABEL

    maker = labels.get(HOST_LABEL, "")
    return not maker.isdigit() or _is_gone(int(maker))


def _is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()
