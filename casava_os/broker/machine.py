"""Facts of the machine: host, kernel, CPU, memory, disks, uptime, processes. Sources: psutil, uname(2), /etc/os-release.

What the host does not have is None; sizes are in bytes, times in seconds.
"""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from casava_syscalls.base import AnyCall
from casava_syscalls.names import path_text
from casava_syscalls.system import Processes
from casava_syscalls.values import Cell, Facts, Table

SAMPLE_SECONDS = 0.1
"""How long CPU use is measured."""

_CONTAINER_MARKS = (("/.dockerenv", "docker"), ("/run/.containerenv", "podman"))


def host(call: AnyCall) -> Facts:  # noqa: ARG001 - every performer takes its call
    """Name, distribution, architecture, virtualisation."""
    release: dict[str, str] = {}
    with suppress(OSError):
        release = platform.freedesktop_os_release()
    return Facts(
        items={
            "name": platform.node() or None,
            "distribution": release.get("PRETTY_NAME"),
            "distribution_id": release.get("ID"),
            "distribution_version": release.get("VERSION_ID"),
            "architecture": platform.machine() or None,
            "vendor": _line("/sys/class/dmi/id/sys_vendor"),
            "product": _line("/sys/class/dmi/id/product_name"),
            "virtualisation": _virtualisation(),
            "container": _container(),
        }
    )


def _line(path: str) -> str | None:
    """The first line of a file, None when there is none."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            return file.readline().strip() or None
    except OSError:
        return None


def _virtualisation() -> str | None:
    """The hypervisor, as far as the machine tells: its type, or "yes" when only the CPU flag is there."""
    if kind := _line("/sys/hypervisor/type"):
        return kind
    vendor = f"{_line('/sys/class/dmi/id/sys_vendor')} {_line('/sys/class/dmi/id/product_name')}".lower()
    known = {"qemu": "kvm", "kvm": "kvm", "vmware": "vmware", "virtualbox": "virtualbox", "xen": "xen",
             "microsoft corporation virtual": "hyper-v", "amazon ec2": "amazon", "google": "google"}  # fmt: skip
    for mark, name in known.items():
        if mark in vendor:
            return name
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
        if any(line.startswith("flags") and " hypervisor" in line for line in file):
            return "yes"
    return None


def _container() -> str | None:
    for mark, name in _CONTAINER_MARKS:
        if Path(mark).exists():
            return name
    return os.environ.get("container") or None  # noqa: SIM112 - systemd writes it in lower case


def kernel(call: AnyCall) -> Facts:  # noqa: ARG001
    """Name, release and version of the operating system's kernel."""
    told = os.uname()
    return Facts(
        items={
            "name": told.sysname,
            "release": told.release,
            "version": told.version,
            "architecture": told.machine,
        }
    )


def cpu(call: AnyCall) -> Facts:  # noqa: ARG001
    """Model, cores, frequency (MHz), load averages (1, 5, 15 minutes) and use (per cent, over a tenth of a second)."""
    import psutil

    frequency = None
    with suppress(OSError, NotImplementedError):
        frequency = psutil.cpu_freq()
    temperature = _cpu_temperature()
    load = os.getloadavg()
    return Facts(
        items={
            "model": _cpu_model(),
            "cores": psutil.cpu_count(logical=False),
            "threads": psutil.cpu_count(logical=True),
            "usable_threads": len(os.sched_getaffinity(0)),
            "frequency_mhz": round(frequency.current, 1) if frequency and frequency.current else None,
            "max_frequency_mhz": round(frequency.max, 1) if frequency and frequency.max else None,
            "use_percent": psutil.cpu_percent(interval=SAMPLE_SECONDS),
            "load_1": round(load[0], 2),
            "load_5": round(load[1], 2),
            "load_15": round(load[2], 2),
            "temperature_celsius": temperature,
        }
    )


def _cpu_model() -> str | None:
    names = ("model name", "Model", "Hardware", "cpu model")
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() in names and value.strip():
                return value.strip()
    return platform.processor() or None


def _cpu_temperature() -> float | None:
    import psutil

    with suppress(OSError, AttributeError):
        for chip, sensors in psutil.sensors_temperatures().items():
            if chip in ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz") and sensors:
                return sensors[0].current
    return None


def memory(call: AnyCall) -> Facts:  # noqa: ARG001
    """RAM and swap in bytes; a host without swap has None there. Inside a container, `limit` is what its cgroup allows."""
    import psutil

    ram, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Facts(
        items={
            "total": ram.total,
            "used": ram.used,
            "available": ram.available,
            "free": ram.free,
            "use_percent": ram.percent,
            "swap_total": swap.total or None,
            "swap_used": swap.used if swap.total else None,
            "limit": _memory_limit(ram.total),
        }
    )


def _memory_limit(total: int) -> int | None:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _line(path)
        if text and text.isdecimal() and int(text) < total:
            return int(text)
    return None


_NOT_STORED = frozenset({"squashfs", "iso9660", "tmpfs", "devtmpfs"})


def disk(call: AnyCall) -> Table:  # noqa: ARG001
    """Mounted file systems that are stored somewhere, each device once, the root's first; sizes in bytes."""
    import psutil

    rows: list[tuple[Cell, ...]] = []
    seen: set[str] = set()
    stored = psutil.disk_partitions(all=False)
    if not any(part.mountpoint == "/" for part in stored):
        # In a container no device stands behind the root: psutil then leaves it out.
        stored = [part for part in psutil.disk_partitions(all=True) if part.mountpoint == "/"] + stored
    for part in stored:
        if part.device in seen or part.fstype in _NOT_STORED or not Path(part.mountpoint).is_dir():
            continue
        try:
            space = psutil.disk_usage(part.mountpoint)
        except OSError:
            continue
        if not space.total:
            continue
        seen.add(part.device)
        names = (path_text(part.mountpoint), path_text(part.device), part.fstype)
        rows.append((*names, space.total, space.used, space.free, space.percent))
    rows.sort(key=lambda row: (row[0] != "/", str(row[0])))
    return Table(
        columns=("mount", "device", "type", "total", "used", "free", "use_percent"), rows=tuple(rows)
    )


def uptime(call: AnyCall) -> Facts:  # noqa: ARG001
    """Seconds since the host started, since when, and the same in words."""
    import psutil

    booted = psutil.boot_time()
    seconds = max(0, round(time.time() - booted))
    return Facts(
        items={
            "seconds": seconds,
            "since": datetime.fromtimestamp(booted).astimezone().isoformat(timespec="seconds"),
            "text": _in_words(seconds),
        }
    )


def _in_words(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    told = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return ", ".join(told) or f"{rest} seconds"


def processes(call: AnyCall) -> Table:
    """Processes of the host: CPU in per cent of one core over a tenth of a second, memory in bytes, age in seconds."""
    import psutil

    assert isinstance(call, Processes)
    wanted = (call.name_contains or "").lower()
    found: list[tuple[psutil.Process, str, str]] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            name, command = process.name(), " ".join(process.cmdline())
            if wanted in name.lower() or wanted in command.lower():
                process.cpu_percent(None)
                found.append((process, name, command))
    if found:
        time.sleep(SAMPLE_SECONDS)
    now = time.time()
    rows: list[tuple[int, str, str | None, float, int, float, str]] = []
    for process, name, command in found:
        with suppress(psutil.Error), process.oneshot():
            user: str | None = None
            with suppress(KeyError, psutil.Error):
                user = process.username()
            rows.append(
                (
                    process.pid,
                    path_text(name),
                    user,
                    process.cpu_percent(None),
                    process.memory_info().rss,
                    round(now - process.create_time(), 1),
                    path_text(command)[:200],
                )
            )
    column = {"pid": 0, "name": 1, "cpu": 3, "memory": 4, "newest": 5}[call.sort]
    rows.sort(key=lambda row: row[column], reverse=call.sort in ("cpu", "memory"))  # type: ignore[arg-type, return-value]
    columns = ("pid", "name", "user", "cpu_percent", "memory", "seconds", "command")
    return Table(columns=columns, rows=tuple(rows[: call.limit or len(rows)]))
