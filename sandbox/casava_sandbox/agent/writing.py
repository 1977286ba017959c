"""Writing so that a file is the old one or the new one, never half of it."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import Iterable

from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.paths import Workspace, shown


def temporary_beside(path: str) -> str:
    """A name in the same directory that nothing has."""
    return os.path.join(os.path.dirname(path), ".casava-" + secrets.token_hex(8))


def replace_file(path: str, parts: Iterable[bytes]) -> None:
    """Puts a file into place at once. An existing one keeps its permissions and extended attributes."""
    temporary = temporary_beside(path)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open(handle, "wb") as file:
            for part in parts:
                file.write(part)
        if os.path.exists(path):
            shutil.copystat(path, temporary)
            os.utime(temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def need_writable(workspace: Workspace, path: str) -> None:
    """A `Fault` when the path may not be written or made."""
    if os.path.isfile(path) and not os.access(path, os.W_OK):
        hint = "change its permissions first"
        raise Fault(
            "permission", "%s is write-protected" % shown(workspace.text(path)), "nothing was written", hint
        )
    need_place(workspace, path)


def need_place(workspace: Workspace, path: str) -> None:
    """A `Fault` when nothing may be made, renamed or removed where the path is."""
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    name = shown(workspace.text(parent))
    if not os.path.isdir(parent):
        raise Fault("not-a-directory", "%s is not a directory" % name, "nothing can be put into it")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Fault("permission", "Nothing may be written into %s" % name, "", "change its permissions first")


def make_parents(workspace: Workspace, path: str) -> None:
    """Makes the directories above a path that `need_writable` has looked at."""
    parent = os.path.dirname(path)
    if parent != workspace.root:
        os.makedirs(parent, exist_ok=True)
