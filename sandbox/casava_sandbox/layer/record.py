"""What is remembered of a commit so that it can be taken back: the changeset, the steps, and how each path looked.

`<state>/undo/<pid>/` holds `record.json`, `old/` (what the commit took away, by item number) and, once it was undone,
`undone` and `new/` (what the commit had brought).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from casava_os.kernel.ports import Changeset
from casava_sandbox.layer.files import Node, digest_of, look, open_file, walk, write_durably
from casava_sandbox.layer.transaction import Item, Steps, undo_dir
from casava_syscalls.names import fs_path, path_text


class Seen(NamedTuple):
    """How a path looked: kind, permissions, size (bytes), times (ns), inode; sha256 of a file, target of a link."""

    kind: str
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int
    text: str | None = None
    """Digest or target, where known."""


class Record(BaseModel):
    """One commit. Paths relative to the workspace, in text form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    workspace: str
    changeset: Changeset
    steps: Steps
    before: dict[str, Seen]
    """Everything that the commit took away."""
    after: dict[str, Seen]
    """Everything that the commit brought."""


def seen(node: Node, text: str | None = None) -> Seen:
    """The part of a node that is remembered."""
    return Seen(node.kind, node.mode, node.size, node.mtime_ns, node.ctime_ns, node.ino, text)


def save_record(state: str, record: Record) -> None:
    """Writes the record durably."""
    write_durably(_path(state, record.pid), record.model_dump_json().encode())


def load_record(state: str, pid: int) -> Record | None:
    """The record of a commit, or None. Raises `ValueError` (pydantic) for a damaged file."""
    try:
        with open(_path(state, pid), "rb") as file:
            return Record.model_validate_json(file.read())
    except FileNotFoundError:
        return None


def has_record(state: str, pid: int) -> bool:
    """Whether a commit of this process is remembered."""
    return os.path.lexists(_path(state, pid))


def _path(state: str, pid: int) -> str:
    return os.path.join(undo_dir(state, pid), "record.json")


def looks_as(path: str, expected: Seen) -> bool:
    """Whether a path still holds what it held. Times may differ as long as kind, permissions and contents do not."""
    try:
        node = look(path)
    except PermissionError:  # below a directory that the program closed
        return True
    if node is None or node.kind != expected.kind:
        return False
    if node.kind == "link":
        return path_text(os.readlink(path)) == expected.text
    if node.mode != expected.mode or node.size != expected.size:
        return False
    if node.kind == "directory" or seen(node)[:6] == expected[:6]:
        return True
    try:
        return expected.text is not None and digest_of(open_file(path)) == expected.text
    except PermissionError:
        return False


def moved_on(workspace: str, items: tuple[Item, ...], expected: dict[str, Seen]) -> list[str]:
    """The paths (text form) at which the workspace is not as `expected` says."""
    wrong: list[str] = []
    for item in items:
        top = os.path.join(workspace, fs_path(item.path))
        if not item.put:
            if os.path.lexists(top) or not os.path.isdir(os.path.dirname(top)):
                wrong.append(item.path)
            continue
        there = set()
        wanted = {item.path}
        if (kept := expected.get(item.path)) is not None and kept.kind == "directory":
            prefix = item.path + "/"
            wanted |= {path for path in expected if path.startswith(prefix)}
        try:
            for below, _ in walk(top):
                there.add(f"{item.path}/{path_text(below)}" if below else item.path)
        except (
            PermissionError
        ):  # the program made a directory unreadable: nobody else has looked into it either
            there |= wanted
        wrong += sorted(there ^ wanted)
        wrong += [
            p
            for p in sorted(there & wanted)
            if not looks_as(os.path.join(workspace, fs_path(p)), expected[p])
        ]
    return wrong
