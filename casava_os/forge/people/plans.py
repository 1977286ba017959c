"""The plan in the making: its calls, what the last one gave, and what a workspace must hold to try it.

What the workspace holds is said by the command, never by the calls: a wrong translation must be able to show.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from casava_os.forge.people.said import Said
from casava_os.kernel.compiler.tagged import SurfaceCall, SurfaceValue

Gives = Literal["nothing", "files", "text", "matches", "number", "table", "done", "facts"]


@dataclass(slots=True)
class Search:
    """What a `find` looks for, as its workspace needs it."""

    root: str = "."
    names: list[str] = field(default_factory=list)
    """Patterns any of which a name matches."""
    fold: bool = False
    type: str | None = None
    larger: float | None = None
    smaller: float | None = None
    older: float | None = None
    newer: float | None = None
    after: str | None = None
    before: str | None = None
    mode: int | None = None
    empty: bool | None = None
    executable: bool | None = None
    hidden: bool | None = None
    excluded: list[str] = field(default_factory=list)
    only_files: bool = True
    """Whether no directory may match: the request speaks of files, and the command leaves that out."""


@dataclass(slots=True)
class Needs:
    """What a workspace holds so that the command has something to do."""

    searches: list[Search] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    empty_folders: bool = False
    """Whether the folders hold nothing."""
    archives: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    stdin: bool = False
    reads_content: bool = False
    gathers: bool = False
    """Whether found files come into one directory, so that no two may have the same name."""
    one_case: bool = False
    """Whether letters of the other case must not occur: the command folds them, and the request does not say so."""
    columns: str | None = None
    """The delimiter of the columns that are read, or a blank for white space."""


@dataclass(slots=True)
class Draft:
    """Calls so far. `gives` is what the last one results in, `last` its reference."""

    said: Said
    calls: list[dict[str, SurfaceValue]] = field(default_factory=list)
    gives: Gives = "nothing"
    needs: Needs = field(default_factory=Needs)
    pending: list[str | dict[str, str]] | None = None
    """Files whose text goes into the next command, as behind `cat`."""
    decoration: str | None = None
    """What the lines of a search begin with, so that they can be sorted: "size" or "time"."""
    basenames: bool = False
    """Whether the command prints names without directories."""
    any_order: bool = False
    """Whether "the first n" of the command have no order that could be compared."""
    relaxed: list[str] = field(default_factory=list)
    """What the command says beyond the request and without harm; the proof is on commands without it."""
    by_table: bool = False
    """Whether the calls ask the host, which cannot be compared."""

    def add(self, call: str, gives: Gives, **fields: SurfaceValue | None) -> str:
        """Adds a call with the fields that are not None and not False; returns its reference."""
        made: dict[str, SurfaceValue] = {"call": call}
        made.update({key: value for key, value in fields.items() if value is not None and value is not False})
        self.calls.append(made)
        self.gives = gives
        return self.last

    @property
    def last(self) -> str:
        """The reference to the last call's result."""
        return f"${len(self.calls)}"

    def source(self) -> str:
        """The last result as an operand."""
        return self.last if self.calls else "$0"

    def surface(self) -> list[SurfaceCall]:
        """The calls."""
        return list(self.calls)
