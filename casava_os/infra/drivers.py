"""What a driver of stacks is: docker, terraform and kubernetes implement one Protocol, and the engine knows nothing else.

The engine reads the spec, keeps the record, the lock, the lease and the digest of the approved plan; a driver compares
what is wanted with what is there, makes it so, and takes it away. A driver's methods block; the engine calls them in a
thread. Every resource that a driver makes carries labels (or tags) by which `found` finds it again without any record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from casava_os.containers.leases import Lease
from casava_os.infra.graph import Graph, Node
from casava_os.infra.spec import StackSpec
from casava_syscalls.infra import Driver
from casava_syscalls.results import Err, Result

Action = Literal["pull", "create", "change", "replace", "start", "destroy"]

Tell = Callable[[str], None]
"""Is told, a sentence each, of what is being done. May be called from any thread."""

Landed = Callable[[], Err | None]
"""Writes down that the new state is there; an `Err` undoes it."""


@dataclass(frozen=True, slots=True)
class StackKey:
    """Which stack of whom: names of one owner never meet those of another."""

    owner: str
    """User and installation, as `casava_os.containers.labels.owner` tells."""
    name: str

    @property
    def tag(self) -> str:
        """Six hexadecimal digits of the owner, for names that all users of a daemon share."""
        return sha256(self.owner.encode()).hexdigest()[:6]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack as it is wanted."""

    key: StackKey
    spec: StackSpec
    graph: Graph
    workspace: Path
    """What paths in the spec are relative to."""
    files: Mapping[Node, Path] = field(default_factory=dict)
    """Where the contents of secrets and configs lie, private to this person, named after their digests."""
    pid: int = 0
    """The process that deploys it."""
    reason: str = ""
    """The request."""
    operation: str = ""
    """Of this apply alone: what it makes is labelled with it."""
    lease: Lease | None = None
    seconds: float | None = None
    """How long applying may take."""
    cancelled: Callable[[], bool] = lambda: False


class Row(BaseModel):
    """One thing that a plan does to one resource."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    kind: str
    """network, volume, secret, config, container, image; or what the driver calls it."""
    name: str
    why: str = ""
    digest: str = ""
    """Of what the resource is made from."""


class StackPlan(BaseModel):
    """What applying would do, in the order in which it is done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str
    driver: Driver
    rows: tuple[Row, ...] = ()

    @property
    def sha256(self) -> str:
        """Of the canonical JSON: what is approved, and what is applied."""
        return digest_of_rows(self.stack, self.driver, [row.model_dump(mode="json") for row in self.rows])


def digest_of_rows(stack: str, driver: str, rows: list[dict[str, str]]) -> str:
    """The digest of a plan from its rows as plain data."""
    plain = {"stack": stack, "driver": driver, "rows": rows}
    return sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


ServiceWord = Literal[
    "running", "starting", "unhealthy", "partial", "asleep", "completed", "stopped", "failed", "missing"
]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How one service is. Sizes in bytes; None where it is not known."""

    service: str
    state: ServiceWord
    running: int
    wanted: int | None
    """None: the record is gone, and only labels tell of it."""
    health: str = ""
    ports: tuple[str, ...] = ()
    memory: int | None = None
    peak: int | None = None
    limit: int | None = None
    proposed: int | None = None
    """A limit that fits what was measured."""
    watts: float | None = None
    drift: tuple[str, ...] = ()
    """What is not as the spec says, a few words each."""


@dataclass(frozen=True, slots=True)
class StackState:
    """How a stack is."""

    services: tuple[ServiceState, ...] = ()
    other: tuple[str, ...] = ()
    """Drift of what belongs to no service."""

    @property
    def state(self) -> str:
        """The worst that can be said of its services."""
        states = {one.state for one in self.services}
        order = (
            "failed",
            "unhealthy",
            "missing",
            "stopped",
            "partial",
            "starting",
            "asleep",
            "running",
            "completed",
        )
        return next((state for state in order if state in states), "missing")


@dataclass(frozen=True, slots=True)
class Found:
    """A stack of which resources are there, as their labels tell."""

    key: StackKey
    services: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    begun: float | None = None
    """In seconds since the epoch."""
    lease: Lease | None = None
    reason: str = ""
    pid: int | None = None
    driver: Driver = "docker"


class NotCarriedOutError(Exception):
    """Carries an `Err` out of the middle of a driver's work; no method of a driver lets it out."""

    def __init__(self, err: Err) -> None:
        super().__init__(str(err))
        self.err = err


def must(err: Err | None) -> None:
    """Raises `NotCarriedOutError` where there is something to carry."""
    if err is not None:
        raise NotCarriedOutError(err)


class InfraDriver(Protocol):
    """Makes stacks real. `Err` codes: `unavailable` (the driver cannot be had here), `failed`, `exists`, `limit`, `disk-full`, `timeout`."""

    @property
    def name(self) -> Driver: ...

    def plan(self, wanted: Deployment) -> Result[StackPlan]:
        """What applying would do; an empty plan when all is as wanted. Changes nothing."""

    def apply(self, wanted: Deployment, plan: StackPlan, tell: Tell, landed: Landed) -> Result[StackState]:
        """Does what the plan says and waits until the services are healthy.

        `landed` is called once, when all that is new works and before what it replaces is removed. On `Err` the services
        are as they were before: what was new is gone, what was replaced is back.
        """

    def converge(self, wanted: Deployment, *, undone: str, tell: Tell) -> Result[None]:
        """Settles what a killed `apply` left so that `wanted` runs again, from what is there, without waiting for health.

        `undone`: that operation; volumes that it made and `wanted` does not know go.
        """

    def retreat(self, key: StackKey, *, undone: str, tell: Tell) -> Result[None]:
        """Takes back a killed or failed operation where no spec tells what was there before.

        What it made goes, what it put out of the way comes back.
        """

    def status(self, key: StackKey, wanted: Deployment | None) -> Result[StackState]:
        """How it is; without `wanted`, as far as labels tell."""

    def destroy(self, key: StackKey, *, volumes: bool, tell: Tell) -> Result[tuple[Row, ...]]:
        """Takes away everything of this stack, half gone or whole; what is not there is no error. Rows: what was done."""

    def found(self, owner: str) -> Result[tuple[Found, ...]]:
        """All stacks of this owner of which something is there."""

    def rest(self, key: StackKey, action: Literal["pause", "stop"]) -> Result[int]:
        """Puts the services to sleep; how many containers (or what the driver has in their place)."""

    def activity(self, key: StackKey) -> Result[float | None]:
        """A number that grows when the stack does something; None when that cannot be told."""

    def close(self) -> None:
        """Lets go of connections. Never raises."""
