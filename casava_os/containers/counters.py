"""What a container uses, as the kernel counts it: its control group (version 1 and 2) and its network devices.

Read by the number of its first process, which is the daemon's business only where both see the same processes: a daemon in
another machine's kernel (a desktop's virtual machine) has other ones, and then there is nothing here.
Sources: admin-guide/cgroup-v1, cgroup-v2 of the kernel's documentation, proc(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
_UNLIMITED = 2**60
"""Version 1 writes "no limit" as a number near 2**63."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Processor time in nanoseconds; sizes in bytes; network and disk since the start."""

    cpu: int
    memory: int
    """Without what the system can drop at once."""
    limit: int | None
    received: int = 0
    sent: int = 0
    read: int = 0
    written: int = 0
    pids: int | None = None


def counters(pid: int, ident: str, *, proc: Path = PROC, cgroup: Path = CGROUP) -> Counters | None:
    """What the container of this ID, whose first process is `pid`, uses; None where that cannot be read."""
    places = _places(pid, ident, proc, cgroup)
    found = _unified(places[""]) if "" in places else _separate(places)
    if found is None:
        return None
    received, sent = _network(proc / str(pid) / "net" / "dev")
    read, written = _disk(places)
    pids = _number(places.get("", places.get("pids", Path("/nowhere"))) / "pids.current")
    return Counters(*found, received, sent, read, written, pids)


def _places(pid: int, ident: str, proc: Path, cgroup: Path) -> dict[str, Path]:
    """The group's directory by controller; that of the unified hierarchy is under ""."""
    places: dict[str, Path] = {}
    for line in _text(proc / str(pid) / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if ident[:12] not in path:
            continue  # not the container's process: ours are not the daemon's
        for controller in controllers.split(","):
            mounted = next(
                (cgroup / name for name in (controllers, controller) if (cgroup / name).is_dir()), cgroup
            )
            places[controller] = mounted / path.strip("/")
    if len(places) > 1:
        places.pop("", None)  # mixed: version 2 has no controllers there
    return places


def _unified(group: Path) -> tuple[int, int, int | None] | None:
    cpu = _keyed(group / "cpu.stat").get("usage_usec")
    memory = _number(group / "memory.current")
    if cpu is None or memory is None:
        return None
    limit = _number(group / "memory.max")
    return cpu * 1000, max(0, memory - _keyed(group / "memory.stat").get("inactive_file", 0)), limit


def _separate(places: Mapping[str, Path]) -> tuple[int, int, int | None] | None:
    if "memory" not in places or "cpuacct" not in places:
        return None
    cpu = _number(places["cpuacct"] / "cpuacct.usage")
    memory = _number(places["memory"] / "memory.usage_in_bytes")
    if cpu is None or memory is None:
        return None
    limit = _number(places["memory"] / "memory.limit_in_bytes")
    droppable = _keyed(places["memory"] / "memory.stat").get("total_inactive_file", 0)
    return cpu, max(0, memory - droppable), limit if limit is not None and limit < _UNLIMITED else None


def _disk(places: Mapping[str, Path]) -> tuple[int, int]:
    """Bytes read and written."""
    unified = places.get("")
    read = written = 0
    if unified is not None:
        for line in _text(unified / "io.stat").splitlines():
            fields = dict(field.partition("=")[::2] for field in line.split()[1:])
            read += int(fields.get("rbytes", 0))
            written += int(fields.get("wbytes", 0))
    elif "blkio" in places:
        for line in _text(places["blkio"] / "blkio.throttle.io_service_bytes_recursive").splitlines():
            words = line.split()
            if len(words) == 3 and words[2].isdecimal():
                read += int(words[2]) if words[1] == "Read" else 0
                written += int(words[2]) if words[1] == "Write" else 0
    return read, written


def _network(file: Path) -> tuple[int, int]:
    """Bytes received and sent over all devices but the loopback."""
    received = sent = 0
    for line in _text(file).splitlines():
        name, colon, rest = line.partition(":")
        words = rest.split()
        if colon and name.strip() != "lo" and len(words) > 8:
            received += int(words[0])
            sent += int(words[8])
    return received, sent


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(encoding="ascii", errors="replace")
    return ""


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdecimal() else None


def _keyed(file: Path) -> dict[str, int]:
    pairs = (line.partition(" ")[::2] for line in _text(file).splitlines())
    return {name: int(value) for name, value in pairs if value.strip().isdecimal()}
