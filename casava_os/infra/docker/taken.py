"""Names, ports and volumes that somebody else has: found before anything is made."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from casava_os.containers import labels
from casava_os.infra.docker.marks import container_name, name_of
from casava_os.infra.docker.observe import Actual
from casava_os.infra.drivers import Deployment, Row
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from docker import APIClient


def taken(api: APIClient, wanted: Deployment, actual: Actual, rows: list[Row]) -> Err | None:
    """A name or port that somebody else has."""
    making = {
        row.name for row in rows if row.kind == "container" and row.action in ("create", "replace", "start")
    }
    if not making and not any(row.action == "create" for row in rows):
        return None
    ours = {one.id for one in actual.containers}
    names: dict[str, str] = {}
    ports: dict[tuple[int, str], str] = {}
    held: set[tuple[int, str]] = set()
    for one in api.containers(all=True):
        for name in one.get("Names") or ():
            names[name.lstrip("/")] = str(one["Id"])
        for port in one.get("Ports") or ():
            if port.get("PublicPort"):
                place = (int(port["PublicPort"]), str(port["Type"]))
                if one["Id"] in ours:
                    held.add(place)
                else:
                    ports[place] = (one.get("Names") or [one["Id"]])[0].lstrip("/")
    for name, service in wanted.spec.services.items():
        for replica in range(1, service.replicas + 1):
            if f"{name}-{replica}" not in making:
                continue
            called = container_name(wanted.key, name, service, replica)
            if called in names and names[called] not in ours:
                return Err(
                    code="exists",
                    title=f"There is a container {called!r} already",
                    message=f"services.{name} needs that name, and the container is none of this stack's",
                    hint=f"choose another `container_name`, or remove it: docker rm {called}",
                )
            for port in service.ports:
                if port.host_ports:
                    place = (port.host_ports[replica - 1], port.protocol)
                    taken = ports.get(place) or (None if place in held else _listener(port.host_ip, *place))
                    if taken:
                        return port_taken(name, place[0], taken)
    return _taken_volume(api, wanted, rows)


def port_taken(service: str, port: int, who: str) -> Err:
    """Somebody else listens there."""
    return Err(
        code="exists",
        title=f"Port {port} is taken",
        message=f"services.{service} publishes it, and {who} has it",
        hint="publish another one, or leave the number before the colon out for any free one",
    )


def _listener(address: str, port: int, protocol: str) -> str | None:
    """Whether a program of this machine listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:  # below 1024, which the daemon may and this person may not
            return None
        except OSError:
            return "another program"
    return None


def _taken_volume(api: APIClient, wanted: Deployment, rows: list[Row]) -> Err | None:
    """A volume of that name which is not this stack's: the daemon would hand it over in silence."""
    from docker.errors import NotFound

    for row in rows:
        if (row.kind, row.action) != ("volume", "create"):
            continue
        called = name_of(wanted.key, row.name)
        try:
            found = api.inspect_volume(called)
        except NotFound:
            continue
        tags = found.get("Labels") or {}
        if (tags.get(labels.OWNER), tags.get(labels.STACK)) != (wanted.key.owner, wanted.key.name):
            message = f"volumes.{row.name} needs that name, and the volume is none of this stack's"
            return Err(code="exists", title=f"There is a volume {called!r} already", message=message)
    return None
