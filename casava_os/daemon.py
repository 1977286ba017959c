"""Where the Docker daemon listens, and a connection to it: what the sandbox, the containers and the stacks have in common.

It stands on a low floor because its users may not know each other. Each of them words a failure for its own reader.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from casava_os.operations import Listener, listener

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

_VERSION = re.compile(r"^/v\d[\d.]*(?=/)")
_FAMILIES = frozenset(
    {
        "auth", "build", "commit", "containers", "distribution", "events", "exec", "images", "info", "networks", "system",
        "version", "volumes", "_ping",
    }
)  # fmt: skip
_VERBS = frozenset(
    {
        "archive", "attach", "changes", "commit", "connect", "create", "df", "disconnect", "exec", "export", "get",
        "history", "json", "kill", "load", "logs", "pause", "prune", "push", "rename", "resize", "restart", "search",
        "start", "stats", "stop", "tag", "top", "unpause", "update", "wait",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Why no daemon answers."""

    why: Literal["remote", "absent", "refused", "silent"]
    """It is on another machine; there is no socket; this user may not use it; nobody answers."""
    address: str
    detail: str = ""
    """What the library says."""


def reach(*, timeout: int = 60) -> APIClient | Unreachable:
    """A client whose daemon has answered; one request waits for `timeout` seconds. Imports docker (0.1 s). Blocking.

    The daemon is asked which version of its interface it speaks: old and new ones have none in common.
    """
    address = daemon_address()
    if not address.startswith("unix://"):
        return Unreachable("remote", address)
    if not Path(address.removeprefix("unix://")).exists():
        return Unreachable("absent", address)
    from docker import APIClient
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        api = APIClient(base_url=address, version="auto", timeout=timeout)
    except (DockerException, RequestException, OSError) as error:
        denied = "Permission denied" in str(error)
        return Unreachable("refused" if denied else "silent", address, str(error))
    if (heard := listener()) is not None:
        _tell(api, heard)
    return api


def _tell(api: APIClient, heard: Listener) -> None:
    """Has a listener hear what the daemon answers to this client."""

    def answered(response: Response, *_: object, **__: object) -> None:
        request = response.request
        seconds = response.elapsed.total_seconds()
        heard.answered(request.method or "", route_of(request.path_url), response.status_code, seconds)

    api.hooks["response"].append(answered)


def route_of(path: str) -> str:
    """A path of the daemon's interface without what names a thing: `/containers/{id}/start`."""
    family, *rest = _VERSION.sub("", path.partition("?")[0]).strip("/").split("/")
    if family not in _FAMILIES:
        return "/{other}"
    # An image's name has slashes of its own: what is told is whether there is a name, and the verb after it.
    verb = [rest[-1]] if rest and rest[-1] in _VERBS else []
    name = ["{id}"] if len(rest) > len(verb) else []
    return "/" + "/".join([family, *name, *verb])


def daemon_address() -> str:
    """Where the daemon listens: DOCKER_HOST, else the system's socket, else the user's own (rootless)."""
    return os.environ.get("DOCKER_HOST", "") or f"unix://{local_socket()}"


def local_socket() -> Path:
    """The socket of the system's daemon, or of the user's own where only that is there."""
    candidates = [Path("/var/run/docker.sock")]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        candidates.append(Path(runtime) / "docker.sock")
    return next((path for path in candidates if path.exists()), candidates[0])
