"""Family `container`: containers and images of the host's Docker daemon.

The options follow the docker command line and the Compose specification. Declared, not yet performed.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.scalars import ByteSize, CommandLine, Count, Duration, Port, Word, WorkspacePath
from casava_syscalls.values import Exit, Facts, Table, Text, Value

V = TypeVar("V", bound=Value)

ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]*$", max_length=512)]
"""An image reference: [registry/]repository[:tag][@digest]."""

ContainerName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", max_length=128)]

Containers = Annotated[tuple[ContainerName, ...], Field(min_length=1)]


class Publish(BaseModel):
    """A published port; `address` is where the host listens (loopback unless said otherwise)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    container: Port
    host: Port | None = None
    address: str = "127.0.0.1"
    protocol: Literal["tcp", "udp"] = "tcp"


class Mount(BaseModel):
    """A workspace path or a named volume, mounted into a container."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Word
    target: Annotated[str, StringConstraints(pattern=r"^/", max_length=4096)]
    read_only: bool = False


class _Container(Syscall[V], Generic[V]):
    effect: ClassVar = Effect.HOST
    performer: ClassVar[Performer] = "broker"
    available: ClassVar[bool] = False


class ListContainers(_Container[Table]):
    """Containers: name, image, state, ports, age."""

    call: Literal["container.list"] = "container.list"
    effect: ClassVar = Effect.READ

    all: bool = False
    """Also those that have stopped."""
    name_contains: Word | None = None
    image: ImageName | None = None


class RunContainer(_Container[Facts]):
    """Starts a new container from an image."""

    call: Literal["container.run"] = "container.run"
    effect: ClassVar = Effect.HOST | Effect.EXECUTE | Effect.NETWORK

    image: ImageName
    name: ContainerName | None = None
    command: CommandLine | None = None
    ports: tuple[Publish, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    network: Literal["none", "private", "bridge"] = "private"
    memory: ByteSize | None = None
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    restart: Literal["no", "on-failure", "always", "unless-stopped"] = "no"
    detach: bool = True
    lease: Duration | None = None
    """Removed after this time."""


class StartContainers(_Container[Table]):
    """Starts stopped containers."""

    call: Literal["container.start"] = "container.start"

    containers: Containers


class StopContainers(_Container[Table]):
    """Stops running containers."""

    call: Literal["container.stop"] = "container.stop"

    containers: Containers
    grace: Duration = 10
    """Time between TERM and KILL."""


class RestartContainers(_Container[Table]):
    """Stops and starts containers."""

    call: Literal["container.restart"] = "container.restart"

    containers: Containers


class RemoveContainers(_Container[Table]):
    """Removes containers."""

    call: Literal["container.remove"] = "container.remove"
    effect: ClassVar = Effect.HOST | Effect.DELETE

    containers: Containers
    force: bool = False
    """Also when running."""
    volumes: bool = False
    """With their anonymous volumes."""


class ContainerLogs(_Container[Text]):
    """What a container has printed."""

    call: Literal["container.logs"] = "container.logs"
    effect: ClassVar = Effect.READ

    container: ContainerName
    last: Count | None = None
    newer_than: Duration | None = None
    follow: bool = False


class ExecContainer(_Container[Exit]):
    """Runs a command line inside a running container."""

    call: Literal["container.exec"] = "container.exec"
    effect: ClassVar = Effect.HOST | Effect.EXECUTE

    container: ContainerName
    command: CommandLine


class InspectContainer(_Container[Facts]):
    """Everything the daemon knows of one container."""

    call: Literal["container.inspect"] = "container.inspect"
    effect: ClassVar = Effect.READ

    container: ContainerName


class ContainerStats(_Container[Table]):
    """CPU, memory and network use of containers."""

    call: Literal["container.stats"] = "container.stats"
    effect: ClassVar = Effect.READ

    containers: tuple[ContainerName, ...] = ()


class ListImages(_Container[Table]):
    """Images on this host: name, size, age."""

    call: Literal["container.images"] = "container.images"
    effect: ClassVar = Effect.READ

    name_contains: Word | None = None
    dangling: bool = False


class PullImage(_Container[Facts]):
    """Fetches an image from its registry."""

    call: Literal["container.pull"] = "container.pull"
    effect: ClassVar = Effect.HOST | Effect.NETWORK

    image: ImageName


class BuildImage(_Container[Facts]):
    """Builds an image from a directory with a Dockerfile."""

    call: Literal["container.build"] = "container.build"
    effect: ClassVar = Effect.HOST | Effect.EXECUTE | Effect.NETWORK

    context: WorkspacePath = "."
    dockerfile: WorkspacePath | None = None
    tag: ImageName | None = None


class CopyOut(_Container[Facts]):
    """Copies a path out of a container into the workspace."""

    call: Literal["container.copy_out"] = "container.copy_out"
    effect: ClassVar = Effect.WRITE | Effect.HOST

    container: ContainerName
    source: Word
    to: WorkspacePath = "."


class CopyIn(_Container[Facts]):
    """Copies workspace paths into a container."""

    call: Literal["container.copy_in"] = "container.copy_in"

    container: ContainerName
    source: WorkspacePath
    to: Word
