"""Takes a commit back, and lands it again: the commit's transaction with its steps reversed, on what the store kept.

Both refuse when the workspace has moved on at a path that the commit touched: later work is never thrown away.
"""

from __future__ import annotations

import os

from casava_os.kernel.ports import Action, Change, Changeset
from casava_sandbox.layer.beneath import ASTRAY, Beneath
from casava_sandbox.layer.files import Node, failure, named
from casava_sandbox.layer.intents import undo_dir
from casava_sandbox.layer.kept import Kept, Tree, differing, rebuild
from casava_sandbox.layer.objects import DamagedError, Objects
from casava_sandbox.layer.record import Record, load_record, remembered
from casava_sandbox.layer.steps import Purpose, Steps
from casava_sandbox.layer.transaction import DOING, Staged, Staging, exclusive, run
from casava_syscalls.names import fs_path
from casava_syscalls.results import Err, Ok, Result

_REVERSE: dict[Action, Action] = {
    "added": "deleted",
    "deleted": "added",
    "changed": "changed",
    "mode": "mode",
    "renamed": "renamed",
}


def undo(state: str, pid: int) -> Result[Changeset]:
    """`LayerStore.undo`: see the Protocol for what comes back."""
    return _turn(state, pid, "undo")


def redo(state: str, pid: int) -> Result[Changeset]:
    """`LayerStore.redo`: see the Protocol for what comes back."""
    return _turn(state, pid, "redo")


def _turn(state: str, pid: int, purpose: Purpose) -> Result[Changeset]:
    record: Record | None = None
    try:
        record = load_record(state, pid)
        if record is None and not os.path.isdir(undo_dir(state, pid)):
            return _nothing(pid, purpose)
        if record is None:  # a killed commit may be finished by whoever comes next
            return _turn_after_recovery(state, pid, purpose)
        place = fs_path(record.workspace)
        with exclusive(state, place):
            record = load_record(state, pid)
            if record is None:
                return _nothing(pid, purpose)
            if record.undone == (purpose == "undo"):
                return _already(pid, purpose)
            with Beneath.at(place) as workspace:
                status = workspace.status()
                if (status.st_dev, status.st_ino) != record.root:
                    return _elsewhere(record)
                return _go(state, record, place, workspace, purpose)
    except (FileNotFoundError, NotADirectoryError) as trouble:
        if record is not None and trouble.filename == fs_path(record.workspace):
            return _elsewhere(record)
        return failure(trouble, DOING[purpose])
    except OSError as trouble:
        return failure(trouble, DOING[purpose])
    except ValueError as damage:
        message = f"The undo record of process {pid} cannot be read: {str(damage).splitlines()[0]}"
        return Err(code="failed", title="Damaged undo record", message=message, hint="Nothing was touched")


def _turn_after_recovery(state: str, pid: int, purpose: Purpose) -> Result[Changeset]:
    from casava_sandbox.layer.transaction import settle_one

    settle_one(state, pid)
    return _nothing(pid, purpose) if load_record(state, pid) is None else _turn(state, pid, purpose)


def _nothing(pid: int, purpose: Purpose) -> Err:
    return Err(
        code="not-found",
        title=f"Nothing to {purpose}",
        message=f"No commit of process {pid} is kept",
        hint="See `casava-os log`; how much is kept, and how long, are the settings undo.bytes and undo.days",
    )


def _already(pid: int, purpose: Purpose) -> Err:
    if purpose == "undo":
        message, hint = (
            f"The changes of process {pid} were taken back",
            f"casava-os redo {pid} lands them again",
        )
        return Err(code="usage", title="Already undone", message=message, hint=hint)
    message = f"The changes of process {pid} stand in the workspace"
    return Err(
        code="usage", title="Nothing to redo", message=message, hint=f"casava-os undo {pid} takes them back"
    )


def _elsewhere(record: Record) -> Err:
    return Err(
        code="conflict",
        title="The workspace has moved on",
        message=f"{named([record.workspace])} is not the directory that process {record.pid} changed",
        hint="Nothing was touched. Put that directory back in its place, and try again",
    )


def _go(state: str, record: Record, place: str, workspace: Beneath, purpose: Purpose) -> Result[Changeset]:
    back = purpose == "undo"
    stands, wanted = (record.after, record.before) if back else (record.before, record.after)
    direction = record.steps.reversed() if back else record.steps
    if wrong := _moved_on(workspace, direction, stands):
        return _refused(state, record, wrong, purpose)
    if missing := _missing(state, wanted):
        return _unkept(missing)
    steps = _adapted(workspace, direction)

    def stage(staging: Staging) -> Staged | Err:
        now = staging.keep([fs_path(item.path) for item in steps.items if item.take])
        if wrong := differing(now, stands):
            return _refused(state, record, wrong, purpose)
        tops = {item.path: str(item.number) for item in steps.items if item.put}
        try:
            rebuild(wanted, tops, staging.incoming, staging.objects, staging.workspace)
        except DamagedError as damage:
            return _unkept([path for path, kept in wanted.items() if kept.text == damage.digest])
        turned = record.model_copy(update={"undone": back, "after" if back else "before": now})
        return Staged(turned.model_dump_json().encode(), now, wanted)

    def check(_: frozenset[str]) -> Err | None:
        late = _moved_on(workspace, direction, stands)
        return _refused(state, record, late, purpose) if late else None

    error = run(state, place, workspace, record.pid, purpose, steps, stage, check)
    if error is not None:
        return error
    return Ok(value=_reverse(record) if back else record.changeset)


def _moved_on(workspace: Beneath, steps: Steps, stands: Tree) -> list[str]:
    """The paths at which the workspace is not as these steps want it, by a look at each; contents are compared later."""
    wrong: list[str] = []
    for item in steps.items:
        node = _there(workspace, item.path)
        kept = stands.get(item.path)
        if not item.take:
            if node is not None or not _is_directory(workspace, item.path.rpartition("/")[0]):
                wrong.append(item.path)
        elif node is None or kept is None or not _alike(node, kept):
            wrong.append(item.path)
    wanted = [(mode.path, "file", mode.before, mode.after) for mode in steps.modes]
    wanted += [
        (folder.path, "directory", folder.mode_before, folder.mode_after) for folder in steps.directories
    ]
    for path, kind, before, after in wanted:
        node = _there(workspace, path)
        if node is None or node.kind != kind or before not in (after, node.mode):
            wrong.append(path or ".")
    return wrong


def _alike(node: Node, kept: Kept) -> bool:
    if node.kind != kept.kind:
        return False
    return kept.kind == "link" or (node.mode, node.size) == (kept.mode, kept.size)


def _there(workspace: Beneath, path: str) -> Node | None:
    try:
        return workspace.look(fs_path(path))
    except PermissionError:
        raise
    except OSError as problem:
        if problem.errno in ASTRAY:
            return None
        raise


def _is_directory(workspace: Beneath, path: str) -> bool:
    node = _there(workspace, path)
    return node is not None and node.kind == "directory"


def _refused(state: str, record: Record, wrong: list[str], purpose: Purpose) -> Err:
    """Why not, and what can be done: later commits at these paths come off first; else the person decides."""
    when = "changed after the commit" if purpose == "undo" else "changed since it was undone"
    later = _later(state, record, set(wrong))
    if later:
        first, *more = later
        also = f", and before it {named([str(pid) for pid in more])}" if more else ""
        hint = f"Nothing was touched. Process {first} changed them later: casava-os undo {first} first{also}"
        if more:
            numbers = ", ".join(str(pid) for pid in later)
            hint = f"Nothing was touched. Processes {numbers} changed them later: undo those first, in this order"
    elif purpose == "undo":
        hint = (
            f"Nothing was touched. casava-os diff {record.pid} shows what the commit did; "
            "move what you changed aside, put those files back as it left them, and try again"
        )
    else:
        hint = (
            f"Nothing was touched. Move those files aside, or give the request of process {record.pid} again"
        )
    return Err(
        code="conflict", title="The workspace has moved on", message=f"{named(wrong)} {when}", hint=hint
    )


def _later(state: str, record: Record, wrong: set[str]) -> list[int]:
    """The commits that stand and changed these paths after the record's, the newest first."""
    found: list[tuple[int, int]] = []
    for pid in remembered(state):
        try:
            other = load_record(state, pid)
        except (OSError, ValueError):
            continue
        if other is None or other.undone or other.root != record.root or other.sequence <= record.sequence:
            continue
        touched = {path for c in other.changeset.changes for path in (c.path, c.source) if path is not None}
        if any(_meet(path, one) for path in wrong for one in touched):
            found.append((other.sequence, pid))
    return [pid for _, pid in sorted(found, reverse=True)]


def _meet(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _missing(state: str, wanted: Tree) -> list[str]:
    objects = Objects(state)
    return [
        path
        for path, kept in wanted.items()
        if kept.kind == "file" and objects.find(kept.text or "", kept.size) is None
    ]


def _unkept(paths: list[str]) -> Err:
    message = f"What was kept of {named(paths)} is missing or damaged"
    hint = "Nothing was touched. The rest of what was kept is whole: the other commits can be undone"
    return Err(code="conflict", title="Cannot be put back", message=message, hint=hint)


def _adapted(workspace: Beneath, steps: Steps) -> Steps:
    """These steps for directories as they are now: one in which the person worked keeps its mode and the time of now."""
    directories = []
    for step in steps.directories:
        node = workspace.look(fs_path(step.path))
        assert node is not None
        update: dict[str, int | None] = {"mtime_before": node.mtime_ns}
        if node.mtime_ns != step.mtime_before:
            update["mtime_after"] = None
        if step.mode_before == step.mode_after:
            update |= {"mode_before": node.mode, "mode_after": node.mode}
        directories.append(step.model_copy(update=update))
    return steps.model_copy(update={"directories": tuple(directories)})


def _reverse(record: Record) -> Changeset:
    """The changeset that undoes the record's."""
    changes = [_reverse_change(change, record.before) for change in record.changeset.changes]
    return Changeset.made(record.pid, record.workspace, changes)


def _reverse_change(change: Change, before: Tree) -> Change:
    restored = change.type if change.action in ("deleted", "renamed") else change.type_before
    origin = change.source if change.action == "renamed" else change.path
    digest = target = None
    if change.action in ("deleted", "changed", "renamed") and origin in before:
        kept = before[origin]
        if restored == "file":
            digest = kept.text
        elif restored == "link":
            target = kept.text
    elif change.action == "mode":
        digest = change.digest
    return Change(
        path=origin or change.path,
        action=_REVERSE[change.action],
        type=change.type if restored is None else restored,
        type_before=change.type if change.type_before is not None else None,
        source=change.path if change.action == "renamed" else None,
        size=change.size_before,
        size_before=change.size,
        mode=change.mode_before,
        mode_before=change.mode,
        target=target,
        digest=digest,
    )
