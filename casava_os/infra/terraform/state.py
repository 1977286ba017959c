"""What Terraform's state file says is there: read straight from the file, for asking Terraform takes seconds.

The file is never written by us. Terraform writes it in place, so a kill may leave half of it; then the copy that it made
before it began takes its place, and what came to be since is found again by its tags (`orphans`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from casava_os.containers import labels

FILE = "terraform.tfstate"


@dataclass(frozen=True, slots=True)
class Known:
    """Attributes of everything that is there, by address."""

    resources: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def tags(self, address: str) -> dict[str, str]:
        found = self.resources.get(address, {}).get("tags")
        return {str(n): str(v) for n, v in found.items()} if isinstance(found, dict) else {}

    def text(self, address: str, attribute: str) -> str:
        """An attribute as text; empty when there is none."""
        value = self.resources.get(address, {}).get(attribute)
        return "" if value is None else str(value)

    def of(self, kind: str) -> Iterator[str]:
        """Addresses of one type."""
        return (address for address in self.resources if address.startswith(f"{kind}."))

    @property
    def owner(self) -> str:
        """Whose it is, as the tags tell."""
        return next(
            (tags[labels.OWNER] for a in self.resources if labels.OWNER in (tags := self.tags(a))), ""
        )


def read(folder: Path) -> Known:
    """What is there; nothing where there is no state. Raises `ValueError` for a file that is damaged."""
    try:
        data = json.loads((folder / FILE).read_bytes() or b"{}")
    except FileNotFoundError:
        return Known()
    if not isinstance(data, dict):
        raise ValueError("it is no state")  # noqa: TRY004 - damaged is damaged
    found: dict[str, Mapping[str, object]] = {}
    for one in cast("list[dict[str, object]]", data.get("resources") or []):
        if one.get("mode") != "managed":
            continue
        for instance in cast("list[dict[str, object]]", one.get("instances") or []):
            found[f"{one['type']}.{one['name']}"] = cast(
                "Mapping[str, object]", instance.get("attributes") or {}
            )
    return Known(found)


def mend(folder: Path) -> bool:
    """Puts the copy from before in the place of a damaged state; whether that was needed."""
    try:
        read(folder)
    except (ValueError, KeyError, TypeError):
        damaged = folder / FILE
        damaged.replace(damaged.with_suffix(".damaged"))
        backup = folder / f"{FILE}.backup"
        try:
            json.loads(backup.read_bytes())
        except (OSError, ValueError):
            return True
        damaged.write_bytes(backup.read_bytes())
        damaged.chmod(0o600)
        return True
    return False
