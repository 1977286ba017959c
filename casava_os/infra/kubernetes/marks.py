"""Names, labels and annotations of what belongs to a stack in a cluster: by the labels alone all of it is found again.

Labels are what is selected by, so they hold only what Kubernetes takes there: at most 63 letters, digits, dots, dashes. The
whole text (the request, the lease) stands in annotations. What differs with every apply is kept out of the pods' template:
a pod is replaced when what it is made from changes, never because somebody applied again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from casava_os.containers import labels
from casava_os.infra.drivers import Deployment, StackKey

Json = dict[str, Any]
"""An object of the API, as JSON has it."""

MANAGER = "casava-os"
"""The field manager: whose fields these are, for server-side apply."""

RESOURCE = "casava-os.resource"
"""The name in the spec."""
SPEC = "casava-os.spec"
"""The digest of what an object, or a pod, is made from."""
OPERATION = "casava-os.operation"
"""The apply that created it; it stays when a later one changes it."""
NETWORK = "network.casava-os"
"""The prefix of a pod's labels that say in which of the stack's networks it is."""

BORN = (OPERATION,)
"""Labels that an object keeps from its creation."""
VOLATILE = (labels.PID, labels.REASON, labels.LEASE, labels.BEGUN)
"""Annotations that say who applied last and why: they alone are no reason to change anything."""

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")
_DNS = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")


def label_value(text: str) -> str:
    """The text as the value of a label; what does not fit is cut, with a digest, so that two texts stay two."""
    if _LABEL.match(text):
        return text
    plain = re.sub(r"[^A-Za-z0-9_.-]", ".", text)
    return f"{plain[:50].strip('_.-') or 'x'}.{_digest(text)}"


def dns_name(*parts: str, longest: int = 63) -> str:
    """A name of an object from its parts; what is no DNS label is made one, with a digest."""
    text = "-".join(parts)
    if _DNS.match(text) and len(text) <= longest:
        return text
    plain = re.sub(r"[^a-z0-9-]", "-", text.lower()).strip("-")
    return f"{plain[: longest - 9].strip('-') or 'x'}-{_digest(text)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def stack_labels(key: StackKey) -> dict[str, str]:
    """What all objects of one stack bear, and nothing else does."""
    return {labels.OWNER: label_value(key.owner), labels.STACK: label_value(key.name)}


def selector(found: Mapping[str, str]) -> str:
    """Labels as the API's lists are asked for them."""
    return ",".join(f"{name}={value}" for name, value in sorted(found.items()))


def of_resource(key: StackKey, resource: str) -> dict[str, str]:
    """What all objects of one service, volume, secret, config or network bear."""
    return {**stack_labels(key), RESOURCE: label_value(resource)}


def object_labels(wanted: Deployment, resource: str) -> dict[str, str]:
    """Of an object that is about to be made."""
    return {
        **of_resource(wanted.key, resource),
        OPERATION: wanted.operation or "none",
        "app.kubernetes.io/instance": label_value(wanted.key.name),
        "app.kubernetes.io/managed-by": MANAGER,
        "app.kubernetes.io/name": label_value(resource),
    }


def object_annotations(wanted: Deployment, digest: str, *, begun: float) -> dict[str, str]:
    """Of an object that is about to be made. `begun`: seconds since the epoch."""
    common = labels.labels(
        pid=wanted.pid, reason=wanted.reason, lease=wanted.lease, stack=wanted.key.name, begun=begun
    )
    common.pop(labels.OWNER)
    return {**common, SPEC: digest}


def metadata(found: Json) -> Json:
    """The metadata of an object."""
    part = found.get("metadata")
    return part if isinstance(part, dict) else {}


def mark(found: Json, name: str) -> str:
    """A label or annotation of an object; empty where there is none."""
    about = metadata(found)
    for part in ("labels", "annotations"):
        value = (about.get(part) or {}).get(name)
        if value is not None:
            return str(value)
    return ""


def stack_of(found: Json) -> str:
    """The whole name of an object's stack."""
    about = metadata(found)
    named = (about.get("annotations") or {}).get(labels.STACK)
    return str(named or (about.get("labels") or {}).get(labels.STACK) or "")


def as_born(body: Json, there: Json) -> Json:
    """A manifest with what the object that is there keeps from its creation."""
    about = metadata(body)
    labelled = {name: mark(there, name) for name in BORN if mark(there, name)}
    begun = {labels.BEGUN: mark(there, labels.BEGUN)} if mark(there, labels.BEGUN) else {}
    kept = {
        **about,
        "labels": {**about["labels"], **labelled},
        "annotations": {**about["annotations"], **begun},
    }
    return {**body, "metadata": kept}
