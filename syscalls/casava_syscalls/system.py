"""Family `system`: read-only facts of the host. Absent hardware reads as absent, never as zero."""

from __future__ import annotations

from typing import ClassVar, Generic, Literal, TypeVar

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.scalars import Count, Needle, Word
from casava_syscalls.values import Facts, Table, Value

V = TypeVar("V", bound=Value)


class _HostFact(Syscall[V], Generic[V]):
    effect: ClassVar = Effect.READ
    performer: ClassVar[Performer] = "broker"


class Host(_HostFact[Facts]):
    """Host name, distribution, architecture, virtualisation."""

    call: Literal["system.host"] = "system.host"


class Kernel(_HostFact[Facts]):
    """The operating system kernel's name and version."""

    call: Literal["system.kernel"] = "system.kernel"


class Cpu(_HostFact[Facts]):
    """Model, cores, frequency, load and use of the CPU."""

    call: Literal["system.cpu"] = "system.cpu"


class Memory(_HostFact[Facts]):
    """RAM and swap: total, used, available, in bytes."""

    call: Literal["system.memory"] = "system.memory"


class Disk(_HostFact[Table]):
    """Mounted file systems: size, used and free space, in bytes."""

    call: Literal["system.disk"] = "system.disk"


class Gpu(_HostFact[Table]):
    """Graphics processors: model, memory, load, temperature, power."""

    call: Literal["system.gpu"] = "system.gpu"


class Uptime(_HostFact[Facts]):
    """How long the host has been up, and since when."""

    call: Literal["system.uptime"] = "system.uptime"


class Users(_HostFact[Table]):
    """Who is logged in, and the current user."""

    call: Literal["system.users"] = "system.users"


class Environment(_HostFact[Facts]):
    """Environment variables; values of secret-looking names are masked."""

    call: Literal["system.environment"] = "system.environment"

    name: Word | None = None
    """Only this variable."""


class Time(_HostFact[Facts]):
    """The current date, time and time zone."""

    call: Literal["system.time"] = "system.time"


class Processes(_HostFact[Table]):
    """Processes of the host by use of CPU or memory."""

    call: Literal["system.processes"] = "system.processes"

    sort: Literal["cpu", "memory", "name", "pid", "newest"] = "cpu"
    limit: Count | None = None
    name_contains: Needle | None = None
