"""`container.run`: a new container, with everything about it settled before it exists, and nothing left when it fails.

Order: mounts and ports are judged, the image is had, the lease stands in the book, the container is made and started. One that
runs in the foreground without a name of its own is thrown away when it ends.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from casava_os.containers import images, labels
from casava_os.containers.acting import remove_one
from casava_os.containers.daemon import explained, sentence
from casava_os.containers.desk import Desk
from casava_os.containers.known import IMAGE, Known, find
from casava_os.containers.leases import Leased
from casava_os.containers.looking import facts
from casava_os.containers.network import private_name, tidy_network
from casava_os.containers.preparing import Prepared, its_name_taken, prepare
from casava_os.containers.publishing import port_taken, taken
from casava_os.containers.reins import Reins
from casava_os.kernel.owners import born
from casava_syscalls.base import AnyCall
from casava_syscalls.container import RunContainer
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Cell, Facts

if TYPE_CHECKING:
    from docker import APIClient

_MOST_PIDS = 4096
_LOG_FILES = {"max-size": "10m", "max-file": "3"}
_KEPT_OUTPUT = 64 * 2**10
_FIRST_MOMENT = 0.3
"""Seconds in which a container that cannot work ends; who starts one wants to hear of that."""
_SHOWN = ("name", "id", "image", "state", "exit_code", "ports", "networks", "lease")


def run(desk: Desk, call: AnyCall) -> Result[Facts]:
    """`container.run`."""
    assert isinstance(call, RunContainer)
    result = _run(desk, call)
    if isinstance(result, Err) and _network_went(result):
        # Another process removed its last container, and the network with it, just before ours was on it.
        result = _run(desk, call)
    return result


def _network_went(err: Err) -> bool:
    return bool(re.search(rf"network {private_name()} (is )?not found", err.message))


def _run(desk: Desk, call: RunContainer) -> Result[Facts]:
    prepared = prepare(desk, call)
    if isinstance(prepared, Err):
        return prepared
    ready = prepared.value
    entry = Leased(
        kind="container",
        name=ready.name,
        pid=desk.errand.pid,
        reason=labels.short_reason(desk.errand.request),
        lease=ready.lease,
        phase="starting",
        maker=os.getpid(),
        born=born(os.getpid()),
    )
    desk.book.write(entry)
    made = _create(desk, call, ready)
    if isinstance(made, Err):
        desk.book.strike("container", ready.name)
        tidy_network(desk.api)
        return made
    known = entry.model_copy(update={"id": made.value.id})
    desk.book.write(known.model_copy(update={"phase": "followed"}) if ready.throwaway else known)
    try:
        result = _started(desk, call, made.value) if call.detach else _followed(desk, call, made.value, ready)
    except BaseException:
        _take_back(desk, made.value)
        _left(desk, ready.name)
        raise
    if isinstance(result, Err):
        _left(desk, ready.name)
    return result


def _left(desk: Desk, name: str) -> None:
    """What could not be taken back (the daemon went) is for the next start, whatever it does by then."""
    entry = desk.book.find("container", name)
    if entry is not None and entry.phase == "starting":
        desk.book.write(entry.model_copy(update={"phase": "followed"}))


def _stays(desk: Desk, name: str) -> None:
    """Writes down that it is there from now on, whatever becomes of this program."""
    entry = desk.book.find("container", name)
    if entry is not None:
        desk.book.write(entry.model_copy(update={"phase": "there"}))


# ---------------------------------------------------------------------------------------------- making it


def _create(desk: Desk, call: RunContainer, ready: Prepared) -> Result[Known]:
    from docker.errors import APIError
    from docker.types import DeviceRequest, LogConfig

    command = _words(call.command)
    if isinstance(command, Err):
        return command
    tags = labels.labels(
        pid=desk.errand.pid, reason=desk.errand.request, lease=ready.lease, begun=desk.now().wall
    )
    host: dict[str, Any] = desk.api.create_host_config(
        port_bindings={
            inside: [(address, port) if port else (address,) for address, port in places]
            for inside, places in ready.ports.items()
        },
        network_mode=ready.network,
        mem_limit=call.memory,
        memswap_limit=call.memory,
        nano_cpus=int(call.cpus * 1e9) if call.cpus else None,
        device_requests=[DeviceRequest(count=call.gpus, capabilities=[["gpu"]])] if call.gpus else None,
        restart_policy={"Name": call.restart} if call.restart != "no" else None,
        security_opt=["no-new-privileges"],
        pids_limit=_MOST_PIDS,
        log_config=LogConfig(type="json-file", config=_LOG_FILES),
    )
    if ready.mounts:
        host["Mounts"] = list(ready.mounts)
    try:
        made = desk.api.create_container(
            image=str(ready.image["Id"]),
            command=command.value,
            name=ready.name,
            environment=dict(call.env) or None,
            ports=[tuple(inside.split("/")) for inside in ready.ports] or None,
            labels={**tags, IMAGE: call.image},
            host_config=host,
        )
    except APIError as problem:
        if problem.status_code == 409 and (there := its_name_taken(desk, ready.name)) is not None:
            return there
        return _explained(desk, call, problem)
    return find(desk.api, str(made["Id"]))


def _words(command: str | None) -> Result[list[str] | None]:
    """A command line as a program and its arguments; by the container's shell when it means more than that."""
    if command is None:
        return Ok(value=None)
    if re.search(r"[|&;<>$`*?~(){}\n]", command):
        return Ok(value=["sh", "-c", command])
    try:
        return Ok(value=shlex.split(command))
    except ValueError as problem:
        return Err(code="usage", title="The command line cannot be read", message=f"{command}: {problem}")


def _explained(desk: Desk, call: RunContainer, problem: Exception) -> Err:
    said = sentence(problem)
    if (port := taken(said)) is not None:
        return port_taken(desk.api, port, said)
    if "executable file not found" in said or ("no such file or directory" in said and "exec" in said):
        what = call.command or "what the image starts by itself"
        message, hint = f"{call.image} has no program for: {what}", "look at the command"
        return Err(code="not-found", title="The container has no such program", message=message, hint=hint)
    if "capabilities: [[gpu]]" in said:
        hint = "install the NVIDIA container toolkit, or run it without gpus"
        return Err(code="unavailable", title="Docker has no graphics processors", message=said, hint=hint)
    if "memory limit" in said.lower():
        return Err(
            code="usage", title="That memory limit cannot be", message=said, hint="give it more memory"
        )
    return explained(problem)


# ---------------------------------------------------------------------------------------------- running it


def _started(desk: Desk, call: RunContainer, made: Known) -> Result[Facts]:
    from docker.errors import APIError

    try:
        desk.api.start(made.id)
    except APIError as problem:
        _take_back(desk, made)
        return _explained(desk, call, problem)
    time.sleep(_FIRST_MOMENT)
    now = find(desk.api, made.id)
    if isinstance(now, Err):
        desk.book.strike("container", made.name)
        return now
    if desk.stopped:
        _take_back(desk, made)
        return images.INTERRUPTED
    one = now.value
    if one.state in ("exited", "dead") and one.exit_code != 0:
        words = _last_words(desk.api, one.id)
        _take_back(desk, made)
        return Err(
            code="failed",
            title=f"{one.name} ended at once with exit code {one.exit_code}",
            message=words or "it printed nothing; it was removed again",
            hint="look at its command and its environment",
        )
    _stays(desk, one.name)
    desk.errand.note(
        f"Not undoable: {one.name} {'runs' if one.running else 'ran'} outside the workspace. "
        f"To take it back: remove {one.name} (casava-os call container.remove --containers {one.name} --force)."
    )
    return Ok(value=_shown(desk, one))


def _followed(desk: Desk, call: RunContainer, made: Known, ready: Prepared) -> Result[Facts]:
    """In the foreground: what it prints is streamed until it ends; cancelling ends it."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    kept = bytearray()
    try:
        stream = desk.api.attach(made.id, stdout=True, stderr=True, stream=True, logs=True, demux=True)
        desk.api.start(made.id)
        desk.reins.patience(desk.seconds + 60)
        for out, err in stream:
            for name, data in (("stdout", out), ("stderr", err)):
                if data:
                    desk.errand.output("stdout" if name == "stdout" else "stderr", data)
                    kept += data
                    del kept[:-_KEPT_OUTPUT]
        if desk.stopped:
            _take_back(desk, made)
            return images.INTERRUPTED
        code = int(desk.api.wait(made.id)["StatusCode"])
    except APIError as problem:
        _take_back(desk, made)
        return _explained(desk, call, problem)
    except (DockerException, RequestException, HTTPError, OSError) as problem:
        _take_back(desk, made)
        return images.INTERRUPTED if desk.stopped else explained(problem)
    now = find(desk.api, made.id)
    shown = _shown(desk, now.value) if isinstance(now, Ok) else Facts(items={"name": made.name})
    items: dict[str, Cell] = {**shown.items, "exit_code": code, "output": kept.decode("utf-8", "replace")}
    if not ready.throwaway:
        _stays(desk, made.name)
    else:
        _take_back(desk, made)
        items |= {"state": "ended and removed", "lease": None}
    if code != 0:
        message = "what it printed stands above" if kept else "it printed nothing"
        return Err(code="failed", title=f"{made.name} ended with exit code {code}", message=message)
    return Ok(value=Facts(items=items))


def _shown(desk: Desk, one: Known) -> Facts:
    found = facts(desk, one).items
    return Facts(items={name: found[name] for name in _SHOWN if found.get(name) is not None})


def _last_words(api: APIClient, ident: str) -> str:
    said = api.logs(ident, tail=20, stdout=True, stderr=True)
    return bytes(said).decode("utf-8", "replace").strip()


def _take_back(desk: Desk, made: Known) -> None:
    """Removes what was made, also when the connection was cut. What cannot be removed keeps its lease."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    fresh = Reins()
    found = fresh.take(timeout=20)
    if isinstance(found, Err):
        return
    with suppress(DockerException, RequestException, OSError):
        remove_one(replace(desk, api=found.value), made, volumes=True)
        tidy_network(found.value)
    fresh.close()
