"""What a folder holds and what held processes would do to it: read in a thread, bounded, names in their text form."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from casava_os.kernel.events import ChangesetMade
from casava_os.kernel.journal import Journal, guarded
from casava_os.kernel.ports import Action, Change
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err

PAGE = 500
"""Entries of a folder that are shown at a time."""
PREVIEW_BYTES = 131_072
"""How much of a file is shown beside the tree."""

Kind = Literal["directory", "file", "link", "other"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What one process would do to a path when its changes land."""

    pid: int
    action: Action
    waits: bool = False
    """Whether its question stands on a screen; else it is held."""
    kind: Kind = "file"
    to: str = ""
    """Where it goes, when it moves away."""
    source: str = ""
    """Where it comes from, when it moves here."""

    @property
    def words(self) -> str:
        """What would happen, in a few words."""
        if self.to:
            return f"moves to {self.to}"
        return f"comes from {self.source}" if self.source else _WORDS[self.action]


_WORDS = {
    "added": "added",
    "deleted": "deleted",
    "changed": "changed",
    "mode": "other mode",
    "renamed": "renamed",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a folder."""

    name: str
    kind: Kind
    size: int | None = None
    planned: tuple[Planned, ...] = ()
    inside: int = 0
    """Planned changes below this directory."""
    there: bool = True
    """False: only a process's layer has it."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds."""

    rows: tuple[Row, ...] = ()
    more: int = 0
    """Entries that are not among the rows."""
    problem: str = ""
    """Why it cannot be read."""


@dataclass(frozen=True, slots=True)
class Plans:
    """What all held and waiting processes of a workspace would change."""

    by_folder: Mapping[str, Mapping[str, tuple[Planned, ...]]] = field(default_factory=dict)
    """By folder and name."""
    inside: Mapping[str, int] = field(default_factory=dict)
    """How many changes lie below a directory."""
    diffs: Mapping[int, str] = field(default_factory=dict)
    """Each process's diff, as it was shown."""
    pids: tuple[int, ...] = ()


def plans_of(journal: Journal, workspace: str) -> Plans:
    """Reads them from the journal; none when it cannot be read."""
    rows = guarded(lambda: journal.processes(states=("held", "waiting")))
    if isinstance(rows, Err):
        return Plans()
    shown: list[tuple[int, bool, ChangesetMade]] = []
    for row in rows.value:
        if row.workspace != workspace:
            continue
        record = guarded(lambda pid=row.pid: journal.last(pid, "changeset"))  # type: ignore[misc]
        if not isinstance(record, Err) and record.value is not None:
            made = ChangesetMade.model_validate({**record.value.body, "pid": row.pid})
            shown.append((row.pid, row.state == "waiting", made))
    return gathered(shown)


def gathered(shown: Iterable[tuple[int, bool, ChangesetMade]]) -> Plans:
    """The plans of some changesets: pid, whether it waits, and what was shown."""
    folders: dict[str, dict[str, tuple[Planned, ...]]] = {}
    inside: dict[str, int] = {}
    diffs: dict[int, str] = {}
    for pid, waits, made in shown:
        diffs[pid] = made.diff
        for change in made.changes:
            for path, planned in _effects(pid, waits, change):
                folder, _, name = path.rpartition("/")
                names = folders.setdefault(folder, {})
                names[name] = (*names.get(name, ()), planned)
                while folder:
                    inside[folder] = inside.get(folder, 0) + 1
                    folder = folder.rpartition("/")[0]
    return Plans(folders, inside, diffs, tuple(diffs))


def _effects(pid: int, waits: bool, change: Change) -> Iterator[tuple[str, Planned]]:
    kind: Kind = change.type
    if change.action == "renamed" and change.source is not None:
        yield change.source, Planned(pid, "renamed", waits, kind, to=change.path)
        yield change.path, Planned(pid, "added", waits, kind, source=change.source)
    else:
        yield change.path, Planned(pid, change.action, waits, kind)


def read_folder(
    workspace: str, folder: str, plans: Plans, *, hidden: bool = False, most: int = PAGE
) -> Folder:
    """A folder's entries, directories first, at most so many. `folder` in its text form, "" for the workspace."""
    where = os.path.join(workspace, fs_path(folder)) if folder else workspace  # noqa: PTH118 - may be no UTF-8
    names: list[tuple[bool, str, os.DirEntry[str]]] = []
    problem = ""
    try:
        with os.scandir(where) as entries:
            names.extend(
                (not entry.is_dir(follow_symlinks=False), path_text(entry.name), entry)
                for entry in entries
                if hidden or not entry.name.startswith(".")
            )
    except FileNotFoundError:
        problem = "" if plans.inside.get(folder) else "this folder is gone"
    except OSError as failure:
        problem = f"cannot be read: {failure.strerror}"
    names.sort(key=lambda item: item[:2])
    planned = plans.by_folder.get(folder, {})
    rows = [
        _row(entry, name, planned.get(name, ()), _below(plans, folder, name))
        for _, name, entry in names[:most]
    ]
    there = {name for _, name, _ in names}
    rows += _virtual(plans, folder, planned, there, hidden=hidden)
    rows.sort(key=lambda row: (row.kind != "directory", row.name))
    return Folder(tuple(rows), max(0, len(names) - most), problem)


def _below(plans: Plans, folder: str, name: str) -> int:
    return plans.inside.get(f"{folder}/{name}" if folder else name, 0)


def _row(entry: os.DirEntry[str], name: str, planned: tuple[Planned, ...], inside: int) -> Row:
    kind: Kind = "other"
    size: int | None = None
    try:
        if entry.is_symlink():
            kind = "link"
        elif entry.is_dir(follow_symlinks=False):
            kind = "directory"
        elif entry.is_file(follow_symlinks=False):
            kind, size = "file", entry.stat(follow_symlinks=False).st_size
    except OSError:  # it went away meanwhile
        kind = "other"
    return Row(name, kind, size, planned, inside)


def _virtual(
    plans: Plans, folder: str, planned: Mapping[str, Sequence[Planned]], there: set[str], *, hidden: bool
) -> Iterator[Row]:
    """What only layers have: new files here, and new folders with something new in them."""
    start = f"{folder}/" if folder else ""
    folders = {
        path.removeprefix(start).partition("/")[0]
        for path in plans.inside
        if path.startswith(start) and path != folder
    }
    for name in sorted((set(planned) | folders) - there):
        if name.startswith(".") and not hidden:
            continue
        plan = tuple(planned.get(name, ()))
        kind: Kind = (
            "directory" if name in folders or any(one.kind == "directory" for one in plan) else "file"
        )
        if any(one.action == "added" for one in plan) or name in folders:
            yield Row(name, kind, None, plan, plans.inside.get(start + name, 0), there=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file."""

    text: str = ""
    said: str = ""
    """What there is to say instead of, or after, the text."""


def read_preview(workspace: str, path: str) -> Preview:
    """The beginning of a regular file; nothing else is opened. `path` in its text form."""
    where = os.path.join(workspace, fs_path(path))  # noqa: PTH118 - may be no UTF-8
    try:
        if stat.S_ISLNK((found := os.lstat(where)).st_mode):
            return Preview(said=f"a link to {path_text(os.readlink(where))}")  # noqa: PTH115 - the same
        if not stat.S_ISREG(found.st_mode):
            return Preview(said="no regular file")
        descriptor = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, PREVIEW_BYTES)
        finally:
            os.close(descriptor)
    except OSError as failure:
        return Preview(said=f"cannot be read: {failure.strerror}")
    if b"\0" in data:
        return Preview(said="not text")
    if not data:
        return Preview(said="empty")
    cut = found.st_size > len(data)
    return Preview(data.decode("utf-8", "replace"), "only its beginning is shown" if cut else "")
