"""NVIDIA graphics through NVML, the library that their driver brings (package nvidia-ml-py; NVIDIA's NVML reference).

No library, no driver, a driver that does not fit its library: no cards, and another try after a while. A card that sleeps
(runtime power management) is not asked, for asking wakes it; when all do, not even the library is opened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from casava_os.meters.drm import is_suspended
from casava_os.meters.files import names_in
from casava_os.meters.readings import GpuReading

RETRY_SECONDS = 300.0
"""After which a library that failed is tried again: a driver may have been installed, or loaded, meanwhile."""

_T = TypeVar("_T")


class Memory(Protocol):
    """Bytes."""

    @property
    def total(self) -> int: ...

    @property
    def used(self) -> int: ...


class Utilization(Protocol):
    """Per cent of the last sampling period (a sixth of a second to a second)."""

    @property
    def gpu(self) -> int: ...


class Running(Protocol):
    """A process that computes on a card."""

    @property
    def pid(self) -> int: ...

    @property
    def usedGpuMemory(self) -> int | None: ...  # noqa: N802 - NVML's name


class PciInfo(Protocol):
    """Where a card sits."""

    @property
    def busId(self) -> str | bytes: ...  # noqa: N802 - NVML's name


class Nvml(Protocol):
    """The functions of the module `pynvml` that are used here. What fails raises its `NVMLError`."""

    @property
    def NVMLError(self) -> type[Exception]: ...  # noqa: N802 - NVML's name

    def nvmlInit(self) -> None: ...  # noqa: N802
    def nvmlShutdown(self) -> None: ...  # noqa: N802
    def nvmlDeviceGetCount(self) -> int: ...  # noqa: N802
    def nvmlDeviceGetHandleByIndex(self, index: int, /) -> object: ...  # noqa: N802
    def nvmlDeviceGetName(self, handle: object, /) -> str | bytes: ...  # noqa: N802
    def nvmlDeviceGetPciInfo(self, handle: object, /) -> PciInfo: ...  # noqa: N802
    def nvmlDeviceGetUtilizationRates(self, handle: object, /) -> Utilization: ...  # noqa: N802
    def nvmlDeviceGetMemoryInfo(self, handle: object, /) -> Memory: ...  # noqa: N802
    def nvmlDeviceGetTemperature(self, handle: object, sensor: int, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetPowerUsage(self, handle: object, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetEnforcedPowerLimit(self, handle: object, /) -> int: ...  # noqa: N802
    def nvmlDeviceGetComputeRunningProcesses(self, handle: object, /) -> Sequence[Running]: ...  # noqa: N802


def load_nvml() -> Nvml:
    """The real one. Importing it opens nothing; `nvmlInit` does."""
    import pynvml

    module: Nvml = pynvml
    return module


class NvidiaMeter:
    """All cards that NVML sees. `sys`: the root of sysfs, as text."""

    def __init__(self, sys: str, load: Callable[[], Nvml] = load_nvml) -> None:
        self._sys, self._load = sys, load
        self._nvml: Nvml | None = None
        self._cards: list[tuple[object, str, str]] = []
        """Handle, PCI address and name."""
        self._failed_at: float | None = None
        self._pid = os.getpid()

    def read(self, now: float) -> list[GpuReading]:
        """One reading a card."""
        if self._nvml is None:
            if sleeping := self._all_asleep():
                return [GpuReading(address, "nvidia", "NVIDIA", asleep=True) for address in sleeping]
            if self._failed_at is not None and now - self._failed_at < RETRY_SECONDS:
                return []
            if not self._open():
                self._failed_at = now
                return []
        return [self._reading(handle, address, name) for handle, address, name in self._cards]

    def close(self) -> None:
        """Lets go of the library. Safe to call twice."""
        nvml, self._nvml, self._cards = self._nvml, None, []
        if nvml is not None:
            _asked(nvml, nvml.nvmlShutdown)

    def _all_asleep(self) -> list[str]:
        """Addresses of the cards that NVIDIA's driver has, if every one of them sleeps."""
        driver = f"{self._sys}/bus/pci/drivers/nvidia"
        addresses = [name for name in names_in(driver) if name.count(":") == 2]
        return addresses if all(is_suspended(f"{driver}/{address}") for address in addresses) else []

    def _open(self) -> bool:
        nvml = self._load()
        try:
            nvml.nvmlInit()
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError:
            return False
        self._nvml = nvml
        for index in range(count):
            handle = _asked(nvml, nvml.nvmlDeviceGetHandleByIndex, index)
            if handle is None:
                continue  # one that fell off its bus keeps its place in the count
            place = _asked(nvml, nvml.nvmlDeviceGetPciInfo, handle)
            address = _sysfs_address(_text(place.busId)) if place is not None else f"nvidia{index}"
            name = _asked(nvml, nvml.nvmlDeviceGetName, handle)
            self._cards.append((handle, address, "NVIDIA" if name is None else _text(name)))
        return True

    def _reading(self, handle: object, address: str, name: str) -> GpuReading:
        nvml = self._nvml
        assert nvml is not None
        if is_suspended(f"{self._sys}/bus/pci/devices/{address}"):
            return GpuReading(address, "nvidia", name, asleep=True)
        busy = _asked(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = _asked(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
        heat = _asked(nvml, nvml.nvmlDeviceGetTemperature, handle, 0)  # NVML_TEMPERATURE_GPU
        power = _asked(nvml, nvml.nvmlDeviceGetPowerUsage, handle)  # milliwatts
        limit = _asked(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        running = _asked(nvml, nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        own = [one.usedGpuMemory for one in running or () if one.pid == self._pid]
        return GpuReading(
            key=address,
            vendor="nvidia",
            name=name,
            use_percent=None if busy is None else float(busy.gpu),
            memory_used=None if memory is None else int(memory.used),
            memory_total=None if memory is None else int(memory.total),
            own_memory=own[0] if own else None,
            temperature=None if heat is None else float(heat),
            watts=None if power is None else power / 1000,
            watts_limit=limit / 1000 if limit else None,
        )


def _asked(nvml: Nvml, question: Callable[..., _T], *arguments: object) -> _T | None:
    """The answer, or None for what this card, driver or user does not get."""
    try:
        return question(*arguments)
    except nvml.NVMLError:
        return None


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _sysfs_address(bus_id: str) -> str:
    """NVML writes eight digits of the domain in capitals, sysfs four in small letters: "0000:01:00.0"."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{domain[-4:]}:{rest}"
