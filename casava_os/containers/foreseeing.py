"""What a call would act upon that the call itself does not say: containers that somebody else started, and names that fail.

Said in the question, before anything happens. It is a look and no promise: whose a container is is judged again when it is
acted upon.
"""

from __future__ import annotations

from casava_os.containers.desk import Desk
from casava_os.containers.images import local
from casava_os.containers.known import Known, find, seconds_of, span
from casava_syscalls.base import AnyCall
from casava_syscalls.container import (
    CopyIn,
    ExecContainer,
    RemoveContainers,
    RestartContainers,
    RunContainer,
    StartContainers,
    StopContainers,
)
from casava_syscalls.results import Err


def foresee(desk: Desk, call: AnyCall) -> tuple[str, ...]:
    """A line for each thing worth knowing."""
    if isinstance(call, RunContainer):
        return _image(desk, call)
    lines: list[str] = []
    for text in _acted_upon(call):
        found = find(desk.api, text)
        if isinstance(found, Err):
            lines.append(f"{found.title}; {found.hint}")
        elif not found.value.mine:
            lines.append(_foreign(desk, found.value))
    return tuple(lines)


def _acted_upon(call: AnyCall) -> tuple[str, ...]:
    if isinstance(call, StartContainers | StopContainers | RestartContainers | RemoveContainers):
        return call.containers if isinstance(call.containers, tuple) else ()
    return (call.container,) if isinstance(call, ExecContainer | CopyIn) else ()


def _foreign(desk: Desk, one: Known) -> str:
    created = seconds_of(one.details.get("Created"))
    age = "" if created is None else f", made {span(desk.now().wall - created)} ago"
    whose = "one of Casava's sandboxes" if one.maker == "sandbox" else "not started by Casava"
    return f"{one.name} is {whose}: {one.image}, {one.state}{age}"


def _image(desk: Desk, call: RunContainer) -> tuple[str, ...]:
    if local(desk.api, call.image) is None:
        return (f"{call.image} is not on this machine: it is fetched from its registry first",)
    return ()
