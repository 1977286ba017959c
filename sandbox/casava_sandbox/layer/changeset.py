"""Compares a layer's upper directory with the workspace below it, to say what the process did in the end.

A file that was touched, or rewritten with the same bytes, is no change. The cost follows the number of changed paths, not the size of the workspace.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from casava_os.kernel.ports import Action, Change, Changeset
from casava_sandbox.layer.files import Node, digest_of, look, node_of, open_file, same_bytes
from casava_sandbox.layer.overlay import Upper
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import path_text


@dataclass(slots=True)
class Entry:
    """One path that differs: its node in the workspace (before) and in the merged view (after). "" is the root."""

    path: str
    before: Node | None
    after: Node | None
    mode_only: bool = False
    digest: str | None = None
    target: str | None = None
    source: str | None = None
    """The old path, when this added file is a deleted one under a new name."""
    source_node: Node | None = None
    moved: bool = False
    """A deleted file that lives on under a new name."""


@dataclass(slots=True)
class Scan:
    """A changeset with what committing it needs to know."""

    changeset: Changeset
    entries: list[Entry]
    """Parents before children."""
    parents: dict[str, tuple[Node, Node]]
    """Directories that are there before and after and in which an entry lies: nodes before and after."""
    unsupported: tuple[str, ...]
    """Why the layer cannot be committed, a sentence for each path that is in the way."""
    whole: bool = True
    """Whether this is all that the layer changes, and not a part."""
    refused: tuple[str, ...] = ()
    """The path of each sentence in `unsupported`."""

    def part(self, keep: Callable[[str], bool]) -> Scan:
        """Those changes (by path, text form) that are kept, with what committing them alone needs to know."""
        kept = [e for e in self.entries if not e.moved and keep(path_text(e.path) or ".")]
        names = {e.path for e in kept} | {e.source for e in kept if e.source is not None}
        entries = [e for e in self.entries if e.path in names and (e.moved or keep(path_text(e.path) or "."))]
        modes = {e.path for e in kept if e.mode_only}
        before = {e.path: e.before for e in self.entries if e.before is not None}
        replaced = {e.path for e in entries if not e.mode_only}
        parents: dict[str, tuple[Node, Node]] = {}
        for entry in entries:
            parent = os.path.dirname(entry.path)
            if not entry.path or entry.mode_only or parent in replaced:
                continue
            if parent in self.parents:
                was, becomes = self.parents[parent]
                parents[parent] = (was, was._replace(mode=becomes.mode) if parent in modes else was)
            elif (stays := before.get(parent)) is not None:
                parents[parent] = (stays, stays)
        changes = [change_of(entry) for entry in entries if not entry.moved]
        changeset = Changeset.made(self.changeset.pid, self.changeset.workspace, changes)
        concerned = [
            (reason, path)
            for reason, path in zip(self.unsupported, self.refused, strict=True)
            if any(above in names for above in _at_and_above(path))
        ]
        return Scan(
            changeset,
            entries,
            parents,
            tuple(reason for reason, _ in concerned),
            whole=False,
            refused=tuple(path for _, path in concerned),
        )


DigestCache = dict[tuple[int, int, int, int, int], str]
"""sha256 by (device, inode, size, mtime, ctime)."""


def scan(pid: int, workspace: str, upper: Upper, cache: DigestCache) -> Scan:
    """Reads the upper directory. Raises `FileNotFoundError` when the workspace or the layer is gone."""
    comparison = _Comparison(workspace, upper, cache)
    comparison.run()
    comparison.find_renames()
    changes = [change_of(entry) for entry in comparison.entries if not entry.moved]
    return Scan(
        Changeset.made(pid, path_text(workspace), changes),
        comparison.entries,
        comparison.parents(),
        tuple(comparison.unsupported),
        refused=tuple(comparison.refused),
    )


def change_of(entry: Entry) -> Change:
    """What the person is shown for an entry."""
    before, after = entry.source_node or entry.before, entry.after
    node = after or before
    assert node is not None
    assert node.kind != "other"
    action: Action = "changed"
    if entry.source is not None:
        action = "renamed"
    elif before is None:
        action = "added"
    elif after is None:
        action = "deleted"
    elif entry.mode_only:
        action = "mode"
    return Change(
        path=path_text(entry.path) or ".",
        action=action,
        type=node.kind,
        type_before=_plain(before.kind) if before and after and entry.source is None else None,
        source=None if entry.source is None else path_text(entry.source),
        size=after.size if after and after.kind == "file" else None,
        size_before=before.size if before and before.kind == "file" else None,
        mode=_octal(after),
        mode_before=_octal(before),
        target=None if entry.target is None else path_text(entry.target),
        digest=entry.digest,
    )


def _at_and_above(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _plain(kind: str) -> Literal["file", "directory", "link"]:
    return "file" if kind == "file" else "directory" if kind == "directory" else "link"


def _octal(node: Node | None) -> str | None:
    return None if node is None or node.kind == "link" else f"{node.mode:04o}"


@dataclass(slots=True)
class _Comparison:
    """The walk over the upper directory, and what it finds."""

    workspace: str
    upper: Upper
    cache: DigestCache
    entries: list[Entry] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    device: int = 0
    both: dict[str, tuple[Node, Node]] = field(default_factory=dict)

    def run(self) -> None:
        before = node_of(os.lstat(self.workspace))
        after = self.upper.node("")
        self.device = before.dev
        self.both[""] = (before, after)
        if before.mode != after.mode:
            self.entries.append(Entry("", before, after, mode_only=True))
        pending = [("", True, False)]
        while pending:
            directory, below, hidden = pending.pop()
            opaque = hidden or (below and self.upper.is_opaque(directory))
            names = self.upper.names(directory)
            for name in names:
                path = f"{directory}/{name}" if directory else name
                try:
                    pending += self._entry(path, below, opaque)
                except OSError as error:
                    self._refuse(path, f"cannot be read ({error.strerror})")
            if opaque:
                self._hidden(directory, set(names))
        self.entries.sort(key=lambda entry: entry.path.split("/"))

    def _entry(self, path: str, below: bool, opaque: bool) -> list[tuple[str, bool, bool]]:
        """One entry of the upper; `below`: the workspace has its directory. Answers the directory to visit, if it is one.

        A directory to visit is its path, whether the workspace has it too, and whether what is there is hidden.
        """
        after = self.upper.node(path)
        before = self._lower(path) if below else None
        if self.upper.is_whiteout(path, after):
            if before is not None:
                self._deleted(path, before)
            return []
        if after.kind == "other":
            self._refuse(path, "is a FIFO, socket or device, which a layer cannot hold")
            return []
        if self.upper.is_partial(path):
            self._refuse(path, "was stored with an overlay feature that is not read here")
            return []
        names = self.upper.names(path) if after.kind == "directory" else []
        self._compare(path, before, after)
        if after.kind != "directory":
            return []
        both = before is not None and before.kind == "directory"
        if both and before is not None and before.dev != self.device:
            if names or self.upper.is_opaque(path):
                self._refuse(path, "has another filesystem mounted on it")
            return []
        return [(path, both, opaque and both)]

    def _hidden(self, directory: str, shown: set[str]) -> None:
        """What an opaque directory hides and does not bring again is deleted."""
        try:
            names = sorted(os.listdir(self._below(directory)))
        except OSError as error:
            self._refuse(directory, f"cannot be read ({error.strerror})")
            return
        for name in names:
            path = f"{directory}/{name}" if directory else name
            if name not in shown and (gone := self._lower(path)) is not None:
                self._deleted(path, gone)

    def _compare(self, path: str, before: Node | None, after: Node) -> None:
        if before is None:
            self._add(Entry(path, None, after))
            return
        if before.kind != after.kind:
            if before.kind == "directory":
                self._deleted_below(path, before)
            if before.kind == "other":
                self._refuse(path, "was a FIFO, socket or device, which cannot be kept for undo")
            else:
                self._add(Entry(path, before, after))
            return
        if after.kind == "directory":
            self.both[path] = (before, after)
            if before.mode != after.mode:
                self.entries.append(Entry(path, before, after, mode_only=True))
        elif after.kind == "link":
            if os.readlink(self._below(path)) != self.upper.link_text(path):
                self._add(Entry(path, before, after))
        elif before.size != after.size or not self._same(path):
            self._add(Entry(path, before, after))
        elif before.mode != after.mode:
            self._add(Entry(path, before, after, mode_only=True))

    def _same(self, path: str) -> bool:
        try:
            lower = open_file(self._below(path))
        except PermissionError:  # what we cannot read we cannot call unchanged
            return False
        return same_bytes(lower, self.upper.open(path))

    def _add(self, entry: Entry) -> None:
        assert entry.after is not None
        if entry.after.kind == "file":
            entry.digest = self._digest(entry.after, self.upper.open(entry.path))
        elif entry.after.kind == "link":
            entry.target = self.upper.link_text(entry.path)
        self.entries.append(entry)

    def _deleted(self, path: str, node: Node) -> None:
        if node.kind == "other":
            self._refuse(path, "was a FIFO, socket or device, which cannot be kept for undo")
            return
        self.entries.append(Entry(path, node, None))
        if node.kind == "directory":
            self._deleted_below(path, node)

    def _deleted_below(self, path: str, node: Node) -> None:
        pending = [(path, node)]
        while pending:
            directory, its = pending.pop()
            if its.dev != self.device:
                self._refuse(directory, "has another filesystem mounted on it")
                continue
            try:
                with os.scandir(self._below(directory)) as found:
                    children = [
                        (f"{directory}/{e.name}", node_of(e.stat(follow_symlinks=False))) for e in found
                    ]
            except OSError as error:
                self._refuse(directory, f"cannot be read ({error.strerror})")
                continue
            for child, child_node in children:
                if child_node.kind == "other":
                    self._refuse(child, "was a FIFO, socket or device, which cannot be kept for undo")
                    continue
                self.entries.append(Entry(child, child_node, None))
                if child_node.kind == "directory":
                    pending.append((child, child_node))

    def _lower(self, path: str) -> Node | None:
        return look(self._below(path))

    def _below(self, path: str) -> str:
        return os.path.join(self.workspace, path) if path else self.workspace

    def _refuse(self, path: str, reason: str) -> None:
        self.unsupported.append(f"{visible(path_text(path))} {reason}")
        self.refused.append(path)

    def _digest(self, node: Node, descriptor: int) -> str:
        key = (node.dev, node.ino, node.size, node.mtime_ns, node.ctime_ns)
        if key in self.cache:
            os.close(descriptor)
        else:
            self.cache[key] = digest_of(descriptor)
        return self.cache[key]

    def find_renames(self) -> None:
        """Pairs each added file with a deleted one of equal contents, same base name first.

        All empty files are equal, so of those one with another name must have kept its time of change as well.
        """
        added: dict[int, list[Entry]] = defaultdict(list)
        gone: dict[int, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.before is None and entry.after and entry.after.kind == "file":
                added[entry.after.size].append(entry)
            elif entry.after is None and entry.before and entry.before.kind == "file":
                gone[entry.before.size].append(entry)
        for size in added.keys() & gone.keys():
            by_digest: dict[str, list[Entry]] = defaultdict(list)
            for old in gone[size]:
                assert old.before is not None
                try:
                    by_digest[self._digest(old.before, open_file(self._below(old.path)))].append(old)
                except OSError:
                    continue
            self._pair(added[size], by_digest)

    @staticmethod
    def _pair(added: list[Entry], by_digest: dict[str, list[Entry]]) -> None:
        for same_name in (True, False):

            def likeness(path: str, node: Node | None, by_name: bool = same_name) -> str:
                if by_name:
                    return os.path.basename(path)
                return "" if node is None or node.size else str(node.mtime_ns)

            sources: dict[tuple[str, str], list[Entry]] = defaultdict(list)
            for digest, group in by_digest.items():
                for old in reversed(group):
                    if not old.moved:
                        sources[digest, likeness(old.path, old.before)].append(old)
            for new in added:
                key = (new.digest or "", likeness(new.path, new.after))
                if new.source is None and sources[key]:
                    old = sources[key].pop()
                    old.moved = True
                    new.source, new.source_node = old.path, old.before

    def parents(self) -> dict[str, tuple[Node, Node]]:
        """The directories that stay and in which something is added, replaced or deleted."""
        found: dict[str, tuple[Node, Node]] = {}
        for entry in self.entries:
            parent = os.path.dirname(entry.path)
            if entry.path and not entry.mode_only and parent in self.both:
                found[parent] = self.both[parent]
        return found
