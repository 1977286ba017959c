"""What undo and redo put back: a description of files, links and directories with all their metadata, by path.

The contents lie in the store of objects. Names of one file (hard links) are told by a common number; names of it that stayed
in the workspace are remembered, too, so that a file that comes back is theirs again.
"""

from __future__ import annotations

import base64
import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from casava_sandbox.layer.beneath import Beneath, attributes_of
from casava_sandbox.layer.files import Kind, Node, node_of
from casava_sandbox.layer.objects import Objects, is_sparse
from casava_sandbox.layer.points import point
from casava_syscalls.names import fs_path, path_text


class Kept(BaseModel):
    """One path. Sizes in bytes, times in nanoseconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    mode: int
    size: int
    mtime_ns: int
    uid: int
    gid: int
    text: str | None = None
    """sha256 of a file, target of a link (text form)."""
    sparse: bool = False
    attributes: dict[str, str] = {}
    """Extended attributes, in base64."""
    file: tuple[int, int] = (0, 0)
    """Device and inode."""
    names: int = 1
    """How many names the file had, wherever."""
    twins: tuple[str, ...] = ()
    """Those of them that stayed in the workspace."""


Tree = dict[str, Kept]
"""By path relative to the workspace, text form; parents before children."""

Unseal = Callable[[str, Node], None]
"""Makes what its owner closed readable for a while, so that a kill leaves no trace of it."""


def describe(root: Beneath, tops: Iterable[str], objects: Objects, unseal: Unseal, linked: set[str]) -> Tree:
    """Everything at and below these paths (as `os` spells them), which are to leave, with the contents added to the store.

    `linked` is told the paths (text form) whose ctime that moved. Raises `OSError(ENOTSUP)` for a FIFO, socket or device.
    """
    found: Tree = {}
    for top in tops:
        for path, node in root.walk(top):
            found[path_text(path)] = _described(root, path, node, objects, unseal, linked)
    return _with_twins(root, found)


def _described(
    root: Beneath, path: str, node: Node, objects: Objects, unseal: Unseal, linked: set[str]
) -> Kept:
    plain = {
        "kind": node.kind,
        "mode": node.mode,
        "size": node.size,
        "mtime_ns": node.mtime_ns,
        "uid": node.uid,
        "gid": node.gid,
        "file": (node.dev, node.ino),
    }
    if node.kind == "link":
        return Kept(**plain, text=path_text(root.link_text(path)))  # type: ignore[arg-type]
    if node.kind == "directory":
        if node.mode & 0o500 != 0o500:
            unseal(path, node)
        return Kept(**plain, attributes=coded(root.attributes(path)))  # type: ignore[arg-type]
    if node.kind == "other":
        raise OSError(errno.ENOTSUP, "not a file, directory or link", path)
    try:
        descriptor = root.open(path)
    except PermissionError:
        unseal(path, node)
        descriptor = root.open(path)
    try:
        status = os.fstat(descriptor)
        if node_of(status).kind != "file":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)
        text = objects.add(descriptor, leaving=True)
        if objects.linked and objects.linked[-1] == text:
            linked.add(path_text(path))
        return Kept(
            **plain,  # type: ignore[arg-type]
            text=text,
            sparse=is_sparse(status),
            names=status.st_nlink,
            attributes=coded(attributes_of(descriptor)),
        )
    finally:
        os.close(descriptor)


def coded(attributes: Mapping[str, bytes]) -> dict[str, str]:
    """Extended attributes as JSON can hold them."""
    return {name: base64.b64encode(value).decode() for name, value in attributes.items()}


def _with_twins(root: Beneath, found: Tree) -> Tree:
    """Looks in the whole workspace for the other names of files that have more than were found; most trees have none."""
    inside: dict[tuple[int, int], set[str]] = defaultdict(set)
    for path, kept in found.items():
        if kept.kind == "file" and kept.names > 1:
            inside[kept.file].add(path)
    wanted = {file for file, paths in inside.items() if found[next(iter(paths))].names > len(paths)}
    if not wanted:
        return found
    twins: dict[tuple[int, int], list[str]] = defaultdict(list)
    for path, node in _readable(root):
        if node.kind == "file" and (node.dev, node.ino) in wanted:
            text = path_text(path)
            if text not in found:
                twins[node.dev, node.ino].append(text)
    return {
        path: kept.model_copy(update={"twins": tuple(twins[kept.file])}) if kept.file in twins else kept
        for path, kept in found.items()
    }


def _readable(root: Beneath) -> Iterable[tuple[str, Node]]:
    """The whole workspace but for directories that cannot be read."""
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = root.entries(folder)
        except OSError:
            continue
        for name, node in entries:
            path = f"{folder}/{name}" if folder else name
            yield path, node
            if node.kind == "directory":
                pending.append(path)


def rebuild(
    tree: Mapping[str, Kept],
    tops: Mapping[str, str],
    target: Beneath,
    objects: Objects,
    workspace: Beneath,
) -> None:
    """Makes the trees at `tops` (path in the tree: name in `target`) again, with all metadata.

    Raises `DamagedError` when contents are missing or not what they were.
    """
    made: dict[tuple[int, int], str] = {}
    folders: list[tuple[str, Kept]] = []
    within = grouped(tree, tops)
    for top, name in tops.items():
        for path in within[top]:
            kept, there = tree[path], name + fs_path(path[len(top) :])
            if kept.kind == "directory":
                target.make_dir(there)
                folders.append((there, kept))
            elif kept.kind == "link":
                target.symlink(fs_path(kept.text or ""), there)
                target.own(there, kept.uid, kept.gid)
                target.touch(there, kept.mtime_ns)
            elif kept.names > 1 and kept.file in made:
                target.link(made[kept.file], target, there)
            elif not _joined(kept, workspace, target, there):
                _file(kept, target, there, objects)
                made[kept.file] = there
            else:
                made[kept.file] = there
            point("rebuilt")
    for there, kept in reversed(folders):
        _finish(kept, target, there)


def grouped(tree: Mapping[str, Kept], tops: Iterable[str]) -> dict[str, list[str]]:
    """The paths at and below each top, parents first, in one pass."""
    found: dict[str, list[str]] = {top: [] for top in tops}
    owner: dict[str, str] = {}
    for path in sorted(tree, key=lambda path: path.split("/")):
        top = path if path in found else owner.get(path.rpartition("/")[0])
        if top is not None:
            owner[path] = top
            found[top].append(path)
    return found


def _file(kept: Kept, target: Beneath, there: str, objects: Objects) -> None:
    descriptor = target.create(there)
    try:
        objects.restore(kept.text or "", kept.size, descriptor, sparse=kept.sparse)
    finally:
        os.close(descriptor)
    _finish(kept, target, there)


def _finish(kept: Kept, target: Beneath, there: str) -> None:
    target.own(there, kept.uid, kept.gid)
    attributes = {name: base64.b64decode(value) for name, value in kept.attributes.items()}
    target.set_attributes(there, attributes)
    target.chmod(there, kept.mode)
    target.touch(there, kept.mtime_ns)


def _joined(kept: Kept, workspace: Beneath, target: Beneath, there: str) -> bool:
    """Makes it another name of a file that stayed in the workspace, when that is as it was."""
    for twin in kept.twins:
        try:
            node = workspace.look(fs_path(twin))
            if (
                node is not None
                and node.kind == "file"
                and (node.dev, node.ino) == kept.file
                and (node.size, node.mtime_ns, node.mode) == (kept.size, kept.mtime_ns, kept.mode)
            ):
                workspace.link(fs_path(twin), target, there)
                return True
        except OSError:  # another mount, a link in the way, a limit of names: then a file of its own
            continue
    return False


def differing(now: Mapping[str, Kept], expected: Mapping[str, Kept]) -> list[str]:
    """The paths that are not as expected. Times may differ: a file that was touched holds what it held."""
    wrong = now.keys() ^ expected.keys()
    for path in now.keys() & expected.keys():
        one, other = now[path], expected[path]
        if (one.kind, one.text) != (other.kind, other.text) or (
            one.kind != "link" and one.mode != other.mode
        ):
            wrong.add(path)
    return sorted(wrong)


def altered(root: Beneath, at: str, top: str, expected: Iterable[str], tree: Mapping[str, Kept]) -> list[str]:
    """What does not look as described, of the `expected` paths of the tree, when its `top` lies at `at` below `root`."""
    wrong: list[str] = []
    there: set[str] = set()
    try:
        for path, node in root.walk(at):
            text = top + path_text(path[len(at) :])
            there.add(text)
            kept = tree.get(text)
            if (
                kept is None
                or kept.kind != node.kind
                or (node.kind == "file" and (node.size, node.mtime_ns) != (kept.size, kept.mtime_ns))
            ):
                wrong.append(text)
    except PermissionError:  # closed by its owner: nobody else has looked into it either
        return wrong
    return sorted({*wrong, *(set(expected) - there)})
