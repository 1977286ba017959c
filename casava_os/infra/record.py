"""What is written down of a stack: what was last applied, and what is being done to it at this moment.

A record is a convenience, never the truth about what runs: that stands in the labels of the resources. It holds what
labels cannot: the spec that was applied, so that a killed apply can be taken back, and the lease as it was extended. A
checksum finds what was edited by hand.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from casava_os.infra.graph import Node
from casava_os.infra.spec import StackSpec
from casava_syscalls.infra import Driver


class Version(BaseModel):
    """One version of a stack: the spec, and the digests of the contents of its secrets and configs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: dict[str, object]
    """`StackSpec` as JSON, settings put in."""
    digests: dict[str, str] = {}
    """By "secret NAME" and "config NAME"."""
    workspace: str
    source: str = ""
    """The file or blueprint."""

    @classmethod
    def of(cls, spec: StackSpec, files: dict[Node, str], workspace: str, source: str) -> Self:
        plain = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return cls(
            spec=plain, digests={str(n): d for n, d in files.items()}, workspace=workspace, source=source
        )

    def parsed(self) -> StackSpec:
        """Raises `ValidationError` for one of a version of Casava that knew other keys."""
        return StackSpec.model_validate(self.spec)

    def files(self) -> dict[Node, str]:
        found: dict[Node, str] = {}
        for text, digest in self.digests.items():
            kind, _, name = text.partition(" ")
            if kind in ("secret", "config"):
                found[Node("secret" if kind == "secret" else "config", name)] = digest
        return found


class Pending(BaseModel):
    """What is being done, written before its first effect. Whoever finds it unlocked knows that its program is gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    doing: Literal["apply", "destroy", "sweep"]
    """`sweep`: settled after a kill, and looked at once more at a later start."""
    operation: str
    at: float
    """In seconds since the epoch."""
    volumes: bool = False
    """Of a destroy: with its data."""


class Record(BaseModel):
    """One stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    stack: str
    owner: str
    driver: Driver = "docker"
    applied: Version | None = None
    """What runs; None before the first apply has ended, and after a destroy."""
    pending: Pending | None = None
    pid: int = 0
    """The process that applied it last."""
    reason: str = ""
    begun: float = 0.0
    """When it was first applied, in seconds since the epoch."""
    kept: tuple[str, ...] = ()
    """Volumes that stayed when it was taken down."""
    rebuilt: bool = False
    """Made anew from labels: what was applied is not known."""

    def written(self) -> bytes:
        """The file's text, with its checksum."""
        body = self.model_dump(mode="json")
        return (json.dumps({"sha256": _checksum(body), **body}, indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def read(cls, data: bytes) -> Self | str:
        """A record from its file, or a sentence on why it cannot be believed."""
        try:
            body = json.loads(data)
            if not isinstance(body, dict):
                return "it is no record"
            if body.pop("sha256", None) != _checksum(body):
                return "it was edited by hand, or damaged: its checksum is wrong"
            return cls.model_validate(body)
        except (ValueError, ValidationError, RecursionError) as problem:
            return f"it cannot be read: {str(problem).splitlines()[0]}"


def _checksum(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
