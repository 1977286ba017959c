"""What is remembered of a commit so that it can be taken back and landed again.

`<state>/undo/<pid>/record.json` describes both sides: what the commit took away and what it brought. The contents lie in
the store of objects: those of the side that is not in the workspace.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from casava_os.kernel.ports import Changeset
from casava_sandbox.layer.files import Node
from casava_sandbox.layer.intents import record_path, undo_dir
from casava_sandbox.layer.kept import Tree
from casava_sandbox.layer.steps import Purpose, Steps
from casava_sandbox.layer.trash import trash_path


class Seen(NamedTuple):
    """How a path looked: kind, permissions, size (bytes), times (ns), inode."""

    kind: str
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int
    text: str | None = None


class Record(BaseModel):
    """One commit. Paths relative to the workspace, in text form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    sequence: int
    """Later commits have greater ones, whatever the clock says."""
    at: float
    """When it landed first, seconds since the epoch."""
    workspace: str
    root: tuple[int, int]
    """Device and inode of the workspace."""
    changeset: Changeset
    steps: Steps
    """As the commit made them."""
    before: Tree
    """Everything that the commit took away."""
    after: Tree
    """Everything that the commit brought."""
    undone: bool = False

    def kept(self) -> dict[str, int]:
        """Digests (and sizes in bytes) of the contents that the way back, or the way there again, needs."""
        tree = self.after if self.undone else self.before
        return {kept.text: kept.size for kept in tree.values() if kept.kind == "file" and kept.text}


def seen(node: Node) -> Seen:
    """The part of a node that is remembered."""
    return Seen(node.kind, node.mode, node.size, node.mtime_ns, node.ctime_ns, node.ino)


def load_record(state: str, pid: int) -> Record | None:
    """The record of a commit, or None. Raises `ValueError` (pydantic) for a damaged file."""
    try:
        with open(record_path(state, pid), "rb") as file:
            return Record.model_validate_json(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None


def appearing(record: bytes, purpose: Purpose) -> Tree:
    """What a transaction of this purpose brings, by the record that it was to leave. Empty when that cannot be read."""
    with suppress(ValueError):
        known = Record.model_validate_json(record)
        return known.before if purpose == "undo" else known.after
    return {}


def has_record(state: str, pid: int) -> bool:
    """Whether a commit of this process is remembered."""
    return os.path.lexists(record_path(state, pid))


def remembered(state: str) -> list[int]:
    """The processes whose commits are remembered."""
    found: list[int] = []
    with suppress(FileNotFoundError):
        found = [
            int(name)
            for name in os.listdir(os.path.join(state, "undo"))
            if name.isdecimal() and has_record(state, int(name))
        ]
    return sorted(found)


def next_sequence(state: str) -> int:
    """A number greater than those of all commits before, also when the clock goes backwards."""
    path = os.path.join(state, "undo", "sequence")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        known = os.pread(descriptor, 32, 0)
        number = max(int(known) if known.isdigit() else 0, time.time_ns()) + 1
        os.pwrite(descriptor, b"%d" % number, 0)
        return number
    finally:
        os.close(descriptor)


def forget(state: str, pid: int) -> None:
    """Drops what is remembered of a commit. It goes in one instant."""
    os.rename(undo_dir(state, pid), trash_path(state))
