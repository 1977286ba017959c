"""Which copies of secrets and configs the services of a stack mount."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node

READABLE = 0o444
"""Servers rarely stay root. On this machine the folder of the copies is closed to others, whatever their modes."""


def with_mode(path: Path, mode: int | None) -> Path:
    """The copy that has this mode."""
    return path.with_name(f"{path.name}-{READABLE if mode is None else mode:o}")


def copies(wanted: Deployment, node: Node) -> Iterator[tuple[Path, int]]:
    """The copies of a secret or config that services mount, with their modes."""
    modes: dict[int, None] = {}
    for service in wanted.spec.services.values():
        for file in service.secrets if node.kind == "secret" else service.configs:
            if file.source == node.name:
                modes[READABLE if file.mode is None else file.mode] = None
    for mode in modes:
        yield with_mode(wanted.files[node], mode), mode
