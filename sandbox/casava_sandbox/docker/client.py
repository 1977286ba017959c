"""A connection to the local Docker daemon."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

_API_VERSION = "1.41"
"""Docker 20.10 and later speak it; naming it saves the question."""


def connect(*, timeout: int = 60) -> Result[APIClient]:
    """A client whose daemon has answered. `Err("no-sandbox")` says why there is none. Imports docker (0.1 s)."""
    address = daemon_address()
    if not address.startswith("unix://"):
        return Err(
            code="no-sandbox",
            title="The Docker daemon is remote",
            message=f"DOCKER_HOST is {address}; the workspace is on this machine",
            hint="use a local daemon (unset DOCKER_HOST), or --sandbox bubblewrap",
        )
    if not Path(address.removeprefix("unix://")).exists():
        return Err(
            code="no-sandbox",
            title="There is no Docker daemon",
            message=f"{address.removeprefix('unix://')} does not exist",
            hint="install and start Docker, or use --sandbox bubblewrap",
        )
    from docker import APIClient
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    client = None
    try:
        client = APIClient(base_url=address, version=_API_VERSION, timeout=timeout)
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        if client is not None:
            client.close()
        denied = "Permission denied" in str(error)
        return Err(
            code="no-sandbox",
            title="The Docker daemon refuses this user" if denied else "The Docker daemon does not answer",
            message=str(error),
            hint="join the group docker, or use --sandbox bubblewrap"
            if denied
            else "start the Docker daemon, or use --sandbox bubblewrap",
        )
    return Ok(value=client)


def daemon_address() -> str:
    """Where the daemon listens: DOCKER_HOST, else the system's socket, else the user's own (rootless)."""
    named = os.environ.get("DOCKER_HOST", "")
    if named:
        return named
    return f"unix://{local_socket()}"


def local_socket() -> Path:
    """The socket of the system's daemon, or of the user's own where only that is there."""
    candidates = [Path("/var/run/docker.sock")]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        candidates.append(Path(runtime) / "docker.sock")
    return next((path for path in candidates if path.exists()), candidates[0])
