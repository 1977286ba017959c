"""How the pods of a service are made: what the spec says, and the bounds that no spec can lift.

No token of the cluster, no way to more rights, a small fixed set of capabilities, the runtime's system call filter. A service
that runs as a number other than 0 gets no capability at all, as the strictest of the cluster's own standards demands.
"""

from __future__ import annotations

from math import ceil

from casava_os.infra.docker.make import CAPABILITIES
from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node, short_digest
from casava_os.infra.kubernetes.marks import NETWORK, SPEC, Json, dns_name, label_value, of_resource
from casava_os.infra.mounts import FileMount
from casava_os.infra.service import HealthCheck, Service

KEY = "content"
"""Under which a Secret or ConfigMap holds its one file."""
READABLE = 0o444


def is_job(wanted: Deployment, name: str) -> bool:
    """Whether a service ends by itself: it is started anew on failure alone, or others wait until it has done its work."""
    if wanted.spec.services[name].restart.startswith("on-failure"):
        return True
    conditions = (
        dependency.condition
        for service in wanted.spec.services.values()
        for other, dependency in service.depends_on.items()
        if other == name
    )
    return "service_completed_successfully" in conditions


def claim_name(wanted: Deployment, volume: str) -> str:
    """The claim of a volume; an external one goes by its own name."""
    spec = wanted.spec.volumes[volume]
    return (spec.name or volume) if spec.external else dns_name(wanted.key.name, volume)


def file_name(wanted: Deployment, node: Node) -> str:
    """The Secret or ConfigMap of these contents: other contents have another name, and those of before stay as they are."""
    return dns_name(wanted.key.name, node.name, wanted.graph.digest(node.kind, node.name)[:8])


def pod_labels(wanted: Deployment, name: str) -> dict[str, str]:
    """What pods of a service are selected by, and the networks that they are in."""
    service = wanted.spec.services[name]
    joined = {f"{NETWORK}/{label_value(network)}": "joined" for network in wanted.spec.networks_of(service)}
    return {**of_resource(wanted.key, name), **joined, "app.kubernetes.io/name": label_value(name)}


def template(wanted: Deployment, name: str) -> Json:
    """The template of a service's pods, with the digest of all of it."""
    service, job = wanted.spec.services[name], is_job(wanted, name)
    labels = pod_labels(wanted, name)
    volumes, mounts = _volumes(wanted, service)
    spec: Json = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": ("OnFailure" if service.restart.startswith("on-failure") else "Never")
        if job
        else "Always",
        "terminationGracePeriodSeconds": ceil(service.stop_grace_period),
        "securityContext": _security(service),
        "containers": [_container(name, service, mounts)],
    }
    if service.init:
        spec["shareProcessNamespace"] = True  # then the pod's own first process reaps what is orphaned
    if service.hostname is not None:
        spec["hostname"] = service.hostname
    if volumes:
        spec["volumes"] = volumes
    if secrets := wanted.spec.x_casava.kubernetes.pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in secrets]
    told = dict(service.labels)
    digest = short_digest({"labels": labels, "annotations": told, "spec": spec})
    return {"metadata": {"labels": labels, "annotations": {**told, SPEC: digest}}, "spec": spec}


def _security(service: Service) -> Json:
    """Of the pod."""
    found: Json = {"seccompProfile": {"type": "RuntimeDefault"}}
    if service.user is not None:
        user, _, group = service.user.partition(":")
        found["runAsUser"] = int(user)
        if group:
            found["runAsGroup"] = int(group)
        if int(user):
            found["runAsNonRoot"] = True
    return found


def _capabilities(service: Service) -> Json:
    dropped = {name.upper().removeprefix("CAP_") for name in service.cap_drop}
    nobody = service.user is not None and int(service.user.partition(":")[0]) != 0
    kept = [] if nobody or "ALL" in dropped else [name for name in CAPABILITIES if name not in dropped]
    return {"drop": ["ALL"], **({"add": kept} if kept else {})}


def _container(name: str, service: Service, mounts: list[Json]) -> Json:
    made: Json = {
        "name": name,
        "image": service.image,
        "imagePullPolicy": {"always": "Always", "never": "Never"}.get(service.pull_policy, "IfNotPresent"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": service.read_only,
            "capabilities": _capabilities(service),
        },
    }
    if service.entrypoint is not None:
        made["command"] = [literal(word) for word in service.entrypoint]
    if service.command is not None:
        made["args"] = [literal(word) for word in service.command]
    if service.working_dir is not None:
        made["workingDir"] = service.working_dir
    if service.environment:
        made["env"] = [{"name": key, "value": literal(text)} for key, text in service.environment.items()]
    ports = list(dict.fromkeys((port.target, port.protocol.upper()) for port in service.ports))
    if ports:
        made["ports"] = [{"containerPort": target, "protocol": protocol} for target, protocol in ports]
    if resources := _resources(service):
        made["resources"] = resources
    if service.healthcheck is not None and not service.healthcheck.disable:
        made["readinessProbe"] = probe(service.healthcheck)
    if mounts:
        made["volumeMounts"] = mounts
    return made


def literal(text: str) -> str:
    """The text as a cluster leaves it alone: there, $(NAME) in commands and environment would be filled in."""
    return text.replace("$", "$$")


def probe(check: HealthCheck) -> Json:
    """A health check decides who gets connections, as Compose means it; it kills nothing, so it is no liveness probe.

    There is no start period: until the first success nobody is sent there, and how long to wait is the apply's to judge.
    """
    kind, *words = check.test
    command = ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words
    return {
        "exec": {"command": command},
        "periodSeconds": max(1, round(check.interval)),
        "timeoutSeconds": max(1, ceil(check.timeout)),
        "failureThreshold": check.retries,
        "successThreshold": 1,
    }


def _resources(service: Service) -> Json:
    limits: Json = {}
    if service.memory_limit:
        limits["memory"] = str(int(service.memory_limit))
    if service.cpu_limit:
        limits["cpu"] = processors(service.cpu_limit)
    if service.gpus:
        limits["nvidia.com/gpu"] = str(service.gpus)
    reserved = service.deploy.resources.reservations
    requests: Json = {}
    if reserved.memory:
        requests["memory"] = str(int(reserved.memory))
    if reserved.cpus:
        requests["cpu"] = processors(reserved.cpus)
    return {**({"limits": limits} if limits else {}), **({"requests": requests} if requests else {})}


def processors(count: float) -> str:
    """As the API writes it: whole ones, or thousandths."""
    thousandths = max(1, round(count * 1000))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


# ------------------------------------------------------------------------------------------------ volumes


def _volumes(wanted: Deployment, service: Service) -> tuple[list[Json], list[Json]]:
    """Volumes of the pod, and where the container has them."""
    volumes: list[Json] = []
    mounts: list[Json] = []
    claims: dict[str, str] = {}

    def memory(target: str, size: int | None) -> None:
        name = f"memory-{len(volumes)}"
        volumes.append(
            {"name": name, "emptyDir": {"medium": "Memory", **({"sizeLimit": str(size)} if size else {})}}
        )
        mounts.append({"name": name, "mountPath": target})

    for mount in service.volumes:
        if mount.type == "tmpfs":
            memory(mount.target, None if mount.size is None else int(mount.size))
        elif mount.source is not None:
            name = claims.get(mount.source)
            if name is None:
                name = claims[mount.source] = f"volume-{len(volumes)}"
                volumes.append(
                    {"name": name, "persistentVolumeClaim": {"claimName": claim_name(wanted, mount.source)}}
                )
            mounts.append(
                {"name": name, "mountPath": mount.target, **({"readOnly": True} if mount.read_only else {})}
            )
    for entry in service.tmpfs:
        path, _, option = entry.partition(":")
        memory(path, _bytes(option.partition("=")[2]))
    if service.shm_size:
        memory("/dev/shm", int(service.shm_size))  # noqa: S108 - the path inside, where programs look for it
    for secret in service.secrets:
        target = secret.target or secret.source
        path = target if target.startswith("/") else f"/run/secrets/{target}"
        _file(wanted, Node("secret", secret.source), secret, path, volumes, mounts)
    for config in service.configs:
        path = config.target or f"/{config.source}"
        _file(wanted, Node("config", config.source), config, path, volumes, mounts)
    return volumes, mounts


def _file(
    wanted: Deployment, node: Node, file: FileMount, path: str, volumes: list[Json], mounts: list[Json]
) -> None:
    name, called = f"{node.kind}-{len(volumes)}", file_name(wanted, node)
    mode = READABLE if file.mode is None else file.mode
    source: Json = {"defaultMode": mode, "items": [{"key": KEY, "path": KEY}]}
    if node.kind == "secret":
        volumes.append({"name": name, "secret": {"secretName": called, **source}})
    else:
        volumes.append({"name": name, "configMap": {"name": called, **source}})
    mounts.append({"name": name, "mountPath": path, "subPath": KEY, "readOnly": True})


def _bytes(text: str) -> int | None:
    """64m as Docker's tmpfs options write it."""
    if not text:
        return None
    unit = text[-1].lower()
    return int(text[:-1]) * 1024 ** (" kmg".index(unit)) if unit in "kmg" else int(text)
