"""Facts of the host: told for this machine, absent where it has none, secrets masked."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil
import pytest

from casava_os.broker import HostBroker
from casava_os.broker.gpu import amd_cards, parse_nvidia_smi
from casava_os.broker.host import PERFORMERS
from casava_os.broker.people import MASK, masked
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok
from casava_syscalls.values import Cell, Facts, Table, Value


async def told(call: str, **fields: object) -> Value:
    result = await HostBroker().perform({"call": call, **fields}, seconds=30)
    assert isinstance(result, Ok), result
    return result.value


async def facts(call: str, **fields: object) -> dict[str, Cell]:
    value = await told(call, **fields)
    assert isinstance(value, Facts)
    return value.items


async def table(call: str, **fields: object) -> list[dict[str, Cell]]:
    value = await told(call, **fields)
    assert isinstance(value, Table)
    return [dict(zip(value.columns, row, strict=True)) for row in value.rows]


def test_every_system_syscall_is_performed() -> None:
    declared = {
        name for name, syscall in SYSCALLS.items() if syscall.family() == "system" and syscall.available
    }
    assert set(PERFORMERS) == declared == HostBroker().performs()


@pytest.mark.parametrize("name", sorted(PERFORMERS))
async def test_the_result_is_of_the_declared_type(name: str) -> None:
    assert type(await told(name)) is SYSCALLS[name].result_type()


async def test_host_and_kernel_are_those_of_this_machine() -> None:
    host, kernel = await facts("system.host"), await facts("system.kernel")
    assert (host["name"], host["architecture"]) == (platform.node(), platform.machine())
    assert (kernel["name"], kernel["release"]) == (os.uname().sysname, os.uname().release)


async def test_cpu_and_memory_agree_with_the_machine() -> None:
    cpu, memory = await facts("system.cpu"), await facts("system.memory")
    assert cpu["threads"] == os.cpu_count()
    assert isinstance(cpu["use_percent"], float)
    assert 0 <= cpu["use_percent"] <= 100
    assert memory["total"] == psutil.virtual_memory().total
    swap = psutil.swap_memory().total
    assert memory["swap_total"] == (swap or None)


async def test_disks_have_the_root_first_and_each_device_once() -> None:
    disks = await table("system.disk")
    assert disks[0]["mount"] == "/"
    assert disks[0]["total"] == psutil.disk_usage("/").total
    devices = [disk["device"] for disk in disks]
    assert len(devices) == len(set(devices))


async def test_uptime_is_in_seconds_and_in_words() -> None:
    uptime = await facts("system.uptime")
    assert isinstance(uptime["seconds"], int)
    assert uptime["seconds"] >= 0
    assert isinstance(uptime["text"], str)
    assert uptime["text"]


async def test_processes_are_sorted_filtered_and_limited() -> None:
    by_memory = await table("system.processes", sort="memory", limit=5)
    sizes = [row["memory"] for row in by_memory if isinstance(row["memory"], int)]
    assert len(by_memory) <= 5
    assert sizes == sorted(sizes, reverse=True)
    mine = await table("system.processes", name_contains=psutil.Process().name(), sort="pid", limit=1000)
    assert os.getpid() in [row["pid"] for row in mine]
    assert await table("system.processes", name_contains="no program has this name 7f3a") == []


async def test_the_current_user_is_always_told() -> None:
    import pwd

    current = [row["user"] for row in await table("system.users") if row["current"]]
    assert pwd.getpwuid(os.getuid()).pw_name in current


async def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hunter2")
    monkeypatch.setenv("PLAIN", "visible")
    shown = await facts("system.environment")
    assert shown["MY_API_KEY"] == MASK
    assert shown["PLAIN"] == "visible"
    assert "hunter2" not in shown.values()
    assert await facts("system.environment", name="MY_API_KEY") == {"MY_API_KEY": MASK}
    assert await facts("system.environment", name="NOT_SET_ANYWHERE") == {"NOT_SET_ANYWHERE": None}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("GITHUB_TOKEN", "x", MASK),
        ("DB_PASSWORD", "x", MASK),
        ("AWS_SECRET_ACCESS_KEY", "x", MASK),
        ("SSH_AUTH_SOCK", "/run/agent", "/run/agent"),
        ("KEYBOARD", "de", "de"),
        ("DATABASE_URL", "postgres://ann:hunter2@db/x", f"postgres://ann:{MASK}@db/x"),
        ("HOME", "/home/ann", "/home/ann"),
    ],
)
def test_which_values_are_secrets(name: str, value: str, shown: str) -> None:
    assert masked(name, value) == shown


async def test_time_is_consistent() -> None:
    clock = await facts("system.time")
    assert f"{clock['date']}T{clock['time']}" == str(clock["iso"])[:19]


async def test_what_the_broker_does_not_perform_is_an_error() -> None:
    broker = HostBroker()
    found = [await broker.perform(call) for call in ({"call": "file.find"}, {"call": "nothing"}, {})]
    assert [err.code for err in found if isinstance(err, Err)] == ["unavailable", "usage", "usage"]


def test_nvidia_cards_are_read_and_unknown_values_are_absent() -> None:
    text = "NVIDIA H100, 81559, 1024, 37, 41, 118.23, 550.54\nTesla T4, 15360, [N/A], [Not Supported], 33, [N/A], 550.54\n"
    assert parse_nvidia_smi(text) == [
        ("NVIDIA H100", 81559 * 2**20, 1024 * 2**20, 37.0, 41.0, 118.23, "550.54"),
        ("Tesla T4", 15360 * 2**20, None, None, 33.0, None, "550.54"),
    ]
    assert parse_nvidia_smi("No devices were found\n") == []


def test_amd_cards_are_read_from_the_drivers_files(tmp_path: Path) -> None:
    device = tmp_path / "card0" / "device"
    (device / "hwmon/hwmon2").mkdir(parents=True)
    for name, text in {"mem_info_vram_total": "8573157376", "mem_info_vram_used": "1048576", "gpu_busy_percent": "7",
                       "hwmon/hwmon2/temp1_input": "45000"}.items():  # fmt: skip
        (device / name).write_text(text + "\n")
    (tmp_path / "card1" / "device").mkdir(parents=True)
    assert amd_cards(tmp_path) == [("AMD graphics", 8573157376, 1048576, 7.0, 45.0, None, "amdgpu")]
