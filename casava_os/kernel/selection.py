"""A part of a changeset that a person chose, and what must come along for it to stand alone.

Three rules, and no other: what appears somewhere needs the directory that appears above it; a directory that goes needs all
that goes from it; a rename is one change, of both its names. A part that keeps them lands as if the rest had never been
made. Names of one inode (hard links) are files of their own in a changeset, so each may be chosen alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from casava_os.kernel.ports import Change, Changeset
from casava_syscalls.results import Err, Ok, Result


class Selection(BaseModel):
    """An answer between yes and no: let these changes land, each named by its path, and hold the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """Which changes need which others."""

    of: Mapping[str, tuple[str, ...]]
    """By path: what it needs directly."""
    _back: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, needed in self.of.items():
            for one in needed:
                self._back.setdefault(one, []).append(path)

    def with_needed(self, paths: Iterable[str]) -> set[str]:
        """These changes and all that they need."""
        return _reached(paths, self.of)

    def with_dependent(self, paths: Iterable[str]) -> set[str]:
        """These changes and all that cannot stand without them."""
        return _reached(paths, self._back)

    def lacking(self, chosen: Collection[str]) -> dict[str, str]:
        """What is needed and not chosen, each with a chosen change that needs it."""
        there = set(chosen)
        return {
            needed: path
            for path in sorted(there)
            for needed in sorted(self.with_needed(self.of.get(path, ())))
            if needed not in there
        }


def needs(changes: Iterable[Change]) -> Needs:
    """What each of these changes needs of the others."""
    known = list(changes)
    appear = {c.path for c in known if _appears(c)}
    vanish = {c.path for c in known if _vanishes(c)}
    of: dict[str, list[str]] = {change.path: [] for change in known}
    for change in known:
        if change.action not in ("deleted", "mode") and (above := _nearest(change.path, appear)) is not None:
            of[change.path].append(above)
        gone = _goes(change)
        if gone is not None and (above := _nearest(gone, vanish)) is not None:
            of[above].append(change.path)
    return Needs({path: tuple(needed) for path, needed in of.items()})


def named(changeset: Changeset, paths: Iterable[str]) -> Result[Selection]:
    """The changes that these paths stand for: each the change of that path, or all below it; an old name counts, too.

    `Err("not-found")` for a path at and below which nothing changes.
    """
    chosen: list[str] = []
    for path in paths:
        plain = path.removeprefix("./").rstrip("/") or "."
        found = [c.path for c in changeset.changes if any(_at_or_below(name, plain) for name in _names(c))]
        if not found:
            message = f"process {changeset.pid} changes nothing at {plain}"
            hint = f"casava-os diff {changeset.pid} shows what it changes"
            return Err(code="not-found", title="There is no such change", message=message, hint=hint)
        chosen += found
    return Ok(value=Selection(paths=tuple(dict.fromkeys(chosen))))


def part(changeset: Changeset, selection: Selection) -> Result[Changeset]:
    """The chosen part of a changeset. `Err("usage")` when it is empty, names what is not there, or cannot stand alone."""
    chosen = set(selection.paths)
    found = [change for change in changeset.changes if change.path in chosen]
    if not found or len(found) < len(chosen):
        unknown = sorted(chosen - {change.path for change in found})
        message = f"nothing changes at {', '.join(unknown[:3])}" if unknown else "no change was chosen"
        return Err(code="usage", title="That is no part of the changes", message=message)
    if lacking := needs(changeset.changes).lacking(chosen):
        return stands_not(lacking)
    return Ok(value=Changeset.made(changeset.pid, changeset.workspace, found))


def checked(changeset: Changeset, selection: Selection) -> Result[Selection]:
    """The selection, when it is a part that can stand alone."""
    found = part(changeset, selection)
    return found if isinstance(found, Err) else Ok(value=selection)


def stands_not(lacking: Mapping[str, str]) -> Err:
    """Why a part cannot land without the rest."""
    told = [f"{path} needs {needed}" for needed, path in list(lacking.items())[:3]]
    more = f", and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return Err(
        code="usage",
        title="These changes cannot be applied alone",
        message=f"{'; '.join(told)}{more}; nothing was applied",
        hint="choose those, too",
    )


def _appears(change: Change) -> bool:
    """Whether it makes a directory where none was."""
    made = change.action == "added" or (
        change.action == "changed" and change.type_before not in (None, "directory")
    )
    return made and change.type == "directory"


def _vanishes(change: Change) -> bool:
    """Whether a directory is no longer there, so that nothing below it may stay."""
    if change.action == "deleted":
        return change.type == "directory"
    return change.type_before == "directory" and change.type != "directory"


def _goes(change: Change) -> str | None:
    """The path that is no longer there."""
    return change.path if change.action == "deleted" else change.source


def _nearest(path: str, among: Collection[str]) -> str | None:
    return next((above for above in _above(path) if above in among), None)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _reached(paths: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(paths)
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += edges.get(path, ())
    return found


def _names(change: Change) -> Iterator[str]:
    yield change.path
    if change.source is not None:
        yield change.source


def _at_or_below(path: str, top: str) -> bool:
    return top in (".", path) or path.startswith(top + "/")
