"""Family `container`: containers and images of the host's Docker daemon.

The options follow the docker command line and the Compose specification. Declared, not yet performed.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.refs import Ref
from casava_syscalls.scalars import ByteSize, CommandLine, Count, Duration, Moment, Port, Word, WorkspacePath
from casava_syscalls.values import Accepts, Exit, Facts, Table, Text, Value

V = TypeVar("V", bound=Value)

ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-zA-Z0-9._/:@-]*$", max_length=512)]
"""An image reference: [registry/]repository[:tag][@digest]."""

ContainerName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", max_length=128)]

Containers = Annotated[
    Ref | Annotated[tuple[ContainerName, ...], Field(min_length=1)],
    Accepts(Table),
    Field(union_mode="left_to_right"),
]
"""Names, or the containers that an earlier step listed."""


PUBLISH = re.compile(
    r"((?P<address>[0-9.]+|\[[0-9a-f:]+\]):)?(?P<host>\d+)(:(?P<container>\d+))?(/(?P<protocol>tcp|udp))?"
)
"""A published port as the docker command line writes it."""

MOUNT = re.compile(r"(?P<source>[^:]+):(?P<target>/[^:]*)(:(?P<mode>ro|rw))?")
"""A mount as the docker command line writes it."""


class Publish(BaseModel):
    """A published port; `address` is where the host listens (loopback unless said otherwise)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    container: Port | None = None
    """None: the one port that the image exposes."""
    host: Port | None = None
    """None: any free one."""
    address: str = "127.0.0.1"
    protocol: Literal["tcp", "udp"] = "tcp"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """As on the docker command line: "8080:80", "127.0.0.1:8080:80/udp"; a single port is the host's."""
        if isinstance(value, int) and not isinstance(value, bool):
            return {"host": value}
        if not isinstance(value, str):
            return value
        match = PUBLISH.fullmatch(value)
        if match is None:
            raise ValueError("a port is written as 8080:80 (host:container), 8080 or 127.0.0.1:8080:80/udp")
        found = match.groupdict()
        return {
            key: int(text) if key in ("host", "container") else text for key, text in found.items() if text
        }


class Mount(BaseModel):
    """A workspace path or a named volume, mounted into a container."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Word
    target: Annotated[str, StringConstraints(pattern=r"^/", max_length=4096)]
    read_only: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """As on the docker command line: "data:/data", "./conf:/etc/conf:ro"."""
        if not isinstance(value, str):
            return value
        match = MOUNT.fullmatch(value)
        if match is None:
            raise ValueError("a mount is written as source:/target, with :ro at the end for read-only")
        return {
            "source": match["source"], "target": match["target"], "read_only": match["mode"] == "ro",
        }  # fmt: skip


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
    mine: bool = False
    """Only those that Casava started."""
    newer_than: Duration | None = None
    """Started within this time."""
    started_after: Moment | None = None


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
