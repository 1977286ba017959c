"""Reads the upper directory of an overlay: what is there, what is hidden, what replaces what.

The format is the kernel's (Documentation/filesystems/overlayfs.rst): a whiteout, meaning "deleted", is a character
device 0/0 or an empty file with the attribute ``overlay.whiteout``; a directory with ``overlay.opaque=y`` hides the
one below it. The attributes are in the ``user.`` namespace (mounts with `userxattr`) or in ``trusted.`` (mounts by root).

The files are ours but their modes were chosen by a program: what it made unreadable is opened for reading, and gets its
mode back when the reader is closed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Self, TypeVar

from casava_sandbox.layer.files import Node, node_of, open_file

T = TypeVar("T")

_NAMESPACES = ("user", "trusted")


class Upper:
    """The upper directory, by paths relative to it ("" is the directory itself). Use as a context manager."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._modes: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for relative in sorted(self._modes, reverse=True):
            os.chmod(self._path(relative), self._modes.pop(relative))

    def node(self, relative: str) -> Node:
        """Kind, mode and times, with the mode that the program gave it."""
        node = node_of(self._reach(relative, os.lstat))
        return node._replace(mode=self._modes[relative]) if relative in self._modes else node

    def names(self, relative: str) -> list[str]:
        """What a directory holds, sorted."""
        return sorted(self._reach(relative, os.listdir))

    def open(self, relative: str) -> int:
        """A descriptor for reading a regular file."""
        return self._reach(relative, open_file)

    def link_text(self, relative: str) -> str:
        """What a symbolic link points to."""
        return self._reach(relative, os.readlink)

    def is_whiteout(self, relative: str, node: Node) -> bool:
        """Whether the entry says "deleted"."""
        if node.kind == "other":
            status = self._reach(relative, os.lstat)
            return stat.S_ISCHR(status.st_mode) and node.rdev == 0
        return node.kind == "file" and node.size == 0 and self._attribute(relative, "whiteout") is not None

    def is_opaque(self, relative: str) -> bool:
        """Whether the directory hides the one below it."""
        return self._attribute(relative, "opaque") == b"y"

    def is_partial(self, relative: str) -> bool:
        """Whether the entry needs a feature we never mount with: contents or children that lie elsewhere."""
        return any(self._attribute(relative, name) is not None for name in ("redirect", "metacopy"))

    def _attribute(self, relative: str, name: str) -> bytes | None:
        for namespace in _NAMESPACES:
            attribute = f"{namespace}.overlay.{name}"
            try:
                return self._reach(relative, partial(_get_attribute, attribute))
            except OSError as error:
                if error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EPERM):
                    raise
        return None

    def _path(self, relative: str) -> str:
        return os.path.join(self.root, relative) if relative else self.root

    def _reach(self, relative: str, action: Callable[[str], T]) -> T:
        path = self._path(relative)
        try:
            return action(path)
        except PermissionError:
            if os.geteuid() == 0:
                raise
        self._unlock(relative)
        return action(path)

    def _unlock(self, relative: str) -> None:
        """Makes the entry and every directory above it readable for us, remembering their modes."""
        parts = relative.split("/") if relative else []
        for depth in range(len(parts) + 1):
            prefix = "/".join(parts[:depth])
            status = os.lstat(self._path(prefix))
            mode = stat.S_IMODE(status.st_mode)
            wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o400
            if not stat.S_ISLNK(status.st_mode) and mode & wanted != wanted:
                os.chmod(self._path(prefix), mode | wanted)
                self._modes.setdefault(prefix, mode)


def _get_attribute(name: str, path: str) -> bytes:
    return os.getxattr(path, name, follow_symlinks=False)
