"""Finds what a script of a past changeset needs: how the tree was, and the contents that came.

What is held lies in its layer; what landed, in the workspace and the undo store. Nothing is believed by its place alone:
every content must have the digest that the journal recorded.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress

from casava_os.kernel.ports import Change, Changeset, Layer
from casava_sandbox.layer.files import digest_of, look, open_file
from casava_sandbox.layer.objects import Objects
from casava_sandbox.layer.overlay import Upper
from casava_sandbox.layer.record import load_record
from casava_sandbox.layer.script import Story, Unavailable, Was, script
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err, Ok, Result


def export_held(layer: Layer, shown: Changeset, story: Story) -> Result[bytes]:
    """The script of a changeset that its layer still holds, on the workspace as it is."""
    workspace = str(layer.paths.workspace)
    try:
        moved = layer.conflicts(shown).paths
        if moved:
            message = f"{', '.join(moved[:5])} changed in the workspace after the layer was taken"
            return Err(
                code="conflict",
                title="The script would not fit",
                message=message,
                hint="give the request again",
            )
        with Upper(str(layer.paths.upper)) as upper:

            def contents(change: Change) -> bytes | None:
                return _read(upper.open(fs_path(change.path)), change)

            return Ok(value=script(shown, before_in(workspace, shown), contents, story))
    except Unavailable as why:
        return _none(str(why))
    except OSError as problem:
        return _none(f"{problem.strerror or problem} ({path_text(os.fsdecode(problem.filename or ''))})")


def before_in(workspace: str, changeset: Changeset) -> dict[str, Was]:
    """How the paths that a changeset takes away or alters look in a workspace that it has not changed."""
    found: dict[str, Was] = {}
    for change in changeset.changes:
        for name in old_names(change):
            place = os.path.join(workspace, fs_path(name))
            node = look(place)
            if node is None or node.kind == "other":
                continue
            text = None
            if node.kind == "link":
                text = path_text(os.readlink(place))
            elif node.kind == "file":
                with suppress(PermissionError):
                    text = digest_of(open_file(place))
            found[name] = Was(node.kind, node.mode, text)
    return found


def old_names(change: Change) -> tuple[str, ...]:
    """The path at which something was before."""
    if change.action == "renamed" and change.source is not None:
        return (change.source,)
    return () if change.action == "added" else (change.path,)


def export_landed(state: str, shown: Changeset, story: Story) -> Result[bytes]:
    """The script of a changeset that landed (also when it was undone since), from the undo store and the workspace."""
    try:
        record = load_record(state, shown.pid)
    except (OSError, ValueError):
        record = None
    if record is None or record.changeset.digest != shown.digest:
        return _none("undo no longer keeps it")
    workspace, objects = fs_path(record.workspace), Objects(state)
    before: dict[str, Was] = {}
    for change in shown.changes:
        for name in old_names(change):
            kept = record.before.get(name)
            if kept is not None and kept.kind != "other":
                before[name] = Was(kept.kind, kept.mode, kept.text)
            elif kept is None and change.mode_before is not None:  # only its mode changed
                kind = change.type_before or change.type
                before[name] = Was(kind, int(change.mode_before, 8), change.digest)

    def contents(change: Change) -> bytes | None:
        with suppress(OSError):
            found = _read(open_file(os.path.join(workspace, fs_path(change.path))), change)
            if found is not None:
                return found
        return _object(objects, change)

    try:
        return Ok(value=script(shown, before, contents, story))
    except Unavailable as why:
        return _none(str(why))


def _object(objects: Objects, change: Change) -> bytes | None:
    """Contents from the undo store."""
    if change.digest is None or change.size is None or objects.find(change.digest, change.size) is None:
        return None
    with tempfile.TemporaryFile() as file, suppress(OSError):
        objects.restore(change.digest, change.size, file.fileno(), sparse=False)
        return _read(os.dup(file.fileno()), change)
    return None


def _read(descriptor: int, change: Change) -> bytes | None:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        data = file.read((change.size or 0) + 1)
    return data if hashlib.sha256(data).hexdigest() == change.digest else None


def _none(why: str) -> Err:
    return Err(
        code="unavailable",
        title="There can be no script of it",
        message=why,
        hint="casava-os log has what is recorded of it",
    )
