"""Standard input that was piped to a request: found without ever blocking on a silent one, and kept in a private file.

A shell command cannot ask whether somebody will write to its standard input; it can only wait. A terminal, `/dev/null`,
a closed descriptor and an empty file are told apart at once. A pipe or socket may be `cat app.log |` or may be one that
a daemon left open and nobody will ever write to: there the first byte is waited for, for a short grace, and when it does
not come the person is told that the request goes on without it. A request that names its input (`$0` in a plan or a
call) waits as long as it takes.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from casava_os.paths import state_dir
from casava_sandbox.traces import Traces
from casava_syscalls.results import Err, Ok, Result

Presence = Literal["none", "piped", "silent"]
"""`silent`: a pipe or socket that is open, but nothing came within the grace."""

_CHUNK = 1 << 20

GRACE_SECONDS = 1.0
"""How long a pipe that may be silent is waited for."""


def presence(descriptor: int, grace: float) -> Presence:
    """Whether there is input on this descriptor; waits at most `grace` seconds for a first byte."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return "none"
    if stat.S_ISREG(mode):
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        return "piped" if os.fstat(descriptor).st_size > at else "none"
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return "none"  # a terminal, /dev/null, a directory
    ready, _, _ = select.select([descriptor], [], [], grace)
    return "piped" if ready else "silent"


def _copy(descriptor: int, target: int, most: int) -> int | Err:
    """Bytes copied until the end of the input, or `Err("limit")` when it is longer than `most` bytes."""
    size = 0
    while True:
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:  # a descriptor that somebody else made non-blocking
            select.select([descriptor], [], [])
            continue
        except OSError as problem:
            return Err(
                code="failed", title="Standard input cannot be read", message=problem.strerror or str(problem)
            )
        if not chunk:
            return size
        size += len(chunk)
        if size > most:
            return Err(
                code="limit",
                title="Standard input is too long",
                message=f"it is longer than {most} bytes, the most that is kept; nothing was run",
                hint="raise `stdin_bytes` in the settings, or put the data into a file of the workspace",
            )
        while chunk:
            chunk = chunk[os.write(target, chunk) :]


@contextmanager
def spooled(descriptor: int | None, most: int) -> Iterator[Result[Path | None]]:
    """A private temporary file that holds all of the standard input; it is removed afterwards.

    The value is None when `descriptor` is None or gave no byte at all.
    """
    if descriptor is None:
        yield Ok(value=None)
        return
    with ExitStack() as until_done:
        try:
            path = until_done.enter_context(Traces(str(state_dir())).temporary("casava-stdin-"))
            target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            yield _no_room(problem)
            return
        until_done.callback(lambda: path.unlink(missing_ok=True))
        try:
            copied = _copy(descriptor, target, most)
        except OSError as problem:
            copied = _no_room(problem)
        finally:
            os.close(target)
        if isinstance(copied, Err):
            yield copied
        else:
            yield Ok(value=path if copied else None)


def _no_room(problem: OSError) -> Err:
    return Err(
        code="disk-full",
        title="Standard input cannot be kept",
        message=f"{problem.filename or tempfile.gettempdir()}: {problem.strerror}",
        hint="make room there, or set TMPDIR",
    )


def descriptor() -> int | None:
    """The descriptor of standard input, or None when it is closed."""
    if sys.stdin is None or sys.stdin.closed:
        return None
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError):
        return None
