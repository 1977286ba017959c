"""What `casava-os doctor` tells of Docker: the daemon and the image as they are. Asking pulls and builds nothing."""

from __future__ import annotations

from dataclasses import dataclass

from casava_sandbox.docker.client import connect
from casava_sandbox.docker.images import local_image
from casava_syscalls.results import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class DockerReport:
    """A daemon that answered."""

    version: str
    image: str | None
    """ID of the image that sandboxes would run; None when there is none yet."""


def report(image: str | None) -> Result[DockerReport]:
    """Asks the daemon. `image`: the setting of that name. `Err("no-sandbox")` when it does not answer. Blocking."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    connected = connect(timeout=10)
    if isinstance(connected, Err):
        return connected
    api = connected.value
    try:
        version = str(api.version().get("Version", "of unknown version"))
        return Ok(value=DockerReport(version, local_image(api, image)))
    except (DockerException, RequestException, OSError) as problem:
        return Err(
            code="no-sandbox",
            title="The Docker daemon does not answer as it should",
            message=str(problem),
            hint="look at the daemon's log",
        )
    finally:
        api.close()
