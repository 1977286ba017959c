"""Chooses the sandbox driver: Docker where its daemon answers, else bubblewrap, else none. It fails closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from casava_os.kernel.ports import Chosen, Sandbox
from casava_sandbox.bubblewrap.driver import BubblewrapSandbox
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
            else BubblewrapSandbox(cache, home=home)
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
