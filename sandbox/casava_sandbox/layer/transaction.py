"""Lands prepared changes in a workspace so that all of them happen or none, also when the process is killed midway.

A transaction moves things between three places that lie on one mount, so every step is one rename: the workspace, an
`incoming` folder with what is to appear, and an `outgoing` folder that takes what is to go. What lies where says how
far it got; that is why rolling back needs no log beyond the intent, and may itself be interrupted and repeated.

Where the state directory and the workspace share a mount, the folders are those of the undo store, so that a deleted
tree of any size is kept by one rename. Otherwise they lie in a hidden folder in the workspace while the commit lasts,
and copies of what goes are put into the undo store (and synced) first.

There is one intent file in a state directory, and one lock around it: commits of one person run one after another.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from casava_os.paths import private_dir
from casava_sandbox.layer.files import (
    failure,
    locked,
    look,
    mount_of,
    move,
    remove_tree,
    sync,
    sync_tree,
    write_durably,
)
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} leaves the workspace")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
"""A path that stays in the workspace. What is read back from disk is believed no more than what comes from a sandbox."""


class Item(BaseModel):
    """One path at which something goes (`take`), something appears (`put`), or the one replaces the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """Its name in the incoming and outgoing folders."""
    path: Inside
    take: bool
    put: bool


class ModeStep(BaseModel):
    """A file whose permissions change, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Inside
    before: int
    after: int


class DirectoryStep(BaseModel):
    """A directory that is there before and after: its permissions, and its mtime (ns; None: leave what comes)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Inside
    mode_before: int
    mode_after: int
    mtime_before: int
    mtime_after: int | None


class Steps(BaseModel):
    """What a transaction does. Paths are relative to the workspace, in text form; directories come parents first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[Item, ...] = ()
    modes: tuple[ModeStep, ...] = ()
    directories: tuple[DirectoryStep, ...] = ()

    def reversed(self) -> Steps:
        """The steps that take these back."""
        return Steps(
            items=tuple(i.model_copy(update={"take": i.put, "put": i.take}) for i in self.items),
            modes=tuple(ModeStep(path=m.path, before=m.after, after=m.before) for m in self.modes),
            directories=tuple(
                DirectoryStep(
                    path=d.path,
                    mode_before=d.mode_after,
                    mode_after=d.mode_before,
                    mtime_before=d.mtime_before if d.mtime_after is None else d.mtime_after,
                    mtime_after=d.mtime_before,
                )
                for d in self.directories
            ),
        )


class Intent(BaseModel):
    """A transaction under way, as written to disk before it touches the workspace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    workspace: str
    purpose: Literal["commit", "undo"]
    phase: Literal["staging", "applying", "done"]
    incoming: str
    outgoing: str
    area: str | None = None
    """The hidden folder in the workspace, where there is one."""
    area_host: DirectoryStep | None = None
    """The directory that holds it, whose mtime is put back."""
    steps: Steps = Steps()


Stage = Callable[[Intent], Err | None]
"""Fills the incoming folder (and, with a hidden folder, copies what goes); synced by the caller of it."""


def undo_dir(state: str, pid: int) -> str:
    """Where the commit of a process is remembered."""
    return os.path.join(state, "undo", str(pid))


def undone_path(state: str, pid: int) -> str:
    """A file that is there when the commit was taken back."""
    return os.path.join(undo_dir(state, pid), "undone")


@contextmanager
def exclusive(state: str) -> Iterator[None]:
    """One commit, undo or recovery at a time; whatever an earlier process left unfinished is rolled back first.

    Raises `OSError` when that cannot be done.
    """
    private_dir(Path(state, "undo"))
    with locked(os.path.join(state, "undo", "lock")):
        recover_locked(state)
        yield


def prepare(state: str, workspace: str, pid: int, purpose: Literal["commit", "undo"], steps: Steps) -> Intent:
    """Chooses the folders: those of the undo store, or a hidden one in the workspace when renames cannot cross."""
    store = undo_dir(state, pid)
    new, old = os.path.join(store, "new"), os.path.join(store, "old")
    if purpose == "undo":
        new, old = old, new
    area, host = None, None
    if mount_of(store)[0] != mount_of(workspace)[0]:
        host = _area_host(workspace, steps)
        area = os.path.join(_at(workspace, host.path), f".casava-os-{purpose}-{pid}-{os.urandom(4).hex()}")
        new, old = os.path.join(area, "new"), os.path.join(area, "old")
    return Intent(
        pid=pid,
        workspace=path_text(workspace),
        purpose=purpose,
        phase="staging",
        incoming=path_text(new),
        outgoing=path_text(old),
        area=None if area is None else path_text(area),
        area_host=host,
        steps=steps,
    )


def _area_host(workspace: str, steps: Steps) -> DirectoryStep:
    """The workspace's root, or the first directory in it that may be written."""
    touched = {step.path: step for step in steps.directories}
    for path in ["", *touched]:
        if os.access(_at(workspace, path), os.W_OK | os.X_OK):
            break
    else:
        path = ""
    node = look(_at(workspace, path))
    assert node is not None
    return touched.get(path) or DirectoryStep(
        path=path,
        mode_before=node.mode,
        mode_after=node.mode,
        mtime_before=node.mtime_ns,
        mtime_after=node.mtime_ns,
    )


def run(
    state: str, intent: Intent, stage: Stage, check: Callable[[], Err | None], finish: Callable[[], None]
) -> Err | None:
    """Stages, checks once more, applies, and lets `finish` write the record; on any trouble nothing has happened.

    The caller holds `exclusive`. `finish` is called when the workspace is as wanted and on disk, before the intent goes.
    """
    doing = "landing the changes" if intent.purpose == "commit" else "taking the changes back"
    try:
        _save(state, intent)
        for folder in filter(None, (intent.area, intent.incoming, intent.outgoing)):
            os.makedirs(fs_path(folder), mode=0o700, exist_ok=True)
        error = stage(intent) or check()
        if error is None:
            sync_tree(fs_path(intent.incoming))
            intent = intent.model_copy(update={"phase": "applying"})
            _save(state, intent)
            _apply(intent)
            finish()
            intent = _done(intent)
            if intent.area is not None:
                _save(state, intent)
    except OSError as trouble:
        error = failure(trouble, doing)
        try:
            _settle(state, intent)
        except OSError as again:
            hint = "Nothing is lost: the next start of Casava OS takes it up again"
            return failure(again, "putting the workspace back").model_copy(update={"hint": hint})
        return error
    except BaseException:  # Ctrl-C, or a bug: half a commit is never left
        _settle(state, intent)
        raise
    with suppress(OSError):  # a hidden folder that could not go yet goes at the next start
        _settle(state, intent)
    return error


def recover(state: str) -> int | None:
    """Rolls back what a killed process left unfinished; answers its pid. Raises `OSError` when that cannot be done."""
    if not os.path.lexists(_intent_path(state)):
        return None
    with locked(os.path.join(state, "undo", "lock")):
        return recover_locked(state)


def recover_locked(state: str) -> int | None:
    """`recover`, for who holds the lock."""
    try:
        with open(_intent_path(state), "rb") as file:
            intent = Intent.model_validate_json(file.read())
    except FileNotFoundError:
        return None
    _settle(state, intent)
    return intent.pid


def rolled_back_path(state: str, pid: int) -> str:
    """A list of the paths that a rollback moved out and in again: their ctime is newer, their contents are not."""
    return os.path.join(state, "layers", str(pid), "rolled-back.json")


# ---------------------------------------------------------------------------------------------- steps


def _apply(intent: Intent) -> None:
    workspace, steps = fs_path(intent.workspace), intent.steps
    for step in steps.directories:
        _open(_at(workspace, step.path))
    for mode in steps.modes:
        os.chmod(_at(workspace, mode.path), mode.after)
    for item in steps.items:
        _exchange(intent, item)
    for step in reversed(steps.directories):
        _close(_at(workspace, step.path), step.mode_after, step.mtime_after)
    sync([fs_path(intent.incoming), fs_path(intent.outgoing)])
    sync(
        [
            _at(workspace, path)
            for path in dict.fromkeys([s.path for s in steps.directories] + [m.path for m in steps.modes])
        ]
    )


def _done(intent: Intent) -> Intent:
    """The intent whose only rest is to remove the hidden folder and put back the time of the directory that held it."""
    host = intent.area_host
    if host is not None and host.mtime_after is None:
        reached = os.lstat(_at(fs_path(intent.workspace), host.path)).st_mtime_ns
        host = host.model_copy(update={"mtime_after": reached})
    return intent.model_copy(update={"phase": "done", "area_host": host})


def _exchange(intent: Intent, item: Item) -> None:
    """Takes, puts, or replaces. A file is replaced in one instant: readers see the old or the new one."""
    path = _at(fs_path(intent.workspace), item.path)
    new = os.path.join(fs_path(intent.incoming), str(item.number))
    old = os.path.join(fs_path(intent.outgoing), str(item.number))
    if item.take and item.put and not _is_directory(new) and not _is_directory(path):
        with suppress(OSError):  # no hard links here: then take and put
            os.link(path, old, follow_symlinks=False)
            os.rename(new, path)
            return
        if os.path.lexists(old):
            os.unlink(old)
    if item.take:
        move(path, old)
    if item.put:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        move(new, path)


def _roll_back(intent: Intent) -> list[str]:
    """Puts every path back, wherever the transaction stood; answers the paths that were moved."""
    workspace, steps = fs_path(intent.workspace), intent.steps
    moved: list[str] = []
    for step in steps.directories:
        _open(_at(workspace, step.path))
    for item in reversed(steps.items):
        path = _at(workspace, item.path)
        new = os.path.join(fs_path(intent.incoming), str(item.number))
        old = os.path.join(fs_path(intent.outgoing), str(item.number))
        if item.put and not os.path.lexists(new) and os.path.lexists(path):
            move(path, new)
            moved.append(item.path)
        if item.take and os.path.lexists(old):
            if not os.path.lexists(path):
                move(old, path)
            elif os.path.samestat(os.lstat(old), os.lstat(path)):
                os.unlink(old)
            else:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            moved.append(item.path)
    for mode in steps.modes:
        os.chmod(_at(workspace, mode.path), mode.before)
        moved.append(mode.path)
    if intent.area is not None:
        remove_tree(fs_path(intent.area))
    for step in reversed(steps.directories):
        _close(_at(workspace, step.path), step.mode_before, step.mtime_before)
        moved.append(step.path)
    sync([_at(workspace, step.path) for step in steps.directories])
    return moved


def _settle(state: str, intent: Intent) -> None:
    """Ends a transaction from whatever phase it reached, and forgets the intent."""
    if intent.phase == "applying":
        moved = _roll_back(intent)
        if intent.purpose == "commit" and os.path.isdir(os.path.dirname(rolled_back_path(state, intent.pid))):
            _remember_moved(state, intent, moved)
    if intent.area is not None and os.path.lexists(fs_path(intent.area)):
        remove_tree(fs_path(intent.area))
    if intent.area_host is not None:
        host, done = intent.area_host, intent.phase == "done"
        mode = host.mode_after if done else host.mode_before
        _close(
            _at(fs_path(intent.workspace), host.path), mode, host.mtime_after if done else host.mtime_before
        )
    if intent.phase != "done":
        store = undo_dir(state, intent.pid)
        if intent.purpose == "commit":
            remove_tree(store)
        else:
            remove_tree(os.path.join(store, "new"))
            remove_tree(undone_path(state, intent.pid))
    with suppress(FileNotFoundError):
        os.unlink(_intent_path(state))
    sync([os.path.dirname(_intent_path(state))])


def _remember_moved(state: str, intent: Intent, moved: list[str]) -> None:
    import json

    workspace = fs_path(intent.workspace)
    nodes = {path: look(_at(workspace, path)) for path in moved}
    times = {path: node.ctime_ns for path, node in nodes.items() if node is not None}
    write_durably(rolled_back_path(state, intent.pid), json.dumps(times).encode())


def _open(path: str) -> None:
    """Lets us write in a directory of ours, whatever its permissions."""
    node = look(path)
    if node is not None and node.mode & 0o300 != 0o300 and node.uid == os.geteuid():
        os.chmod(path, node.mode | 0o700)


def _close(path: str, mode: int, mtime: int | None) -> None:
    node = look(path)
    if node is None:
        return
    if node.mode != mode:
        os.chmod(path, mode)
    if mtime is not None and node.mtime_ns != mtime:
        with suppress(PermissionError):  # a directory that others own and let us write
            os.utime(path, ns=(mtime, mtime))


def _is_directory(path: str) -> bool:
    node = look(path)
    return node is not None and node.kind == "directory"


def _at(workspace: str, path: str) -> str:
    return os.path.join(workspace, fs_path(path)) if path else workspace


def _intent_path(state: str) -> str:
    return os.path.join(state, "undo", "intent.json")


def _save(state: str, intent: Intent) -> None:
    write_durably(_intent_path(state), intent.model_dump_json().encode())
