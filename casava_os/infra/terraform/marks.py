"""Names, addresses and tags of what a stack has on AWS: the tags are Casava's labels, in the characters that AWS takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from casava_os.containers import labels
from casava_os.infra.docker.marks import OPERATION, REPLICA, RESOURCE
from casava_os.infra.drivers import Deployment, StackKey

__all__ = [
    "ADDRESS",
    "OPERATION",
    "REPLICA",
    "RESOURCE",
    "VOLATILE",
    "called",
    "label",
    "lasting",
    "literal",
    "tag",
    "tags",
]

ADDRESS = "casava-os.address"
"""Terraform's address of the resource: by it, one that the state does not know finds its place again."""

VOLATILE = frozenset({labels.PID, labels.REASON, labels.LEASE, labels.BEGUN, OPERATION})
"""Tags that tell how a resource came to be. They stay as they are for as long as it lives, and no plan depends on them."""

_NO_TAG = re.compile(r"[^\w\s+=.:/@-]")
_NO_LABEL = re.compile(r"[^A-Za-z0-9_-]")
_NO_NAME = re.compile(r"[^a-z0-9-]+")


def tag(text: str) -> str:
    """A tag's value: letters, digits, spaces and + - = . _ : / @, no more than 256."""
    return _NO_TAG.sub("_", text)[:256]


def label(name: str) -> str:
    """A name of the spec as Terraform's: no two become one."""
    made = _NO_LABEL.sub("_", name)
    made = f"_{made}" if made[:1].isdigit() else made
    return made if made == name else f"{made}-{_digest(name)[:6]}"


def called(key: StackKey, resource: str, most: int = 63) -> str:
    """A name for what an account holds but once: small letters, digits and hyphens; the owner's and the stack's own."""
    digest = _digest(f"{key.owner}\0{key.name}\0{resource}")[:12]
    plain = _NO_NAME.sub("-", f"casava-{key.name}-{resource}".lower()).strip("-")[: most - 13].strip("-")
    return f"{plain}-{digest}"


def literal(text: str) -> str:
    """Text that Terraform takes as it stands, and not as a template."""
    return text.replace("${", "$${").replace("%{", "%%{")


def tags(
    wanted: Deployment, address: str, resource: str, kept: Mapping[str, str], begun: float
) -> dict[str, str]:
    """The tags of a resource; one that is there keeps those that tell how it came to be."""
    common = labels.labels(
        pid=wanted.pid, reason=wanted.reason, lease=wanted.lease, stack=wanted.key.name, begun=begun
    )
    ours = {labels.OWNER: wanted.key.owner, RESOURCE: resource, OPERATION: wanted.operation, ADDRESS: address}
    fresh = {name: tag(value) for name, value in {**common, **ours}.items()}
    if kept:
        fresh = {n: v for n, v in fresh.items() if n not in VOLATILE} | {
            n: v for n, v in kept.items() if n in VOLATILE
        }
    return {"Name": tag(f"{wanted.key.name}.{resource}"), **{n: literal(v) for n, v in fresh.items()}}


def lasting(found: object) -> dict[str, str]:
    """The tags without those that tell how it came to be."""
    return {str(n): str(v) for n, v in found.items() if n not in VOLATILE} if isinstance(found, dict) else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
