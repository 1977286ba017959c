"""How a performer fails in an expected way, and how the operating system's errors become such failures."""

from __future__ import annotations

import errno
import os
from typing import Dict

from casava_syscalls.names import path_text


class Fault(Exception):  # noqa: N818 - the sandbox's word for an expected failure, as `Err` is the host's
    """An expected failure: `code` is one of the ABI's error codes, the rest is for the person."""

    def __init__(self, code: str, title: str, message: str = "", hint: str = "") -> None:
        super().__init__(title)
        self.code = code
        self.title = title
        self.message = message
        self.hint = hint

    def as_json(self) -> Dict[str, str]:
        """The failure as the channel sends it."""
        return {"code": self.code, "title": self.title, "message": self.message, "hint": self.hint}


_CODES = {
    errno.ENOENT: ("not-found", "There is no such file"),
    errno.EEXIST: ("exists", "It is already there"),
    errno.ENOTEMPTY: ("exists", "The directory is not empty"),
    errno.ENOTDIR: ("not-a-directory", "Not a directory"),
    errno.EISDIR: ("not-a-file", "It is a directory"),
    errno.EACCES: ("permission", "Not permitted"),
    errno.EPERM: ("permission", "Not permitted"),
    errno.EROFS: ("outside-workspace", "Only the workspace can be written"),
    errno.ENOSPC: ("disk-full", "The disk is full"),
    errno.EDQUOT: ("disk-full", "The disk quota is used up"),
    errno.EFBIG: ("limit", "The file would be larger than the sandbox allows"),
    errno.ENOMEM: ("limit", "The sandbox is out of memory"),
    errno.EAGAIN: ("limit", "The sandbox has no room for another process"),
    errno.EMFILE: ("limit", "Too many open files"),
    errno.ELOOP: ("unsupported", "Links that lead to each other"),
    errno.ENAMETOOLONG: ("usage", "The name is too long"),
    errno.EXDEV: ("unsupported", "It lies on another file system"),
}

_HINTS = {
    "disk-full": "make room on the disk of the state directory: casava-os config shows which it is",
    "permission": "look at its owner and permissions: casava-os call file.stat --paths PATH",
    "outside-workspace": "start with --workspace in the directory that holds it",
}


def fault_from(error: BaseException, root: str = "/workspace") -> Fault:
    """The fault that stands for any exception a performer raised."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, MemoryError):
        return Fault(
            "limit",
            "The sandbox is out of memory",
            "",
            "raise the memory budget, or work on less data at once",
        )
    if isinstance(error, OSError) and error.errno in _CODES:
        code, title = _CODES[error.errno]
        names = [
            _shown(name, root) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))
        ]
        return Fault(code, title, " -> ".join(names) or (error.strerror or ""), _HINTS.get(code, ""))
    text = (str(error).splitlines() or [""])[0]
    return Fault("failed", "The syscall failed", type(error).__name__ + (": " + text if text else ""))


def _shown(name: object, root: str) -> str:
    """A path as the person knows it: relative to the workspace, in text form."""
    path = os.fsdecode(name) if isinstance(name, (str, bytes)) else str(name)
    if path == root:
        return "."
    return path_text(path[len(root) + 1 :] if path.startswith(root + "/") else path)
