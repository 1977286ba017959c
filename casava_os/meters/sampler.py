"""All meters together: one call, one sample of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from casava_os.meters.cpu import CpuMeter
from casava_os.meters.disk import DiskMeter
from casava_os.meters.gpus import GpuMeter
from casava_os.meters.memory import MemoryMeter, OwnMeter
from casava_os.meters.network import NetworkMeter
from casava_os.meters.nvidia import Nvml, load_nvml
from casava_os.meters.power import PowerMeter
from casava_os.meters.pressure import PressureMeter
from casava_os.meters.readings import Sample
from casava_os.meters.sandboxes import SandboxMeter

MOST_OF_A_CORE = 0.01
"""Share of one core that sampling may take."""


class Sampler:
    """Samples the machine. Blocking (some drivers take their time), for one thread at a time.

    `workspace`: whose file system's space is told. `layers`: whose sandboxes are told (all of this user's when None).
    `root`: where `proc` and `sys` lie, for tests on recorded trees.
    """

    def __init__(
        self,
        workspace: Path,
        layers: Path | None = None,
        *,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,
        nvml: Callable[[], Nvml] = load_nvml,
    ) -> None:
        proc, sys = root / "proc", root / "sys"
        self._clock = clock
        self._cpu = CpuMeter(proc, sys)
        self._memory = MemoryMeter(proc)
        self._disk = DiskMeter(proc, sys, workspace)
        self._network = NetworkMeter(proc, sys)
        self._pressure = PressureMeter(proc)
        self._power = PowerMeter(sys)
        self._gpus = GpuMeter(root, nvml)
        self._sandboxes = SandboxMeter(proc, sys / "fs/cgroup", layers)
        self._own = OwnMeter(proc)

    def sample(self) -> Sample:
        """The machine now. Shares and rates are since the last sample: the first one has none."""
        began = time.thread_time()
        now = self._clock()
        ram, swap = self._memory.read()
        return Sample(
            at=now,
            cpu=self._cpu.read(),
            memory=ram,
            swap=swap,
            disk=self._disk.read(now),
            network=self._network.read(now),
            pressure=self._pressure.read(),
            power=self._power.read(now),
            gpus=self._gpus.read(now),
            sandboxes=self._sandboxes.read(now),
            own=self._own.read(now),
            cost=time.thread_time() - began,
        )

    def close(self) -> None:
        """Lets go of what the meters hold. Safe to call twice."""
        self._gpus.close()


class Pace:
    """When to sample next: as often as wanted, or as seldom as keeps sampling below its share of a core.

    One expensive sample (the first opens NVIDIA's library) changes nothing, two in a row do.
    """

    def __init__(self, wanted: float) -> None:
        self._wanted = wanted
        self._before = 0.0

    def pause(self, sample: Sample) -> float:
        """Seconds from this sample to the next."""
        cost, self._before = min(self._before, sample.cost), sample.cost
        return max(self._wanted, cost / MOST_OF_A_CORE)
