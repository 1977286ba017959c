"""What a spec may say and AWS cannot be told: refused with its place, for a key that is read over is a promise not kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casava_os.infra.service import Service
from casava_os.infra.spec import StackSpec
from casava_os.infra.terraform.options import Aws

_EXPOSED = re.compile(r"\d{1,5}(-\d{1,5})?(/(tcp|udp))?\Z")
_HOSTS = ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104 - what a spec may say
_MOST_REPLICAS = 200
"""Of the 251 addresses of a subnet."""


def refused(spec: StackSpec) -> list[str]:
    """Why this spec cannot be had on AWS, a sentence each with its place."""
    aws = spec.x_casava.terraform
    problems = [*_whole(spec, aws)]
    for name, service in spec.services.items():
        problems += _service(spec, aws, name, service)
    return [*problems, *_volumes(spec, aws)]


def networks_out(spec: StackSpec, service: Service) -> tuple[str, ...]:
    """The networks of a service that have a way out."""
    known = spec.all_networks()
    return tuple(name for name in spec.networks_of(service) if not known[name].internal)


def _whole(spec: StackSpec, aws: Aws) -> Iterator[str]:
    if spec.x_casava.idle is not None:
        yield "x-casava.idle: nobody sees from outside whether something happens on an instance"
    for name, network in spec.all_networks().items():
        if network.external:
            yield f"networks.{name}.external: a stack on AWS lives in a VPC of its own"
    for name, volume in spec.volumes.items():
        if volume.external:
            yield f"volumes.{name}.external: a disk or bucket of others is not taken over"
    for name in aws.instance_types:
        if name not in spec.services:
            yield f"x-casava.terraform.instance_types.{name}: there is no such service"
    for name in aws.volumes:
        if name not in spec.volumes:
            yield f"x-casava.terraform.volumes.{name}: there is no such volume"
    if len(spec.all_networks()) > 2 ** (24 - int(aws.cidr.partition("/")[2])):
        yield f"networks: {aws.cidr} has no room for {len(spec.all_networks())} subnets"


def _service(spec: StackSpec, aws: Aws, name: str, service: Service) -> Iterator[str]:
    place = f"services.{name}"
    if service.network_mode == "none":
        yield f"{place}.network_mode: an instance without a network could not get its image"
        return
    if len(service.networks) > 5:
        yield f"{place}.networks: an instance is in five networks at most"
    if len(volumes_of(service)) > 11:
        yield f"{place}.volumes: an instance takes eleven disks"
    if service.image.startswith("sha256:"):
        yield f"{place}.image: an instance pulls from a registry, and knows no image by its ID on this machine"
    if service.pull_policy == "never" and not aws.prepared:
        yield f"{place}.pull_policy: without pulling, the machine image must hold it: x-casava: {{terraform: {{prepared: true, ami: …}}}}"
    if service.gpus:
        yield f"{place}.gpus: graphics processors come with the machine: x-casava.terraform.instance_types and an `ami` with their drivers"
    if service.extra_hosts:
        yield f"{place}.extra_hosts: this machine cannot be reached from AWS"
    if service.replicas > _MOST_REPLICAS:
        yield f"{place}.deploy.replicas: a subnet has room for {_MOST_REPLICAS} instances"
    yield from _told(name, service)
    yield from _inside(spec, aws, name, service)


def _told(name: str, service: Service) -> Iterator[str]:
    """Dependencies, mounts and ports."""
    place = f"services.{name}"
    for other, dependency in service.depends_on.items():
        if dependency.condition != "service_started":
            yield f"{place}.depends_on.{other}.condition: nobody sees from outside whether a container is {dependency.condition.partition('_')[2].replace('_', ' ')}; write service_started"
    for number, mount in enumerate(service.volumes):
        if mount.type == "bind":
            yield f"{place}.volumes[{number}]: a path of this machine is not on an instance; use a volume or `configs`"
    for number, word in enumerate(service.expose):
        if not _EXPOSED.match(word):
            yield f"{place}.expose[{number}]: {word!r} is no port or range of ports"
    for number, port in enumerate(service.ports):
        if port.host_ip not in _HOSTS:
            yield f"{place}.ports[{number}]: an instance does not have the address {port.host_ip}; say who may come: x-casava: {{terraform: {{ingress: [CIDR]}}}}"
        if not port.host_ports and port.target in _published(service, port.protocol):
            yield f"{place}.ports[{number}]: {port.target} is published for another port of the service already"


def _inside(spec: StackSpec, aws: Aws, name: str, service: Service) -> Iterator[str]:
    """What a service without a way out cannot have."""
    place = f"services.{name}"
    if not networks_out(spec, service):
        if not aws.prepared:
            yield f"{place}.networks: in internal networks alone it cannot get its image; give it another one, or a machine image that holds it: x-casava: {{terraform: {{prepared: true, ami: …}}}}"
        needs = ["secrets"] if service.secrets else []
        needs += ["volumes"] if any(aws.store(v).store == "s3" for v in volumes_of(service)) else []
        for key in needs:
            yield f"{place}.{key}: in internal networks alone it cannot reach AWS for them"


def volumes_of(service: Service) -> tuple[str, ...]:
    """Names of the stack's volumes that a service mounts, each once."""
    return tuple(
        dict.fromkeys(m.source for m in service.volumes if m.type == "volume" and m.source is not None)
    )


def _published(service: Service, protocol: str) -> set[int]:
    return {port for one in service.ports if one.protocol == protocol for port in one.host_ports}


def _volumes(spec: StackSpec, aws: Aws) -> Iterator[str]:
    """A disk belongs to one instance."""
    users: dict[str, str] = {}
    for name, service in spec.services.items():
        for volume in volumes_of(service):
            if aws.store(volume).store != "ebs":
                continue
            other = users.setdefault(volume, name)
            if other != name or service.replicas > 1:
                who = f"{other} and {name} have" if other != name else f"{service.replicas} replicas have"
                yield f"services.{name}.volumes: {who} the volume {volume!r}, and a disk is that of one instance; a bucket can be shared: x-casava: {{terraform: {{volumes: {{{volume}: {{store: s3}}}}}}}}"
