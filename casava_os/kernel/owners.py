"""Which program of the operating system runs a process, told so that a number used again is never taken for it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_GONE = (b"Z", b"X", b"x")
"""States of a program that has ended, of which only the number is left."""


def born(owner: int) -> str:
    """When a program began: this start of the machine, and the clock tick in it. Empty when there is no such program.

    Number and birth together are one program's alone, for ever.
    """
    try:
        fields = Path(f"/proc/{owner}/stat").read_bytes().rpartition(b")")[2].split()
        return "" if fields[0] in _GONE else f"{_this_start()}/{int(fields[19])}"
    except (OSError, IndexError, ValueError):
        return ""


def alive(owner: int, birth: str) -> bool:
    """Whether that very program still runs. Without a birth (an old journal, no /proc) its number must do."""
    if not Path("/proc/self/stat").exists():
        return _answers(owner)
    now = born(owner)
    return now == birth if birth else bool(now)


@cache
def _this_start() -> str:
    """What tells this start of the machine from all others."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _answers(owner: int) -> bool:
    """Whether a program has this number. Signal 0 is none: nothing is sent."""
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
