"""What one sample of the machine holds. What is absent, or cannot be read, is None: never zero.

Sizes are in bytes, rates in bytes a second, shares in per cent of the whole (0 to 100), temperatures in degrees Celsius,
power in watts, times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class CpuReading:
    """Processors. Shares are of the time since the last sample; the first sample has none."""

    use_percent: float | None = None
    """All cores together."""
    cores: Mapping[int, float] = field(default_factory=dict)
    """By the core's number; an offline core is missing."""
    load: float | None = None
    """Load average of one minute."""
    temperature: float | None = None
    """Of the package."""


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """RAM: `used` is what programs could not have without swapping (all but the available)."""

    total: int
    used: int


@dataclass(frozen=True, slots=True)
class SwapReading:
    """Swap space, where there is any."""

    total: int
    used: int


@dataclass(frozen=True, slots=True)
class DiskReading:
    """Whole disks together, and the space of the file system that the workspace lies on."""

    read: float | None = None
    written: float | None = None
    total: int | None = None
    used: int | None = None
    free: int | None = None
    """What this user may still write."""

    @property
    def full_percent(self) -> float | None:
        """As `df` counts: of what this user may have."""
        if self.used is None or self.free is None or self.used + self.free == 0:
            return None
        return 100.0 * self.used / (self.used + self.free)


@dataclass(frozen=True, slots=True)
class NetworkReading:
    """Interfaces that lead out of the machine, together."""

    received: float | None = None
    sent: float | None = None


@dataclass(frozen=True, slots=True)
class PressureReading:
    """Per cent of the last ten seconds in which some (or all) work stood still for want of this resource (PSI)."""

    some: float
    full: float | None = None
    """None where the kernel counts none (processors, before Linux 5.13)."""


@dataclass(frozen=True, slots=True)
class PowerReading:
    """What the processor packages draw (RAPL)."""

    watts: float | None = None
    forbidden: bool = False
    """There are counters, but this user may not read them (most systems let only root)."""


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One graphics processor."""

    key: str
    """What tells it from others, and stays: its PCI address where it has one."""
    vendor: Literal["nvidia", "amd", "intel"]
    name: str
    use_percent: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    """VRAM; None for one that lives in the machine's RAM."""
    temperature: float | None = None
    watts: float | None = None
    watts_limit: float | None = None
    asleep: bool = False
    """Suspended to save power; it is not woken to be asked, so nothing else is known."""
    own_memory: int | None = None
    """Of its memory, what Casava OS itself has: the kernel model, where it runs here. Only NVIDIA's driver tells."""


@dataclass(frozen=True, slots=True)
class SandboxReading:
    """What one sandbox uses, as its control group counts it."""

    key: str
    """The group's name."""
    driver: Literal["docker", "bubblewrap"]
    pid: int | None = None
    """The process of Casava OS that it belongs to (`casava-os ps`)."""
    cpu_percent: float | None = None
    """Of one core: two busy cores are 200."""
    memory: int | None = None
    """Without file cache that can be dropped."""
    memory_limit: int | None = None
    tasks: int | None = None
    """Processes and threads."""


@dataclass(frozen=True, slots=True)
class OwnReading:
    """What Casava OS itself uses, the kernel model in its memory included."""

    memory: int | None = None
    cpu_percent: float | None = None
    """Of one core."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The machine at one moment. A part that this machine does not have is None or empty."""

    at: float
    """On the clock of `time.monotonic`."""
    cpu: CpuReading | None = None
    memory: MemoryReading | None = None
    swap: SwapReading | None = None
    disk: DiskReading | None = None
    network: NetworkReading | None = None
    pressure: Mapping[str, PressureReading] = field(default_factory=dict)
    """By resource: "cpu", "memory", "io"; empty where the kernel counts none."""
    power: PowerReading | None = None
    gpus: tuple[GpuReading, ...] = ()
    sandboxes: tuple[SandboxReading, ...] = ()
    own: OwnReading | None = None
    cost: float = 0.0
    """Processor seconds that this sample took."""


@dataclass(frozen=True, slots=True)
class ModelReading:
    """What the kernel model does, as who runs it tells; it is not sampled."""

    name: str
    memory: int | None = None
    """Of the engine: weights and context. `OwnReading.memory` is the whole program's."""
    vram: int | None = None
    context_percent: float | None = None
    """How full its context is."""
    tokens_per_second: float | None = None
    """Of the last request."""
    waiting: int | None = None
    """Requests in its queue."""
