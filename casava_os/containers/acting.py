"""Starting, stopping, restarting and removing containers: what Casava started, or what the request names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from casava_os.containers.daemon import explained, sentence
from casava_os.containers.desk import Desk
from casava_os.containers.known import Chosen, Known, chosen, find
from casava_os.containers.network import tidy_network
from casava_os.containers.publishing import port_taken, taken
from casava_syscalls.base import AnyCall
from casava_syscalls.container import RemoveContainers, RestartContainers, StartContainers, StopContainers
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Table, Value

DEFAULT_GRACE = 10


def start(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.start`. One that runs is left as it is."""
    assert isinstance(call, StartContainers)

    def one(container: Known) -> Result[str]:
        if container.state == "paused":
            desk.api.unpause(container.id)
            return Ok(value="running again")
        if container.running:
            return Ok(value="was running")
        desk.api.start(container.id)
        return Ok(value="running")

    return _each(desk, call.containers, "started", one)


def stop(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.stop`: TERM, and KILL after the grace."""
    assert isinstance(call, StopContainers)
    grace = call.grace

    def one(container: Known) -> Result[str]:
        if not container.running:
            return Ok(value="was not running")
        desk.errand.progress(f"Stopping {container.name}", None)
        desk.api.stop(container.id, timeout=grace)
        return Ok(value=_ended(desk, container))

    return _each(desk, call.containers, "stopped", one)


def restart(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.restart`."""
    assert isinstance(call, RestartContainers)

    def one(container: Known) -> Result[str]:
        desk.errand.progress(f"Restarting {container.name}", None)
        desk.api.restart(container.id, timeout=DEFAULT_GRACE)
        return Ok(value="running")

    return _each(desk, call.containers, "restarted", one)


def remove(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.remove`. A running one only with `force`: of a list the others go, one that is named is a failure."""
    assert isinstance(call, RemoveContainers)
    named = isinstance(call.containers, tuple)

    def one(container: Known) -> Result[str]:
        if container.running and not call.force:
            if not named:
                return Ok(value="left alone: it runs")
            return Err(
                code="failed",
                title=f"{container.name} is running",
                message="it was not removed",
                hint="stop it first, or remove it by force",
            )
        remove_one(desk, container, volumes=call.volumes)
        return Ok(value="removed")

    result = _each(desk, call.containers, "removed", one)
    tidy_network(desk.api)
    return result


def remove_one(desk: Desk, container: Known, *, volumes: bool = False) -> None:
    """Removes a container, running or not; one that is gone already is no error. Raises what docker raises."""
    from docker.errors import APIError, NotFound

    with suppress(NotFound):
        try:
            desk.api.remove_container(container.id, force=True, v=volumes)
        except APIError as problem:
            if "already in progress" not in sentence(problem):
                raise
    desk.book.strike("container", container.name)


def _ended(desk: Desk, container: Known) -> str:
    after = find(desk.api, container.id)
    if isinstance(after, Err):
        return "stopped, and gone"
    if after.value.running:
        return f"{after.value.state} again (restart policy)"
    code = after.value.exit_code
    killed = " (it had to be killed)" if code == 137 else ""
    return f"stopped{killed}"


def _each(desk: Desk, containers: object, doing: str, act: Callable[[Known], Result[str]]) -> Result[Table]:
    """Acts upon one after another. A failure stops it and says what was done before."""
    from docker.errors import APIError

    wanted = containers if isinstance(containers, tuple) else None
    given: Value | None = desk.errand.given.get("containers")
    found = chosen(desk, wanted, given, doing)
    if isinstance(found, Err):
        return found
    picked: Chosen = found.value
    rows: list[tuple[str, str]] = []
    for container in picked.there:
        try:
            did = act(container)
        except APIError as problem:
            did = _refused(desk, container, problem)
        if isinstance(did, Err):
            before = ", ".join(f"{name} {what}" for name, what in rows)
            message = "; ".join(
                part for part in (did.message, f"before that: {before}" if before else "") if part
            )
            return did.model_copy(update={"message": message})
        rows.append((container.name, did.value))
    if any(not container.mine for container in picked.there):
        foreign = ", ".join(container.name for container in picked.there if not container.mine)
        desk.errand.note(f"{foreign}: not started by Casava; it was {doing} because the request names it.")
    return Ok(value=Table(columns=("name", "state"), rows=(*rows, *picked.left)))


def _refused(desk: Desk, container: Known, problem: Exception) -> Err:
    said = sentence(problem)
    if (port := taken(said)) is not None:
        return port_taken(desk.api, port, said)
    return explained(problem).model_copy(update={"title": f"Docker refused for {container.name}"})
