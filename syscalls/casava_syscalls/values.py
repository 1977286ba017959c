"""What a syscall gives back: typed values that later steps can use.

A value knows how it reads as plain text (`render`), because the standard output of a request is its last value, and
because a step that wants text may be given any value.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

FileType = Literal["file", "directory", "link", "other"]
Cell = str | int | float | bool | None


class Value(BaseModel):
    """Base of all results of syscalls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def render(self) -> str:
        """Plain text for standard output, without a final newline."""
        raise NotImplementedError


class Entry(BaseModel):
    """One file system entry: path relative to the workspace, size in bytes, mtime in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    type: FileType = "file"
    size: int = 0
    mtime: float = 0.0
    mode: str = "0644"
    target: str | None = None
    partial: bool = False
    """A directory that holds what the search left out: it is one of those found, and what takes directories whole passes it over."""


class Files(Value):
    """A list of file system entries, in order."""

    kind: Literal["files"] = "files"
    items: tuple[Entry, ...] = ()

    def render(self) -> str:
        return "\n".join(item.path for item in self.items)


class Text(Value):
    """Text; `lossy` when undecodable bytes were replaced."""

    kind: Literal["text"] = "text"
    text: str = ""
    lossy: bool = False

    def render(self) -> str:
        return self.text.removesuffix("\n")


class Number(Value):
    """One number with the unit it counts (`files`, `lines`, `bytes`, `seconds`)."""

    kind: Literal["number"] = "number"
    value: int | float
    unit: str = ""

    def render(self) -> str:
        return f"{self.value}"


class Table(Value):
    """Rows of cells under named columns."""

    kind: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()

    def render(self) -> str:
        return "\n".join(
            "\t".join("" if cell is None else str(cell) for cell in row) for row in (self.columns, *self.rows)
        )


class Match(BaseModel):
    """One matching line: file, line number from 1, the line's text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    line: int
    text: str


class Matches(Value):
    """Lines found by a search."""

    kind: Literal["matches"] = "matches"
    items: tuple[Match, ...] = ()

    def render(self) -> str:
        return "\n".join(f"{m.path}:{m.line}:{m.text}" if m.path else m.text for m in self.items)


class Facts(Value):
    """Named facts, as the `system` family reports them; a fact that the host does not have is None, never zero."""

    kind: Literal["facts"] = "facts"
    items: dict[str, Cell] = Field(default_factory=dict)

    def render(self) -> str:
        if len(self.items) == 1:
            return str(next(iter(self.items.values())))
        return "\n".join(
            f"{name}\t{'absent' if value is None else value}" for name, value in self.items.items()
        )


class Exit(Value):
    """What a program did: its exit code (negative: ended by that signal), output, and time in seconds."""

    kind: Literal["exit"] = "exit"
    code: int
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    truncated: bool = False

    def render(self) -> str:
        return self.stdout.removesuffix("\n")


class Question(Value):
    """A question back to the person: an outcome, not a failure."""

    kind: Literal["question"] = "question"
    text: str
    choices: tuple[str, ...] = ()

    def render(self) -> str:
        return "\n".join((self.text, *(f"  {n}. {choice}" for n, choice in enumerate(self.choices, 1))))


class Refusal(Value):
    """A refusal with its reason: an outcome, not a failure."""

    kind: Literal["refusal"] = "refusal"
    reason: str

    def render(self) -> str:
        return self.reason


AnyValue = Annotated[
    Files | Text | Number | Table | Matches | Facts | Exit | Question | Refusal, Field(discriminator="kind")
]

VALUE_TYPES: dict[str, type[Value]] = {
    "files": Files,
    "text": Text,
    "number": Number,
    "table": Table,
    "matches": Matches,
    "facts": Facts,
    "exit": Exit,
    "question": Question,
    "refusal": Refusal,
}


class Accepts:
    """Marker in a field's annotation: the value types whose step reference the field takes."""

    FILES: ClassVar[tuple[type[Value], ...]] = (Files, Matches)
    TEXT: ClassVar[tuple[type[Value], ...]] = (Text, Files, Number, Table, Matches, Facts, Exit)
    TABLE: ClassVar[tuple[type[Value], ...]] = (Table, Text, Exit)

    def __init__(self, *types: type[Value]) -> None:
        self.types = types
