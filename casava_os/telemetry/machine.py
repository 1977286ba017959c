"""The machine's part of the metrics: processors, memory, disks, graphics processors, power and sandboxes, from the meters."""

from __future__ import annotations

import time
from pathlib import Path

from prometheus_client.metrics_core import Metric

from casava_os.meters import Sample, Sampler
from casava_os.telemetry.page import Page

WINDOW_SECONDS = 0.25
"""The first sample has no shares and rates: a second one follows it after this."""


class Machine:
    """Samples the machine; one thread at a time."""

    def __init__(self, state: Path) -> None:
        """`state`: whose file system's space is told, and whose sandboxes."""
        self._state = state
        self._sampler: Sampler | None = None

    def read(self) -> list[Metric]:
        if self._sampler is None:
            there = next((path for path in (self._state, *self._state.parents) if path.is_dir()), Path("/"))
            self._sampler = Sampler(there, self._state / "layers")
            self._sampler.sample()
            time.sleep(WINDOW_SECONDS)
        page = Page()
        sample = self._sampler.sample()
        _whole(page, sample)
        _gpus(page, sample)
        _sandboxes(page, sample)
        return page.families()


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _whole(page: Page, sample: Sample) -> None:
    if sample.cpu is not None:
        page.gauge(
            "casava_cpu_usage_ratio", "All processors together, 0 to 1", _share(sample.cpu.use_percent)
        )
        page.gauge("casava_load1", "Load average of one minute", sample.cpu.load)
        page.gauge("casava_cpu_temperature_celsius", "Of the processor package", sample.cpu.temperature)
    for kind, found in (("ram", sample.memory), ("swap", sample.swap)):
        if found is not None:
            page.gauge(f"casava_{kind}_size_bytes", f"All {kind} of the machine", found.total)
            page.gauge(
                f"casava_{kind}_used_bytes", f"Of it, what is in use, without caches ({kind})", found.used
            )
    if sample.disk is not None:
        disk, where = sample.disk, "Of the file system with the state directory"
        page.gauge("casava_filesystem_size_bytes", where, disk.total)
        page.gauge("casava_filesystem_used_bytes", f"{where}: in use", disk.used)
        page.gauge("casava_filesystem_available_bytes", f"{where}: what this user may still write", disk.free)
        rates = (("read", disk.read), ("written", disk.written))
        for way, rate in rates:
            page.gauge("casava_disk_bytes_per_second", "Whole disks together", rate, direction=way)
    if sample.network is not None:
        ways = (("received", sample.network.received), ("sent", sample.network.sent))
        for way, rate in ways:
            page.gauge("casava_network_bytes_per_second", "Interfaces that lead out", rate, direction=way)
    for resource, pressure in sorted(sample.pressure.items()):
        meaning = "Time of the last ten seconds in which some work stood still for want of it, 0 to 1"
        page.gauge("casava_pressure_ratio", meaning, _share(pressure.some), resource=resource)
    if sample.power is not None:
        page.gauge("casava_cpu_power_watts", "What the processor packages draw", sample.power.watts)


def _gpus(page: Page, sample: Sample) -> None:
    for one in sample.gpus:
        about = {"gpu": one.key, "vendor": one.vendor, "name": one.name}
        page.gauge(
            "casava_gpu_usage_ratio", "One graphics processor, 0 to 1", _share(one.use_percent), **about
        )
        page.gauge("casava_gpu_memory_used_bytes", "Of its memory, what is in use", one.memory_used, **about)
        page.gauge("casava_gpu_memory_size_bytes", "All of its memory", one.memory_total, **about)
        page.gauge("casava_gpu_temperature_celsius", "Of one graphics processor", one.temperature, **about)
        page.gauge("casava_gpu_power_watts", "What one graphics processor draws", one.watts, **about)


def _sandboxes(page: Page, sample: Sample) -> None:
    """By driver: a process's number is no label, for there is no end of them."""
    for driver in ("bubblewrap", "docker"):
        there = [one for one in sample.sandboxes if one.driver == driver]
        page.gauge("casava_sandboxes", "Sandboxes that run", len(there), driver=driver)
        memory = sum(one.memory or 0 for one in there)
        page.gauge(
            "casava_sandbox_memory_used_bytes", "All sandboxes of a driver together", memory, driver=driver
        )
        busy = sum(one.cpu_percent or 0 for one in there) / 100
        page.gauge(
            "casava_sandbox_busy_cores",
            "Processor time of all sandboxes of a driver, in cores",
            busy,
            driver=driver,
        )
