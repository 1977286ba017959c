"""What sampling the machine costs, against its promise: less than 1 % of a core; and what painting the panel adds.

Run: `python -m bench.meters`. Processor time, not wall time, so that others who use the machine disturb little. The big
machine is made of files: 128 cores, 24 disks, 12 interfaces, 8 cards of each of amdgpu and xe, 20 sandboxes.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from casava_os.meters import Sample, Sampler
from casava_os.settings import MetersSettings

ROUNDS = 200


def measure() -> dict[str, float]:
    """Milliseconds of processor time for one sample (median, 95th percentile), and per cent of a core at the default pace."""
    pause = MetersSettings().refresh_seconds
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        big = Path(folder)
        furnish(big)
        for name, sampler in (("this machine", Sampler(Path.cwd())), ("a big one", Sampler(big, root=big))):
            began = time.thread_time()
            sampler.sample()
            figures[f"{name}: first sample, ms"] = 1e3 * (time.thread_time() - began)
            costs = []
            for _ in range(ROUNDS):
                began = time.thread_time()
                sampler.sample()
                costs.append(time.thread_time() - began)
            sampler.close()
            costs.sort()
            figures[f"{name}: one sample, ms"] = 1e3 * statistics.median(costs)
            figures[f"{name}: 95th percentile, ms"] = 1e3 * costs[int(0.95 * ROUNDS)]
            figures[f"{name}: % of a core"] = 100 * statistics.mean(costs) / pause
        for name, place, root in (("this machine", Path.cwd(), Path("/")), ("a big one", big, big)):
            painted = asyncio.run(painting(Sampler(place, root=root)))
            figures[f"{name}: painting it, ms"] = 1e3 * painted
            figures[f"{name}: painting, % of a core"] = 100 * painted / pause
    return figures


async def painting(sampler: Sampler) -> float:
    """Processor seconds of this program for each sample that the panel shows, 44 cells of a screen of 200 by 60."""
    from textual.app import App, ComposeResult

    from casava_os.shell.widgets import resources
    from casava_os.shell.widgets.resources import ResourcePanel

    class Still:
        """The samples are taken before."""

        def sample(self) -> Sample:
            raise NotImplementedError

        def close(self) -> None:
            sampler.close()

    class Screen(App[None]):
        CSS = "ResourcePanel { dock: right; width: 44; }"

        def compose(self) -> ComposeResult:
            yield ResourcePanel(Still(), MetersSettings())

    app = Screen()
    resources.FIRST_AFTER = 3600.0
    samples = [sampler.sample() for _ in range(ROUNDS)]
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.pause(1)
        panel = app.query_one(ResourcePanel)
        costs = []
        for sample in [None] * ROUNDS + samples:
            began = time.process_time()
            if sample is not None:
                panel.post_message(ResourcePanel.Sampled(sample))
            await pilot.pause()
            costs.append(time.process_time() - began)
        return statistics.mean(costs[ROUNDS:]) - statistics.mean(costs[:ROUNDS])


def furnish(root: Path) -> None:
    """A machine with much of everything, as files."""
    files = {
        "proc/stat": "\n".join(
            f"cpu{n} 1 2 3 4 5 6 7 8 0 0".replace("cpu-1", "cpu ") for n in range(-1, 128)
        ),
        "proc/meminfo": "\n".join(
            f"{name}: 1000 kB"
            for name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree", *map(str, range(50)))
        ),
        "proc/diskstats": "\n".join(f"8 {n} nvme{n}n1 1 2 3 4 5 6 7 8 9 10 11" for n in range(24)),
        "proc/net/dev": "a\nb\n" + "\n".join(f"eth{n}: " + "1 " * 16 for n in range(12)),
        "proc/self/cgroup": "0::/\n",
        "proc/self/statm": "1 2 3",
        "proc/self/stat": "1 (x) S " + "1 " * 40,
        "sys/fs/cgroup/cgroup.controllers": "memory",
    }
    for resource in ("cpu", "memory", "io"):
        files[f"proc/pressure/{resource}"] = (
            "some avg10=1.0 avg60=0 avg300=0 total=1\nfull avg10=0.1 avg60=0 total=1"
        )
    for n in range(24):
        files[f"sys/block/nvme{n}n1/device/x"] = ""
    for n in range(12):
        files[f"sys/class/net/eth{n}/device/x"] = ""
    for n in range(16):
        device, driver = f"sys/class/drm/card{n}/device", "amdgpu" if n % 2 else "xe"
        files |= {
            f"{device}/uevent": f"DRIVER={driver}\nPCI_SLOT_NAME=0000:{n:02x}:00.0\n",
            f"{device}/power/runtime_status": "active",
            f"{device}/gpu_busy_percent": "7",
            f"{device}/mem_info_vram_used": "7",
            f"{device}/mem_info_vram_total": "70",
            f"{device}/tile0/gt0/gtidle/idle_residency_ms": "7",
            f"{device}/hwmon/hwmon{n}/name": driver,
            f"{device}/hwmon/hwmon{n}/temp1_input": "7000",
            f"{device}/hwmon/hwmon{n}/power1_average": "7000",
            f"{device}/hwmon/hwmon{n}/energy1_input": "7000",
        }
    for n in range(20):
        group = f"sys/fs/cgroup/docker/{n:064x}"
        files |= {
            f"{group}/cgroup.procs": f"{1000 + n}\n",
            f"{group}/memory.current": "1000000",
            f"{group}/memory.max": "2000000",
            f"{group}/memory.stat": "\n".join(f"key{k} 1" for k in range(40)) + "\ninactive_file 10",
            f"{group}/cpu.stat": "usage_usec 100",
            f"{group}/pids.current": "3",
            f"proc/{1000 + n}/mountinfo": f"1 1 8:1 /s/layers/{n}/scratch /casava/scratch rw - ext4 x rw",
        }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + "\n")


def main() -> int:
    """Prints the figures; 1 when the promise is broken."""
    figures = measure()
    for name, value in figures.items():
        print(f"{name:38} {value:8.3f}")
    return int(any(value >= 1 for name, value in figures.items() if name.endswith(": % of a core")))


if __name__ == "__main__":
    sys.exit(main())
