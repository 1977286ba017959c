"""How a stack is, for a person: replicas that are ready, why others wait, and what is not as the spec says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from casava_os.infra.drivers import Deployment, ServiceState, ServiceWord, StackState
from casava_os.infra.kubernetes.cluster import WORKLOADS
from casava_os.infra.kubernetes.compare import Place, Seen, is_going
from casava_os.infra.kubernetes.differ import differences, of_interest, sentence, strangers, stripped
from casava_os.infra.kubernetes.manifests import Manifest, manifests
from casava_os.infra.kubernetes.marks import RESOURCE, Json, as_born, mark, metadata
from casava_os.infra.kubernetes.rollout import containers, is_ready, is_running, restarts, why_never
from casava_os.infra.service import Service

_TOLD = 4


def state_of(wanted: Deployment | None, seen: Seen) -> StackState:
    """The state of every service, wanted or only found."""
    if wanted is None:
        found = {mark(one, RESOURCE): one for kind in WORKLOADS for one in seen.of(kind)}
        return StackState(tuple(_service(name, one, None, seen, ()) for name, one in sorted(found.items())))
    made = manifests(wanted)
    states = []
    for name, service in wanted.spec.services.items():
        manifest = next(one for one in made if one.service == name)
        there = seen.objects.get((manifest.kind, manifest.name))
        drift = tuple(_drift(manifest, there)) if there is not None else (f"{name} is missing",)
        states.append(_service(name, there, service, seen, drift))
    other: list[str] = []
    for manifest in made:
        if manifest.kind not in WORKLOADS:
            there = seen.objects.get((manifest.kind, manifest.name))
            if there is None:
                other.append(f"{manifest.kind} {manifest.name} is missing")
            else:
                other += [f"{manifest.kind} {manifest.name}: {text}" for text in _drift(manifest, there)]
    known: set[Place] = {(one.kind, one.name) for one in made}
    other += [
        f"{kind} {name} is there and not wanted"
        for (kind, name), one in seen.objects.items()
        if (kind, name) not in known and kind != "PersistentVolumeClaim" and not is_going(one)
    ]
    return StackState(tuple(states), tuple(other))


def _drift(manifest: Manifest, there: Json) -> Iterator[str]:
    """What of one object is not as it is wanted, and by whom."""
    if is_going(there):
        yield "is being deleted"
        return
    found = list(differences(stripped(as_born(manifest.body, there)), stripped(there)))
    shown = [sentence(*one) for one in found if of_interest(one[0])] or (["is another one"] if found else [])
    yield from shown[:_TOLD]
    if len(shown) > _TOLD:
        yield f"and {len(shown) - _TOLD} more"
    for manager, fields in strangers(there).items():
        if manifest.kind != "PersistentVolumeClaim":  # a claim's volume is written in by whoever provides it
            named = ", ".join(dict.fromkeys(fields[:_TOLD]))
            yield f"{manager} has set {named}"


def _service(
    name: str, there: Json | None, service: Service | None, seen: Seen, drift: tuple[str, ...]
) -> ServiceState:
    pods = [pod for pod in seen.pods if mark(pod, RESOURCE) == name and not is_going(pod)]
    wanted = service.replicas if service is not None else None
    ready = [pod for pod in pods if is_running(pod) and is_ready(pod)]
    return ServiceState(
        service=name,
        state=_word(there, pods, len(ready), service),
        running=len(ready),
        wanted=wanted,
        health=_health(pods, len(ready)),
        ports=tuple(_ports(name, seen)),
        limit=_limit(there),
        drift=drift,
    )


def _word(there: Json | None, pods: list[Json], ready: int, service: Service | None) -> ServiceWord:
    """One word for all replicas together."""
    if there is None:
        return "missing"
    status, spec = there.get("status") or {}, there["spec"]
    if there["kind"] == "Job":
        conditions = {
            one.get("type") for one in status.get("conditions") or () if one.get("status") == "True"
        }
        if "Failed" in conditions:
            return "failed"
        if "Complete" in conditions or int(status.get("succeeded") or 0) >= int(spec.get("completions", 1)):
            return "completed"
        return "running" if ready else "starting"
    wanted = int(spec.get("replicas") or 0)
    if any(why_never(pod) for pod in pods):
        return "failed"
    if not wanted:
        return "completed" if service is None or not service.replicas else "stopped"
    if any(_overdue(pod, service) for pod in pods):
        return "unhealthy"
    if ready >= wanted:
        return "running" if service is None or ready >= service.replicas else "partial"
    return "partial" if ready else "starting"


def _overdue(pod: Json, service: Service | None) -> bool:
    """Whether a pod runs and is not ready for longer than its check could take."""
    if service is None or service.healthcheck is None or not is_running(pod) or is_ready(pod):
        return False
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Ready" and condition.get("lastTransitionTime"):
            since = datetime.fromisoformat(str(condition["lastTransitionTime"]))
            return (datetime.now(UTC) - since).total_seconds() > service.healthcheck.patience
    return False


def _health(pods: list[Json], ready: int) -> str:
    """What of the pods a person should know beyond their number."""
    told: list[str] = []
    living = [pod for pod in pods if (pod.get("status") or {}).get("phase") != "Succeeded"]
    if ready < len(living):
        told.append(f"{ready} of {len(living)} ready")
    told += dict.fromkeys(_waiting(pods))
    if again := sum(map(restarts, pods)):
        told.append(f"{again} restart{'' if again == 1 else 's'}")
    return ", ".join(told)


def _waiting(pods: list[Json]) -> Iterator[str]:
    for pod in pods:
        for status in containers(pod):
            reason = ((status.get("state") or {}).get("waiting") or {}).get("reason")
            if reason:
                yield str(reason)
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                yield str(condition.get("reason") or "Unschedulable")


def _limit(there: Json | None) -> int | None:
    """Bytes that one replica may have."""
    if there is None:
        return None
    (container, *_) = there["spec"]["template"]["spec"]["containers"]
    text = str(((container.get("resources") or {}).get("limits") or {}).get("memory") or "")
    return int(text) if text.isdecimal() else None


def _ports(name: str, seen: Seen) -> Iterator[str]:
    """How a service is reached from outside of the cluster."""
    for one in seen.of("Service"):
        spec = one["spec"]
        if mark(one, RESOURCE) != name or spec.get("clusterIP") == "None":
            continue
        balancer = (one.get("status") or {}).get("loadBalancer") or {}
        addresses = [str(at.get("ip") or at.get("hostname")) for at in balancer.get("ingress") or ()]
        open_to = spec.get("type") == "LoadBalancer"
        where = (
            addresses[0] if addresses else "(no address yet)" if open_to else f"svc/{metadata(one)['name']}"
        )
        for port in spec.get("ports") or ():
            yield f"{where}:{port['port']}→{port.get('targetPort')}/{str(port.get('protocol', 'TCP')).lower()}"
