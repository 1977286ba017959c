"""What is wanted against what is there: the plan of the docker driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from casava_os.infra.contents import copies
from casava_os.infra.docker.make import nano_cpus, workspace_mount
from casava_os.infra.docker.marks import container_name
from casava_os.infra.docker.observe import Actual, Container, Thing
from casava_os.infra.docker.taken import taken
from casava_os.infra.drivers import Deployment, Row, StackPlan
from casava_os.infra.graph import Node
from casava_os.infra.service import Service
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

UNKNOWN = ""
"""The ID of an image that has yet to be pulled."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan, with the IDs of the images that are here."""

    plan: StackPlan
    images: dict[str, str] = field(default_factory=dict)


def compare(api: APIClient, wanted: Deployment, actual: Actual) -> Result[Compared]:
    """What has to be done. Raises what docker raises."""
    images = local_images(api, wanted)
    missing = _refused(api, wanted, actual, images)
    if missing is not None:
        return missing
    rows = [
        *_pulls(wanted, images),
        *_networks(wanted, actual),
        *_volumes(wanted, actual),
        *_files(wanted),
        *_containers(wanted, actual, images),
        *_leftovers(wanted, actual),
    ]
    if (somebodys := taken(api, wanted, actual, rows)) is not None:
        return somebodys
    return Ok(value=Compared(StackPlan(stack=wanted.key.name, driver="docker", rows=tuple(rows)), images))


def local_images(api: APIClient, wanted: Deployment) -> dict[str, str]:
    """IDs of the images, by reference; of those that are not here, nothing."""
    from docker.errors import ImageNotFound

    found: dict[str, str] = {}
    for reference in {service.image for service in wanted.spec.services.values()}:
        try:
            found[reference] = str(api.inspect_image(reference)["Id"])  # type: ignore[no-untyped-call]
        except ImageNotFound:
            continue
    return found


def _refused(api: APIClient, wanted: Deployment, actual: Actual, images: dict[str, str]) -> Err | None:
    """Why this can never be applied as it stands."""
    from docker.errors import NotFound

    for name, service in wanted.spec.services.items():
        if service.pull_policy == "never" and service.image not in images:
            message = f"services.{name}: {service.image} is not here, and its `pull_policy` is never"
            return Err(
                code="not-found", title="An image is missing", message=message, hint="load or pull it first"
            )
        for number, mount in enumerate(service.volumes):
            if mount.type == "bind":
                led = workspace_mount(wanted, mount.source or "", f"services.{name}.volumes[{number}]")
                if isinstance(led, Err):
                    return led
    for kind, things in (("network", wanted.spec.all_networks()), ("volume", wanted.spec.volumes)):
        for name, thing in things.items():
            if not thing.external:
                continue
            known = thing.name or name
            try:
                api.inspect_network(known) if kind == "network" else api.inspect_volume(known)
            except NotFound:
                message = f"{kind}s.{name} is external, and there is no {kind} {known!r}"
                return Err(code="not-found", title=f"A {kind} is missing", message=message)
    for name, volume in actual.volumes.items():
        node = Node("volume", name)
        if node in wanted.graph.digests and wanted.graph.digests[node] != volume.digest:
            return Err(
                code="unsupported",
                title=f"The volume {name!r} cannot be changed",
                message="its definition is another one now, and making it anew would lose its data",
                hint="give the new one another name",
            )
    return None


# ------------------------------------------------------------------------------------------------ rows


def _pulls(wanted: Deployment, images: dict[str, str]) -> Iterator[Row]:
    for reference in sorted({service.image for service in wanted.spec.services.values()}):
        always = any(
            s.image == reference and s.pull_policy == "always" for s in wanted.spec.services.values()
        )
        if reference not in images or always:
            yield Row(action="pull", kind="image", name=reference, why="asked for" if always else "not here")


def _networks(wanted: Deployment, actual: Actual) -> Iterator[Row]:
    for name in wanted.graph.of("network"):
        digest = wanted.graph.digest("network", name)
        if actual.network(name, digest) is not None:
            continue
        if any(one.resource == name for one in actual.networks):
            yield Row(
                action="replace", kind="network", name=name, why="its definition changed", digest=digest
            )
        else:
            yield Row(action="create", kind="network", name=name, digest=digest)


def _volumes(wanted: Deployment, actual: Actual) -> Iterator[Row]:
    for name in wanted.graph.of("volume"):
        if name not in actual.volumes:
            yield Row(action="create", kind="volume", name=name, digest=wanted.graph.digest("volume", name))


def _files(wanted: Deployment) -> Iterator[Row]:
    for node in sorted(wanted.files):
        if node in wanted.graph.digests and not _placed(wanted, node):
            yield Row(action="create", kind=node.kind, name=node.name, digest=wanted.graph.digests[node])


def _placed(wanted: Deployment, node: Node) -> bool:
    """Whether every copy that a service mounts is there."""
    return all(path.is_file() for path, _ in copies(wanted, node))


def _containers(wanted: Deployment, actual: Actual, images: dict[str, str]) -> Iterator[Row]:
    for name in wanted.graph.of("service"):
        service = wanted.spec.services[name]
        for replica in range(1, service.replicas + 1):
            row = _replica(wanted, actual, name, replica, images)
            if row is not None:
                yield row


def best(slot: tuple[Container, ...], digest: str, image: str) -> Container | None:
    """The container of a replica that is as it is wanted, if there is one; a running one rather than another."""
    fits = [one for one in slot if one.digest == digest and image in (UNKNOWN, one.image)]
    return max(fits, key=lambda one: (one.state == "running", one.state == "paused"), default=None)


def _replica(
    wanted: Deployment, actual: Actual, name: str, replica: int, images: dict[str, str]
) -> Row | None:
    service, digest = wanted.spec.services[name], wanted.graph.digest("service", name)
    image = images.get(service.image, UNKNOWN)
    label = f"{name}-{replica}"
    made_of = f"{digest}@{image.removeprefix('sha256:')[:12]}"
    slot = actual.slot(name, replica)
    if not slot:
        return Row(action="create", kind="container", name=label, why=_reach(service), digest=made_of)
    fit = best(slot, digest, image)
    if fit is None:
        other_spec = all(one.digest != digest for one in slot)
        why = "its definition changed" if other_spec else f"the image {service.image} is another one now"
        why = "; ".join(part for part in (why, _reach(service) if other_spec else "") if part)
        return Row(action="replace", kind="container", name=label, why=why, digest=made_of)
    if wrong := misplaced(wanted, actual, fit, service):
        return Row(action="replace", kind="container", name=label, why=wrong, digest=made_of)
    if fit.state != "running" and not fit.finished:
        why = {"paused": "it is asleep", "exited": f"it ended with code {fit.exit_code}"}.get(
            fit.state, f"it is {fit.state}"
        )
        return Row(action="start", kind="container", name=label, why=why, digest=made_of)
    changed = ", ".join(live_differences(service, fit))
    if changed or len(slot) > 1 or fit.name != container_name(wanted.key, name, service, replica):
        why = changed or ("it is there twice" if len(slot) > 1 else "it was renamed")
        return Row(action="change", kind="container", name=label, why=why, digest=made_of)
    return None


def _reach(service: Service) -> str:
    """What of a service reaches beyond its containers: whoever approves it should know."""
    said: list[str] = []
    open_to = sorted({port.host_ip for port in service.ports if not ip_address(port.host_ip).is_loopback})
    if open_to:
        said.append(f"listens on {', '.join(open_to)}, for other machines, too")
    written = [m.source or "" for m in service.volumes if m.type == "bind" and not m.read_only]
    if written:
        said.append(f"may change {', '.join(written)} in the workspace, without undo")
    return "; ".join(said)


def misplaced(wanted: Deployment, actual: Actual, there: Container, service: Service) -> str:
    """What networks a container is wrongly in or out of; empty when all is right. External ones are not looked at."""
    known = {thing.id: thing.resource for thing in actual.networks}
    names = [n for n in wanted.spec.networks_of(service) if not wanted.spec.all_networks()[n].external]
    if (
        not there.networks and there.state != "running"
    ):  # the daemon forgets them where a container never started
        return ""
    missing = [n for n in names if n not in {known.get(one) for one in there.networks}]
    if missing:
        return f"it is not in the network {missing[0]}"
    outside = len(wanted.spec.networks_of(service)) - len(names)
    extra = [one for one in there.networks if known.get(one) not in names]
    return "it is in a network too many" if len(extra) > max(outside, 0 if names or outside else 1) else ""


def live_differences(service: Service, there: Container) -> list[str]:
    """What differs of all that can be changed while a container runs."""
    found: list[str] = []
    memory = int(service.memory_limit or 0)
    if there.memory != memory:
        found.append(f"memory limit {_mib(there.memory)} instead of {_mib(memory)}")
    if abs(there.cpus * 1e9 - nano_cpus(service)) > 1e6:
        found.append(f"{there.cpus:g} processors instead of {nano_cpus(service) / 1e9:g}")
    if there.pids != service.pid_limit:
        found.append(f"{there.pids} processes instead of {service.pid_limit}")
    if there.restart != service.restart:
        found.append(f"restart {there.restart} instead of {service.restart}")
    return found


def _mib(size: int) -> str:
    return f"{size / 2**20:g} MiB" if size else "none"


def _leftovers(wanted: Deployment, actual: Actual) -> Iterator[Row]:
    for one in surplus(wanted, actual):
        yield Row(
            action="destroy", kind="container", name=f"{one.service}-{one.replica}", why="no longer wanted"
        )
    names = wanted.graph.of("network")
    for thing in actual.networks:
        if thing.resource not in names:
            yield Row(action="destroy", kind="network", name=thing.resource, why="no longer wanted")


def stale_networks(wanted: Deployment, actual: Actual) -> list[Thing]:
    """Networks that are no longer wanted, or not as they are."""
    names = wanted.graph.of("network")
    return [
        one
        for one in actual.networks
        if one.resource not in names or one.digest != wanted.graph.digest("network", one.resource)
    ]


def surplus(wanted: Deployment, actual: Actual) -> list[Container]:
    """Containers that belong to no replica that is wanted."""
    services = wanted.spec.services
    return [
        one
        for one in actual.containers
        if one.service not in services or not 1 <= one.replica <= services[one.service].replicas
    ]
