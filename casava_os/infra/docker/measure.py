"""What the containers of a stack use, from their control groups (version 1 and 2): no call to the daemon, no second of waiting."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from casava_os.infra.docker.observe import Container

_STEP = 16 * 2**20
"""Proposed limits are rounded up to this."""
_ROOM = 1.25
"""How much more than the measured peak is proposed."""


@dataclass(frozen=True, slots=True)
class Use:
    """Of one container: bytes now and at most, seconds of processor time, bytes over its networks."""

    memory: int | None = None
    peak: int | None = None
    cpu_seconds: float | None = None
    traffic: int | None = None


def use(container: Container, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Use:
    """What a running container uses; empty for one that does not run, or where the groups cannot be read."""
    if container.pid <= 0:
        return Use()
    groups = _groups(proc / str(container.pid) / "cgroup")
    if not groups:
        return Use()
    if "" in groups and (cgroup / "cgroup.controllers").exists():
        place = cgroup / groups[""].lstrip("/")
        memory, peak = _number(place / "memory.current"), _number(place / "memory.peak")
        cache = _keyed(place / "memory.stat", "inactive_file")
        cpu = _keyed(place / "cpu.stat", "usage_usec")
        seconds = None if cpu is None else cpu / 1e6
    else:
        place = cgroup / "memory" / groups.get("memory", "").lstrip("/")
        memory, peak = _number(place / "memory.usage_in_bytes"), _number(place / "memory.max_usage_in_bytes")
        cache = _keyed(place / "memory.stat", "total_inactive_file")
        account = groups.get("cpuacct", groups.get("cpu,cpuacct", ""))
        nano = _number(cgroup / "cpuacct" / account.lstrip("/") / "cpuacct.usage")
        seconds = None if nano is None else nano / 1e9
    now = None if memory is None else max(0, memory - (cache or 0))
    return Use(now, peak, seconds, _traffic(proc / str(container.pid) / "net/dev"))


def proposed(peak: int | None) -> int | None:
    """A memory limit that fits what was measured: a quarter more than the peak, in steps of 16 MiB."""
    return None if not peak else -(-int(peak * _ROOM) // _STEP) * _STEP


def watts(containers: list[Container], seconds: float = 0.2) -> dict[str, float]:
    """Watts by container: its share of the processors' time in the processors' power; nothing where RAPL cannot be read."""
    from casava_os.meters.power import PowerMeter

    meter = PowerMeter(Path("/sys"))
    first = meter.read(time.monotonic())
    if first is None or first.forbidden:
        return {}
    before, busy = {one.id: use(one).cpu_seconds for one in containers}, _busy()
    time.sleep(seconds)
    reading, spent = meter.read(time.monotonic()), _busy() - busy
    if reading is None or reading.watts is None or spent <= 0:
        return {}
    found: dict[str, float] = {}
    for one in containers:
        now, then = use(one).cpu_seconds, before[one.id]
        if now is not None and then is not None:
            found[one.id] = round(reading.watts * min(1.0, (now - then) / spent), 2)
    return found


def _busy() -> float:
    """Seconds that the processors have worked, all together."""
    import psutil

    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def _groups(path: Path) -> dict[str, str]:
    """Directory by controller; that of version 2 has an empty name."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, directory = rest.partition(":")
        for controller in controllers.split(","):
            found[controller] = directory
    return found


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() else None


def _keyed(path: Path, key: str) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key} ")), None)


def _traffic(path: Path) -> int | None:
    """Bytes over all interfaces of its network namespace but loopback."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()[2:]
    except (OSError, UnicodeDecodeError):
        return None
    total = 0
    for line in lines:
        name, _, counters = line.partition(":")
        fields = counters.split()
        if name.strip() != "lo" and len(fields) >= 9:
            total += int(fields[0]) + int(fields[8])
    return total
