"""A unified diff as rows: read by the counts of its hunks, paired for two columns, with the words that differ.

What a diff quotes was written by programs: a removed line that reads like the head of another file is still a line, since
only a hunk's own counts say where it ends.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

Kind = Literal["file", "hunk", "same", "added", "removed", "told"]

_HUNK = re.compile(r"@@ -(?P<a>\d+)(?:,(?P<b>\d+))? \+(?P<c>\d+)(?:,(?P<d>\d+))? @@")
_TOLD = re.compile(
    r"(?:(?:deleted|added|changed)(?: binary)? (?:file|directory|link): |renamed: .* → |mode: )"
    r"(?P<path>.*?)(?: \(\d+ bytes\)|, \S.*|(?<!renamed) → .*)?$"
)
"""The one line that a diff has for what it does not compare."""

LONGEST_COMPARED = 400
"""Characters of a line above which its words are not compared."""


@dataclass(slots=True)
class Line:
    """One line of a diff. `text` is without its sign; `number` is that in its file (the new one where it stands in both)."""

    kind: Kind
    text: str
    number: int = 0
    before: int = 0
    """Of a line that stands in both files: its number in the old one."""
    partner: int = -1
    """Index of the line that took this one's place, or whose place it took."""
    path: str = ""
    """Where a path's part of the diff begins: the path, as the diff spells it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of two columns: indices of lines. A row whose two sides are one index that is not `same` spans both."""

    left: int | None
    right: int | None


def parse(diff: str) -> list[Line]:
    """Every line of a diff, in order."""
    lines: list[Line] = []
    texts = diff.splitlines()
    old = new = old_left = new_left = 0
    began = len(texts)
    for at, raw in enumerate(texts):
        text = raw.expandtabs(4)
        sign, rest = raw[:1], raw[1:].expandtabs(4)
        if old_left > 0 or new_left > 0:
            if sign == "-" and old_left:
                lines.append(Line("removed", rest, old))
                old, old_left = old + 1, old_left - 1
                continue
            if sign == "+" and new_left:
                lines.append(Line("added", rest, new))
                new, new_left = new + 1, new_left - 1
                continue
            if sign == " ":
                lines.append(Line("same", rest, new, old))
                old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
                continue
            if sign != "\\":  # it was cut short
                old_left = new_left = 0
        if sign == "\\":
            lines.append(Line("told", text))
        elif (hunk := _HUNK.match(raw)) is not None:
            old, new = int(hunk["a"]), int(hunk["c"])
            old_left, new_left = int(hunk["b"] or 1), int(hunk["d"] or 1)
            lines.append(Line("hunk", text))
        elif raw.startswith("--- ") and at + 1 < len(texts) and texts[at + 1].startswith("+++ b/"):
            lines.append(Line("file", text, path=texts[at + 1].removeprefix("+++ b/")))
            began = at + 1
        elif at == began:
            lines.append(Line("file", text))
        else:
            told = _TOLD.match(raw)
            lines.append(Line("file", text, path=told["path"] if told else ""))
    _pair(lines)
    return lines


def _pair(lines: list[Line]) -> None:
    for removed, added in _replaced(lines):
        for one, other in zip(removed, added, strict=False):
            lines[one].partner, lines[other].partner = other, one


def _replaced(lines: Sequence[Line]) -> Iterator[tuple[list[int], list[int]]]:
    """The removed and the added lines of each place that changed, as indices."""
    removed: list[int] = []
    added: list[int] = []
    for at, line in enumerate(lines):
        if line.kind == "removed":
            if added:
                yield removed, added
                removed, added = [], []
            removed.append(at)
        elif line.kind == "added":
            added.append(at)
        elif line.kind != "told" or not line.text.startswith("\\"):
            if removed or added:
                yield removed, added
            removed, added = [], []
    if removed or added:
        yield removed, added


def side_by_side(lines: Sequence[Line]) -> list[Row]:
    """The rows of two columns: what was removed at the left, what took its place at the right."""
    rows: list[Row] = []
    removed: list[int] = []
    added: list[int] = []

    def flush() -> None:
        for at in range(max(len(removed), len(added))):
            left = removed[at] if at < len(removed) else None
            rows.append(Row(left, added[at] if at < len(added) else None))
        removed.clear()
        added.clear()

    last: Kind = "same"
    for at, line in enumerate(lines):
        if line.kind == "told" and last in ("removed", "added"):
            (removed if last == "removed" else added).append(at)
            continue
        if line.kind == "removed":
            if added:
                flush()
            removed.append(at)
        elif line.kind == "added":
            added.append(at)
        else:
            flush()
            if not (line.path and line.text.startswith("--- ")):  # the name stands in the next line, too
                rows.append(Row(at, at))
        last = line.kind
    flush()
    return rows


def in_one_column(lines: Sequence[Line]) -> list[int]:
    """The rows of one column, as indices of lines: a name once, and each changed line right above what took its place.

    Of the heads of hunks, the first of a file is left out: its name says where it is.
    """
    rows: list[int] = []
    placed: set[int] = set()
    for at, line in enumerate(lines):
        if at in placed or (line.path and line.text.startswith("--- ")):
            continue
        if line.kind == "hunk" and at and lines[at - 1].kind == "file":
            continue
        rows.append(at)
        if (
            line.kind == "removed"
            and line.partner >= 0
            and any(differing(line.text, lines[line.partner].text))
        ):
            rows.append(line.partner)
            placed.add(line.partner)
    return rows


def sections(lines: Sequence[Line]) -> dict[str, int]:
    """Where each path's part begins: indices of lines."""
    found: dict[str, int] = {}
    for at, line in enumerate(lines):
        if line.path:
            found.setdefault(line.path, at)
    return found


@dataclass(frozen=True, slots=True)
class Places:
    """Which path a line belongs to."""

    starts: tuple[int, ...]
    paths: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Places:
        """The places of these lines."""
        begins = [(at, line.path) for at, line in enumerate(lines) if line.path]
        return cls(tuple(at for at, _ in begins), tuple(path for _, path in begins))

    def path(self, line: int) -> str:
        """The path whose part holds this line; empty before the first."""
        at = bisect_right(self.starts, line) - 1
        return self.paths[at] if at >= 0 else ""


_WORD = re.compile(r"\w+|\s+|.")


@lru_cache(maxsize=4096)
def differing(old: str, new: str) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Spans (from, to) of the words that differ, in the old line and in the new; none where hardly a word is the same."""
    if max(len(old), len(new)) > LONGEST_COMPARED:
        return (), ()
    left, right = _WORD.findall(old), _WORD.findall(new)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < 0.4:
        return (), ()
    spans: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        for into, words, first, last in ((spans[0], left, a, b), (spans[1], right, c, d)):
            start = sum(map(len, words[:first]))
            if (end := start + sum(map(len, words[first:last]))) > start:
                into.append((start, end))
    return tuple(spans[0]), tuple(spans[1])


def diff_sections(diff: str) -> dict[str, int]:
    """Where each path's part of a diff begins: line numbers from 0, by the path as the diff spells it."""
    return sections(parse(diff))
