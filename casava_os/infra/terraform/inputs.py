"""What goes into Terraform from the person's side: contents of secrets and configs; and what a written configuration says."""

from __future__ import annotations

import base64
import os
import socket
from urllib.parse import urlsplit

from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node
from casava_os.infra.terraform.emission import Block
from casava_os.infra.terraform.holdings import variable
from casava_syscalls.results import Err, Ok, Result

_MOST_SECRET = 3072
"""Bytes of a secret: in base64 they fill the 4 KiB of a standard parameter."""


def provider_of(config: Block) -> Block:
    """The provider block of a written configuration."""
    providers = config.get("provider")
    found = providers.get("aws") if isinstance(providers, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def variables_of(config: Block) -> list[str]:
    """Names of its variables: one for each secret."""
    found = config.get("variable")
    return list(found) if isinstance(found, dict) else []


def endpoint_of(config: Block) -> str | None:
    """The endpoint of the person's own; None for AWS itself."""
    endpoints = provider_of(config).get("endpoints")
    return str(endpoints[0]["ec2"]) if isinstance(endpoints, list) and endpoints else None


def unanswered(endpoint: str | None) -> Err | None:
    """Whether nobody listens at an endpoint of the person's own: Terraform would try for minutes."""
    if endpoint is None or any(
        os.environ.get(n) for n in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    ):
        return None
    parts = urlsplit(endpoint)
    try:
        socket.create_connection(
            (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)), 5
        ).close()
    except OSError as problem:
        return Err(
            code="unavailable",
            title=f"Nobody answers at {endpoint}",
            message=f"x-casava.terraform.endpoint: {problem.strerror or problem}",
            hint="start it, or leave `endpoint` out for AWS itself",
        )
    return None


def placeholders(wanted: Deployment) -> dict[str, str]:
    """For a plan: no secret goes to Terraform before it is needed."""
    return {variable(node.name): "-" for node in wanted.graph.needs if node.kind == "secret"}


def secrets_of(wanted: Deployment) -> Result[dict[str, str]]:
    """The values, from where the engine has laid them out; in base64, for a parameter is text."""
    found: dict[str, str] = {}
    for node in wanted.graph.needs:
        if node.kind != "secret":
            continue
        content = _laid_out(wanted, node)
        if content is None:
            return Err(
                code="not-found",
                title="A secret is missing",
                message=f"secrets.{node.name} is not in the stack's folder",
            )
        if len(content) > _MOST_SECRET:
            message = f"secrets.{node.name} has {len(content)} bytes, and a parameter holds {_MOST_SECRET}"
            return Err(code="limit", title="A secret is too large for AWS", message=message)
        found[variable(node.name)] = base64.b64encode(content).decode() or "-"
    return Ok(value=found)


def _laid_out(wanted: Deployment, node: Node) -> bytes | None:
    path = wanted.files[node]
    for copy in sorted(path.parent.glob(f"{path.name}-*")):
        return copy.read_bytes()
    return None


def configs_of(wanted: Deployment) -> Result[dict[Node, bytes]]:
    """The contents of configs: as they were laid out, or from the spec and the workspace when that is yet to come."""
    found: dict[Node, bytes] = {}
    for name, config in wanted.spec.configs.items():
        node = Node("config", name)
        if node not in wanted.files:
            continue
        content = _laid_out(wanted, node)
        if content is None and config.content is not None:
            content = config.content.encode()
        if content is None and config.file is not None:
            try:
                content = (wanted.workspace / config.file).read_bytes()
            except OSError as problem:
                return Err(code="not-found", title="A file is missing", message=f"configs.{name}: {problem}")
        found[node] = content or b""
    return Ok(value=found)
