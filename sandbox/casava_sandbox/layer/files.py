"""Single files and trees: look at, hash, compare, copy with all their metadata, move, remove, make durable.

Paths are `str` as the `os` functions return them (undecodable bytes as surrogates). Nothing here follows a symbolic
link, and every function raises `OSError` as the system call did.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Literal, NamedTuple

from casava_sandbox.layer.visible import visible
from casava_syscalls.names import path_text
from casava_syscalls.results import Err

Kind = Literal["file", "directory", "link", "other"]

_CHUNK = 1 << 20
_DEEP, _LONG = 100, 3000  # levels, and bytes of a path, below which a tree is not followed but moved up
_FEW = 16  # up to this many files are synced one by one, more of them by one syncfs


class Node(NamedTuple):
    """What `lstat` says of one path. Sizes in bytes (0 for directories), times in nanoseconds."""

    kind: Kind
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int
    dev: int
    rdev: int
    uid: int
    gid: int


def node_of(status: os.stat_result) -> Node:
    """The node of a stat result."""
    mode = status.st_mode
    kind: Kind = "other"
    if stat.S_ISREG(mode):
        kind = "file"
    elif stat.S_ISDIR(mode):
        kind = "directory"
    elif stat.S_ISLNK(mode):
        kind = "link"
    return Node(
        kind,
        stat.S_IMODE(mode),
        0 if kind == "directory" else status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
        status.st_rdev,
        status.st_uid,
        status.st_gid,
    )


def look(path: str) -> Node | None:
    """The node at a path, or None when there is nothing."""
    try:
        return node_of(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def open_file(path: str) -> int:
    """A descriptor for reading that never belongs to a link's target and never blocks on a FIFO."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def digest_of(descriptor: int) -> str:
    """sha256 of an open file, hexadecimal; closes it."""
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same_bytes(first: int, second: int) -> bool:
    """Whether two open files have equal contents; closes both."""
    with os.fdopen(first, "rb", buffering=0) as one, os.fdopen(second, "rb", buffering=0) as two:
        while True:
            left, right = one.read(_CHUNK), two.read(_CHUNK)
            if left != right:
                return False
            if not left:
                return True


def walk(root: str) -> Iterator[tuple[str, Node]]:
    """Everything at and below `root`, parents first, as (path relative to root, node); the root itself is ""."""
    top = look(root)
    if top is None:
        return
    yield "", top
    pending = [""] if top.kind == "directory" else []
    while pending:
        directory = pending.pop()
        with os.scandir(os.path.join(root, directory)) as entries:
            found = sorted(
                (os.path.join(directory, e.name), node_of(e.stat(follow_symlinks=False))) for e in entries
            )
        for path, node in found:
            yield path, node
            if node.kind == "directory":
                pending.append(path)


# ---------------------------------------------------------------------------------------------- copy


def next_data(descriptor: int, position: int, size: int) -> int:
    """Where the next data of a file begins, from a position on; `size` when only a hole is left."""
    try:
        return os.lseek(descriptor, position, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else position


def next_hole(descriptor: int, position: int, size: int) -> int:
    """Where the data at a position ends."""
    try:
        return min(size, os.lseek(descriptor, position, os.SEEK_HOLE))
    except OSError:
        return size


def write_all(descriptor: int, block: bytes) -> None:
    """Writes all of a block."""
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def copy_bytes(source: int, target: int) -> str:
    """Copies an open file to an open, empty one, holes as holes; answers its sha256."""
    digest, zeros = hashlib.sha256(), memoryview(bytes(_CHUNK))
    size, position = os.fstat(source).st_size, 0
    while position < size:
        data = next_data(source, position, size)
        while position < data:
            length = min(_CHUNK, data - position)
            digest.update(zeros[:length])
            position += length
        end = next_hole(source, position, size)
        os.lseek(target, position, os.SEEK_SET)
        while position < end:
            block = os.pread(source, min(_CHUNK, end - position), position)
            if not block:
                size = end = position
                break
            digest.update(block)
            write_all(target, block)
            position += len(block)
    os.ftruncate(target, size)
    return digest.hexdigest()


# ---------------------------------------------------------------------------------------------- move, remove


def move(source: str, target: str) -> None:
    """Renames. A directory that its owner made read-only is opened for the instant (its `..` entry is written)."""
    try:
        os.rename(source, target)
    except PermissionError:
        node = look(source)
        if node is None or node.kind != "directory" or node.uid != os.geteuid() or node.mode & 0o200:
            raise
        os.chmod(source, node.mode | 0o200)
        try:
            os.rename(source, target)
        finally:
            os.chmod(target if os.path.lexists(target) else source, node.mode)


def remove_tree(path: str) -> None:
    """Removes a file or tree, whatever modes its owner gave it. A missing path is fine.

    Raises `OSError` when something of another owner is left.
    """
    node = look(path)
    if node is None:
        return
    if node.kind != "directory":
        os.unlink(path)
        return
    while os.path.lexists(path):  # again for what was too deep, and now lies at the top
        _remove_directory(path, node, path, 0)


def _remove_directory(path: str, node: Node, top: str, depth: int) -> None:
    """Removes a directory. A tree deeper than a path may be long is taken apart: its depths are moved up into `top`."""
    with suppress(OSError):  # an empty directory of another owner can go although it cannot be read
        os.rmdir(path)
        return
    if node.mode & 0o700 != 0o700:
        with suppress(PermissionError):
            os.chmod(path, 0o700)
    with os.scandir(path) as entries:
        names = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for child, is_directory in names:
        inner = look(child) if is_directory else None
        if inner is None:
            os.unlink(child)
        elif depth >= _DEEP or len(os.fsencode(child)) >= _LONG:
            move(child, os.path.join(top, uuid.uuid4().hex))
        else:
            _remove_directory(child, inner, top, depth + 1)
    try:
        os.rmdir(path)
    except OSError as problem:
        if path != top or problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


# ---------------------------------------------------------------------------------------------- durability


def write_durably(path: str, data: bytes) -> None:
    """Replaces a private file (0600) atomically and waits until it is on disk."""
    temporary = path + ".new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            write_all(file.fileno(), data)
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync([os.path.dirname(path)])


def sync(paths: Iterable[str]) -> None:
    """Waits until these files and directories (of one filesystem) are on disk."""
    todo = list(paths)
    if len(todo) <= _FEW:
        for path in todo:
            _with_descriptor(path, os.fsync)
    else:
        _with_descriptor(todo[0], sync_filesystem)


def _with_descriptor(path: str, action: Callable[[int], None]) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (
        PermissionError
    ):  # a file without read permission: the whole filesystem then, through its directory
        descriptor, action = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC), sync_filesystem
    try:
        action(descriptor)
    finally:
        os.close(descriptor)


def sync_filesystem(descriptor: int) -> None:
    """Waits until everything that was written to the file system of an open file or directory is on disk."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(descriptor) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


# ---------------------------------------------------------------------------------------------- mounts


def mount_of(path: str) -> tuple[int, str]:
    """The mount that a directory lies on: its number in this mount namespace and its filesystem's type.

    Renames work within one mount only, even where two mounts show one filesystem. Source: proc(5), fdinfo and mountinfo.
    """
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as info:
            number = next(int(line.split()[1]) for line in info if line.startswith("mnt_id:"))
    finally:
        os.close(descriptor)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            if line.split(" ", 1)[0] == str(number):
                return number, line.rsplit(" - ", 1)[1].split()[0]
    return number, ""


# ---------------------------------------------------------------------------------------------- errors


def failure(error: OSError, doing: str) -> Err:
    """The value for a system error met while `doing` something ("applying the changes")."""
    where = ""
    if isinstance(error.filename, str):
        where = f": {visible(path_text(error.filename))}"
    message = f"{error.strerror or error}{where}, while {doing}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Err(
            code="disk-full", title="The disk is full", message=message, hint="Free some space and try again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "Check who owns the workspace and whether it is writable"
        return Err(code="permission", title="Not permitted", message=message, hint=hint)
    return Err(code="failed", title="The system refused", message=message, hint="See `casava-os doctor`")


def named(paths: Iterable[str], most: int = 5) -> str:
    """A few of the (text form) paths for a message: "a, b and 3 more"."""
    every = sorted(paths)
    shown = ", ".join(visible(path) for path in every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"
