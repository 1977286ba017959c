"""What a Compose file may say and a cluster cannot do as it is meant: refused, each with its place in the spec.

Better no stack than one that is another: a workspace folder that is not on the node, a port of this machine, a limit that
nothing enforces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from casava_os.infra.drivers import Deployment
from casava_os.infra.service import Service
from casava_os.infra.spec import StackSpec
from casava_syscalls.results import Err

_HOST = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?\Z")
_USER = re.compile(r"\d+(:\d+)?\Z")
_ANNOTATION = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")
_TMPFS = re.compile(r"size=\d+[kmgKMG]?\Z")
_LONGEST_NAME = 50
_MOST_TOLD = 5


def refused(wanted: Deployment) -> Err | None:
    """Why a cluster cannot do what the spec says, up to five places; None when it can."""
    found = list(problems(wanted.spec))
    if not found:
        return None
    shown = found[:_MOST_TOLD] + ([f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else [])
    return Err(
        code="unsupported",
        title="A cluster cannot do what the spec says",
        message="; ".join(shown),
        hint="change these places, or leave --driver out: docker can",
    )


def problems(spec: StackSpec) -> Iterator[str]:
    """A sentence each, with its place."""
    if spec.x_casava.idle is not None:
        yield "x-casava.idle: nothing tells of a cluster whether something happens in a stack, and it cannot pause one"
    for name, network in spec.networks.items():
        if network.external:
            yield f"networks.{name}.external: a stack in a cluster has no networks but its own"
    for name in spec.x_casava.kubernetes.volumes:
        if name not in spec.volumes:
            yield f"x-casava.kubernetes.volumes.{name}: there is no volume {name!r} under `volumes`"
    for name, service in spec.services.items():
        place = f"services.{name}"
        if not _HOST.match(name) or len(name) > _LONGEST_NAME:
            yield (
                f"{place}: others find it by this name, and in a cluster a name has lowercase letters, digits and dashes, "
                f"begins with a letter, and has at most {_LONGEST_NAME} characters"
            )
        yield from _running(service, place)
        yield from _reaching(service, place)
        yield from _mounting(service, place)
    yield from _shared(spec)
    yield from _twice(spec)


def _twice(spec: StackSpec) -> Iterator[str]:
    """Names that two services would have."""
    owners = {name: f"services.{name}" for name in spec.services}
    for name, service in spec.services.items():
        for network, part in service.networks.items():
            for alias in part.aliases if part is not None else ():
                place = f"services.{name}.networks.{network}.aliases"
                other = owners.setdefault(alias, f"services.{name}")
                if other != f"services.{name}":
                    yield f"{place}: {alias!r} is {other}, too, and a name leads to one Service"


def _running(service: Service, place: str) -> Iterator[str]:
    if service.image.startswith("sha256:"):
        yield f"{place}.image: the ID of an image of this machine; a cluster pulls by name"
    if service.user is not None and not _USER.match(service.user):
        yield f"{place}.user: only numbers are known before the image is: write {service.user!r} as 1000 or 1000:1000"
    if service.container_name is not None:
        yield f"{place}.container_name: the cluster names its pods"
    if service.stop_signal not in (None, "SIGTERM", "TERM"):
        yield f"{place}.stop_signal: a cluster sends what the image says, and SIGTERM where it says nothing"
    if service.deploy.resources.limits.pids or service.pids_limit:
        yield f"{place}: a limit on processes is set by each node, not by a stack"
    if service.deploy.resources.reservations.pids:
        yield f"{place}.deploy.resources.reservations.pids: processes are not reserved"
    if service.gpus == "all":
        yield f"{place}.gpus: `all` of which node? Write how many"
    if service.hostname is not None and not _HOST.match(service.hostname):
        yield f"{place}.hostname: lowercase letters, digits and dashes"
    for key in service.labels:
        if not _ANNOTATION.match(key):
            yield f"{place}.labels.{key}: no name that an annotation can have"


def _reaching(service: Service, place: str) -> Iterator[str]:
    for number, port in enumerate(service.ports):
        if len(port.host_ports) > 1:
            yield (
                f"{place}.ports[{number}]: a port for each replica cannot be had: a Service spreads one over all of them; "
                f"write {port.target} alone"
            )
        address = ip_address(port.host_ip)
        if not (address.is_loopback or address.is_unspecified):
            yield f"{place}.ports[{number}]: {port.host_ip} is an address of this machine: write 0.0.0.0, or none"
    if service.extra_hosts:
        yield f"{place}.extra_hosts: this machine is no host of the cluster's network"
    for network, part in service.networks.items():
        for alias in part.aliases if part is not None else ():
            if not _HOST.match(alias) or len(alias) > _LONGEST_NAME:
                yield f"{place}.networks.{network}.aliases: {alias!r} can be no name of a Service"


def _mounting(service: Service, place: str) -> Iterator[str]:
    for number, mount in enumerate(service.volumes):
        if mount.type == "bind":
            yield (
                f"{place}.volumes[{number}]: {mount.source} lies on this machine, not on the cluster's nodes: "
                "use a volume, a config or a secret"
            )
    for entry in service.tmpfs:
        _, _, options = entry.partition(":")
        if options and not _TMPFS.match(options):
            yield f"{place}.tmpfs: of {options!r} only size=64m can be had"


def _shared(spec: StackSpec) -> Iterator[str]:
    """Volumes that several pods want, where only one may have them."""
    if spec.x_casava.kubernetes.access == "ReadWriteMany":
        return
    users: dict[str, list[str]] = {}
    for name, service in spec.services.items():
        for source in {m.source for m in service.volumes if m.type == "volume" and m.source is not None}:
            users.setdefault(source, []).extend([name] * max(service.replicas, 1))
    for volume, names in users.items():
        if len(names) > 1:
            who = f"{len(names)} replicas of {names[0]}" if len(set(names)) == 1 else " and ".join(names)
            yield (
                f"volumes.{volume}: {who} share it, and one pod alone may have it (ReadWriteOnce); where the cluster has storage "
                "that can be shared: x-casava: {kubernetes: {access: ReadWriteMany}}"
            )
