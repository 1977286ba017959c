"""Who may change a workspace: one commit, undo, redo or recovery at a time, in it and in whatever contains it or it contains.

Every directory on the way from `/` to the workspace has a lock file in the state directory, named by the hash of its path. The
workspace's own is held exclusively and those above it shared, always from `/` downwards, so that nobody waits in a circle.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def workspace_lock(folder: str, workspace: str, *, wait: bool = True) -> Iterator[None]:
    """Holds the locks of an absolute path, whose files lie in `folder`. Raises `BlockingIOError` when it may not wait."""
    held: list[int] = []
    how = 0 if wait else fcntl.LOCK_NB
    try:
        parts = [part for part in workspace.split("/") if part]
        for depth in range(len(parts) + 1):
            path = "/" + "/".join(parts[:depth])
            name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
            descriptor = os.open(
                os.path.join(folder, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            held.append(descriptor)
            fcntl.flock(descriptor, how | (fcntl.LOCK_EX if depth == len(parts) else fcntl.LOCK_SH))
        yield
    finally:
        for descriptor in reversed(held):
            os.close(descriptor)


def overlap(one: str, other: str) -> bool:
    """Whether one of two absolute paths is the other, or contains it."""
    first, second = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return first.startswith(second) or second.startswith(first)
