"""Keeping a container that stands alone for longer; `infra.extend` does it for whatever Casava started and has a lease."""

from __future__ import annotations

from pathlib import Path

from casava_os.containers import labels
from casava_os.containers.daemon import connected, explained
from casava_os.containers.known import find
from casava_os.containers.leases import Lease, LeaseBook, Leased, now
from casava_syscalls.results import Err, Ok, Result


def extend(state: Path, name: str, seconds: int) -> Result[Leased]:
    """Lets the lease of a container begin anew, or gives it one. `Err("not-found")`; `denied` for one of others. Blocking."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with connected(timeout=30) as found:
        if isinstance(found, Err):
            return found
        try:
            one = find(found.value, name)
        except (DockerException, RequestException, OSError) as problem:
            return explained(problem)
    if isinstance(one, Err):
        return one
    there = one.value
    if not there.mine:
        return Err(
            code="denied",
            title=f"{there.name} was not started by Casava",
            message="what others started has no lease, and gets none",
        )
    if (stack := labels.stack_of(there.labels)) is not None:
        return Err(
            code="usage",
            title=f"{there.name} belongs to the stack {stack}",
            message="it stays as long as its stack does",
            hint=f"extend {stack}",
        )
    book = LeaseBook(state)
    entry = book.find("container", there.name) or Leased(
        kind="container",
        name=there.name,
        pid=labels.pid_of(there.labels) or 0,
        reason=there.labels.get(labels.REASON, ""),
        lease=None,
    )
    longer = entry.model_copy(update={"id": there.id, "lease": Lease.beginning(seconds, now())})
    try:
        book.write(longer)
    except OSError as problem:
        return explained(problem)
    return Ok(value=longer)
