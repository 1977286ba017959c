"""Histories, alarms, the pace of sampling, and the sampler as a whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from casava_os.meters import Alarms, History, Pace, Sample, Sampler, figures
from casava_os.meters.readings import CpuReading, DiskReading, GpuReading, MemoryReading, SandboxReading
from casava_os.settings import MetersSettings
from tests.meters.conftest import Lay
from tests.meters.nvml_fake import FakeNvml, loads

SETTINGS = MetersSettings(alarm_seconds=10, memory_percent=90)


def ram(at: float, percent: float | None) -> Sample:
    return Sample(at, memory=None if percent is None else MemoryReading(1000, int(percent * 10)))


# ---- history


def test_a_ring_keeps_the_newest_and_knows_gaps() -> None:
    history = History(3)
    for value in (1.0, 2.0, None, 4.0):
        history.add({"cpu": value})
    assert history.last("cpu", 10) == (2.0, None, 4.0)
    assert history.last("cpu", 1) == (4.0,)
    assert history.last("cpu", 0) == ()
    assert history.last("swap", 5) == ()


def test_a_figure_that_was_never_known_takes_no_room_and_a_gone_one_is_forgotten() -> None:
    history = History(2)
    history.add({"power": None, "sandbox.a.cpu": 5.0})
    assert history.last("power", 5) == ()
    for _ in range(2):
        history.add({})
    assert history.last("sandbox.a.cpu", 5) == ()


# ---- alarms


def test_a_peak_raises_no_alarm_and_staying_does() -> None:
    alarms = Alarms(SETTINGS)
    assert alarms.look(ram(0, 95)) == ()
    assert alarms.look(ram(9, 89)) == ()
    assert alarms.look(ram(10, 95)) == ()
    assert alarms.look(ram(19, 96)) == ()
    (alarm,) = alarms.look(ram(20, 97))
    assert alarm.sentence == "RAM: 97 %, alarm from 90 %"
    assert alarm.since == 10


def test_a_dip_ends_no_alarm_and_staying_below_does() -> None:
    alarms = Alarms(SETTINGS)
    alarms.look(ram(0, 95))
    assert alarms.look(ram(10, 95))
    assert alarms.look(ram(12, 80))
    assert alarms.look(ram(14, 95))
    assert alarms.look(ram(16, 80))
    assert alarms.look(ram(25, 80))
    assert alarms.look(ram(26, 80)) == ()
    assert alarms.look(ram(27, 95)) == (), "begins anew"


def test_what_is_not_known_any_more_alarms_nobody() -> None:
    alarms = Alarms(SETTINGS)
    alarms.look(ram(0, 95))
    assert alarms.look(ram(10, 95))
    assert alarms.look(ram(12, None)) == ()


def test_a_threshold_of_zero_is_no_alarm() -> None:
    busy = Sample(0, cpu=CpuReading(100.0))
    assert Alarms(MetersSettings(alarm_seconds=0)).look(busy) == ()
    assert Alarms(MetersSettings(alarm_seconds=0, cpu_percent=99)).look(busy)


def test_every_alarm_names_its_part() -> None:
    sample = Sample(
        0,
        cpu=CpuReading(50.0, temperature=99.0),
        disk=DiskReading(total=100, used=99, free=1),
        gpus=(
            GpuReading("a", "amd", "A", memory_used=99, memory_total=100),
            GpuReading("b", "nvidia", "B", temperature=90.0),
        ),
        sandboxes=(SandboxReading("x", "docker", 7, memory=95, memory_limit=100),),
    )
    told = {alarm.subject for alarm in Alarms(MetersSettings(alarm_seconds=0)).look(sample)}
    assert told == {"CPU temperature", "Disk", "GPU 0 memory", "GPU 1 temperature", "Memory of #7"}


# ---- pace


def test_dear_samples_are_taken_seldom_one_dear_sample_changes_nothing() -> None:
    pace = Pace(2.0)
    assert pace.pause(Sample(0, cost=0.5)) == 2.0
    assert pace.pause(Sample(2, cost=0.001)) == 2.0
    assert pace.pause(Sample(4, cost=0.05)) == 2.0
    assert pace.pause(Sample(6, cost=0.04)) == 4.0


# ---- the sampler


def test_a_whole_machine_is_one_sample(machine: Lay) -> None:
    root = machine("workstation")
    machine("groups-v2")
    clock = iter((10.0, 12.0))
    sampler = Sampler(root, root=root, clock=lambda: next(clock), nvml=loads(FakeNvml()))
    first = sampler.sample()
    machine("workstation-2s")
    machine("groups-v2-2s")
    second = sampler.sample()
    sampler.close()
    assert first.network is not None
    assert first.network.received is None
    values = figures(second)
    assert values["network.received"] == 12000
    assert values["memory"] == 25.0
    assert values["power"] == pytest.approx(20.0)
    assert values["gpu.0000:01:00.0.use"] == 71.0
    assert values["gpu.0000:07:00.0.memory"] is None, "xe does not tell how much is in use"
    assert values[f"sandbox.{second.sandboxes[1].key}.cpu"] == 150.0
    assert [gpu.vendor for gpu in second.gpus] == ["nvidia", "nvidia", "amd", "intel", "intel"]


def test_an_empty_machine_is_all_absent(tmp_path: Path) -> None:
    nvml = FakeNvml(init_error="NVML_ERROR_LIBRARY_NOT_FOUND")
    sampler = Sampler(tmp_path / "gone", root=tmp_path, clock=lambda: 5.0, nvml=loads(nvml))
    for _ in range(2):
        sample = sampler.sample()
        assert sample == Sample(5.0, cost=sample.cost)
        assert figures(sample) == {}


def test_this_machine_as_it_is() -> None:
    """The real files: what must be there on any Linux is, and shares are shares."""
    sampler = Sampler(Path.cwd())
    sampler.sample()
    time.sleep(0.3)
    sample = sampler.sample()
    sampler.close()
    assert sample.cpu is not None
    assert sample.cpu.use_percent is not None
    assert sample.cpu.cores
    assert sample.memory is not None
    assert 0 < sample.memory.used < sample.memory.total
    assert sample.own is not None
    assert sample.own.memory is not None
    assert 2**20 < sample.own.memory < sample.memory.total
    shares = [sample.cpu.use_percent, *sample.cpu.cores.values()]
    assert all(0 <= percent <= 100 for percent in shares)
    assert all(gpu.use_percent is None or 0 <= gpu.use_percent <= 100 for gpu in sample.gpus)
    assert 0 < sample.cost < 0.1
