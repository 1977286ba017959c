"""Which image a sandbox runs: named in the settings, made here, pulled, or made now. Always referred to by ID.

By name, some of the daemon's paths try to pull and hang for twenty seconds without a network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from casava_sandbox.image.build import LABEL, build
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

DEFAULT_IMAGE = "python:3-slim"
_PULL_PATIENCE = 4
"""Seconds without a sign of life from the registry before a pull is given up."""


def local_image(api: APIClient, named: str | None) -> str | None:
    """The ID of the image that is here already, or None. `named`: the setting, which alone counts when it is set."""
    from docker.errors import ImageNotFound

    if named is None:
        made_here = api.images(filters={"label": LABEL})
        if made_here:
            return str(max(made_here, key=lambda image: image["Created"])["Id"])
    try:
        return str(api.inspect_image(named or DEFAULT_IMAGE)["Id"])  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None


def get_image(api: APIClient, named: str | None, progress: Callable[[str], None]) -> Result[str]:
    """The ID of an image to run, pulled or built when there is none yet. Blocking, seconds to minutes."""
    found = local_image(api, named)
    if found is not None:
        return Ok(value=found)
    progress(f"Pulling {named or DEFAULT_IMAGE}")
    if _pull(api, named or DEFAULT_IMAGE):
        found = local_image(api, named)
        if found is not None:
            return Ok(value=found)
    if named is not None:
        return Err(
            code="no-sandbox",
            title="The sandbox image is not here",
            message=f"{named} is not on this machine and could not be pulled",
            hint="load it with docker load, or leave the setting `image` empty and run casava-os sandbox build",
        )
    return build(progress, api)


def _pull(api: APIClient, name: str) -> bool:
    """Whether the image could be pulled. Gives up soon when no registry answers."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    patience = api.timeout
    api.timeout = _PULL_PATIENCE
    try:
        repository, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
        for line in api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in line:
                return False
    except (DockerException, RequestException, OSError):
        return False
    finally:
        api.timeout = patience
    return True
