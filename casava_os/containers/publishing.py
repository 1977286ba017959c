"""Published ports: which port of the container a person means, where the host listens, and who has a port that is taken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from casava_syscalls.container import Publish
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

from casava_os.containers.known import first_name

Bindings = dict[str, list[tuple[str, int | None]]]
"""`6379/tcp` to where the host listens: address and port (None: any free one)."""


def bindings(ports: Sequence[Publish], exposed: Sequence[str], image: str) -> Result[Bindings]:
    """What the daemon is told. `exposed`: what the image says that it listens on, like `80/tcp`."""
    made: Bindings = {}
    for port in ports:
        inside = _inside(port, exposed, image)
        if isinstance(inside, Err):
            return inside
        address = port.address.strip("[]")
        made.setdefault(f"{inside.value}/{port.protocol}", []).append((address, port.host))
    return Ok(value=made)


def _inside(port: Publish, exposed: Sequence[str], image: str) -> Result[int]:
    """The port in the container."""
    if port.container is not None:
        return Ok(value=port.container)
    of_protocol = [int(text.partition("/")[0]) for text in exposed if _protocol(text) == port.protocol]
    if port.host is not None and (port.host in of_protocol or not of_protocol):
        return Ok(value=port.host)
    if len(of_protocol) == 1:
        return Ok(value=of_protocol[0])
    said = f"{image} listens on {', '.join(map(str, of_protocol)) or 'no port that it names'}"
    hint = f"say which: {port.host or 8080}:{of_protocol[0] if of_protocol else 80} (host:container)"
    return Err(code="usage", title="Which port of the container?", message=said, hint=hint)


def _protocol(text: str) -> str:
    return text.partition("/")[2] or "tcp"


def published(found: object) -> list[str]:
    """Published ports as a person reads them, from `NetworkSettings.Ports` or the list's `Ports`."""
    lines: list[str] = []
    if isinstance(found, dict):
        for inside, places in found.items():
            lines += [_line(place.get("HostIp"), place.get("HostPort"), inside) for place in places or ()]
    elif isinstance(found, list):
        lines += [
            _line(one.get("IP"), one["PublicPort"], f"{one['PrivatePort']}/{one.get('Type', 'tcp')}")
            for one in found
            if one.get("PublicPort")
        ]
    return sorted(dict.fromkeys(lines))


def _line(address: object, host: object, inside: str) -> str:
    where = str(address or "0.0.0.0")  # noqa: S104 - what the daemon does, told
    where = f"[{where}]" if ":" in where else where
    return f"{where}:{host}->{inside.removesuffix('/tcp')}"


def taken(said: str) -> int | None:
    """The port that could not be had, from what the daemon said; None when it said something else."""
    if not re.search(r"port is already allocated|address already in use|failed to bind", said):
        return None
    found = re.search(r":(\d+)(?: failed|[: ]|$)", said.partition("Bind for")[2] or said)
    return int(found[1]) if found else None


def port_taken(api: APIClient, port: int, said: str) -> Err:
    """Who has the port, as far as that can be told."""
    return Err(
        code="exists",
        title=f"Port {port} is taken",
        message=_holder(api, port) or said,
        hint=f"choose another one, like {port + 1 if port < 65535 else 8080}:…, or stop what has it",
    )


def _holder(api: APIClient, port: int) -> str:
    for one in api.containers():
        ports: Sequence[Mapping[str, object]] = one.get("Ports") or ()
        if any(each.get("PublicPort") == port for each in ports):
            return f"the container {first_name(one.get('Names'))} listens there"
    with suppress(Exception):  # who it is helps, and may not be told to this user
        import psutil

        for connection in psutil.net_connections("inet"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f"the program {name} (number {connection.pid}) listens there"
    return ""
