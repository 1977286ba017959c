"""What is not needed any more, and is removed a little at a time: freeing blocks takes long on some disks.

Folders `<state>/undo/.gone-…`. Every commit, undo and redo spends a moment on them; a full disk, as long as it takes.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from casava_sandbox.layer.beneath import Beneath
from casava_sandbox.layer.files import remove_tree

_MOMENT = 0.2
_BATCH = 16


def trash_path(state: str) -> str:
    """A fresh name for what goes."""
    return os.path.join(state, "undo", f".gone-{os.urandom(8).hex()}")


def throw(state: str, path: str) -> None:
    """Throws a folder of ours away at once. Second names of what the store keeps go now: the store wants to be alone."""
    try:
        with Beneath.at(path) as folder:
            for inner, node in folder.walk(""):
                if node.kind == "directory" and node.mode & 0o700 != 0o700:
                    folder.chmod(inner, 0o700)
                elif node.kind == "file" and folder.status(inner).st_nlink > 1:
                    folder.unlink(inner)
        os.rename(path, trash_path(state))
    except FileNotFoundError:
        return


def empty(state: str, seconds: float = _MOMENT) -> bool:
    """Removes what was thrown away, for so many seconds at most; whether nothing is left."""
    until = time.monotonic() + seconds
    home = os.path.join(state, "undo")
    with suppress(FileNotFoundError):
        for name in os.listdir(home):
            if not name.startswith(".gone-"):
                continue
            top = os.path.join(home, name)
            for folder, _, files in os.walk(top, topdown=False):
                for number, file in enumerate(files):
                    if number % _BATCH == 0 and time.monotonic() > until:
                        return False
                    with suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, file))
                with suppress(OSError):
                    os.rmdir(folder)
            with suppress(OSError):
                remove_tree(top)
    return True
