"""How memory fails: a fault that carries what to tell the person, raised by whatever part of it met the trouble."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from casava_syscalls.results import Err


class MemoryFaultError(Exception):
    """Memory's files cannot be read or written; `err` says what to do. `damaged`: they hold what nobody wrote."""

    def __init__(self, err: Err, *, damaged: bool = False) -> None:
        super().__init__(str(err))
        self.err = err
        self.damaged = damaged


def fault(path: Path, problem: Exception) -> MemoryFaultError:
    """What a person can do about files of memory that do not open or take an entry."""
    text = str(problem)
    if isinstance(problem, PermissionError) or "readonly" in text or "unable to open" in text:
        hint = "own the files, or go without: casava-os run --no-memory"
        return MemoryFaultError(
            Err(code="permission", title="Memory cannot be written", message=f"{path}: {text}", hint=hint)
        )
    full = "full" in text or (isinstance(problem, OSError) and problem.errno == errno.ENOSPC)
    if full:
        message = f"no space is left for {path}; nothing was remembered"
        return MemoryFaultError(Err(code="disk-full", title="Memory cannot be written", message=message))
    if "locked" in text or "busy" in text:
        message = f"another casava-os held {path} for long"
        return MemoryFaultError(Err(code="failed", title="Memory is busy", message=message, hint="try again"))
    damaged = isinstance(problem, sqlite3.DatabaseError) and not isinstance(problem, sqlite3.OperationalError)
    damaged = damaged or any(
        word in text for word in ("malformed", "not a database", "no such", "corrupt", "disk I/O")
    )
    hint = "casava-os memory rebuild makes it again from the journal"
    return MemoryFaultError(
        Err(code="failed", title="Memory is damaged", message=f"{path}: {text}", hint=hint), damaged=damaged
    )
