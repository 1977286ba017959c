"""A connection to the local Docker daemon, and what a sandbox has to say when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casava_os.daemon import Unreachable, reach
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient


def connect(*, timeout: int = 60) -> Result[APIClient]:
    """A client whose daemon has answered. `Err("no-sandbox")` says why there is none. Imports docker (0.1 s)."""
    found = reach(timeout=timeout)
    return _explained(found) if isinstance(found, Unreachable) else Ok(value=found)


def _explained(problem: Unreachable) -> Err:
    if problem.why == "remote":
        return Err(
            code="no-sandbox",
            title="The Docker daemon is remote",
            message=f"DOCKER_HOST is {problem.address}; the workspace is on this machine",
            hint="use a local daemon (unset DOCKER_HOST), or --sandbox bubblewrap",
        )
    if problem.why == "absent":
        return Err(
            code="no-sandbox",
            title="There is no Docker daemon",
            message=f"{problem.address.removeprefix('unix://')} does not exist",
            hint="install and start Docker, or use --sandbox bubblewrap",
        )
    denied = problem.why == "refused"
    return Err(
        code="no-sandbox",
        title="The Docker daemon refuses this user" if denied else "The Docker daemon does not answer",
        message=problem.detail,
        hint="join the group docker, or use --sandbox bubblewrap"
        if denied
        else "start the Docker daemon, or use --sandbox bubblewrap",
    )
