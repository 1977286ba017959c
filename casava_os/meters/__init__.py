"""The meters: what the machine, its graphics processors and the sandboxes use, sampled for less than 1 % of a core.

`Sampler.sample()` gives a `Sample` (readings.py says what is in one); `History` keeps figures for curves, `Alarms` compares
them with the settings, `Pace` says when to sample next. What a machine does not have, or does not tell, is None, never zero.

| module | source |
|---|---|
| `cpu` `memory` `disk` `network` `pressure` | procfs |
| `power` | RAPL, through powercap |
| `gpus` | `nvidia` (NVML), `amdgpu` and `intel` (sysfs; `drm` finds the cards) |
| `sandboxes` | control groups, version 1 and 2 |
"""

from casava_os.meters.alarms import Alarm, Alarms
from casava_os.meters.figures import figures
from casava_os.meters.history import History
from casava_os.meters.readings import (
    CpuReading,
    DiskReading,
    GpuReading,
    MemoryReading,
    ModelReading,
    NetworkReading,
    OwnReading,
    PowerReading,
    PressureReading,
    Sample,
    SandboxReading,
    SwapReading,
)
from casava_os.meters.sampler import Pace, Sampler

__all__ = [
    "Alarm",
    "Alarms",
    "CpuReading",
    "DiskReading",
    "GpuReading",
    "History",
    "MemoryReading",
    "ModelReading",
    "NetworkReading",
    "OwnReading",
    "Pace",
    "PowerReading",
    "PressureReading",
    "Sample",
    "Sampler",
    "SandboxReading",
    "SwapReading",
    "figures",
]
