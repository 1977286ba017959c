"""Restricts the agent and all its programs, and measures what protection is really in force around them."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
from typing import Dict, List, Optional, Tuple

from casava_sandbox.agent.context import Limits

_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
_AF_VSOCK = 40


def shield() -> None:
    """Programs of the same user can neither look into the agent (its stream to the host!) nor lose it their orphans."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def restrict(limits: Limits, stand_in: bool) -> List[str]:
    """Sets resource limits, hard ones; with `stand_in` also those for which there is no control group.

    Gives a sentence for each that could not be set.
    """
    wanted = [(resource.RLIMIT_FSIZE, limits.file_bytes, "file_bytes"), (resource.RLIMIT_CORE, 0, "core")]
    if stand_in:
        wanted += [
            (resource.RLIMIT_NPROC, limits.pids, "pids"),
            (resource.RLIMIT_DATA, limits.memory_bytes, "memory_bytes"),
        ]
        cpus = sorted(os.sched_getaffinity(0))
        if 1 <= limits.cpus < len(cpus):
            os.sched_setaffinity(0, cpus[: max(1, int(limits.cpus))])
    problems = []
    for kind, value, name in wanted:
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (limit, limit))
        except (OSError, ValueError) as error:
            problems.append("The limit %s could not be set: %s." % (name, error))
    return problems


def measured(root: str, scratch: str) -> Dict[str, object]:
    """What holds around the agent, read from the kernel rather than believed."""
    status = _status()
    statistics = os.statvfs("/tmp")
    return {
        "pid": os.getpid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "python": "%d.%d" % tuple(__import__("sys").version_info[:2]),
        "capabilities": sorted({status.get(name, "") for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}),
        "no_new_privileges": status.get("NoNewPrivs", ""),
        "seccomp": status.get("Seccomp", ""),
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "vsock": _can_open_socket(_AF_VSOCK),
        "root_read_only": _read_only("/"),
        "agent_read_only": _read_only("/casava/agent.pyz"),
        "kernel_settings": _can_write("/proc/sys/kernel/core_pattern") or _can_write("/proc/sysrq-trigger"),
        "workspace": _mount_type(root),
        "token": _token(scratch),
        "tmpfs_bytes": statistics.f_blocks * statistics.f_frsize if _mount_type("/tmp") == "tmpfs" else None,
        "memory_bytes": _group("memory/memory.limit_in_bytes", "memory.max"),
        "swap": _group("memory/memory.memsw.limit_in_bytes", "memory.swap.max"),
        "pids": _group("pids/pids.max", "pids.max"),
        "cpus": _cpus(),
        "file_bytes": resource.getrlimit(resource.RLIMIT_FSIZE)[1],
        "rlimit_pids": resource.getrlimit(resource.RLIMIT_NPROC)[1],
        "rlimit_data": resource.getrlimit(resource.RLIMIT_DATA)[1],
        "affinity": len(os.sched_getaffinity(0)),
    }


def _status() -> Dict[str, str]:
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in status)}


def _can_open_socket(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _can_write(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _mount_type(path: str) -> str:
    """File system type of the mount at exactly this path; an empty string when nothing is mounted there."""
    found = ""
    with open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            before, _, after = line.partition(b" - ")
            if before.split()[4] == os.fsencode(path):
                found = after.split()[0].decode("ascii", "replace")
    return found


def _token(scratch: str) -> str:
    """What the host wrote into the scratch directory: proof that host and sandbox see the same files."""
    try:
        with open(os.path.join(scratch, "token"), encoding="ascii") as token:
            return token.read(100)
    except (OSError, ValueError):
        return ""


def _first_word(path: str) -> Optional[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(100).split()[0]
    except (OSError, IndexError, ValueError):
        return None


def _group(version_1: str, version_2: str) -> Optional[str]:
    """A limit of the control group, whichever version is mounted."""
    return _first_word("/sys/fs/cgroup/" + version_1) or _first_word("/sys/fs/cgroup/" + version_2)


def _cpus() -> Optional[float]:
    quota, period = _quota()
    return round(quota / period, 3) if quota > 0 and period > 0 else None


def _quota() -> Tuple[int, int]:
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        return (-1 if quota == "max" else int(quota)), int(period)
    except (OSError, ValueError):
        first = _first_word("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or "-1"
        second = _first_word("/sys/fs/cgroup/cpu/cpu.cfs_period_us") or "0"
        return int(first), int(second)
