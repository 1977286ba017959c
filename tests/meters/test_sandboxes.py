"""What sandboxes use: control groups of both versions as files, and real sandboxes of both drivers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from casava_os.kernel.ports import Limits
from casava_os.meters.readings import SandboxReading
from casava_os.meters.sandboxes import SandboxMeter
from casava_sandbox.layer.store import DiskLayerStore
from casava_sandbox.select import choose
from casava_syscalls.results import Ok
from tests.meters.conftest import Lay

LAYERS = Path("/srv/ann/.local/state/casava-os/layers")
CONTAINER = "8ba6a94e3eda4679eb9a28b92fd8cc203552cdd0f14e7bea540c2047eda0812e"


@pytest.mark.parametrize("version", ["groups-v1", "groups-v2"])
def test_sandboxes_are_found_and_others_containers_are_not(machine: Lay, version: str) -> None:
    root = machine(version)
    meter = SandboxMeter(root / "proc", root / "sys/fs/cgroup", LAYERS)
    first = meter.read(10.0)
    assert [(one.pid, one.driver, one.cpu_percent) for one in first] == [
        (3, "bubblewrap", None),
        (7, "docker", None),
    ]
    machine(f"{version}-2s")
    wrapped, container = meter.read(12.0)
    assert container == SandboxReading(
        key=CONTAINER, driver="docker", pid=7, cpu_percent=150.0, memory=100000000, memory_limit=2147483648, tasks=3
    )  # fmt: skip
    assert (wrapped.memory, wrapped.memory_limit, wrapped.tasks) == (40000000, None, None)


def test_without_the_accounting_controller_the_processes_times_are_added_up(machine: Lay) -> None:
    root = machine("groups-v1")
    meter = SandboxMeter(root / "proc", root / "sys/fs/cgroup")
    meter.read(10.0)
    machine("groups-v1-2s")
    wrapped, _ = meter.read(12.0)
    assert wrapped.cpu_percent == pytest.approx(50.0)  # 100 ticks in two seconds


@pytest.mark.parametrize("other", ["/srv/casava/state/layers", "/srv/bob/.local/state/casava-os/layers"])
def test_another_installation_s_sandboxes_are_not_ours(machine: Lay, other: str) -> None:
    root = machine("groups-v2")
    assert SandboxMeter(root / "proc", root / "sys/fs/cgroup", Path(other)).read(1.0) == ()


@pytest.mark.parametrize("told", ["/@home/ann", "/vol/@home/ann", "/srv/ann", "/ann"])
def test_a_layer_on_another_file_system_or_in_a_subvolume_is_ours(machine: Lay, told: str) -> None:
    root = machine("groups-v2")
    mounts = root / "proc/501/mountinfo"
    mounts.write_text(mounts.read_text().replace(" /ann/", f" {told}/"))
    assert [one.pid for one in SandboxMeter(root / "proc", root / "sys/fs/cgroup", LAYERS).read(1.0)] == [
        3,
        7,
    ]


def test_a_container_that_has_no_mounts_yet_is_looked_at_again(machine: Lay) -> None:
    root = machine("groups-v2")
    mounts = root / "proc/501/mountinfo"
    late = mounts.read_text()
    mounts.write_text("")
    meter = SandboxMeter(root / "proc", root / "sys/fs/cgroup")
    assert [one.pid for one in meter.read(1.0)] == [3]
    mounts.write_text(late)
    assert [one.pid for one in meter.read(2.0)] == [3, 7]


def test_a_machine_without_control_groups_tells_of_no_sandbox(tmp_path: Path) -> None:
    assert SandboxMeter(tmp_path / "proc", tmp_path / "sys/fs/cgroup").read(1.0) == ()


@pytest.mark.parametrize("driver", ["docker", "bubblewrap"])
async def test_a_real_sandbox_is_seen_while_it_lives(tmp_path: Path, driver: str) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    state = tmp_path / "state"
    chosen = await choose(driver, cache=tmp_path / "cache", image=None, home=str(state), progress=print)
    assert isinstance(chosen, Ok), chosen
    layer = DiskLayerStore(state).create(4242, workspace)
    assert isinstance(layer, Ok), layer
    opened = await chosen.value.sandbox.open(layer.value.paths, Limits(memory_bytes=512 * 2**20))
    assert isinstance(opened, Ok), opened
    meter = SandboxMeter(Path("/proc"), Path("/sys/fs/cgroup"), state / "layers")
    try:
        meter.read(time.monotonic())
        spin = {"call": "process.run", "command": "timeout 2 sh -c 'while :; do :; done'"}
        running = asyncio.ensure_future(opened.value.perform(1, spin))
        await asyncio.sleep(1)
        (reading,) = meter.read(time.monotonic())
        assert (reading.pid, reading.driver) == (4242, driver)
        assert reading.memory_limit == 512 * 2**20
        assert reading.memory is not None
        assert 2**20 < reading.memory < 512 * 2**20
        assert reading.tasks is None or reading.tasks >= 2
        assert reading.cpu_percent is not None
        assert reading.cpu_percent > 5
        await running
    finally:
        await opened.value.close()
        await chosen.value.sandbox.close()
    assert meter.read(time.monotonic()) == ()
