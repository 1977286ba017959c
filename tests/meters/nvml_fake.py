"""An NVML that answers from `nvml_answers.json`, and raises the real library's errors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pynvml

ANSWERS = Path(__file__).parent / "nvml_answers.json"


@dataclass(frozen=True)
class Figures:
    """Any answer of several fields."""

    gpu: int = 0
    total: int = 0
    used: int = 0
    busId: bytes = b""  # noqa: N815 - NVML's name
    pid: int = 0
    usedGpuMemory: int | None = None  # noqa: N815


Answer = str | int | dict[str, int]


def recorded() -> list[dict[str, Answer]]:
    devices: list[dict[str, Answer]] = json.loads(ANSWERS.read_text())["devices"]
    return devices


@dataclass
class FakeNvml:
    """`calls` counts by function; `init_error` is raised by `nvmlInit`."""

    devices: list[dict[str, Answer]] = field(default_factory=recorded)
    init_error: str | None = None
    calls: list[str] = field(default_factory=list)
    NVMLError: type[Exception] = pynvml.NVMLError

    def _answer(self, name: str, handle: object) -> Answer:
        self.calls.append(name)
        answer = self.devices[int(str(handle))][name]
        if isinstance(answer, str) and answer.startswith("NVML_ERROR"):
            raise self.NVMLError(getattr(pynvml, answer))
        return answer

    def _number(self, name: str, handle: object) -> int:
        answer = self._answer(name, handle)
        assert isinstance(answer, int)
        return answer

    def nvmlInit(self) -> None:  # noqa: N802
        self.calls.append("init")
        if self.init_error is not None:
            raise self.NVMLError(getattr(pynvml, self.init_error))

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.calls.append("shutdown")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int, /) -> object:  # noqa: N802
        if self.devices[index].get("lost"):
            raise self.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    def nvmlDeviceGetName(self, handle: object, /) -> str:  # noqa: N802
        return str(self._answer("name", handle))

    def nvmlDeviceGetPciInfo(self, handle: object, /) -> Figures:  # noqa: N802
        return Figures(busId=str(self._answer("busId", handle)).encode())

    def nvmlDeviceGetUtilizationRates(self, handle: object, /) -> Figures:  # noqa: N802
        return Figures(gpu=self._number("utilization", handle))

    def nvmlDeviceGetMemoryInfo(self, handle: object, /) -> Figures:  # noqa: N802
        answer = self._answer("memory", handle)
        assert isinstance(answer, dict)
        return Figures(total=answer["total"], used=answer["used"])

    def nvmlDeviceGetTemperature(self, handle: object, sensor: int, /) -> int:  # noqa: N802
        assert sensor == pynvml.NVML_TEMPERATURE_GPU
        return self._number("temperature", handle)

    def nvmlDeviceGetPowerUsage(self, handle: object, /) -> int:  # noqa: N802
        return self._number("power", handle)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: object, /) -> int:  # noqa: N802
        return self._number("limit", handle)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: object, /) -> list[Figures]:  # noqa: N802
        answer = self._answer("processes", handle)
        assert isinstance(answer, dict)
        return [
            Figures(pid=os.getpid() if pid == "own" else int(pid), usedGpuMemory=size)
            for pid, size in answer.items()
        ]


def loads(nvml: FakeNvml) -> Callable[[], FakeNvml]:
    return lambda: nvml
