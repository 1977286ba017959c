"""Getting an image that is not here, and saying plainly when it cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casava_os.infra.docker.health import Patience
from casava_os.infra.drivers import Tell
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from docker import APIClient

_SILENCE = 20
"""Seconds without a sign of life from the registry."""


def pull(api: APIClient, reference: str, tell: Tell, patience: Patience) -> Err | None:
    """Pulls an image; why it could not be had, or None."""
    from docker.errors import APIError
    from requests.exceptions import RequestException

    last, before = reference.rpartition("/")[2], api.timeout
    repository, tag = (reference, None) if "@" in reference or ":" not in last else reference.rsplit(":", 1)
    api.timeout = _SILENCE
    try:
        told: set[str] = set()
        for line in api.pull(
            repository, tag=tag or ("latest" if "@" not in reference else None), stream=True, decode=True
        ):
            if "error" in line:
                return missing(reference, str(line["error"]))
            status, layer = str(line.get("status", "")), str(line.get("id", ""))
            if status in ("Download complete", "Pull complete") and (status + layer) not in told:
                told.add(status + layer)
                tell(f"Pulling {reference}: {layer} {status.lower()}")
            if (over := patience.over()) is not None:
                return over
    except APIError as problem:
        return missing(reference, str(problem.explanation or problem))
    except RequestException as problem:
        return missing(reference, f"no registry answers ({type(problem).__name__})")
    finally:
        api.timeout = before
    return None


def missing(reference: str, why: str) -> Err:
    """An image that is nowhere."""
    text = " ".join(why.split())
    full = "no space left" in text
    return Err(
        code="disk-full" if full else "not-found",
        title=f"The image {reference} cannot be had",
        message=f"it is not on this machine, and pulling it failed: {text}",
        hint="make room" if full else "check its name and the network, or load it: docker load -i FILE",
    )
