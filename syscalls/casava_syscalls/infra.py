"""Family `infra`: named stacks, from a spec (the Compose specification) or a shipped blueprint."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, model_validator

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.container import span
from casava_syscalls.refs import Ref
from casava_syscalls.scalars import Duration, Moment, Word, WorkspacePath
from casava_syscalls.values import Accepts, Facts, Table, Value

V = TypeVar("V", bound=Value)

StackName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=63)]
"""A project name as the Compose specification allows it."""

PlanDigest = Annotated[str, StringConstraints(pattern=r"^(sha256:)?[0-9a-f]{64}$")]
"""What `casava-os stack plan` shows below its rows."""

Driver = Literal["docker", "terraform", "kubernetes"]


class _Infra(Syscall[V], Generic[V]):
    effect: ClassVar = Effect.PROVISION
    performer: ClassVar[Performer] = "broker"
    patient: ClassVar[bool] = True


class Catalog(_Infra[Table]):
    """The blueprints that can be deployed."""

    call: Literal["infra.catalog"] = "infra.catalog"
    effect: ClassVar = Effect.READ


class _Deployment(_Infra[V], Generic[V]):
    stack: StackName | None = None
    """The stack's name; by default the blueprint's."""
    blueprint: Word | None = None
    spec: WorkspacePath | None = None
    """A Compose file in the workspace."""
    driver: Driver = "docker"
    settings: dict[str, str] = Field(default_factory=dict)
    """Values for the blueprint's parameters."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.blueprint is None) == (self.spec is None):
            raise ValueError("name a blueprint or a spec: exactly one of them")
        return self


class PlanStack(_Deployment[Table]):
    """What deploying a stack would create, change and destroy."""

    call: Literal["infra.plan"] = "infra.plan"
    effect: ClassVar = Effect.READ


class ApplyStack(_Deployment[Table]):
    """Deploys a stack, or brings it to its spec."""

    call: Literal["infra.apply"] = "infra.apply"
    effect: ClassVar = Effect.PROVISION | Effect.NETWORK

    lease: Duration | None = None
    """Torn down after this time."""
    approve: PlanDigest | None = None
    """The sha256 of the plan that was shown: nothing is done when it is another one by now."""

    def meaning(self) -> str:
        what = (
            f"the blueprint {self.blueprint}" if self.blueprint is not None else f"what {self.spec} describes"
        )
        lease = f", and take it down after {span(self.lease)}" if self.lease is not None else ""
        return f"Set up {what}{f' as {self.stack}' if self.stack else ''} on {self.driver}{lease}."


class StackStatus(_Infra[Table]):
    """State and health of stacks."""

    call: Literal["infra.status"] = "infra.status"
    effect: ClassVar = Effect.READ

    stack: StackName | None = None
    newer_than: Duration | None = None
    """Deployed within this time."""
    started_after: Moment | None = None


class ScaleStack(_Infra[Facts]):
    """Changes how many replicas a service has."""

    call: Literal["infra.scale"] = "infra.scale"

    stack: StackName
    service: Word | None = None
    replicas: Annotated[int, Field(ge=0, le=1000)]

    def meaning(self) -> str:
        return f"Run {self.replicas} of {f'{self.service} in ' if self.service else ''}{self.stack}, no more and no fewer."


class ExtendLease(_Infra[Facts]):
    """Keeps a stack for longer: its lease begins anew."""

    call: Literal["infra.extend"] = "infra.extend"

    stack: StackName
    lease: Duration

    def meaning(self) -> str:
        return f"Take {self.stack} down after {span(self.lease)} from now, not earlier."


class DestroyStack(_Infra[Table]):
    """Tears a stack down."""

    call: Literal["infra.destroy"] = "infra.destroy"
    effect: ClassVar = Effect.PROVISION | Effect.DELETE

    stack: Annotated[Ref | StackName, Accepts(Table), Field(union_mode="left_to_right")]
    """Its name, or the stacks that an earlier step listed."""
    volumes: bool = False
    """With its data."""

    def meaning(self) -> str:
        which = self.stack if isinstance(self.stack, str) else f"the stacks that step {self.stack.step} lists"
        data = "their volumes too: that data cannot be brought back" if self.volumes else "their volumes stay"
        return f"Take down {which}, with all containers and networks; {data}."
