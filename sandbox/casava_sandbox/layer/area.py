"""The two folders that a transaction moves things through, on the workspace's mount.

`incoming` has what is to appear, `outgoing` takes what is to go. They stand in the undo store, or, where renames cannot cross
from there, in a hidden folder of the workspace; the directories that they and the steps need are opened for us for that time.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

from casava_sandbox.layer.beneath import Beneath
from casava_sandbox.layer.intents import undo_dir
from casava_sandbox.layer.steps import DirectoryStep, Intent, Purpose, Steps
from casava_sandbox.layer.trash import throw
from casava_syscalls.names import fs_path


def hidden_area(workspace: Beneath, steps: Steps, purpose: Purpose, pid: int) -> tuple[str, DirectoryStep]:
    """A hidden folder in the workspace's root, or in the first directory of it that may be written."""
    touched = {step.path: step for step in steps.directories}
    for path in ["", *touched]:
        with workspace.below(fs_path(path)) as folder:
            if os.access(f"/proc/self/fd/{folder.descriptor}", os.W_OK | os.X_OK):
                break
    else:
        path = ""
    node = workspace.look(fs_path(path))
    assert node is not None
    host = touched.get(path) or DirectoryStep(
        path=path,
        mode_before=node.mode,
        mode_after=node.mode,
        mtime_before=node.mtime_ns,
        mtime_after=node.mtime_ns,
    )
    name = f".casava-os-{purpose}-{pid}-{os.urandom(4).hex()}"
    return (f"{path}/{name}" if path else name), host


def open_folders(
    state: str, workspace: Beneath, intent: Intent, stack: ExitStack, *, make: bool = False
) -> tuple[Beneath, Beneath]:
    """The incoming and the outgoing folder, opened."""
    if intent.area is None:
        home = stack.enter_context(Beneath.at(undo_dir(state, intent.pid)))
        place = "moving"
    else:
        home, place = workspace, fs_path(intent.area)
    if make:
        if intent.area is None:
            home.remove(place)
        for folder in (place, f"{place}/new", f"{place}/old"):
            home.make_dir(folder)
    return (
        stack.enter_context(home.below(f"{place}/new")),
        stack.enter_context(home.below(f"{place}/old")),
    )


def remove_folders(state: str, workspace: Beneath, intent: Intent, *, landed: bool) -> None:
    """Takes them away; the directory that held them has its permissions and time."""
    if intent.area is None:
        throw(state, os.path.join(undo_dir(state, intent.pid), "moving"))
        return
    host = intent.area_host
    assert host is not None
    path = fs_path(host.path)
    node = workspace.look(path)
    mtime = host.mtime_after if landed else host.mtime_before
    if mtime is None and node is not None:
        mtime = node.mtime_ns
    if workspace.exists(fs_path(intent.area)):
        unlock(workspace, path)
        workspace.remove(fs_path(intent.area))
    lock(workspace, path, host.mode_after if landed else host.mode_before, mtime)


def unlock(workspace: Beneath, path: str) -> None:
    """Lets us write in a directory of ours, whatever its permissions."""
    node = workspace.look(path)
    if node is not None and node.mode & 0o300 != 0o300 and node.uid == os.geteuid():
        workspace.chmod(path, node.mode | 0o700)


def lock(workspace: Beneath, path: str, mode: int, mtime: int | None) -> None:
    """A directory has these permissions and this time (ns; None: whatever it has)."""
    node = workspace.look(path)
    if node is None or node.kind != "directory":
        return
    if node.mode != mode:
        workspace.chmod(path, mode)
    if mtime is not None and node.mtime_ns != mtime:
        with suppress(PermissionError):  # a directory that others own and let us write
            workspace.touch(path, mtime)


def identity(folder: Beneath) -> tuple[int, int]:
    """Device and inode of a directory."""
    status = folder.status()
    return status.st_dev, status.st_ino
