"""What of a stack is there, as the daemon tells: read anew each time, believed before any record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from casava_os.containers import labels
from casava_os.infra.docker.marks import OPERATION, RESOURCE, SPEC, filters, replica_of
from casava_os.infra.drivers import StackKey

if TYPE_CHECKING:
    from docker import APIClient

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a stack."""

    id: str
    name: str
    service: str
    replica: int
    digest: str
    operation: str
    image: str
    """The ID of the image that it was made from."""
    state: str
    """created, running, paused, restarting, exited or dead."""
    exit_code: int
    health: str
    """healthy, unhealthy, starting, or empty where there is no check."""
    pid: int
    memory: int
    cpus: float
    pids: int
    restart: str
    networks: frozenset[str]
    """IDs."""
    ports: tuple[str, ...]
    """Published ones, as 127.0.0.1:8080→80/tcp."""
    labels: Mapping[str, str]
    grace: int
    """Seconds between asking it to end and killing it."""
    server: bool
    """Somebody connects to it or looks after its health: it never is done."""

    @property
    def finished(self) -> bool:
        """It did what it was made for, and ended."""
        return self.state == "exited" and self.exit_code == 0 and not self.server


@dataclass(frozen=True, slots=True)
class Thing:
    """A network or volume of a stack; `id` is what the daemon knows it by."""

    id: str
    name: str
    resource: str
    digest: str
    operation: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Actual:
    """All of a stack that is there."""

    containers: tuple[Container, ...] = ()
    networks: tuple[Thing, ...] = ()
    """Of one name in the spec there are two while a changed one takes the place of the former."""
    volumes: Mapping[str, Thing] = field(default_factory=dict)
    """By the name in the spec."""

    def network(self, resource: str, digest: str) -> Thing | None:
        """The network of this name in the spec that is made as it is wanted."""
        return next((one for one in self.networks if (one.resource, one.digest) == (resource, digest)), None)

    def slot(self, service: str, replica: int) -> tuple[Container, ...]:
        """The containers that are, or were, this replica."""
        return tuple(one for one in self.containers if (one.service, one.replica) == (service, replica))

    def of(self, service: str) -> tuple[Container, ...]:
        return tuple(one for one in self.containers if one.service == service)

    @property
    def empty(self) -> bool:
        return not (self.containers or self.networks or self.volumes)


def observe(api: APIClient, key: StackKey) -> Actual:
    """What there is. Raises what docker raises."""
    from docker.errors import NotFound

    containers: list[Container] = []
    for listed in api.containers(all=True, filters=filters(key)):
        try:
            containers.append(container(cast("Json", api.inspect_container(listed["Id"]))))
        except NotFound:  # it went meanwhile
            continue
    return Actual(
        tuple(sorted(containers, key=lambda one: (one.service, one.replica, one.name))),
        tuple(networks(api, filters(key))),
        {one.resource: one for one in volumes(api, filters(key))},
    )


def networks(api: APIClient, wanted: dict[str, list[str]]) -> list[Thing]:
    """Networks with these labels."""
    return [_thing(one, str(one["Id"])) for one in api.networks(filters=wanted)]


def volumes(api: APIClient, wanted: dict[str, list[str]]) -> list[Thing]:
    """Volumes with these labels."""
    return [_thing(one, str(one["Name"])) for one in api.volumes(filters=wanted)["Volumes"] or []]


def _thing(found: Json, identity: str) -> Thing:
    marks = cast("Mapping[str, str]", found.get("Labels") or {})
    return Thing(
        id=identity,
        name=str(found["Name"]),
        resource=marks.get(RESOURCE, ""),
        digest=marks.get(SPEC, ""),
        operation=marks.get(OPERATION, ""),
        labels=marks,
    )


def container(found: Json) -> Container:
    """From what the daemon says of one container."""
    config, state, host = (cast("Json", found[part]) for part in ("Config", "State", "HostConfig"))
    marks = cast("Mapping[str, str]", config.get("Labels") or {})
    network = cast("Json", found.get("NetworkSettings") or {})
    joined = cast("Mapping[str, Json]", network.get("Networks") or {})
    policy = cast("Json", host.get("RestartPolicy") or {})
    health = cast("Json", state.get("Health") or {})
    status = str(health.get("Status") or "")
    return Container(
        id=str(found["Id"]),
        name=str(found["Name"]).lstrip("/"),
        service=marks.get(RESOURCE, ""),
        replica=replica_of(marks),
        digest=marks.get(SPEC, ""),
        operation=marks.get(OPERATION, ""),
        image=str(found["Image"]),
        state=str(state["Status"]),
        exit_code=_whole(state.get("ExitCode")),
        health="" if status == "none" else status,
        pid=_whole(state.get("Pid")),
        memory=_whole(host.get("Memory")),
        cpus=_whole(host.get("NanoCpus")) / 1e9,
        pids=_whole(host.get("PidsLimit")),
        restart=restart_text(str(policy.get("Name") or "no"), _whole(policy.get("MaximumRetryCount"))),
        networks=frozenset(str(one["NetworkID"]) for one in joined.values() if one.get("NetworkID")),
        ports=tuple(_ports(cast("Mapping[str, list[Mapping[str, str]] | None]", network.get("Ports") or {}))),
        labels=marks,
        grace=_whole(config.get("StopTimeout")) or 10,
        server=bool(host.get("PortBindings") or _tested(config))
        or str(policy.get("Name")) in ("always", "unless-stopped"),
    )


def _tested(config: Json) -> bool:
    test = cast("list[str]", cast("Json", config.get("Healthcheck") or {}).get("Test") or [])
    return bool(test) and test != ["NONE"]


def restart_text(name: str, retries: int) -> str:
    """A restart policy as Compose writes it."""
    return f"{name}:{retries}" if name == "on-failure" and retries else name or "no"


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _ports(found: Mapping[str, list[Mapping[str, str]] | None]) -> list[str]:
    shown: dict[str, None] = {}
    for inside, outsides in found.items():
        for outside in outsides or ():
            shown[f"{outside['HostIp']}:{outside['HostPort']}→{inside}"] = None
    return list(shown)


def stacks_of(api: APIClient, owner: str) -> dict[str, list[tuple[str, Mapping[str, str]]]]:
    """(kind, labels) of everything that this owner has in stacks, by the stack's name."""
    wanted = {"label": [f"{labels.OWNER}={owner}", labels.STACK]}
    found: dict[str, list[tuple[str, Mapping[str, str]]]] = {}
    everything = [
        *(("service", cast("Json", one)) for one in api.containers(all=True, filters=wanted)),
        *(("network", cast("Json", one)) for one in api.networks(filters=wanted)),
        *(("volume", cast("Json", one)) for one in api.volumes(filters=wanted)["Volumes"] or []),
    ]
    for kind, one in everything:
        marks = cast("Mapping[str, str]", one.get("Labels") or {})
        if stack := labels.stack_of(marks):
            found.setdefault(stack, []).append((kind, marks))
    return found
