"""What is settled before a container is made: its mounts, its ports, its image, its network, its name, its lease.

Policy has judged what a plan writes; here it is judged what that leads to: a link that leaves the workspace, a socket, a folder
that Docker would make out of nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from casava_os.containers import images
from casava_os.containers.desk import Desk
from casava_os.containers.known import Known, find
from casava_os.containers.leases import Lease
from casava_os.containers.network import private_network
from casava_os.containers.publishing import Bindings, bindings
from casava_os.daemon import local_socket
from casava_syscalls.container import Mount, RunContainer, host_path
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is known before the container is made."""

    name: str
    image: Mapping[str, Any]
    ports: Bindings
    mounts: tuple[dict[str, object], ...]
    network: str
    lease: Lease | None
    throwaway: bool


def prepare(desk: Desk, call: RunContainer) -> Result[Prepared]:
    """All of it; nothing is made but the private network, and an image fetched."""
    mounts: list[dict[str, object]] = []
    for mount in call.mounts:
        judged = _mount(desk, mount)
        if isinstance(judged, Err):
            return judged
        mounts.append(judged.value)
    if call.network == "none" and call.ports:
        message = "a container without a network has no ports to publish"
        return Err(code="usage", title="No network, and ports", message=message, hint="leave one of them out")
    if call.name is not None and (there := its_name_taken(desk, call.name)) is not None:
        return there
    image = images.here(desk, call.image)
    if isinstance(image, Err):
        return image
    found: Mapping[str, Any] = image.value
    exposed = sorted((found.get("Config") or {}).get("ExposedPorts") or ())
    ports = bindings(call.ports, exposed, call.image)
    if isinstance(ports, Err):
        return ports
    network: str = call.network
    if call.network == "private":
        private = private_network(desk.api, desk.errand.pid, desk.errand.request)
        if isinstance(private, Err):
            return private
        network = private.value
    throwaway = not call.detach and call.name is None
    seconds = call.lease or (int(desk.seconds) + 60 if throwaway else None)
    return Ok(
        value=Prepared(
            name=call.name or _free_name(desk, call.image),
            image=found,
            ports=ports.value,
            mounts=tuple(mounts),
            network=network,
            lease=None if seconds is None else Lease.beginning(seconds, desk.now()),
            throwaway=throwaway,
        )
    )


def _mount(desk: Desk, mount: Mount) -> Result[dict[str, object]]:
    """One mount, its path resolved. Policy has judged what is written; a link may still lead elsewhere."""
    target = os.path.normpath(mount.target)
    if target == "/":
        return Err(
            code="usage",
            title="Nothing can be mounted at /",
            message=f"{mount}",
            hint="name a folder below it",
        )
    written = host_path(mount.source)
    if written is None:
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", mount.source):
            message = f"{mount.source!r} is neither a path nor the name of a volume"
            return Err(
                code="usage", title="That cannot be mounted", message=message, hint="a path begins with ./"
            )
        workspace = desk.errand.workspace
        if workspace is not None and (workspace / fs_path(mount.source)).is_dir():
            desk.errand.note(
                f"{mount.source} is taken for a volume of that name; the folder of the workspace is ./{mount.source}."
            )
        return Ok(value=_bind("volume", mount.source, target, mount))
    if desk.errand.workspace is None:
        return Err(code="usage", title="There is no workspace to mount from", message=str(mount))
    top = Path(os.path.realpath(desk.errand.workspace))
    outside = written.startswith(("/", "~", "..")) or "/../" in f"{written}/"
    path = Path(fs_path(written)).expanduser() if outside else top / fs_path(written)
    real = Path(os.path.realpath(path))
    if not outside and not real.is_relative_to(top):
        return Err(
            code="denied",
            title=f"{written} leads out of the workspace",
            message=f"it is a link to {path_text(str(real))}; a container would see what lies there",
            hint="mount something that lies in the workspace",
        )
    if not real.exists():
        message = "Docker would make an empty folder there"
        hint = "make it first, or name a volume (without a slash)"
        return Err(code="not-found", title=f"There is no {written} to mount", message=message, hint=hint)
    if real.is_socket() or real == Path(os.path.realpath(local_socket())):
        return Err(
            code="denied",
            title="A socket of this machine is not handed to a container",
            message=f"{written}: whoever holds the Docker socket rules this machine",
        )
    return Ok(value=_bind("bind", str(real), target, mount))


def _bind(kind: Literal["bind", "volume"], source: str, target: str, mount: Mount) -> dict[str, object]:
    return {"Type": kind, "Source": source, "Target": target, "ReadOnly": mount.read_only}


def its_name_taken(desk: Desk, name: str) -> Err | None:
    """Why a container cannot have this name; None when it can."""
    there = find(desk.api, name)
    if isinstance(there, Err) or there.value.name != name:
        return None
    return name_taken(there.value)


def name_taken(one: Known) -> Err:
    """Who has the name."""
    whose = "Casava started it" if one.mine else "it was not started by Casava"
    hint = "choose another name" + (f", or remove {one.name} first" if one.mine else "")
    if one.mine and not one.running:
        hint = f"start {one.name} again, remove it first, or choose another name"
    return Err(
        code="exists",
        title=f"There is a container {one.name} already",
        message=f"{whose}; it is {one.state} and made from {one.image}",
        hint=hint,
    )


def _free_name(desk: Desk, image: str) -> str:
    """A name after the image, with a number when that is taken."""
    base = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    base = re.sub(r"[^a-zA-Z0-9_.-]", "-", base).lstrip("_.-") or "container"
    taken_names = {
        name.lstrip("/") for one in desk.api.containers(all=True) for name in one.get("Names") or ()
    }
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in taken_names:
        number += 1
    return name
