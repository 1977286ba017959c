"""Access to what lies beneath an open directory, which no symbolic link, `..` or mount can lead astray.

A path is a question that the file system answers anew each time: between a check and a step, a directory in it can become
a link to somewhere else. Here every path is relative to a descriptor and resolved by `openat2` with `RESOLVE_BENEATH` and
`RESOLVE_NO_SYMLINKS`, component by component where the kernel has no `openat2`; the step itself then names one entry of the
directory that was opened. Source: openat2(2), renameat2(2).
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Self

from casava_sandbox.layer.files import Node, node_of, sync_filesystem

if TYPE_CHECKING:
    from ctypes import CDLL

_OPENAT2 = 437  # one number on every architecture
_RESOLVE = 0x01 | 0x02 | 0x04 | 0x08  # NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH
_TRIES = 100  # somebody renames directories meanwhile: the kernel says EAGAIN
_NOREPLACE, _EXCHANGE = 1, 2
_DEEP = 100  # levels below which a tree is not followed but moved up
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

ASTRAY = frozenset({errno.ELOOP, errno.EXDEV})
"""Errors of a path that would have led out of the directory: over a link, or onto another mount."""


class Beneath:
    """An open directory. Paths are relative to it, as `os` spells them; "" is the directory itself.

    Every method raises `OSError` as the system call did; a path that leads over a link, `ELOOP`.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def at(cls, path: str) -> Self:
        """Opens a directory by its absolute path: the one place where a path is believed. Compare `node()` with what it was."""
        return cls(os.open(path, _FOLDER))

    def below(self, path: str) -> Beneath:
        """A directory in it, opened."""
        return Beneath(self.open(path, os.O_PATH | os.O_DIRECTORY))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    # ------------------------------------------------------------------------------------------ looking

    def open(self, path: str, flags: int = os.O_RDONLY | os.O_NONBLOCK, mode: int = 0) -> int:
        """A descriptor, never that of a link's target."""
        return _open(self.descriptor, path or ".", flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)

    def look(self, path: str = "") -> Node | None:
        """The node at a path, or None when there is nothing."""
        try:
            return node_of(self.status(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def status(self, path: str = "") -> os.stat_result:
        """What `lstat` says."""
        if not path:
            return os.fstat(self.descriptor)
        with self._entry(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def exists(self, path: str) -> bool:
        """Whether there is anything, a link to nowhere too."""
        return self.look(path) is not None

    def link_text(self, path: str) -> str:
        """What a symbolic link points to."""
        with self._entry(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)

    def entries(self, path: str = "") -> list[tuple[str, Node]]:
        """What a directory holds, sorted by name."""
        descriptor = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as found:
                return sorted((e.name, node_of(e.stat(follow_symlinks=False))) for e in found)
        finally:
            os.close(descriptor)

    def walk(self, top: str) -> Iterator[tuple[str, Node]]:
        """Everything at and below `top`, parents first, with paths relative to this directory.

        A directory is listed when the next one is asked for: until then the caller may still open it for reading.
        """
        node = self.look(top)
        if node is None:
            return
        yield top, node
        pending = [top] if node.kind == "directory" else []
        while pending:
            folder = pending.pop()
            for name, found in self.entries(folder):
                path = f"{folder}/{name}" if folder else name
                yield path, found
                if found.kind == "directory":
                    pending.append(path)

    # ------------------------------------------------------------------------------------------ changing

    def make_dir(self, path: str) -> None:
        """A private directory."""
        with self._entry(path) as (folder, name):
            os.mkdir(name, 0o700, dir_fd=folder)

    def create(self, path: str) -> int:
        """A descriptor for writing to a new, private file."""
        return self.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)

    def symlink(self, text: str, path: str) -> None:
        """A new symbolic link."""
        with self._entry(path) as (folder, name):
            os.symlink(text, name, dir_fd=folder)

    def link(self, path: str, other: Beneath, target: str) -> None:
        """Another name for a file."""
        with self._entry(path) as (folder, name), other._entry(target) as (there, new):
            os.link(name, new, src_dir_fd=folder, dst_dir_fd=there, follow_symlinks=False)

    def unlink(self, path: str) -> None:
        """Removes what is no directory."""
        with self._entry(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def rename(self, path: str, other: Beneath, target: str) -> None:
        """Moves something to where there is nothing; `FileExistsError` when there is.

        A directory that its owner made read-only is opened for the instant (its `..` entry is written).
        """
        try:
            self._rename(path, other, target, _NOREPLACE)
        except PermissionError:
            node = self.look(path)
            if node is None or node.kind != "directory" or node.uid != os.geteuid() or node.mode & 0o200:
                raise
            self.chmod(path, node.mode | 0o200)
            try:
                self._rename(path, other, target, _NOREPLACE)
            finally:
                moved = other if other.exists(target) else self
                moved.chmod(target if moved is other else path, node.mode)

    def exchange(self, path: str, other: Beneath, target: str) -> bool:
        """Swaps two entries in one instant; False where the file system cannot."""
        try:
            self._rename(path, other, target, _EXCHANGE)
        except OSError as problem:
            if problem.errno in (errno.EINVAL, errno.ENOSYS):
                return False
            raise
        return True

    def _rename(self, path: str, other: Beneath, target: str, flag: int) -> None:
        with self._entry(path) as (folder, name), other._entry(target) as (there, new):
            try:
                _renameat2(folder, name, there, new, flag)
            except OSError as problem:
                if flag != _NOREPLACE or problem.errno not in (errno.EINVAL, errno.ENOSYS):
                    raise
                with suppress(FileNotFoundError):  # a file system without the flag
                    os.stat(new, dir_fd=there, follow_symlinks=False)
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=there)

    def chmod(self, path: str, mode: int) -> None:
        """Permissions of a file or directory; a link has none."""
        with self._held(path) as place:
            os.chmod(place, mode)

    def touch(self, path: str, mtime_ns: int) -> None:
        """The time of last change (and access)."""
        if path:
            with self._entry(path) as (folder, name):
                os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=folder, follow_symlinks=False)
        else:
            with self._held(path) as place:
                os.utime(place, ns=(mtime_ns, mtime_ns))

    def own(self, path: str, uid: int, gid: int) -> None:
        """Owner and group, where the system lets us."""
        now = self.status(path)
        if (now.st_uid, now.st_gid) == (uid, gid):
            return
        with self._entry(path) as (folder, name):
            for owner in (uid, -1):
                with suppress(PermissionError):
                    os.chown(name, owner, gid, dir_fd=folder, follow_symlinks=False)
                    return

    def attributes(self, path: str) -> dict[str, bytes]:
        """Extended attributes of a file or directory, as far as they can be read."""
        with self._held(path) as place:
            return attributes_of(place)

    def set_attributes(self, path: str, wanted: dict[str, bytes]) -> None:
        """Sets extended attributes, where the system lets us."""
        if wanted:
            with self._held(path) as place:
                for name, value in wanted.items():
                    with suppress(OSError):
                        os.setxattr(place, name, value)

    def remove(self, path: str) -> None:
        """Removes a file or tree, whatever modes its owner gave it. A missing path is fine."""
        node = self.look(path)
        if node is None:
            return
        if node.kind != "directory":
            self.unlink(path)
            return
        with self.below(path) as folder:
            folder.clear()
        with self._entry(path) as (parent, name), suppress(FileNotFoundError):
            os.rmdir(name, dir_fd=parent)

    def clear(self, top: Beneath | None = None, depth: int = 0) -> None:
        """Removes everything in the directory. What lies very deep is moved up to the top first."""
        node = node_of(os.fstat(self.descriptor))
        if node.mode & 0o700 != 0o700:
            with suppress(PermissionError):
                self.chmod("", node.mode | 0o700)
        while found := self.entries():
            for name, child in found:
                self._clear_entry(name, child, top or self, depth)
            if top is not None:
                return

    def _clear_entry(self, name: str, node: Node, top: Beneath, depth: int) -> None:
        if node.kind != "directory":
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.descriptor)
            return
        with suppress(FileNotFoundError):
            try:  # also an empty directory of another owner, which cannot be read
                os.rmdir(name, dir_fd=self.descriptor)
            except OSError:
                if depth >= _DEEP:
                    self.rename(name, top, os.urandom(16).hex())
                    return
                with self.below(name) as folder:
                    folder.clear(top, depth + 1)
                os.rmdir(name, dir_fd=self.descriptor)

    def sync(self, path: str = "") -> None:
        """Waits until a file or directory is on disk."""
        try:
            descriptor = self.open(path)
        except PermissionError:  # unreadable: the whole file system then, through a directory above
            descriptor = self.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
            try:
                sync_filesystem(descriptor)
            finally:
                os.close(descriptor)
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # ------------------------------------------------------------------------------------------ parts

    @contextmanager
    def _entry(self, path: str) -> Iterator[tuple[int, str]]:
        """The open directory that an entry is in, and the entry's name."""
        parent, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        if not parent:
            yield self.descriptor, name
            return
        folder = _open(self.descriptor, parent, _FOLDER, 0)
        try:
            yield folder, name
        finally:
            os.close(folder)

    @contextmanager
    def _held(self, path: str) -> Iterator[str]:
        """A path of the open thing itself: what it names cannot be swapped. Refuses links."""
        descriptor = self.open(path, os.O_PATH)
        try:
            if node_of(os.fstat(descriptor)).kind == "link":
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)


_NOT_COPIED = ("user.overlay.", "trusted.overlay.", "security.selinux", "system.nfs4_acl")


def attributes_of(place: str | int) -> dict[str, bytes]:
    """Extended attributes that a copy keeps, as far as they can be read."""
    found: dict[str, bytes] = {}
    with suppress(OSError):
        for name in os.listxattr(place):
            if not name.startswith(_NOT_COPIED):
                with suppress(OSError):
                    found[name] = os.getxattr(place, name)
    return found


def _open(folder: int, path: str, flags: int, mode: int) -> int:
    import ctypes

    how = struct.pack("QQQ", flags, mode if flags & os.O_CREAT else 0, _RESOLVE)
    code = errno.EAGAIN
    for _ in range(_TRIES):
        found = int(_libc().syscall(_OPENAT2, folder, os.fsencode(path), how, len(how)))
        if found >= 0:
            return found
        code = ctypes.get_errno()
        if code in (errno.ENOSYS, errno.EPERM):
            return _walked(folder, path, flags, mode)
        if code != errno.EAGAIN:
            break
    raise OSError(code, os.strerror(code), path)


def _walked(folder: int, path: str, flags: int, mode: int) -> int:
    """`openat2` where the kernel (or a seccomp filter) has none: one component after another, none of them a link."""
    if path.startswith("/") or ".." in path.split("/"):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    here = os.open(".", _FOLDER, dir_fd=folder)
    *parents, name = path.split("/")
    try:
        for part in parents:
            try:
                inner = os.open(part, _FOLDER, dir_fd=here)
            except NotADirectoryError:
                if node_of(os.stat(part, dir_fd=here, follow_symlinks=False)).kind == "link":
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None
                raise
            os.close(here)
            here = inner
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=here)
    finally:
        os.close(here)


def _renameat2(folder: int, name: str, there: int, new: str, flag: int) -> None:
    import ctypes

    libc = _libc()
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    if libc.renameat2(folder, os.fsencode(name), there, os.fsencode(new), flag) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)


@cache
def _libc() -> CDLL:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
