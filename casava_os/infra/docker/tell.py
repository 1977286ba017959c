"""How a stack is, for a person: state, health, what it uses, and what is not as the spec says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from casava_os.infra.docker import measure
from casava_os.infra.docker.compare import best, live_differences, misplaced, surplus
from casava_os.infra.docker.marks import WAS, container_name
from casava_os.infra.docker.observe import Actual, Container
from casava_os.infra.drivers import Deployment, ServiceState, ServiceWord, StackState
from casava_os.infra.service import Service


def state_of(wanted: Deployment | None, actual: Actual, images: Mapping[str, str]) -> StackState:
    """The state of every service, wanted or only found."""
    powers = measure.watts(list(actual.containers)) if actual.containers else {}
    if wanted is None:
        names = sorted({one.service for one in actual.containers})
        return StackState(tuple(_service(name, actual.of(name), None, (), powers) for name in names))
    services = []
    for name, service in wanted.spec.services.items():
        drift = tuple(_drift(wanted, actual, name, service, images))
        services.append(_service(name, actual.of(name), service, drift, powers))
    other = [f"{one.name} is there and not wanted" for one in surplus(wanted, actual)]
    networks = wanted.graph.of("network")
    missing = [n for n in networks if actual.network(n, wanted.graph.digest("network", n)) is None]
    other += [f"network {name} is missing" for name in missing]
    other += [f"volume {name} is missing" for name in wanted.graph.of("volume") if name not in actual.volumes]
    return StackState(tuple(services), tuple(other))


def _service(
    name: str,
    there: Sequence[Container],
    service: Service | None,
    drift: tuple[str, ...],
    powers: Mapping[str, float],
) -> ServiceState:
    current = [one for one in there if WAS not in one.name]
    used = [measure.use(one) for one in current]
    memory = [u.memory for u in used if u.memory is not None]
    peaks = [u.peak for u in used if u.peak is not None]
    peak = max(peaks, default=None)
    running = sum(one.state == "running" for one in current)
    wanted = None if service is None else service.replicas
    healths = sorted({one.health for one in current if one.health})
    limits = {one.memory for one in current if one.memory}
    power = [powers[one.id] for one in current if one.id in powers]
    return ServiceState(
        service=name,
        state=_state(current, wanted),
        running=running,
        wanted=wanted,
        health=", ".join(healths),
        ports=tuple(dict.fromkeys(port for one in current for port in one.ports)),
        memory=sum(memory) if memory else None,
        peak=peak,
        limit=max(limits, default=None),
        proposed=measure.proposed(peak),
        watts=round(sum(power), 2) if power else None,
        drift=drift,
    )


def _state(there: Sequence[Container], wanted: int | None) -> ServiceWord:
    """One word for all replicas together."""
    if not there:
        return "missing" if wanted != 0 else "completed"
    if any(one.state == "paused" for one in there):
        return "asleep"
    if any(one.health == "unhealthy" for one in there):
        return "unhealthy"
    if any(
        one.state in ("exited", "dead") and not one.finished and one.exit_code not in (0, 137, 143)
        for one in there
    ):
        return "failed"
    running = [one for one in there if one.state == "running"]
    if not running:
        return "completed" if all(one.finished for one in there) else "stopped"
    if wanted is not None and len(running) + sum(one.finished for one in there) < wanted:
        return "partial"
    return "starting" if any(one.health == "starting" for one in running) else "running"


def _drift(
    wanted: Deployment, actual: Actual, name: str, service: Service, images: Mapping[str, str]
) -> list[str]:
    """What of a service is not as the spec says."""
    found: list[str] = []
    for replica in range(1, service.replicas + 1):
        label = name if service.replicas == 1 else f"{name}-{replica}"
        slot = actual.slot(name, replica)
        there = best(slot, wanted.graph.digest("service", name), images.get(service.image, ""))
        if not slot:
            found.append(f"{label} is missing")
        elif there is None:
            found.append(f"{label} is made from something else")
        else:
            if there.state not in ("running", "paused") and not there.finished:
                found.append(f"{label} is {there.state}")
            if wrong := misplaced(wanted, actual, there, service):
                found.append(f"{label}: {wrong}")
            found += [f"{label}: {difference}" for difference in live_differences(service, there)]
            if there.name != container_name(wanted.key, name, service, replica):
                found.append(f"{label} was renamed to {there.name}")
    return found
