"""Graphics processors: NVIDIA's by recorded answers and by the real library, AMD's and Intel's by their sysfs files."""

from __future__ import annotations

from pathlib import Path

import pynvml
import pytest

from casava_os.meters.gpus import GpuMeter
from casava_os.meters.nvidia import RETRY_SECONDS, NvidiaMeter, load_nvml
from casava_os.meters.readings import GpuReading
from tests.meters.conftest import Lay
from tests.meters.nvml_fake import FakeNvml, loads, recorded

NONE = FakeNvml(init_error="NVML_ERROR_LIBRARY_NOT_FOUND")


def by_key(readings: tuple[GpuReading, ...]) -> dict[str, GpuReading]:
    return {reading.key: reading for reading in readings}


# ---- NVIDIA


def test_nvidia_cards_read_as_nvml_answers(machine: Lay) -> None:
    nvidia = NvidiaMeter(str(machine("nvidia") / "sys"), loads(FakeNvml()))
    assert nvidia.read(0.0) == [
        GpuReading(
            key="0000:01:00.0", vendor="nvidia", name="NVIDIA H100 80GB HBM3", use_percent=71.0,
            memory_used=43486543872, memory_total=85520809984, own_memory=1288490188, temperature=61.0, watts=302.417, watts_limit=700.0,
        ),
        GpuReading(
            key="0000:41:00.0", vendor="nvidia", name="NVIDIA GeForce GT 1030", use_percent=3.0,
            memory_used=301989888, memory_total=2147483648, temperature=44.0, watts=None, watts_limit=None,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["name", "busId", "utilization", "memory", "temperature", "power", "limit", "processes"]
)
@pytest.mark.parametrize(
    "error", ["NVML_ERROR_NOT_SUPPORTED", "NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_UNKNOWN"]
)
def test_what_a_card_does_not_answer_is_absent_and_the_rest_stays(
    machine: Lay, name: str, error: str
) -> None:
    (card,) = recorded()[:1]
    nvidia = NvidiaMeter(str(machine("nvidia") / "sys"), loads(FakeNvml([{**card, name: error}])))
    (reading,) = nvidia.read(0.0)
    whole = NvidiaMeter("", loads(FakeNvml([card]))).read(0.0)[0]
    lost = {
        "utilization": {"use_percent"},
        "memory": {"memory_used", "memory_total"},
        "power": {"watts"},
        "limit": {"watts_limit"},
        "busId": {"key"},
        "processes": {"own_memory"},
    }
    for field in GpuReading.__slots__:
        if field not in lost.get(name, {name}):
            assert getattr(reading, field) == getattr(whole, field), field
        elif field not in ("key", "name"):
            assert getattr(reading, field) is None, field


def test_a_lost_card_does_not_hide_its_neighbours(machine: Lay) -> None:
    first, second = recorded()
    nvidia = NvidiaMeter(str(machine("nvidia") / "sys"), loads(FakeNvml([{**first, "lost": True}, second])))
    assert [reading.name for reading in nvidia.read(0.0)] == ["NVIDIA GeForce GT 1030"]


@pytest.mark.parametrize(
    "error",
    ["NVML_ERROR_LIBRARY_NOT_FOUND", "NVML_ERROR_DRIVER_NOT_LOADED", "NVML_ERROR_LIB_RM_VERSION_MISMATCH"],
)
def test_without_a_driver_there_are_no_cards_until_one_is_loaded(machine: Lay, error: str) -> None:
    nvml = FakeNvml(init_error=error)
    nvidia = NvidiaMeter(str(machine("vm") / "sys"), loads(nvml))
    assert nvidia.read(0.0) == []
    assert nvidia.read(RETRY_SECONDS / 2) == []
    assert nvml.calls == ["init"]
    nvml.init_error = None
    assert len(nvidia.read(RETRY_SECONDS)) == 2


def test_a_sleeping_card_is_not_asked(machine: Lay) -> None:
    root = machine("nvidia")
    nvml = FakeNvml()
    nvidia = NvidiaMeter(str(root / "sys"), loads(nvml))
    nvidia.read(0.0)
    asked = len(nvml.calls)
    for address in ("0000:01:00.0", "0000:41:00.0"):
        (root / f"sys/bus/pci/devices/{address}/power/runtime_status").write_text("suspended\n")
    assert [(reading.asleep, reading.memory_used) for reading in nvidia.read(2.0)] == [(True, None)] * 2
    assert len(nvml.calls) == asked


def test_when_all_cards_sleep_the_library_is_not_even_opened(machine: Lay) -> None:
    root = machine("nvidia")
    for address in ("0000:01:00.0", "0000:41:00.0"):
        (root / f"sys/bus/pci/devices/{address}/power/runtime_status").write_text("suspended\n")
    nvml = FakeNvml()
    nvidia = NvidiaMeter(str(root / "sys"), loads(nvml))
    assert [reading.key for reading in nvidia.read(0.0)] == ["0000:01:00.0", "0000:41:00.0"]
    assert nvml.calls == []
    (root / "sys/bus/pci/devices/0000:41:00.0/power/runtime_status").write_text("active\n")
    assert nvidia.read(2.0)[1].name == "NVIDIA GeForce GT 1030"


def test_the_library_is_let_go_once(machine: Lay) -> None:
    nvml = FakeNvml()
    nvidia = NvidiaMeter(str(machine("nvidia") / "sys"), loads(nvml))
    nvidia.read(0.0)
    nvidia.close()
    nvidia.close()
    assert nvml.calls.count("shutdown") == 1


def test_the_real_library_tells_what_is_here_or_that_nothing_is(tmp_path: Path) -> None:
    """On a machine without NVIDIA's driver the real library raises, which reads as absent; with one there are real cards."""
    nvidia = NvidiaMeter(str(tmp_path), load_nvml)
    readings = nvidia.read(0.0)
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        assert readings == []
    else:
        assert len(readings) == pynvml.nvmlDeviceGetCount()
        pynvml.nvmlShutdown()
    nvidia.close()


# ---- AMD and Intel


def test_an_amd_card_reads_as_its_files_say(machine: Lay) -> None:
    root = machine("workstation")
    reading = by_key(GpuMeter(root, loads(NONE)).read(0.0))["0000:03:00.0"]
    assert reading == GpuReading(
        key="0000:03:00.0", vendor="amd", name="AMD Radeon RX 7900 XTX", use_percent=37.0,
        memory_used=1288490188, memory_total=25753026560, temperature=54.0, watts=96.0, watts_limit=303.0,
    )  # fmt: skip


def test_intel_cards_are_as_busy_as_their_busiest_part(machine: Lay) -> None:
    root = machine("workstation")
    gpus = GpuMeter(root, loads(NONE))
    first = by_key(gpus.read(10.0))
    assert first["0000:00:02.0"].use_percent is None
    machine("workstation-2s")
    second = by_key(gpus.read(12.0))
    # i915: graphics rested 1,500 of 2,000 ms, media all of them. It lives in RAM, and has no sensors.
    assert second["0000:00:02.0"] == GpuReading("0000:00:02.0", "intel", "Intel 8086:A780", use_percent=25.0)
    # xe: graphics rested 200 of 2,000 ms; media "2,003", for the clocks differ a little.
    assert second["0000:07:00.0"] == GpuReading(
        key="0000:07:00.0", vendor="intel", name="Intel 8086:E20B", use_percent=90.0, memory_total=12884901888,
        temperature=47.0, watts=120.0, watts_limit=190.0,
    )  # fmt: skip


def test_what_an_integrated_card_does_not_tell_is_absent(machine: Lay) -> None:
    root = machine("laptop")
    cards = by_key(GpuMeter(root, loads(NONE)).read(0.0))
    assert cards["0000:64:00.0"] == GpuReading(
        "0000:64:00.0", "amd", "AMD 1002:1681", memory_total=536870912, watts=7.012
    )
    assert "0000:01:00.0" not in cards, "nouveau tells nothing"


def test_a_suspended_card_is_not_woken(machine: Lay) -> None:
    root = machine("laptop")
    cards = by_key(GpuMeter(root, loads(NONE)).read(0.0))
    assert cards["0000:03:00.0"] == GpuReading("0000:03:00.0", "amd", "AMD 1002:73EF", asleep=True)


def test_old_kernels_count_rest_elsewhere_and_others_sensors_are_not_taken(machine: Lay) -> None:
    root = machine("laptop")
    gpus = GpuMeter(root, loads(NONE))
    gpus.read(10.0)
    (root / "sys/class/drm/card3/power/rc6_residency_ms").write_text("6000\n")
    (root / "sys/class/drm/card3/device/hwmon/hwmon4/energy1_input").write_text("5000005\n")
    reading = by_key(gpus.read(12.0))["0000:00:02.0"]
    assert reading.use_percent == 50.0
    assert reading.watts is None, "i915_gt0 is a part, not the card"


def test_an_intel_card_that_slept_begins_anew(machine: Lay) -> None:
    root = machine("workstation")
    gpus = GpuMeter(root, loads(NONE))
    status = root / "sys/class/drm/card2/device/power/runtime_status"
    gpus.read(10.0)
    status.write_text("suspended\n")
    assert by_key(gpus.read(12.0))["0000:07:00.0"].asleep
    status.write_text("active\n")
    machine("workstation-2s")
    awake = by_key(gpus.read(14.0))["0000:07:00.0"]
    assert (awake.use_percent, awake.watts) == (None, None)


def test_a_card_that_is_plugged_in_appears(machine: Lay, tmp_path: Path) -> None:
    gpus = GpuMeter(tmp_path, loads(NONE))
    assert gpus.read(0.0) == ()
    machine("laptop")
    assert len(gpus.read(2.0)) == 3


IDS = """# the list of PCI names
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t1681  Rembrandt [Radeon 680M]
\t\t1002 0001  Some board
\t73ef  Navi 23 [Radeon RX 6650 XT / 6700S / 6800S]
10de  NVIDIA Corporation
\t1681  Not an AMD card
8086  Intel Corporation
\t3ea0  WhiskeyLake-U GT2 [UHD Graphics 620]
\ta780  Raptor Lake-S GT1
"""


@pytest.mark.parametrize("place", ["hwdata", "misc"])
def test_a_card_is_called_what_is_written_on_its_box(machine: Lay, place: str) -> None:
    root = machine("laptop")
    ids = root / f"usr/share/{place}/pci.ids"
    ids.parent.mkdir(parents=True)
    ids.write_text(IDS)
    names = {key: card.name for key, card in by_key(GpuMeter(root, loads(NONE)).read(0.0)).items()}
    assert names == {
        "0000:64:00.0": "AMD Radeon 680M",
        "0000:03:00.0": "AMD Radeon RX 6650 XT / 6700S / 6800S",
        "0000:00:02.0": "Intel UHD Graphics 620",
    }
