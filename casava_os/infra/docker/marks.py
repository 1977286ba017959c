"""Names and labels of what belongs to a stack: by the labels alone every piece of it is found again, whoever forgot it."""

from __future__ import annotations

from collections.abc import Mapping

from casava_os.containers import labels
from casava_os.infra.drivers import Deployment, StackKey
from casava_os.infra.service import Service

RESOURCE = "casava-os.resource"
"""The name in the spec, of a network, volume or service."""
REPLICA = "casava-os.replica"
"""Which container of the service, from 1."""
SPEC = "casava-os.spec"
"""The digest of what it is made from."""
OPERATION = "casava-os.operation"
"""The apply that made it."""


WAS = ".was-"
"""Stands in the name of a container whose successor is being tried."""


def name_of(key: StackKey, resource: str) -> str:
    """Of a volume, and the beginning of the others; the tag keeps apart what two owners call the same.

    No stack has a dot in its name: `a-b` and its `c` are never taken for `a` and its `b-c`.
    """
    return f"casava-{key.tag}-{key.name}.{resource}"


def network_name(key: StackKey, resource: str, digest: str) -> str:
    """A changed network is made beside the former one, so its name must be another."""
    return f"{name_of(key, resource)}-{digest[:4]}"


def container_name(key: StackKey, name: str, service: Service, replica: int) -> str:
    """Of one replica."""
    return service.container_name or f"{name_of(key, name)}-{replica}"


def aside(name: str, container: str) -> str:
    """What a container is called while its successor is tried."""
    return f"{name[:200]}{WAS}{container[:12]}"


def marks(wanted: Deployment, resource: str, digest: str, *, begun: float) -> dict[str, str]:
    """The labels of a resource that is about to be made."""
    common = labels.labels(
        pid=wanted.pid, reason=wanted.reason, lease=wanted.lease, stack=wanted.key.name, begun=begun
    )
    ours = {labels.OWNER: wanted.key.owner, RESOURCE: resource, SPEC: digest, OPERATION: wanted.operation}
    return {**common, **ours}


def filters(key: StackKey) -> dict[str, list[str]]:
    """For the daemon's lists: what is this stack's."""
    return {"label": [f"{labels.OWNER}={key.owner}", f"{labels.STACK}={key.name}"]}


def replica_of(found: Mapping[str, str]) -> int:
    """Which replica a container is; 0 when its labels do not say."""
    text = found.get(REPLICA, "")
    return int(text) if text.isdecimal() else 0
