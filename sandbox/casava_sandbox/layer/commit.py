"""Lands a previewed changeset in the workspace: exactly those bytes, all or nothing.

Nothing is run again and nothing is taken on trust: the upper directory is read anew and must give the same digest, every
byte is hashed while it is copied, and every path of the workspace that would be touched must be as it was when the
layer was taken.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from casava_os.kernel.ports import Changeset, LayerPaths
from casava_os.kernel.selection import needs, stands_not
from casava_sandbox.layer.beneath import ASTRAY, Beneath, attributes_of
from casava_sandbox.layer.changeset import DigestCache, Entry, Scan, scan
from casava_sandbox.layer.clock import Instant
from casava_sandbox.layer.files import Node, copy_bytes, digest_of, failure, look, named
from casava_sandbox.layer.kept import Kept, Tree, coded
from casava_sandbox.layer.objects import is_sparse
from casava_sandbox.layer.overlay import Upper
from casava_sandbox.layer.points import point
from casava_sandbox.layer.record import Record, Seen, has_record, next_sequence, seen
from casava_sandbox.layer.steps import DirectoryStep, Item, ModeStep, Steps
from casava_sandbox.layer.transaction import DOING, Staged, Staging, exclusive, run
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err, Ok, Result

_KEPT = "Nothing was applied and the layer is kept; look at the files, then run the request again"


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of the workspace as the layer was taken."""

    created: Instant
    """When the layer was made: whatever changed later, the sandbox may not have seen."""
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
    changeset, place = asked.changeset, str(paths.workspace)
    try:
        with exclusive(state, place), Upper(str(paths.upper)) as upper, Beneath.at(place) as workspace:
            if has_record(state, paths.pid):
                return Err(
                    code="exists",
                    title="Already committed",
                    message=f"Process {paths.pid} has landed its changes",
                )
            status = workspace.status()
            if (status.st_dev, status.st_ino) != base.root:
                return _replaced(place)
            agreed = _agreed(paths, upper, base, asked, cache)
            if isinstance(agreed, Err):
                return agreed
            if changeset.empty:
                return Ok(value=changeset)
            found, left = agreed
            error = _land(state, paths, upper, base, found, workspace)
            if error is None and left:
                remember(_after_us(place, left))
    except (NotADirectoryError, FileNotFoundError) as trouble:
        error = _replaced(place) if trouble.filename == place else failure(trouble, DOING["commit"])
    except OSError as trouble:
        error = failure(trouble, DOING["commit"])
    except ValueError as damage:
        message = f"The record of an unfinished commit cannot be read: {str(damage).splitlines()[0]}"
        error = Err(code="failed", title="Damaged intent", message=message, hint="Nothing was touched")
    return error or Ok(value=changeset)


def _replaced(place: str) -> Err:
    return _conflict([path_text(place)], "is not the directory that the layer was taken from")


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
    everything = scan(pid, workspace, upper, cache)
    found = everything.part(lambda path: path not in base.landed) if base.landed else everything
    if found.unsupported and asked.whole is None:
        return _unsupported(found)
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
        if found.unsupported:
            return _unsupported(found)
        kept = {entry.path for entry in found.entries}
        left = [
            e
            for e in of_layer.entries
            if e.path not in kept and e.before is not None and as_taken(e, e.before, base)
        ]
    if not found.whole and (
        lacking := needs(everything.changeset.changes).lacking({c.path for c in found.changeset.changes})
    ):
        gone = [needed for needed in lacking if needed in base.landed]
        return _gone(gone[0], lacking[gone[0]], pid) if gone else stands_not(lacking)
    touched = [
        path_text(e.path) for e in found.entries if e.before is not None and not as_taken(e, e.before, base)
    ]
    if touched:
        refusal = _conflict(touched, "changed in the workspace after the layer was taken")
        now = time.time_ns()
        if base.created.set_back_ns() or any(
            e.before is not None and e.before.ctime_ns > now for e in found.entries
        ):
            hint = "The clock was set back, so what is older cannot be told from what is later: `touch` those files, then run the request again"
            return refusal.model_copy(update={"hint": hint})
        return refusal
    return found, left


def _unsupported(found: Scan) -> Err:
    reasons = ". ".join(found.unsupported[:5])
    return Err(code="unsupported", title="These changes cannot be applied", message=reasons, hint=_KEPT)


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


def as_taken(entry: Entry, now: Node, base: Base) -> bool:
    """Whether a path that is touched still is as it was when the layer was taken."""
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
    return adopted or not base.created.may_precede(now.ctime_ns)


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
        ours = base.rolled_back.get(path_text(path)) == before.ctime_ns
        alone = found.whole and (ours or not base.created.may_precede(before.ctime_ns))
        add(path, before, after.mode, after.mtime_ns if alone else time.time_ns())
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


def _land(
    state: str, paths: LayerPaths, upper: Upper, base: Base, found: Scan, workspace: Beneath
) -> Err | None:
    pid, place = paths.pid, str(paths.workspace)
    _part_from_twins(found, upper, workspace)
    items, contents = _items(found.entries)
    steps = _steps(found, items, base)

    def stage(staging: Staging) -> Staged | Err:
        before = staging.keep([fs_path(item.path) for item in items if item.take])
        after: Tree = {}
        joined: dict[tuple[int, int], str] = {}
        altered: list[str] = []
        for item in items:
            if item.put:
                path = fs_path(item.path)
                altered += _stage(
                    upper, path, contents[path], staging.incoming, str(item.number), after, joined
                )
        if altered:
            return _conflict(altered, "changed after the preview")
        record = Record(
            pid=pid,
            sequence=next_sequence(state),
            at=time.time(),
            workspace=path_text(place),
            root=base.root,
            changeset=found.changeset,
            steps=steps,
            before=before,
            after=after,
        )
        return Staged(record.model_dump_json().encode(), before, after)

    def check(ours: frozenset[str]) -> Err | None:
        tops = {item.path for item in items}
        late = [
            path
            for e in found.entries
            if ((path := path_text(e.path)) in tops or e.before is not None)
            and not _unchanged(workspace, e, ours=path in ours)
        ]
        late += [
            path_text(path)
            for path, (was, _) in found.parents.items()
            if (now := _there(workspace, path)) is None or (now.kind, now.ino) != ("directory", was.ino)
        ]
        return _conflict(sorted(set(late)), "changed in the workspace meanwhile") if late else None

    return run(state, place, workspace, pid, "commit", steps, stage, check)


def _part_from_twins(found: Scan, upper: Upper, workspace: Beneath) -> None:
    """A file with several names gets its new permissions as a file of its own: the other names were not in the preview."""
    modes = {e.path: e.after.mode for e in found.entries if e.mode_only and e.after is not None}
    for entry in found.entries:
        if not entry.mode_only or entry.before is None or entry.before.kind != "file":
            continue
        if _there(workspace, entry.path) is None or workspace.status(entry.path).st_nlink < 2:
            continue
        entry.mode_only, entry.digest = False, digest_of(upper.open(entry.path))
        parent = os.path.dirname(entry.path)
        if parent not in found.parents and (node := workspace.look(parent)) is not None:
            found.parents[parent] = (node, node._replace(mode=modes.get(parent, node.mode)))


def _there(workspace: Beneath, path: str) -> Node | None:
    """The node at a path; None when there is none, or when the way to it leads over a link or a mount."""
    try:
        return workspace.look(path)
    except OSError as problem:
        if problem.errno in ASTRAY:
            return None
        raise


def _unchanged(workspace: Beneath, entry: Entry, *, ours: bool) -> bool:
    """Whether a path still is as the preview found it; `ours`: its permissions were opened and closed by us."""
    now = _there(workspace, entry.path)
    if entry.before is None or now is None:
        return now is entry.before
    if entry.mode_only and entry.before.kind == "directory":
        return (now.kind, now.ino, now.mode) == (entry.before.kind, entry.before.ino, entry.before.mode)
    wanted = seen(entry.before)
    return seen(now) == (wanted._replace(ctime_ns=now.ctime_ns) if ours else wanted)


def _stage(
    upper: Upper,
    top: str,
    entries: list[Entry],
    incoming: Beneath,
    name: str,
    after: Tree,
    joined: dict[tuple[int, int], str],
) -> list[str]:
    """Copies what appears at and below `top` to `incoming`, and describes it in `after`.

    Names of one file in the layer become names of one file. Answers the paths whose bytes are not the previewed ones.
    """
    altered: list[str] = []
    folders: list[tuple[str, Entry]] = []
    for entry in entries:
        node = entry.after
        if node is None:
            continue
        there, text = name + entry.path[len(top) :], path_text(entry.path)
        if node.kind == "directory":
            incoming.make_dir(there)
            folders.append((there, entry))
        elif node.kind == "link":
            target = upper.link_text(entry.path)
            if target != entry.target:
                altered.append(text)
            incoming.symlink(target, there)
            incoming.own(there, node.uid, node.gid)
            incoming.touch(there, node.mtime_ns)
            after[text] = _kept(incoming, there, node, path_text(target))
        else:
            after[text] = _stage_file(upper, entry, node, incoming, there, joined)
            if after[text].text != entry.digest:
                altered.append(text)
        point("copied")
    for there, entry in reversed(folders):
        assert entry.after is not None
        found = attributes_of(os.path.join(upper.root, entry.path))
        _finish(incoming, there, entry.after, found)
        after[path_text(entry.path)] = _kept(incoming, there, entry.after, None, found)
    return altered


def _stage_file(
    upper: Upper,
    entry: Entry,
    node: Node,
    incoming: Beneath,
    there: str,
    joined: dict[tuple[int, int], str],
) -> Kept:
    source = upper.open(entry.path)
    try:
        status = os.fstat(source)
        file = (status.st_dev, status.st_ino)
        found = attributes_of(source)
        if status.st_nlink > 1 and file in joined:
            incoming.link(joined[file], incoming, there)
            digest = digest_of(os.dup(source))
        else:
            target = incoming.create(there)
            try:
                digest = copy_bytes(source, target)
            finally:
                os.close(target)
            _finish(incoming, there, node, found)
            joined[file] = there
        return _kept(incoming, there, node, digest, found)
    finally:
        os.close(source)


def _finish(incoming: Beneath, there: str, node: Node, attributes: dict[str, bytes]) -> None:
    incoming.own(there, node.uid, node.gid)
    incoming.set_attributes(there, attributes)
    incoming.chmod(there, node.mode)
    incoming.touch(there, node.mtime_ns)


def _kept(
    incoming: Beneath, there: str, node: Node, text: str | None, attributes: Mapping[str, bytes] | None = None
) -> Kept:
    status = incoming.status(there)
    return Kept(
        kind=node.kind,
        mode=node.mode,
        size=node.size,
        mtime_ns=node.mtime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
        text=text,
        sparse=node.kind == "file" and is_sparse(status),
        attributes=coded(attributes or {}),
        file=(status.st_dev, status.st_ino),
        names=status.st_nlink if node.kind == "file" else 1,
    )
