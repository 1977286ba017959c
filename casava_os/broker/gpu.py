"""Graphics processors. NVIDIA cards are asked through `nvidia-smi`, which comes with their driver; others through sysfs.

No card, no driver or a driver that does not answer is an empty table, never a row of zeros.
"""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

from casava_syscalls.base import AnyCall
from casava_syscalls.values import Cell, Table

COLUMNS = (
    "name",
    "memory_total",
    "memory_used",
    "use_percent",
    "temperature_celsius",
    "power_watts",
    "driver",
)
"""Memory in bytes."""

QUERY = "name,memory.total,memory.used,utilization.gpu,temperature.gpu,power.draw,driver_version"
_MEBIBYTE = 2**20


def gpus(call: AnyCall) -> Table:  # noqa: ARG001 - every performer takes its call
    """One row for each graphics processor."""
    rows = parse_nvidia_smi(_nvidia_smi())
    if not rows:
        rows = amd_cards(Path("/sys/class/drm"))
    return Table(columns=COLUMNS, rows=tuple(rows))


def _nvidia_smi() -> str:
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout if told.returncode == 0 else ""


def parse_nvidia_smi(text: str) -> list[tuple[Cell, ...]]:
    """Rows from nvidia-smi's CSV; what it does not know ("[N/A]", "[Not Supported]") is None."""
    rows: list[tuple[Cell, ...]] = []
    for fields in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(fields) != len(COLUMNS):
            continue
        name, total, used, use, temperature, power, driver = fields
        rows.append(
            (
                name,
                _bytes(total),
                _bytes(used),
                _number(use),
                _number(temperature),
                _number(power),
                driver or None,
            )
        )
    return rows


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _bytes(mebibytes: str) -> int | None:
    value = _number(mebibytes)
    return None if value is None else int(value * _MEBIBYTE)


def amd_cards(drm: Path) -> list[tuple[Cell, ...]]:
    """Rows from the amdgpu driver's files (kernel documentation, gpu/amdgpu/driver-misc)."""
    rows: list[tuple[Cell, ...]] = []
    for device in sorted(drm.glob("card[0-9]*/device")):
        total = _file(device / "mem_info_vram_total")
        if total is None:
            continue
        name = device / "product_name"
        product = name.read_text(encoding="utf-8").strip() if name.is_file() else ""
        used, busy = _file(device / "mem_info_vram_used"), _file(device / "gpu_busy_percent")
        heat = next((_file(path) for path in sorted(device.glob("hwmon/hwmon*/temp1_input"))), None)
        watts = next((_file(path) for path in sorted(device.glob("hwmon/hwmon*/power1_average"))), None)
        rows.append(
            (
                product or "AMD graphics",
                int(total),
                None if used is None else int(used),
                busy,
                None if heat is None else heat / 1000,
                None if watts is None else watts / 1_000_000,
                "amdgpu",
            )
        )
    return rows


def _file(path: Path) -> float | None:
    try:
        return _number(path.read_text(encoding="utf-8").strip())
    except OSError:
        return None
