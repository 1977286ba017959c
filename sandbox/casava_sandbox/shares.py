"""What a priority means at the processors: shares of control groups, and nice values where there is no group."""

from __future__ import annotations

import os
from pathlib import Path

from casava_os.kernel.ports import Priority
from casava_syscalls.results import Err

SHARES: dict[Priority, int] = {"low": 128, "normal": 1024, "high": 8192}
"""`cpu.shares` of control groups, version 1, and what Docker takes: an eighth, one, eight times the ordinary share."""

WEIGHTS: dict[Priority, int] = {"low": 12, "normal": 100, "high": 800}
"""`cpu.weight`, version 2: the same proportions."""

NICE: dict[Priority, int] = {"low": 10, "normal": 0, "high": -5}
"""Added to the nice value of this program, where no group could be made. Only root may go down again."""


def refused(detail: str) -> Err:
    """The sandbox's programs keep the share they have."""
    return Err(
        code="permission",
        title="The processors' shares stay as they are",
        message=f"the sandbox's programs keep the share they have: {detail}",
    )


def nice_descendants(pid: int, priority: Priority) -> Err | None:
    """Sets the nice value of a process and of all that descend from it; what they start later inherits it."""
    problem, own = "", os.getpriority(os.PRIO_PROCESS, 0)
    for member in (pid, *_descendants(pid)):
        try:
            os.setpriority(os.PRIO_PROCESS, member, own + NICE[priority])
        except ProcessLookupError:
            continue
        except OSError as error:
            problem = error.strerror or str(error)
    return refused(problem) if problem else None


def _descendants(pid: int) -> list[int]:
    """Processes below `pid`, as far as they can be seen now."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found
