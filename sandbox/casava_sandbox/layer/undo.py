"""Takes a commit back: the same transaction with its steps reversed, on what the undo store kept.

It refuses when the workspace has moved on at a path that the commit touched: undo never throws away later work.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from casava_os.kernel.ports import Action, Change, Changeset
from casava_sandbox.layer.files import (
    copy_object,
    digest_of,
    failure,
    look,
    named,
    open_file,
    remove_tree,
    write_durably,
)
from casava_sandbox.layer.record import Record, load_record, moved_on
from casava_sandbox.layer.transaction import (
    Intent,
    Steps,
    exclusive,
    prepare,
    run,
    undo_dir,
    undone_path,
)
from casava_syscalls.names import fs_path, path_text
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
    try:
        if not os.path.isdir(undo_dir(state, pid)):
            return _nothing(pid)
        with exclusive(state):
            record = load_record(state, pid)
            if record is None:
                return _nothing(pid)
            if os.path.lexists(undone_path(state, pid)):
                return Err(
                    code="usage",
                    title="Already undone",
                    message=f"The changes of process {pid} were taken back",
                )
            return _take_back(state, record)
    except OSError as trouble:
        return failure(trouble, "taking the changes back")
    except ValueError as damage:
        message = f"The undo record of process {pid} cannot be read: {str(damage).splitlines()[0]}"
        return Err(code="failed", title="Damaged undo record", message=message, hint="Nothing was touched")


def _nothing(pid: int) -> Err:
    return Err(
        code="not-found",
        title="Nothing to undo",
        message=f"No commit of process {pid} is kept",
        hint="See `casava-os log`",
    )


def _take_back(state: str, record: Record) -> Result[Changeset]:
    workspace, store = fs_path(record.workspace), undo_dir(state, record.pid)

    def check() -> Err | None:
        wrong = _moved_on(workspace, record)
        if not wrong:
            return None
        message = f"{named(wrong)} changed after the commit"
        hint = "Nothing was touched. Put those files back as the commit left them, or keep what there is"
        return Err(code="conflict", title="The workspace has moved on", message=message, hint=hint)

    error = check()
    if error is not None:
        return error
    changeset = _reverse(record, os.path.join(store, "old"))
    if isinstance(changeset, Err):
        return changeset
    steps = _back(workspace, record.steps)
    intent = prepare(state, workspace, record.pid, "undo", steps)

    def stage(intent: Intent) -> Err | None:
        if intent.area is not None:
            for item in steps.items:
                if item.put:
                    kept = os.path.join(store, "old", str(item.number))
                    copy_object(kept, os.path.join(fs_path(intent.incoming), str(item.number)))
        return None

    error = run(state, intent, stage, check, lambda: write_durably(undone_path(state, record.pid), b""))
    if error is not None:
        return error
    if intent.area is not None:
        remove_tree(os.path.join(store, "old"))
    return Ok(value=changeset)


def _moved_on(workspace: str, record: Record) -> list[str]:
    wrong = moved_on(workspace, record.steps.items, record.after)
    steps = record.steps
    wanted = [(mode.path, "file", mode.before, mode.after) for mode in steps.modes]
    wanted += [
        (folder.path, "directory", folder.mode_before, folder.mode_after) for folder in steps.directories
    ]
    for path, kind, before, after in wanted:
        node = look(os.path.join(workspace, fs_path(path)) if path else workspace)
        if node is None or node.kind != kind or after not in (before, node.mode):
            wrong.append(path or ".")
    return wrong


def _back(workspace: str, steps: Steps) -> Steps:
    """The reversed steps. A directory in which the person worked meanwhile keeps its mode and the time of now."""
    back = steps.reversed()
    directories = []
    for done, step in zip(steps.directories, back.directories, strict=True):
        node = look(os.path.join(workspace, fs_path(step.path)) if step.path else workspace)
        assert node is not None
        update: dict[str, int | None] = {"mtime_before": node.mtime_ns}
        if node.mtime_ns != done.mtime_after:
            update["mtime_after"] = None
        if done.mode_before == done.mode_after:
            update |= {"mode_before": node.mode, "mode_after": node.mode}
        directories.append(step.model_copy(update=update))
    return back.model_copy(update={"directories": tuple(directories)})


def _reverse(record: Record, kept: str) -> Changeset | Err:
    """The changeset that undoes the record's, read from what was kept; an error when that is no longer what it was."""
    tops = {item.path: os.path.join(kept, str(item.number)) for item in record.steps.items if item.take}

    def kept_at(path: str) -> str:
        top = path
        while top not in tops:
            top = top.rpartition("/")[0]
        return tops[top] + fs_path(path[len(top) :])

    for path, expected in record.before.items():
        try:
            node = look(kept_at(path))
        except PermissionError:  # below a directory that its owner had closed
            continue
        if (
            node is None
            or (node.kind, node.size) != (expected.kind, expected.size)
            or (node.kind == "file" and node.mtime_ns != expected.mtime_ns)
        ):
            message = f"What was kept of {named([path])} is no longer what it was"
            return Err(code="conflict", title="Cannot undo", message=message, hint="Nothing was touched")
    changes = [_reverse_change(change, kept_at) for change in record.changeset.changes]
    return Changeset.made(record.pid, record.workspace, changes)


def _reverse_change(change: Change, kept_at: Callable[[str], str]) -> Change:
    restored = change.type if change.action in ("deleted", "renamed") else change.type_before
    origin = change.source if change.action == "renamed" else change.path
    digest = target = None
    if change.action in ("deleted", "changed", "renamed") and origin is not None:
        if restored == "file":
            with suppress(PermissionError):  # a file that its owner had made unreadable comes back unread
                digest = digest_of(open_file(kept_at(origin)))
        elif restored == "link":
            target = path_text(os.readlink(kept_at(origin)))
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
