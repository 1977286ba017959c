"""The Docker daemon as containers and stacks see it: a connection, and what its failures mean to a person.

Whatever docker or its transport raises becomes an `Err` with a next step in `explained`; a performer lets it rise to
`guarded`, or catches what it knows better itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from casava_os.daemon import Unreachable, daemon_address, reach
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

PATIENCE = 60
"""Seconds that one request to the daemon may take, where nothing else is said."""

P = ParamSpec("P")
T = TypeVar("T")

START = "start it (systemctl start docker), then ask again"


def connect(*, timeout: int = PATIENCE) -> Result[APIClient]:
    """A client whose daemon has answered; close it. `Err`: `unavailable`, `permission`, `unsupported`. Blocking."""
    found = reach(timeout=timeout)
    if not isinstance(found, Unreachable):
        return Ok(value=found)
    if found.why == "remote":
        return Err(
            code="unsupported",
            title="The Docker daemon is on another machine",
            message=f"DOCKER_HOST is {found.address}; Casava looks after the containers of this one",
            hint="unset DOCKER_HOST to use the daemon here",
        )
    if found.why == "refused":
        return Err(
            code="permission",
            title="The Docker daemon refuses this user",
            message=f"{_socket(found.address)} may not be opened",
            hint="join the group docker (sudo usermod -aG docker $USER) and log in again",
        )
    where = _socket(found.address)
    said = f"{where} does not exist" if found.why == "absent" else f"nobody answers at {where}"
    hint = f"install Docker, or {START}" if found.why == "absent" else START
    return Err(code="unavailable", title="There is no Docker daemon", message=said, hint=hint)


@contextmanager
def connected(*, timeout: int = PATIENCE) -> Iterator[Result[APIClient]]:
    """A connection for a block, closed after it."""
    found = connect(timeout=timeout)
    try:
        yield found
    finally:
        if isinstance(found, Ok):
            found.value.close()


def guarded(
    work: Callable[Concatenate[APIClient, P], Result[T]],
) -> Callable[Concatenate[APIClient, P], Result[T]]:
    """The same function, whose docker and transport exceptions are `Err`s."""

    @functools.wraps(work)
    def careful(api: APIClient, /, *arguments: P.args, **named: P.kwargs) -> Result[T]:
        from docker.errors import DockerException
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            return work(api, *arguments, **named)
        except (DockerException, RequestException, HTTPError, OSError) as problem:
            return explained(problem)

    return careful


def explained(problem: Exception) -> Err:
    """What docker, or the connection to it, raised, for a person."""
    from docker.errors import APIError, NotFound
    from requests.exceptions import ConnectionError as Disconnected
    from requests.exceptions import Timeout
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    if isinstance(problem, APIError):
        said = sentence(problem)
        if isinstance(problem, NotFound):
            return Err(code="not-found", title="Docker does not know it", message=said)
        if "no space left on device" in said.lower():
            hint = "make room: docker system df shows what takes it"
            return Err(
                code="disk-full", title="The disk of the Docker daemon is full", message=said, hint=hint
            )
        return Err(code="failed", title="Docker refused", message=said)
    # A read that times out in the middle of a stream comes as a ConnectionError, too.
    late = isinstance(problem, Timeout | ReadTimeoutError) or "Read timed out" in str(problem)
    if late:
        hint = "try again; if it stays so, restart the daemon (systemctl restart docker)"
        return Err(
            code="timeout",
            title="The Docker daemon did not answer in time",
            message="it is there, and busy",
            hint=hint,
        )
    if isinstance(problem, Disconnected | ProtocolError | ConnectionError):
        return Err(
            code="unavailable",
            title="The connection to the Docker daemon broke",
            message=f"{_socket(daemon_address())} closed in the middle of a call: the daemon was stopped or restarted; "
            "what had begun may or may not be done",
            hint="look with casava-os call container.list --all, then ask again",
        )
    if isinstance(problem, OSError) and problem.errno == ENOSPC:
        hint = "make room, then ask again"
        return Err(
            code="disk-full", title="There is no room on this machine", message=str(problem), hint=hint
        )
    return Err(code="failed", title="Docker failed", message=f"{type(problem).__name__}: {problem}")


def sentence(problem: Exception) -> str:
    """What the daemon said, on one line and without what it repeats of the transport."""
    said = str(getattr(problem, "explanation", None) or problem)
    said = " ".join(said.split())
    said = re.sub(r"^(Error response from daemon|Error): ", "", said)
    return said.removeprefix("driver failed programming external connectivity on endpoint ").rstrip(".")


def _socket(address: str) -> str:
    return address.removeprefix("unix://")
