"""The resources of a stack and what each needs: a directed graph without cycles, and a digest for every node.

Nodes are networks, volumes, secrets, configs and services. A node's digest covers everything that it is made from, so that
two equal digests mean: nothing to do. What can be changed on a running container (limits, restart policy) is left out of
a service's digest and compared with the container itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from casava_os.infra.mounts import FileMount
from casava_os.infra.service import Service
from casava_os.infra.spec import StackSpec

Kind = Literal["network", "volume", "secret", "config", "service"]

LIVE = (
    "deploy",
    "scale",
    "mem_limit",
    "cpus",
    "pids_limit",
    "restart",
    "pull_policy",
    "depends_on",
    "stop_grace_period",
)
"""Keys of a service that its containers are not made from, or that can be changed while they run."""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One resource."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Graph:
    """All resources of a stack: what each needs, and its digest."""

    needs: Mapping[Node, tuple[Node, ...]]
    digests: Mapping[Node, str]

    def levels(self) -> Iterator[tuple[Node, ...]]:
        """Nodes in an order in which they can be made: those of one level need nothing of each other."""
        sorter = TopologicalSorter(self.needs)
        sorter.prepare()
        while sorter.is_active():
            ready = tuple(sorted(sorter.get_ready()))
            yield ready
            sorter.done(*ready)

    def of(self, kind: Kind) -> tuple[str, ...]:
        """Names of the nodes of one kind, in the order in which they are made."""
        return tuple(node.name for level in self.levels() for node in level if node.kind == kind)

    def digest(self, kind: Kind, name: str) -> str:
        return self.digests[Node(kind, name)]


def short_digest(value: object) -> str:
    """Sixteen hexadecimal digits of the sha256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def graph_of(spec: StackSpec, files: Mapping[Node, str]) -> Graph:
    """The graph of a spec that `check` found nothing wrong with. `files`: digests of the contents of secrets and configs."""
    needs: dict[Node, tuple[Node, ...]] = {}
    digests: dict[Node, str] = {}
    networks, used = spec.all_networks(), _used(spec)
    for name, network in networks.items():
        if (node := Node("network", name)) in used and not network.external:
            needs[node], digests[node] = (), short_digest(network.model_dump(mode="json"))
    for name, volume in spec.volumes.items():
        if (node := Node("volume", name)) in used and not volume.external:
            needs[node], digests[node] = (), short_digest(volume.model_dump(mode="json"))
    for node, digest in files.items():
        if node in used:
            needs[node], digests[node] = (), digest
    for name, service in spec.services.items():
        node = Node("service", name)
        wants = tuple(
            dict.fromkeys((*_uses(spec, service), *(Node("service", d) for d in service.depends_on)))
        )
        needs[node] = tuple(one for one in wants if one.kind == "service" or one in needs)
        plain = service.model_dump(mode="json", exclude=set(LIVE), exclude_defaults=True)
        contents = {str(one): files[one] for one in wants if one in files}
        outside = {
            str(one): names.get(one.name).model_dump(mode="json")  # type: ignore[union-attr]
            for one in wants
            for names in ((networks if one.kind == "network" else spec.volumes),)
            if one.kind in ("network", "volume") and one not in needs
        }
        joined = {str(one): digests[one] for one in wants if one.kind == "network" and one in digests}
        digests[node] = short_digest(
            {"service": plain, "files": contents, "outside": outside, "networks": joined}
        )
    return Graph(needs, digests)


def _uses(spec: StackSpec, service: Service) -> Iterator[Node]:
    for name in spec.networks_of(service):
        yield Node("network", name)
    for mount in service.volumes:
        if mount.type == "volume" and mount.source is not None:
            yield Node("volume", mount.source)
    for secret in service.secrets:
        yield Node("secret", secret.source)
    for config in service.configs:
        yield Node("config", config.source)


def _used(spec: StackSpec) -> frozenset[Node]:
    return frozenset(node for service in spec.services.values() for node in _uses(spec, service))


# ------------------------------------------------------------------------------------------------ what is wrong


def check(spec: StackSpec) -> list[str]:
    """What is wrong between the parts of a spec, a sentence each with its place."""
    problems: list[str] = []
    for name, service in spec.services.items():
        place = f"services.{name}"
        problems += _unknown(spec, service, place)
        problems += _dependencies(spec, name, service, place)
        problems += _ports(service, place)
        networks = [spec.all_networks().get(one) for one in spec.networks_of(service)]
        if service.ports and networks and all(one is not None and one.internal for one in networks):
            problems.append(
                f"{place}.ports: it is in internal networks alone, and Docker publishes no port there"
            )
        if service.container_name is not None and service.replicas > 1:
            problems.append(f"{place}.container_name: {service.replicas} replicas cannot have one name")
    return problems + _cycle(spec) + _same_port(spec) + _over_budget(spec)


def _unknown(spec: StackSpec, service: Service, place: str) -> Iterator[str]:
    networks = spec.all_networks()
    for name in service.networks:
        if name not in networks:
            yield f"{place}.networks: there is no network {name!r} under `networks`"
    for number, mount in enumerate(service.volumes):
        if mount.type == "volume" and mount.source not in spec.volumes:
            yield f"{place}.volumes[{number}]: there is no volume {mount.source!r} under `volumes`"
    tables: tuple[tuple[str, Sequence[FileMount], Mapping[str, object]], ...] = (
        ("secrets", service.secrets, spec.secrets),
        ("configs", service.configs, spec.configs),
    )
    for kind, wanted, there in tables:
        for number, file in enumerate(wanted):
            if file.source not in there:
                yield f"{place}.{kind}[{number}]: there is no {kind[:-1]} {file.source!r} under `{kind}`"


def _dependencies(spec: StackSpec, name: str, service: Service, place: str) -> Iterator[str]:
    for other, dependency in service.depends_on.items():
        if other == name:
            yield f"{place}.depends_on: it depends on itself"
        elif other not in spec.services:
            yield f"{place}.depends_on: there is no service {other!r}"
        elif dependency.condition == "service_healthy":
            health = spec.services[other].healthcheck
            if health is None or health.disable:
                yield f"{place}.depends_on.{other}: it can never be healthy, for it has no `healthcheck`"


def _ports(service: Service, place: str) -> Iterator[str]:
    for number, port in enumerate(service.ports):
        there = len(port.host_ports)
        if there and there < service.replicas:
            low = port.host_ports[0]
            yield (
                f"{place}.ports[{number}]: {service.replicas} replicas cannot share {port.published}: write a range such as "
                f"{low}-{low + service.replicas - 1}:{port.target}, or {port.target} alone for any free ports"
            )


def _cycle(spec: StackSpec) -> list[str]:
    try:
        sorter = TopologicalSorter({name: tuple(s.depends_on) for name, s in spec.services.items()})
        sorter.prepare()
    except CycleError as problem:
        ring = list(reversed(problem.args[1]))
        if len(ring) > 2:  # a service that depends on itself was told already
            return [f"services: {' → '.join(ring)} wait for each other in a circle"]
    return []


def _same_port(spec: StackSpec) -> list[str]:
    taken: dict[tuple[str, int], str] = {}
    problems: list[str] = []
    for name, service in spec.services.items():
        for number, port in enumerate(service.ports):
            for host in port.host_ports[: max(service.replicas, 1)]:
                place = f"services.{name}.ports[{number}]"
                other = taken.setdefault((port.protocol, host), place)
                if other != place:
                    problems.append(f"{place}: port {host} is published by {other}, too")
    return problems


def _over_budget(spec: StackSpec) -> list[str]:
    budget, problems = spec.x_casava.budget, []
    services = spec.services.values()
    containers = sum(service.replicas for service in services)
    if budget.containers is not None and containers > budget.containers:
        problems.append(
            f"x-casava.budget.containers: the services are {containers} containers, not {budget.containers}"
        )
    if budget.memory is not None:
        unbounded = [n for n, s in spec.services.items() if s.memory_limit is None and s.replicas]
        if unbounded:
            problems.append(
                f"services.{unbounded[0]}: with a budget of memory, every service needs a memory limit"
            )
        memory = sum((service.memory_limit or 0) * service.replicas for service in services)
        if memory > budget.memory:
            problems.append(
                f"x-casava.budget.memory: the limits add up to {memory // 2**20} MiB, not {budget.memory // 2**20} MiB"
            )
    if budget.cpus is not None:
        cpus = sum((service.cpu_limit or 0) * service.replicas for service in services)
        if cpus > budget.cpus:
            problems.append(
                f"x-casava.budget.cpus: the limits add up to {cpus:g} processors, not {budget.cpus:g}"
            )
    return problems
