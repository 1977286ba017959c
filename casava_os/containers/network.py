"""The private network: one bridge of this installation's own, made when a container needs it and gone with the last one.

On it the containers that Casava started find each other by name, and nobody else's container is there. It leads out, so that a
server can fetch what it needs; into it leads nothing but published ports. Docker's *internal* networks would not publish any.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from casava_os.containers import labels
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient


def private_name() -> str:
    """The network of this user and installation."""
    return f"casava-{hashlib.sha256(labels.owner().encode()).hexdigest()[:12]}"


def private_network(api: APIClient, pid: int, reason: str) -> Result[str]:
    """Its name, once it is there. `Err("exists")` when somebody else has a network of that name."""
    from docker.errors import APIError

    name = private_name()
    if (there := _find(api, name)) is None:
        try:
            api.create_network(
                name, driver="bridge", check_duplicate=True, labels=labels.labels(pid=pid, reason=reason)
            )
        except APIError as problem:
            if problem.status_code != 409:  # another process made it in this moment
                raise
        there = _find(api, name)
    tags = there.get("Labels") if there is not None else None
    if not labels.mine(tags if isinstance(tags, dict) else None):
        message = f"a network {name} is there that Casava did not make"
        hint = f"remove it: docker network rm {name}"
        return Err(code="exists", title="The private network is taken", message=message, hint=hint)
    return Ok(value=name)


def tidy_network(api: APIClient) -> None:
    """Removes the private network when no container uses it. Never fails: the next one who needs it finds it there."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with suppress(DockerException, RequestException, OSError):
        there = _find(api, private_name())
        tags = there.get("Labels") if there is not None else None
        if there is None or not labels.mine(tags if isinstance(tags, dict) else None):
            return
        # One that is made and was never started is known by the name alone.
        users = api.containers(all=True, filters={"network": [str(there["Id"]), private_name()]})
        if not users:
            api.remove_network(str(there["Id"]))


def _find(api: APIClient, name: str) -> dict[str, object] | None:
    found = api.networks(names=[name])
    return next((one for one in found if one.get("Name") == name), None)
