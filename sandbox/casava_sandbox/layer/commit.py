"""Lands a previewed changeset in the workspace: exactly those bytes, all or nothing.

Nothing is run again and nothing is taken on trust: the upper directory is read anew and must give the same digest, every
byte is hashed while it is copied, and every path of the workspace that would be touched must be as it was when the
layer was taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from casava_os.kernel.ports import Changeset, LayerPaths
from casava_os.kernel.selection import needs, stands_not
from casava_sandbox.layer.changeset import DigestCache, Entry, Scan, scan
from casava_sandbox.layer.files import (
    Node,
    copy_contents,
    copy_link,
    copy_object,
    failure,
    finish_directory,
    look,
    named,
    remove_tree,
    sync_tree,
)
from casava_sandbox.layer.overlay import Upper
from casava_sandbox.layer.record import Record, Seen, has_record, save_record, seen
from casava_sandbox.layer.transaction import (
    DirectoryStep,
    Intent,
    Item,
    ModeStep,
    Steps,
    exclusive,
    prepare,
    run,
    undo_dir,
)
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err, Ok, Result

_KEPT = "Nothing was applied and the layer is kept; look at the files, then run the request again"


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of the workspace as the layer was taken."""

    created_ns: int
    """Time of the layer's creation, ns since the epoch: whatever changed later, the sandbox may not have seen."""
    root: tuple[int, int]
    """Device and inode of the workspace's root."""
    first_seen: Mapping[str, Seen] = field(default_factory=dict)
    """Touched paths as they were when a changeset was first made from them."""
    rolled_back: Mapping[str, int] = field(default_factory=dict)
    """ctime (ns) of paths that an earlier commit of ours touched and left as they were. Text form."""
    landed: frozenset[str] = frozenset()
    """Paths of changes that are not this layer's any more: an earlier part of it landed them. Text form."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to land: a changeset, and that of the whole layer when the first is a part of it."""

    changeset: Changeset
    whole: Changeset | None = None


Remember = Callable[[Mapping[str, Seen]], None]
"""Is told how the paths that were left out look after the part landed: a commit moves the times of directories."""


def commit(
    state: str,
    paths: LayerPaths,
    base: Base,
    asked: Asked,
    cache: DigestCache,
    remember: Remember,
) -> Result[Changeset]:
    """`Layer.commit`: see the Protocol for what comes back."""
    changeset = asked.changeset
    try:
        with exclusive(state), Upper(str(paths.upper)) as upper:
            if has_record(state, paths.pid):
                return Err(
                    code="exists",
                    title="Already committed",
                    message=f"Process {paths.pid} has landed its changes",
                )
            agreed = _agreed(paths, upper, base, asked, cache)
            if isinstance(agreed, Err):
                return agreed
            if changeset.empty:
                return Ok(value=changeset)
            found, left = agreed
            error = _land(state, paths, upper, base, found)
            if error is None and left:
                remember(_after_us(str(paths.workspace), left))
    except OSError as trouble:
        error = failure(trouble, "landing the changes")
    return error or Ok(value=changeset)


def _gone(needed: str, path: str, pid: int) -> Err:
    """What was left out needs something of the part that was applied, and that was taken back since."""
    return Err(
        code="conflict",
        title="What this needs was taken back",
        message=f"{path} needs {needed}, which went when the applied part was undone; nothing was applied",
        hint=f"give the request again, or casava-os discard {pid}",
    )


def _agreed(
    paths: LayerPaths, upper: Upper, base: Base, asked: Asked, cache: DigestCache
) -> tuple[Scan, list[Entry]] | Err:
    """What is to land, when layer and workspace still are what it was made from; and what is left out."""
    changeset = asked.changeset
    pid, workspace = paths.pid, str(paths.workspace)
    root = look(workspace)
    if root is None or (root.dev, root.ino) != base.root:
        return _conflict([path_text(workspace)], "is not the directory that the layer was taken from")
    everything = scan(pid, workspace, upper, cache)
    found = everything.part(lambda path: path not in base.landed) if base.landed else everything
    if found.unsupported:
        reasons = ". ".join(found.unsupported[:5])
        return Err(code="unsupported", title="These changes cannot be applied", message=reasons, hint=_KEPT)
    if (found.changeset.pid, found.changeset.workspace) != (changeset.pid, changeset.workspace):
        return _conflict([changeset.workspace], f"is not the workspace of process {pid}")
    whole, left = asked.whole or changeset, list[Entry]()
    of_layer = found
    if found.changeset.digest != whole.digest:
        return _differs(found.changeset, whole)
    if asked.whole is not None:
        chosen = {change.path for change in changeset.changes}
        found = of_layer.part(chosen.__contains__)
        if found.changeset.digest != changeset.digest:
            return _differs(found.changeset, changeset)
        kept = {entry.path for entry in found.entries}
        left = [
            e
            for e in of_layer.entries
            if e.path not in kept and e.before is not None and _as_taken(e, e.before, base)
        ]
    if not found.whole and (
        lacking := needs(everything.changeset.changes).lacking({c.path for c in found.changeset.changes})
    ):
        gone = [needed for needed in lacking if needed in base.landed]
        return _gone(gone[0], lacking[gone[0]], pid) if gone else stands_not(lacking)
    touched = [
        path_text(e.path) for e in found.entries if e.before is not None and not _as_taken(e, e.before, base)
    ]
    if touched:
        return _conflict(touched, "changed in the workspace after the layer was taken")
    return found, left


def _differs(found: Changeset, shown: Changeset) -> Err:
    differing = {change.path for change in set(found.changes) ^ set(shown.changes)}
    return _conflict(differing or {"."}, "changed after the preview")


def _after_us(workspace: str, left: list[Entry]) -> dict[str, Seen]:
    """How paths that were as taken before a part landed look now, when nobody but the commit has touched them."""
    looks: dict[str, Seen] = {}
    for entry in left:
        was, now = entry.before, look(os.path.join(workspace, entry.path) if entry.path else workspace)
        if was is None or now is None or (now.kind, now.ino) != (was.kind, was.ino):
            continue
        same = (now.size, now.mtime_ns, now.mode) == (was.size, was.mtime_ns, was.mode)
        if same or now.kind == "directory":
            looks[path_text(entry.path)] = seen(now)
    return looks


def _as_taken(entry: Entry, now: Node, base: Base) -> bool:
    if (
        entry.mode_only and now.kind == "directory"
    ):  # its times follow its contents; its old mode is in the preview
        return True
    path = path_text(entry.path)
    adopted = base.rolled_back.get(path) == now.ctime_ns
    first = base.first_seen.get(path)
    if first is not None:
        current = seen(now)._replace(ctime_ns=first.ctime_ns) if adopted else seen(now)
        if current != first:
            return False
    return adopted or now.ctime_ns <= base.created_ns


def _conflict(paths: set[str] | list[str], what: str) -> Err:
    return Err(code="conflict", title="Nothing was applied", message=f"{named(paths)} {what}", hint=_KEPT)


# ---------------------------------------------------------------------------------------------- steps


def _is_taken(entry: Entry) -> bool:
    return entry.before is not None and not entry.mode_only


def _is_put(entry: Entry) -> bool:
    return entry.after is not None and not entry.mode_only


def _items(entries: list[Entry]) -> tuple[tuple[Item, ...], dict[str, list[Entry]]]:
    """One item for each topmost path, and what appears below each: a whole tree comes or goes by one rename."""
    items: list[Item] = []
    contents: dict[str, list[Entry]] = {}
    owner: dict[str, str] = {}
    for entry in entries:
        if entry.mode_only:
            continue
        parent = os.path.dirname(entry.path)
        top = owner.get(parent, entry.path)
        was_or_is_tree = "directory" in {
            node.kind for node in (entry.before, entry.after) if node is not None
        }
        if was_or_is_tree:
            owner[entry.path] = top
        contents.setdefault(top, []).append(entry)
        if top == entry.path:
            number = len(items)
            items.append(Item(number=number, path=path_text(top), take=_is_taken(entry), put=_is_put(entry)))
    return tuple(items), contents


def _steps(found: Scan, items: tuple[Item, ...], base: Base) -> Steps:
    directories: dict[str, DirectoryStep] = {}
    modes: list[ModeStep] = []

    def add(path: str, before: Node, mode_after: int, mtime_after: int | None) -> None:
        directories[path] = DirectoryStep(
            path=path_text(path),
            mode_before=before.mode,
            mode_after=mode_after,
            mtime_before=before.mtime_ns,
            mtime_after=mtime_after,
        )

    for path, (before, after) in found.parents.items():
        # Where the person, too, worked in the directory, the time of now is the true one.
        alone = found.whole and before.ctime_ns <= base.created_ns
        add(path, before, after.mode, after.mtime_ns if alone else None)
    for entry in found.entries:
        if entry.mode_only and entry.before and entry.after:
            if entry.after.kind == "file":
                modes.append(
                    ModeStep(path=path_text(entry.path), before=entry.before.mode, after=entry.after.mode)
                )
            elif entry.path not in directories:
                add(entry.path, entry.before, entry.after.mode, entry.before.mtime_ns)
    ordered = sorted(directories, key=lambda path: path.split("/") if path else [])
    return Steps(items=items, modes=tuple(modes), directories=tuple(directories[path] for path in ordered))


def _land(state: str, paths: LayerPaths, upper: Upper, base: Base, found: Scan) -> Err | None:
    pid, workspace = paths.pid, str(paths.workspace)
    items, contents = _items(found.entries)
    steps = _steps(found, items, base)
    store = undo_dir(state, pid)
    remove_tree(store)  # what a commit that never began may have left
    os.makedirs(store, mode=0o700)

    def stage(intent: Intent) -> Err | None:
        incoming = fs_path(intent.incoming)
        for item in items:
            if item.put:
                path = fs_path(item.path)
                altered = _stage(upper, path, contents[path], os.path.join(incoming, str(item.number)))
                if altered:
                    return _conflict(altered, "changed after the preview")
        if intent.area is not None:
            _preserve(workspace, items, os.path.join(store, "old"))
        return None

    def check() -> Err | None:
        tops = {item.path for item in items}
        late = [
            path
            for e in found.entries
            if ((path := path_text(e.path)) in tops or e.before is not None) and not _unchanged(workspace, e)
        ]
        return _conflict(late, "changed in the workspace meanwhile") if late else None

    def finish() -> None:
        reached = [
            step.model_copy(
                update={"mtime_after": os.lstat(os.path.join(workspace, fs_path(step.path))).st_mtime_ns}
            )
            for step in steps.directories
        ]
        record = Record(
            pid=pid,
            workspace=path_text(workspace),
            changeset=found.changeset,
            steps=steps.model_copy(update={"directories": tuple(reached)}),
            before={path_text(e.path): seen(e.before) for e in found.entries if e.before and _is_taken(e)},
            after={
                path_text(e.path): _landed(workspace, e, e.after)
                for e in found.entries
                if e.after and _is_put(e)
            },
        )
        save_record(state, record)

    return run(state, prepare(state, workspace, pid, "commit", steps), stage, check, finish)


def _landed(workspace: str, entry: Entry, wanted: Node) -> Seen:
    text = entry.digest if entry.target is None else path_text(entry.target)
    try:
        return seen(look(os.path.join(workspace, entry.path)) or wanted, text)
    except PermissionError:  # below a directory that the program closed
        return seen(wanted, text)


def _unchanged(workspace: str, entry: Entry) -> bool:
    now = look(os.path.join(workspace, entry.path) if entry.path else workspace)
    if entry.before is None or now is None:
        return now is entry.before
    if entry.mode_only and entry.before.kind == "directory":
        return (now.kind, now.ino, now.mode) == (entry.before.kind, entry.before.ino, entry.before.mode)
    return seen(now) == seen(entry.before)


def _stage(upper: Upper, top: str, entries: list[Entry], target: str) -> list[str]:
    """Copies what appears at and below `top` to `target`; answers the paths whose bytes are not the previewed ones."""
    altered: list[str] = []
    directories: list[tuple[str, Entry]] = []
    for entry in entries:
        node = entry.after
        if node is None:
            continue
        there = target + entry.path[len(top) :]
        if node.kind == "directory":
            os.mkdir(there, 0o700)
            directories.append((there, entry))
        elif node.kind == "link":
            text = upper.link_text(entry.path)
            if text != entry.target:
                altered.append(path_text(entry.path))
            copy_link(text, there, node)
        elif copy_contents(upper.open(entry.path), there, node) != entry.digest:
            altered.append(path_text(entry.path))
    for there, entry in reversed(directories):
        assert entry.after is not None
        finish_directory(there, entry.after, os.path.join(upper.root, entry.path))
    return altered


def _preserve(workspace: str, items: tuple[Item, ...], kept: str) -> None:
    """Copies what goes to the undo store, on disk before anything happens."""
    os.makedirs(kept, mode=0o700)
    for item in items:
        if item.take:
            copy_object(os.path.join(workspace, fs_path(item.path)), os.path.join(kept, str(item.number)))
    sync_tree(kept)
