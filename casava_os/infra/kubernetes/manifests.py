"""A whole stack as manifests, in the order in which they are applied: policies first, then storage, files, names, services.

One manifest is one object with exactly the fields that the spec decides; everything else is left to the cluster, and to
others. The contents of Secrets and ConfigMaps are put in only when they are applied: no plan holds them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from casava_os.infra.contents import copies
from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node, short_digest
from casava_os.infra.kubernetes.cluster import PATHS
from casava_os.infra.kubernetes.marks import (
    SPEC,
    Json,
    dns_name,
    object_annotations,
    object_labels,
    of_resource,
)
from casava_os.infra.kubernetes.pods import KEY, claim_name, file_name, is_job, template
from casava_os.infra.kubernetes.policies import policies, services

_HISTORY = 2
_PROGRESS = 3600
"""Seconds after which the cluster itself calls a rollout stuck; the apply gives up on its own terms long before."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as it is wanted."""

    body: Json
    resource: str
    """The name in the spec."""
    service: str = ""
    """Of a Deployment or Job."""
    node: Node | None = None
    """Of a Secret or ConfigMap: whose contents it holds."""

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def digest(self) -> str:
        """Of what the object is made from."""
        return str(self.body["metadata"]["annotations"][SPEC])


def manifests(wanted: Deployment, *, begun: float = 0.0) -> list[Manifest]:
    """All objects of a stack that `refused` finds nothing wrong with. `begun`: seconds since the epoch."""
    return [
        Manifest(_whole(wanted, kind, name, resource, part, begun), resource, service, node)
        for kind, name, resource, part, service, node in _parts(wanted)
    ]


def _parts(wanted: Deployment) -> Iterator[tuple[str, str, str, Json, str, Node | None]]:
    """(kind, name, resource, the rest of the object, service, contents)."""
    for name, resource, spec in policies(wanted):
        yield "NetworkPolicy", name, resource, {"spec": spec}, "", None
    for volume in wanted.graph.of("volume"):
        yield (
            "PersistentVolumeClaim",
            claim_name(wanted, volume),
            volume,
            {"spec": _claim(wanted, volume)},
            "",
            None,
        )
    for node in sorted(wanted.files):
        if node in wanted.graph.digests:
            kind = "Secret" if node.kind == "secret" else "ConfigMap"
            part: Json = {"immutable": True, **({"type": "Opaque"} if kind == "Secret" else {})}
            yield kind, file_name(wanted, node), node.name, part, "", node
    for name, resource, spec in services(wanted):
        yield "Service", name, resource, {"spec": spec}, "", None
    for name in wanted.graph.of("service"):
        pods = template(wanted, name)
        if is_job(wanted, name):
            called = dns_name(wanted.key.name, name, pods["metadata"]["annotations"][SPEC][:8])
            yield "Job", called, name, {"spec": _job(wanted, name, pods)}, name, None
        else:
            yield (
                "Deployment",
                dns_name(wanted.key.name, name),
                name,
                {"spec": _rollout(wanted, name, pods)},
                name,
                None,
            )


def _whole(wanted: Deployment, kind: str, name: str, resource: str, part: Json, begun: float) -> Json:
    digest = short_digest({"kind": kind, "name": name, **part})
    own = _own_labels(wanted, kind, resource)
    return {
        "apiVersion": PATHS[kind][0].removeprefix("/apis/").removeprefix("/api/"),
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": object_labels(wanted, resource),
            "annotations": {**own, **object_annotations(wanted, digest, begun=begun)},
        },
        **part,
    }


def _own_labels(wanted: Deployment, kind: str, resource: str) -> dict[str, str]:
    """Labels that the spec gives to volumes and services; they may hold any text, so they become annotations."""
    if kind == "PersistentVolumeClaim":
        return dict(wanted.spec.volumes[resource].labels)
    if kind in ("Deployment", "Job"):
        return dict(wanted.spec.services[resource].labels)
    return {}


def _claim(wanted: Deployment, volume: str) -> Json:
    options = wanted.spec.x_casava.kubernetes
    size = options.volumes.get(volume, options.size)
    return {
        "accessModes": [options.access],
        "resources": {"requests": {"storage": str(int(size))}},
        **({"storageClassName": options.storage_class} if options.storage_class is not None else {}),
    }


def _rollout(wanted: Deployment, name: str, pods: Json) -> Json:
    """One replica after another, each stopped before its successor starts; all at once where they hold a volume alone."""
    service = wanted.spec.services[name]
    alone = wanted.spec.x_casava.kubernetes.access == "ReadWriteOnce"
    holds = any(mount.type == "volume" for mount in service.volumes)
    strategy: Json = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    delay = ceil(service.deploy.update_config.delay)
    return {
        "replicas": service.replicas,
        "revisionHistoryLimit": _HISTORY,
        "progressDeadlineSeconds": _PROGRESS + delay,
        "minReadySeconds": delay,
        "selector": {"matchLabels": of_resource(wanted.key, name)},
        "strategy": {"type": "Recreate"} if alone and holds else strategy,
        "template": pods,
    }


def _job(wanted: Deployment, name: str, pods: Json) -> Json:
    service = wanted.spec.services[name]
    _, _, retries = service.restart.partition(":")
    again = int(retries) if retries else 6 if service.restart == "on-failure" else 0
    return {
        "completions": service.replicas,
        "parallelism": service.replicas,
        "backoffLimit": again,
        "template": pods,
    }


# ------------------------------------------------------------------------------------------------ contents


def with_contents(wanted: Deployment, manifest: Manifest) -> Json:
    """A Secret or ConfigMap with the file that it holds. Raises `OSError`."""
    assert manifest.node is not None
    path = next(path for path, _ in copies(wanted, manifest.node))
    data = path.read_bytes()
    if manifest.kind == "Secret":
        return {**manifest.body, "data": {KEY: base64.b64encode(data).decode()}}
    try:
        return {**manifest.body, "data": {KEY: data.decode()}}
    except UnicodeDecodeError:
        return {**manifest.body, "binaryData": {KEY: base64.b64encode(data).decode()}}
