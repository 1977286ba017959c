"""Family `container`: containers and images of the host's Docker daemon.

The options follow the docker command line and the Compose specification. Some things that Docker can do cannot be said
here, on purpose: privileged containers, the host's network, added capabilities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.refs import Ref
from casava_syscalls.scalars import (
    ByteSize,
    CommandLine,
    Count,
    Duration,
    Globs,
    Moment,
    Port,
    Word,
    WorkspacePath,
    normalise_path,
)
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
    r"((?P<address>\d+(\.\d+){3}|\[[0-9a-f:]+\]):)?(?P<host>\d+)(:(?P<container>\d+))?(/(?P<protocol>tcp|udp))?"
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

    def __str__(self) -> str:
        address = "" if self.address == "127.0.0.1" else f"{self.address}:"
        ports = ":".join(str(port) for port in (self.host, self.container) if port is not None) or "any"
        return f"{address}{ports}{'/udp' if self.protocol == 'udp' else ''}"


class Mount(BaseModel):
    """A path or a named volume, mounted into a container. Paths outside the workspace are denied by default policy."""

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

    def __str__(self) -> str:
        return f"{self.source}:{self.target}{':ro' if self.read_only else ''}"


def host_path(source: str) -> str | None:
    """The path of the host that the source of a mount names; None when it is a volume's name.

    A path in the workspace comes in canonical form, one outside as it was written.
    """
    if "/" not in source and not source.startswith((".", "~")):
        return None
    try:
        return normalise_path(source)
    except ValueError:
        return source


class _Container(Syscall[V], Generic[V]):
    effect: ClassVar = Effect.HOST
    performer: ClassVar[Performer] = "broker"
    patient: ClassVar[bool] = True


def span(seconds: int) -> str:
    """A span of time in words, in the largest unit that fits it: `90 minutes`."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds // unit} {name}{'' if seconds == unit else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _ports(ports: Sequence[Publish]) -> str:
    told = [
        str(port.host) if port.host else f"a free port for its {port.container or 'own'}" for port in ports
    ]
    return f"port{'' if len(told) == 1 else 's'} {' and '.join(told)}"


def _names(containers: Ref | tuple[str, ...]) -> str:
    if isinstance(containers, Ref):
        return f"the containers that step {containers.step} lists, as far as Casava started them"
    return ", ".join(containers)


_LOOPBACK = frozenset({"127.0.0.1", "::1", "[::1]", "localhost"})


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
    exclude: Globs | None = None
    """Leave out those whose name matches any of these patterns, or whose image is that. One that leaves none out is an error."""


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
    """private: a network of its own with the other containers that Casava started, who find each other by name; from outside
    only published ports are reached, and those on this machine alone unless an address says otherwise. none: no network at
    all. bridge: Docker's common one, with the containers of others."""
    memory: ByteSize | None = None
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    restart: Literal["no", "on-failure", "always", "unless-stopped"] = "no"
    detach: bool = True
    lease: Duration | None = None
    """Removed after this time."""

    def meaning(self) -> str:
        run = f" and run {self.command!r} in it" if self.command else ""
        said = [f"Start {self.image}{f' as {self.name}' if self.name else ''}{run}", *self._reach()]
        for mount in self.mounts:
            if host_path(mount.source) is None:
                said.append(f"with the volume {mount.source} at {mount.target}")
            else:
                may = "read" if mount.read_only else "read, change and delete, without undo,"
                said.append(f"which may {may} what is in {mount.source}")
        if self.restart != "no":
            said.append("started again by itself when it ends")
        if self.lease is not None:
            said.append(f"removed after {span(self.lease)}")
        return f"{', '.join(said)}."

    def _reach(self) -> Iterator[str]:
        """From where it can be reached."""
        here = [port for port in self.ports if port.address in _LOOPBACK]
        if here:
            yield f"reachable from this machine only on {_ports(here)}"
        if open_ports := [port for port in self.ports if port not in here]:
            yield f"reachable from other machines, too, on {_ports(open_ports)}"
        if self.network == "none":
            yield "without a network"
        elif self.network == "bridge":
            yield "on Docker's common network, with the containers of others"
        elif not self.ports:
            yield "reachable by nothing but other containers of Casava's"


class StartContainers(_Container[Table]):
    """Starts stopped containers."""

    call: Literal["container.start"] = "container.start"

    containers: Containers

    def meaning(self) -> str:
        return f"Start {_names(self.containers)}."


class StopContainers(_Container[Table]):
    """Stops running containers."""

    call: Literal["container.stop"] = "container.stop"

    containers: Containers
    grace: Duration = 10
    """Time between TERM and KILL."""

    def meaning(self) -> str:
        return f"Stop {_names(self.containers)}; what does not end within {span(self.grace)} is killed."


class RestartContainers(_Container[Table]):
    """Stops and starts containers."""

    call: Literal["container.restart"] = "container.restart"

    containers: Containers

    def meaning(self) -> str:
        return f"Stop {_names(self.containers)} and start again."


class RemoveContainers(_Container[Table]):
    """Removes containers."""

    call: Literal["container.remove"] = "container.remove"
    effect: ClassVar = Effect.HOST | Effect.DELETE

    containers: Containers
    force: bool = False
    """Also when running."""
    volumes: bool = False
    """With their anonymous volumes."""

    def meaning(self) -> str:
        return (
            f"Remove {_names(self.containers)}{', running or not' if self.force else ''}, with what was written in them"
            f"{' and their anonymous volumes' if self.volumes else ''}: it cannot be brought back."
        )


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

    def meaning(self) -> str:
        return f"Run {self.command!r} inside the running container {self.container}."


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

    def meaning(self) -> str:
        return f"Fetch {self.image} from its registry onto this machine."


class BuildImage(_Container[Facts]):
    """Builds an image from a directory with a Dockerfile."""

    call: Literal["container.build"] = "container.build"
    effect: ClassVar = Effect.HOST | Effect.EXECUTE | Effect.NETWORK
    cargo: ClassVar = "takes"

    context: WorkspacePath = "."
    dockerfile: WorkspacePath | None = None
    tag: ImageName | None = None

    def meaning(self) -> str:
        return (
            f"Build {self.tag or 'an image'} from {'this folder' if self.context == '.' else self.context}: the commands of "
            "its Dockerfile run in a container, and may use the network."
        )


class CopyOut(_Container[Facts]):
    """Copies a path out of a container into the workspace."""

    call: Literal["container.copy_out"] = "container.copy_out"
    effect: ClassVar = Effect.WRITE | Effect.HOST
    cargo: ClassVar = "brings"

    container: ContainerName
    source: Word
    to: WorkspacePath = "."

    def meaning(self) -> str:
        return f"Read {self.source} in {self.container}; what comes of it here is shown before it lands."


class CopyIn(_Container[Facts]):
    """Copies workspace paths into a container."""

    call: Literal["container.copy_in"] = "container.copy_in"
    cargo: ClassVar = "takes"

    container: ContainerName
    source: WorkspacePath
    to: Word

    def meaning(self) -> str:
        return f"Write {self.source} to {self.to} in {self.container}, over what is there."
