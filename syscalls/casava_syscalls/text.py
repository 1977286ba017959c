"""Family `text`: searching, counting, changing and reshaping text, and look-ups in CSV and JSON."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from casava_syscalls.base import Effect, Syscall
from casava_syscalls.file import _one_slice
from casava_syscalls.refs import FilesArg, TextSource
from casava_syscalls.scalars import Content, Count, Needle, Word, compiled
from casava_syscalls.values import Files, Matches, Number, Table, Text


class Search(Syscall[Matches]):
    """Lines that have a text (or match a regular expression)."""

    call: Literal["text.search"] = "text.search"
    effect: ClassVar = Effect.READ

    pattern: Needle
    source: TextSource = (".",)
    """Files, directories, or an earlier step's result."""
    regex: bool = False
    """Read `pattern` as a Python regular expression."""
    ignore_case: bool = False
    whole_word: bool = False
    invert: bool = False
    """Lines that do not match."""
    limit: Count | None = None

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        if self.regex:
            compiled(self.pattern)
        return self


class CountText(Syscall[Number]):
    """How many lines, words, characters, bytes, or matches of a text."""

    call: Literal["text.count"] = "text.count"
    effect: ClassVar = Effect.READ

    source: TextSource
    what: Literal["lines", "words", "characters", "bytes", "matches", "matching_lines"] = "lines"
    pattern: Needle | None = None
    """What to count, for `matches` and `matching_lines`."""
    regex: bool = False
    ignore_case: bool = False

    @model_validator(mode="after")
    def _pattern_fits(self) -> Self:
        if (self.pattern is not None) != (self.what in ("matches", "matching_lines")):
            raise ValueError("a pattern is needed to count matches, and only then")
        if self.regex and self.pattern is not None:
            compiled(self.pattern)
        return self


class Replace(Syscall[Files]):
    """Replaces text in files."""

    call: Literal["text.replace"] = "text.replace"
    effect: ClassVar = Effect.WRITE

    paths: FilesArg
    """Files, or directories with all the text files in them."""
    find: Needle
    replacement: Content = ""
    regex: bool = False
    ignore_case: bool = False
    whole_word: bool = False

    @model_validator(mode="after")
    def _a_change(self) -> Self:
        if self.regex:
            compiled(self.find)
        elif self.find == self.replacement:
            raise ValueError("the text and its replacement are the same")
        return self


class Sort(Syscall[Text]):
    """Lines in order."""

    call: Literal["text.sort"] = "text.sort"
    effect: ClassVar = Effect.READ

    source: TextSource
    reverse: bool = False
    numeric: bool = False
    ignore_case: bool = False
    unique: bool = False
    column: Count | None = None
    """Sort by this column, counted from 1, split at white space or `delimiter`."""
    delimiter: Needle | None = None


class Unique(Syscall[Text]):
    """Lines without repetitions, in order of first appearance."""

    call: Literal["text.unique"] = "text.unique"
    effect: ClassVar = Effect.READ

    source: TextSource
    count: bool = False
    """Put before each line how often it occurs, the most frequent first."""
    ignore_case: bool = False


class Lines(Syscall[Text]):
    """Some lines of a text: the first, the last, or a range."""

    call: Literal["text.lines"] = "text.lines"
    effect: ClassVar = Effect.READ

    source: TextSource
    first: Count | None = None
    last: Count | None = None
    from_line: Count | None = None
    to_line: Count | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _one_slice(self.first, self.last, self.from_line, self.to_line)
        return self


class Columns(Syscall[Text]):
    """Some columns of each line, split at white space or a delimiter."""

    call: Literal["text.columns"] = "text.columns"
    effect: ClassVar = Effect.READ

    source: TextSource
    columns: tuple[Count, ...] = Field(min_length=1)
    """Column numbers, counted from 1."""
    delimiter: Needle | None = None


class Csv(Syscall[Table]):
    """Rows of a CSV or TSV table with a header: chosen columns, filtered, sorted, limited."""

    call: Literal["text.csv"] = "text.csv"
    effect: ClassVar = Effect.READ

    source: TextSource
    columns: tuple[Word, ...] | None = None
    where_column: Word | None = None
    where_op: Literal["equals", "not_equals", "contains", "above", "below"] = "equals"
    where_value: Content | None = None
    sort_by: Word | None = None
    descending: bool = False
    limit: Count | None = None

    @model_validator(mode="after")
    def _whole_condition(self) -> Self:
        if (self.where_column is None) != (self.where_value is None):
            raise ValueError("a condition needs both where_column and where_value")
        return self


class Aggregate(Syscall[Number]):
    """One number from a CSV column: sum, mean, minimum, maximum, or how many."""

    call: Literal["text.aggregate"] = "text.aggregate"
    effect: ClassVar = Effect.READ

    source: TextSource
    column: Word
    how: Literal["sum", "mean", "min", "max", "count", "distinct"] = "sum"


class Json(Syscall[Text]):
    """The value at a path in a JSON document ("server.ports[0]"); without a path, the document, indented."""

    call: Literal["text.json"] = "text.json"
    effect: ClassVar = Effect.READ

    source: TextSource
    query: Needle | None = None
