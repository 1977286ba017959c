"""Records this machine's procfs and sysfs files that the meters read, as a tree for the tests.

Run `python tests/meters/record.py > tests/meters/machines/NAME.tree` and read what it wrote before you commit it: serial
numbers and MAC addresses are not among these files, names of network interfaces and disks are.
"""

from __future__ import annotations

import glob
import os

PATTERNS = (
    "proc/stat", "proc/loadavg", "proc/meminfo", "proc/diskstats", "proc/net/dev", "proc/pressure/*",
    "proc/self/statm", "proc/self/stat",
    "sys/class/powercap/*/name", "sys/class/powercap/*/energy_uj", "sys/class/powercap/*/max_energy_range_uj",
    "sys/class/hwmon/*/name", "sys/class/hwmon/*/temp1_input",
    "sys/class/drm/card?/device/uevent", "sys/class/drm/card?/device/power/runtime_status",
    "sys/class/drm/card?/device/gpu_busy_percent", "sys/class/drm/card?/device/mem_info_vram_*",
    "sys/class/drm/card?/device/product_name", "sys/class/drm/card?/device/hwmon/hwmon*/*",
    "sys/class/drm/card?/gt/gt?/rc6_residency_ms", "sys/class/drm/card?/device/tile?/physical_vram_size_bytes",
    "sys/class/drm/card?/device/tile?/gt?/gtidle/idle_residency_ms",
)  # fmt: skip
DEVICES = ("sys/block/*/device", "sys/class/net/*/device")


def main() -> None:
    """Prints the tree."""
    for pattern in PATTERNS:
        for path in sorted(glob.glob(f"/{pattern}")):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            if path == "/proc/stat":
                text = "".join(
                    line + "\n" for line in text.splitlines() if not line.startswith(("intr", "softirq"))
                )
            print(f"## {path[1:]}\n{text}", end="" if text.endswith("\n") else "\n")
    for pattern in DEVICES:
        for path in sorted(glob.glob(f"/{pattern}")):
            print(f"## {path[1:]}/uevent\n", end="")
            assert os.path.isdir(path)


if __name__ == "__main__":
    main()
