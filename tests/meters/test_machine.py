"""Processors, memory, disks, network, pressure, power: read off whole machines, and absent where they are absent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os.meters.cpu import CpuMeter
from casava_os.meters.disk import DiskMeter
from casava_os.meters.memory import MemoryMeter, OwnMeter
from casava_os.meters.network import NetworkMeter
from casava_os.meters.power import PowerMeter
from casava_os.meters.pressure import PressureMeter
from casava_os.meters.readings import MemoryReading, PressureReading, SwapReading
from tests.meters.conftest import Lay

TICKS = os.sysconf("SC_CLK_TCK")


def test_each_core_s_share_is_of_the_time_since_the_last_sample(machine: Lay) -> None:
    root = machine("workstation")
    cpu = CpuMeter(root / "proc", root / "sys")
    first = cpu.read()
    assert first is not None
    assert first.use_percent is None
    assert first.cores == {}
    machine("workstation-2s")
    second = cpu.read()
    assert second is not None
    # 300 user + 100 system + 10 irq of 600 ticks; waiting for a disk (40) is no work.
    assert second.use_percent == pytest.approx(100 * 410 / 600)
    # Core 2 is offline.
    assert second.cores == {0: 100.0, 1: pytest.approx(100 * 70 / 200), 3: pytest.approx(50.0)}
    assert second.load == 1.25
    assert second.temperature == 61.25


def test_a_machine_that_tells_nothing_of_its_processors_has_none(tmp_path: Path) -> None:
    assert CpuMeter(tmp_path / "proc", tmp_path / "sys").read() is None


def test_two_samples_in_one_tick_tell_no_share(machine: Lay) -> None:
    root = machine("workstation")
    cpu = CpuMeter(root / "proc", root / "sys")
    cpu.read()
    again = cpu.read()
    assert again is not None
    assert again.use_percent is None
    assert again.cores == {}


def test_ram_and_swap_are_in_bytes(machine: Lay) -> None:
    ram, swap = MemoryMeter(machine("workstation") / "proc").read()
    assert ram == MemoryReading(total=32768000 * 1024, used=8192000 * 1024)
    assert swap == SwapReading(total=8192000 * 1024, used=2048000 * 1024)


def test_a_machine_without_swap_has_no_swap(machine: Lay, tmp_path: Path) -> None:
    ram, swap = MemoryMeter(machine("laptop") / "proc").read()
    assert ram is not None
    assert ram.used == 8192000 * 1024
    assert swap is None
    assert MemoryMeter(tmp_path / "nowhere").read() == (None, None)


def test_this_program_s_own_share_survives_a_name_with_parentheses(machine: Lay) -> None:
    root = machine("workstation")
    own = OwnMeter(root / "proc")
    first = own.read(10.0)
    assert first is not None
    assert first.memory == 25000 * os.sysconf("SC_PAGE_SIZE")
    assert first.cpu_percent is None
    machine("workstation-2s")
    second = own.read(12.0)
    assert second is not None
    assert second.cpu_percent == pytest.approx(100 * 20 / TICKS / 2)


def test_traffic_of_whole_disks_is_counted_once(machine: Lay, tmp_path: Path) -> None:
    root = machine("workstation")
    disk = DiskMeter(root / "proc", root / "sys", root)
    first = disk.read(10.0)
    assert first is not None
    assert (first.read, first.written) == (None, None)
    machine("workstation-2s")
    second = disk.read(12.0)
    assert second is not None
    assert (second.read, second.written) == (4000 * 512 / 2, 2000 * 512 / 2)
    space = os.statvfs(root)
    assert second.total == space.f_blocks * space.f_frsize
    assert second.full_percent is not None
    assert 0 < second.full_percent <= 100


def test_no_disk_and_no_place_is_no_reading(tmp_path: Path) -> None:
    disk = DiskMeter(tmp_path / "proc", tmp_path / "sys", tmp_path / "gone")
    assert disk.read(1.0) is None


def test_traffic_that_passes_a_tunnel_is_counted_once(machine: Lay) -> None:
    root = machine("workstation")
    network = NetworkMeter(root / "proc", root / "sys")
    network.read(10.0)
    machine("workstation-2s")
    reading = network.read(12.0)
    assert reading is not None
    assert (reading.received, reading.sent) == (12000, 2000)


def test_a_machine_with_a_loopback_only_has_no_network(machine: Lay) -> None:
    root = machine("laptop")
    assert NetworkMeter(root / "proc", root / "sys").read(1.0) is None


def test_inside_a_container_every_interface_but_the_loopback_counts(machine: Lay) -> None:
    root = machine("workstation")
    (root / "sys/class/net/enp5s0/device/uevent").unlink()
    (root / "sys/class/net/enp5s0/device").rmdir()
    network = NetworkMeter(root / "proc", root / "sys")
    network.read(10.0)
    machine("workstation-2s")
    reading = network.read(12.0)
    assert reading is not None
    assert reading.received == (24000 + 200000 + 200000) / 2


def test_a_counter_that_fell_says_nothing_this_time(machine: Lay) -> None:
    root = machine("workstation-2s")
    network = NetworkMeter(root / "proc", root / "sys")
    network.read(10.0)
    machine("workstation")
    reading = network.read(12.0)
    assert reading is not None
    assert reading.received is None


def test_pressure_is_told_by_resource(machine: Lay, tmp_path: Path) -> None:
    found = PressureMeter(machine("workstation") / "proc").read()
    assert found == {"cpu": PressureReading(3.5), "memory": PressureReading(1.25, 0.75)}
    assert PressureMeter(tmp_path / "nowhere").read() == {}


def test_power_is_that_of_the_packages_also_when_a_counter_goes_round(machine: Lay) -> None:
    root = machine("workstation")
    power = PowerMeter(root / "sys")
    first = power.read(10.0)
    assert first is not None
    assert first.watts is None
    machine("workstation-2s")
    second = power.read(12.0)
    assert second is not None
    # package-0: 28,850 µJ to the end of its range, then 29,971,150; package-1: 10,000,000.
    assert second.watts == pytest.approx(40.0 / 2)


def test_counters_that_only_root_may_read_are_said_to_be_forbidden(
    machine: Lay, unreadable: Callable[[str], None]
) -> None:
    root = machine("workstation")
    unreadable("intel-rapl:1/energy_uj")
    power = PowerMeter(root / "sys")
    power.read(10.0)
    machine("workstation-2s")
    reading = power.read(12.0)
    assert reading is not None
    assert reading.forbidden
    assert reading.watts is None


def test_a_machine_without_rapl_has_no_power(tmp_path: Path) -> None:
    assert PowerMeter(tmp_path).read(1.0) is None


def test_a_recorded_virtual_machine_reads_as_it_was(machine: Lay) -> None:
    root = machine("vm")
    cpu = CpuMeter(root / "proc", root / "sys").read()
    assert cpu is not None
    assert cpu.temperature is None
    ram, swap = MemoryMeter(root / "proc").read()
    assert ram is not None
    assert ram.total == 24684096 * 1024
    assert swap is None
    assert set(PressureMeter(root / "proc").read()) == {"cpu", "memory", "io"}
    assert PowerMeter(root / "sys").read(1.0) is None
    assert NetworkMeter(root / "proc", root / "sys").read(1.0) is not None


@pytest.mark.parametrize(
    "nonsense", ["", "\0\xff", "cpu", "cpu a b c d\ncpu0", "MemTotal: many kB\nSwapTotal:"]
)
def test_files_full_of_nonsense_are_absent_values(tmp_path: Path, nonsense: str) -> None:
    for name in (
        "stat",
        "loadavg",
        "meminfo",
        "diskstats",
        "net/dev",
        "pressure/cpu",
        "self/stat",
        "self/statm",
    ):
        path = tmp_path / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nonsense)
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    cpu = CpuMeter(proc, sys).read()
    assert cpu is not None
    assert (cpu.use_percent, cpu.load) == (None, None)
    assert MemoryMeter(proc).read() == (None, None)
    assert OwnMeter(proc).read(1.0) is None
    assert NetworkMeter(proc, sys).read(1.0) is None
    assert PressureMeter(proc).read() == {}
    assert DiskMeter(proc, sys, tmp_path / "gone").read(1.0) is None
