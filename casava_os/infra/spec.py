"""A whole stack as a file describes it: services, networks, volumes, secrets, configs, and Casava's own `x-casava`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from casava_os.infra.kubernetes.options import Kubernetes
from casava_os.infra.machine import Asked, sized
from casava_os.infra.parts import COMPOSE_DURATION, Environment, Name, Part, Plain, Size, seconds_of
from casava_os.infra.service import Service
from casava_os.infra.terraform.options import Aws
from casava_syscalls.infra import StackName
from casava_syscalls.scalars import Duration


class Network(Part):
    """A network of the stack. It has a way out of this machine unless it is `internal`."""

    driver: Literal["bridge"] = "bridge"
    internal: bool = False
    external: bool = False
    """It exists already and stays."""
    name: Name | None = None
    """Of an external one."""
    labels: Environment = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names(self) -> Self:
        if self.name is not None and not self.external:
            raise ValueError(
                "`name` is only for a network that is `external`; the others are named after the stack"
            )
        if self.external and self.name in ("host", "none"):
            raise ValueError("the host's network is outside of what a stack may enter")
        return self


class Volume(Part):
    """A volume of the stack: data that outlives its containers."""

    driver: Literal["local"] = "local"
    external: bool = False
    name: Name | None = None
    labels: Environment = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names(self) -> Self:
        if self.name is not None and not self.external:
            raise ValueError(
                "`name` is only for a volume that is `external`; the others are named after the stack"
            )
        return self


class Generate(Part):
    """A secret that is made up once and kept."""

    generate: Annotated[int, Field(ge=8, le=4096)]
    """How many characters."""


class Secret(Part):
    """A secret: a file of the workspace, or made up here. Its value stands in no label, environment, plan or log."""

    file: Plain | None = None
    x_casava: Generate | None = Field(default=None, alias="x-casava")

    @model_validator(mode="before")
    @classmethod
    def _elsewhere(cls, value: object) -> object:
        if isinstance(value, dict):
            if "environment" in value:
                raise ValueError(
                    "`environment` is refused: nothing is taken from this machine's environment; use `file`"
                )
            if "external" in value:
                raise ValueError(
                    "there is no store of external secrets here: use `file`, or x-casava: {generate: 32}"
                )
        return value

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.file is None) == (self.x_casava is None):
            raise ValueError("a secret has either a `file` or `x-casava: {generate: LENGTH}`")
        return self


class Config(Part):
    """A configuration file: of the workspace, or written out in the spec."""

    file: Plain | None = None
    content: Plain | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.file is None) == (self.content is None):
            raise ValueError("a config has either a `file` or its `content`")
        return self


class Budget(Part):
    """What the whole stack may use; a spec that wants more is refused."""

    memory: Size | None = None
    cpus: Annotated[float, Field(gt=0)] | None = None
    containers: Annotated[int, Field(ge=1)] | None = None


def _span(value: object) -> object:
    """Seconds, from a duration as Compose writes it ("1h30m") or as people do ("2 days")."""
    if isinstance(value, str) and COMPOSE_DURATION.fullmatch(value.strip()) and value.strip():
        return round(float(str(seconds_of(value))))
    return value


Span = Annotated[Duration, BeforeValidator(_span)]


class Idle(Part):
    """What becomes of a stack in which nothing happens."""

    after: Annotated[Span, Field(ge=1)]
    action: Literal["pause", "stop"] = "pause"


class Parameter(Part):
    """A value of a blueprint that the person may choose."""

    description: str
    default: Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int | float) else v)] | None = (
        None
    )
    machine: Asked | None = None
    """The default is taken from this machine."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """How much of that."""
    pattern: str | None = None
    """A regular expression that the whole value must match."""

    def fallback(self) -> str | None:
        """The value when nobody chooses one; None: somebody has to."""
        return self.default if self.machine is None else sized(self.machine, self.share)


class Casava(Part):
    """Casava's extensions to the Compose specification."""

    description: str = ""
    lease: Span | None = None
    """Torn down after this time, unless the command says otherwise."""
    budget: Budget = Budget()
    idle: Idle | None = None
    wait_for_room: Span = 0
    """How long to wait for memory that is not free, instead of refusing at once."""
    kubernetes: Kubernetes = Kubernetes()
    """For the kubernetes driver alone."""
    terraform: Aws = Aws()
    """For the terraform driver alone."""
    parameters: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Parameter] = (
        Field(default_factory=dict)
    )


def _parts(value: object) -> object:
    """Networks and volumes may have no body."""
    if not isinstance(value, dict):
        return value
    return {key: {} if inner is None else inner for key, inner in value.items()}


class StackSpec(Part):
    """A Compose file, understood."""

    name: StackName | None = None
    version: Annotated[str, BeforeValidator(str)] | None = None
    services: dict[Name, Service] = Field(min_length=1, max_length=500)
    networks: Annotated[dict[Name, Network], BeforeValidator(_parts)] = Field(default_factory=dict)
    volumes: Annotated[dict[Name, Volume], BeforeValidator(_parts)] = Field(default_factory=dict)
    secrets: dict[Name, Secret] = Field(default_factory=dict)
    configs: dict[Name, Config] = Field(default_factory=dict)
    x_casava: Casava = Field(default=Casava(), alias="x-casava")

    def networks_of(self, service: Service) -> tuple[str, ...]:
        """The stack's networks that a service is in; `default` when it names none."""
        if service.network_mode == "none":
            return ()
        return tuple(service.networks) or ("default",)

    def all_networks(self) -> dict[str, Network]:
        """With the default network, when a service is in it."""
        used = {name for service in self.services.values() for name in self.networks_of(service)}
        missing = {"default": Network()} if "default" in used and "default" not in self.networks else {}
        return {**missing, **self.networks}
