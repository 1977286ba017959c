"""Which files of a changeset the workspace has moved on from since the layer was taken: all of them, by name.

A commit stops at the first sign of somebody else's work. What a person needs then is the whole list, and the part of the
changeset that is not concerned by it, which may land all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from casava_os.kernel.ports import Change, Changeset, Conflicts, LayerPaths
from casava_os.kernel.selection import needs
from casava_sandbox.layer.changeset import DigestCache, Scan, scan
from casava_sandbox.layer.commit import Base, as_taken
from casava_sandbox.layer.files import look
from casava_sandbox.layer.overlay import Upper
from casava_sandbox.layer.record import seen
from casava_syscalls.names import fs_path, path_text


def conflicts(paths: LayerPaths, base: Base, shown: Changeset, cache: DigestCache) -> Conflicts:
    """`Layer.conflicts`: see the Protocol. Raises `OSError` as `scan` does."""
    with Upper(str(paths.upper)) as upper:
        found = scan(paths.pid, str(paths.workspace), upper, cache)
    if base.landed:
        found = found.part(lambda path: path not in base.landed)
    now, was = found.changeset, {change.path: change for change in shown.changes}
    moved = _by_times(found, base) | _gone_or_other(paths, base, shown)
    for change in shown.changes:
        if change not in now.changes and not moved & _names(change):
            moved.add(change.path)
    known = {name for change in shown.changes for name in _names(change)}
    moved |= {change.path for change in now.changes if change.path not in known}
    blocked = {c.path for c in now.changes if _names(c) & moved or was.get(c.path) != c}
    blocked |= {c.path for c in now.changes if any(_holds(c, path_text(path)) for path in found.refused)}
    stays = needs(now.changes).with_dependent(blocked)
    lands = [change for change in now.changes if change.path not in stays]
    rest = Changeset.made(now.pid, now.workspace, lands) if lands and (moved or found.unsupported) else None
    return Conflicts(
        paths=tuple(sorted(_without_parents(moved, (*now.changes, *shown.changes), str(paths.workspace)))),
        now=now,
        rest=rest,
        refused=found.unsupported,
    )


def _by_times(found: Scan, base: Base) -> set[str]:
    """What is touched and was changed, or came, after the layer was taken."""
    return {
        path_text(entry.path) or "."
        for entry in found.entries
        if entry.before is not None and not as_taken(entry, entry.before, base)
    }


def _gone_or_other(paths: LayerPaths, base: Base, shown: Changeset) -> set[str]:
    """What was there when the changeset was first read, and is not as it was: also where it no longer differs from the layer."""
    modes = {
        change.path for change in shown.changes if change.action == "mode" and change.type == "directory"
    }
    tops = {name for change in shown.changes for name in _names(change)}
    wrong: set[str] = set()
    for path, was in base.first_seen.items():
        name = path or "."
        if name not in tops:
            continue
        now = look(os.path.join(paths.workspace, fs_path(path)) if path else str(paths.workspace))
        if now is None or now.kind != was.kind:
            wrong.add(name)
        elif name in modes:
            if now.mode != was.mode:
                wrong.add(name)
        elif seen(now)._replace(ctime_ns=0) != was._replace(ctime_ns=0, text=None):
            wrong.add(name)
    return wrong


def _without_parents(moved: set[str], changes: Iterable[Change], workspace: str) -> set[str]:
    """A directory whose time only tells that something in it changed is not named beside what changed."""
    directories = {c.path for c in changes if "directory" in (c.type, c.type_before)}
    above = {path.rpartition("/")[0] for path in moved}
    while more := {path.rpartition("/")[0] for path in above if "/" in path} - above:
        above |= more
    return {path for path in moved if path not in directories & above or _is_other(workspace, path)}


def _is_other(workspace: str, path: str) -> bool:
    """Whether something else lies now where a directory was."""
    now = look(os.path.join(workspace, fs_path(path)))
    return now is not None and now.kind != "directory"


def _names(change: Change) -> set[str]:
    return {change.path} if change.source is None else {change.path, change.source}


def _holds(change: Change, path: str) -> bool:
    """Whether what cannot be kept lies at or below what comes or goes."""
    return change.action != "mode" and any(
        path == name or path.startswith(name + "/") for name in _names(change)
    )
