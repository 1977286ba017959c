"""One service of a stack: the keys of the Compose specification that are understood, as types.

What a file says in short forms ("8080:80", "data:/data") is read into the long ones here, so that everything after this
knows one form. What Compose allows and a stack here must not do (privileged, the host's network, devices) is refused with
the reason; what is merely not built is refused, too: a key that is read over in silence would be a promise not kept.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from casava_os.infra.mounts import FileMount, PublishedPort, ServiceMount
from casava_os.infra.parts import REFUSED, Environment, Name, Part, Plain, Seconds, Size, Words, named, scalar
from casava_syscalls.container import ImageName


class HealthCheck(Part):
    """How it is found out that a service works."""

    test: tuple[Plain, ...] = ()
    interval: Seconds = 30.0
    timeout: Annotated[Seconds, Field(gt=0)] = 30.0
    retries: Annotated[int, Field(ge=1, le=1000)] = 3
    start_period: Seconds = 0.0
    disable: bool = False

    @model_validator(mode="before")
    @classmethod
    def _shell(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        found = dict(value)
        test = found.get("test")
        if isinstance(test, str):
            found["test"] = ["CMD-SHELL", test]
        elif isinstance(test, list):
            if test == ["NONE"]:
                found.pop("test")
                found["disable"] = True
            elif not test or test[0] not in ("CMD", "CMD-SHELL") or len(test) < 2:
                raise ValueError("`test` is a command line, or a list that begins with CMD or CMD-SHELL")
            else:
                found["test"] = [scalar(word) for word in test]
        return found

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.test and not self.disable:
            raise ValueError("a health check needs a `test`")
        if self.test and self.interval <= 0:
            raise ValueError("`interval` must be more than 0")
        return self

    @property
    def patience(self) -> float:
        """Seconds after which a service that has not become healthy never will."""
        return self.start_period + (self.interval + self.timeout) * (self.retries + 1)


class Dependency(Part):
    """What must be true of another service first."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"] = (
        "service_started"
    )
    required: Literal[True] = True
    restart: Literal[False] = False


class NetworkPlace(Part):
    """How a service takes part in a network."""

    aliases: tuple[Name, ...] = ()


class Resources(Part):
    """Of one replica."""

    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    memory: Annotated[Size, Field(ge=6 * 2**20)] | None = None
    pids: Annotated[int, Field(ge=1, le=2**22)] | None = None


class ResourceBounds(Part):
    """What a replica may have at most, and what must be there for it."""

    limits: Resources = Resources()
    reservations: Resources = Resources()


class UpdateConfig(Part):
    """How replicas are replaced: one after another, each stopped before its successor starts."""

    parallelism: Literal[1] = 1
    order: Literal["stop-first"] = "stop-first"
    failure_action: Literal["rollback"] = "rollback"
    delay: Seconds = 0.0


class Deploy(Part):
    """Replicas, what each may use, and how they are replaced."""

    replicas: Annotated[int, Field(ge=0, le=1000)] | None = None
    resources: ResourceBounds = ResourceBounds()
    update_config: UpdateConfig = UpdateConfig()


def _depends(value: object) -> object:
    found = named(value)
    return {key: inner or {} for key, inner in found.items()} if isinstance(found, dict) else found


HostGateway = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9.-]+:host-gateway$")]
"""A name under which this machine can be reached; other entries could pass off one host as another."""


def _hosts(value: object) -> object:
    if isinstance(value, dict):
        return [f"{name}:{address}" for name, address in value.items()]
    return [str(item).replace("=", ":", 1) for item in value] if isinstance(value, list) else value


class Service(Part):
    """One service."""

    harmless: ClassVar[frozenset[str]] = frozenset({*REFUSED, "stdin_open", "tty", "expose", "profiles"})

    image: ImageName
    command: Words | None = None
    entrypoint: Words | None = None
    environment: Environment = Field(default_factory=dict)
    ports: tuple[PublishedPort, ...] = ()
    expose: Words = ()
    volumes: tuple[ServiceMount, ...] = ()
    tmpfs: Annotated[tuple[Plain, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = ()
    networks: Annotated[dict[Name, NetworkPlace | None], BeforeValidator(named)] = Field(default_factory=dict)
    network_mode: Literal["none"] | None = None
    depends_on: Annotated[dict[Name, Dependency], BeforeValidator(_depends)] = Field(default_factory=dict)
    healthcheck: HealthCheck | None = None
    secrets: tuple[FileMount, ...] = ()
    configs: tuple[FileMount, ...] = ()
    deploy: Deploy = Deploy()
    scale: Annotated[int, Field(ge=0, le=1000)] | None = None
    restart: Annotated[str, StringConstraints(pattern=r"^(no|always|unless-stopped|on-failure(:\d+)?)$")] = (
        "no"
    )
    user: Annotated[Plain, BeforeValidator(scalar)] | None = None
    working_dir: Plain | None = None
    hostname: Name | None = None
    container_name: Name | None = None
    labels: Environment = Field(default_factory=dict)
    read_only: bool = False
    init: bool = False
    stop_grace_period: Seconds = 10.0
    stop_signal: Annotated[str, StringConstraints(pattern=r"^(SIG)?[A-Z0-9+]+$")] | None = None
    cap_drop: tuple[str, ...] = ()
    mem_limit: Annotated[Size, Field(ge=6 * 2**20)] | None = None
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    pids_limit: Annotated[int, Field(ge=1, le=2**22)] | None = None
    shm_size: Size | None = None
    gpus: Annotated[int, Field(ge=0, le=64)] | Literal["all"] = 0
    extra_hosts: Annotated[tuple[HostGateway, ...], BeforeValidator(_hosts)] = ()
    pull_policy: Literal["missing", "never", "always", "if_not_present"] = "missing"

    @model_validator(mode="before")
    @classmethod
    def _host_network(cls, value: object) -> object:
        if isinstance(value, dict):
            if value.get("network_mode") == "host":
                raise ValueError("`network_mode: host` is refused: services live in networks of their own")
            if value.get("restart") is False:  # YAML reads a bare `no` as false
                return {**value, "restart": "no"}
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.network_mode == "none" and (self.networks or self.ports):
            raise ValueError("a service without a network has no networks and publishes no ports")
        if self.scale is not None and self.deploy.replicas not in (None, self.scale):
            raise ValueError("`scale` and `deploy.replicas` say different numbers")
        targets = [mount.target for mount in self.volumes]
        if len(set(targets)) != len(targets):
            raise ValueError("two mounts have the same target")
        own = [key for key in self.labels if key.startswith(("casava.", "com.docker."))]
        if own:
            raise ValueError(f"the label {own[0]!r} is Casava's or Docker's own")
        return self

    @property
    def replicas(self) -> int:
        """How many containers."""
        wanted = self.deploy.replicas if self.deploy.replicas is not None else self.scale
        return 1 if wanted is None else wanted

    @property
    def memory_limit(self) -> int | None:
        """Bytes that one replica may have."""
        return self.deploy.resources.limits.memory or self.mem_limit

    @property
    def memory_wanted(self) -> int | None:
        """Bytes that must be there for one replica; None where the file says nothing."""
        return self.deploy.resources.reservations.memory or self.memory_limit

    @property
    def cpu_limit(self) -> float | None:
        return self.deploy.resources.limits.cpus or self.cpus

    @property
    def pid_limit(self) -> int:
        return self.deploy.resources.limits.pids or self.pids_limit or 512
