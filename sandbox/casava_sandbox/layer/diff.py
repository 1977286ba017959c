"""Shows a changeset to a person: a unified diff for text, one line for everything else.

What is shown was written by programs, so it is made safe for terminals; it may be huge, so it is bounded, and what is
left out is said.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Iterator

from casava_os.kernel.ports import Change, Changeset
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import fs_path

_READ_MOST = 4 * 2**20  # bytes of a file that is compared line by line
_LINES_MOST = 3000  # differing lines that are compared: the algorithm is quadratic

Reader = Callable[[str], int]
"""Opens a path (relative, as `os` spells it) for reading."""


def render_diff(changeset: Changeset, before: Reader, after: Reader, *, context: int, max_bytes: int) -> str:
    """The diff, at most about `max_bytes` long (UTF-8); a last line counts what is left out."""
    lines: list[str] = []
    used = 0
    for number, change in enumerate(changeset.changes):
        for line in _lines(change, before, after, context):
            used += len(line.encode("utf-8", "replace")) + 1
            if used > max_bytes:
                left = len(changeset.changes) - number
                lines.append(f"… {left} more {'change is' if left == 1 else 'changes are'} not shown in full")
                return "\n".join(lines) + "\n"
            lines.append(line)
    return "\n".join(lines) + "\n" if lines else ""


def _lines(change: Change, before: Reader, after: Reader, context: int) -> Iterator[str]:
    name = _name(change.path)
    if change.action == "deleted":
        size = "" if change.size_before is None else f" ({change.size_before} bytes)"
        yield f"deleted {change.type}: {name}{size}"
    elif change.action == "renamed":
        yield f"renamed: {_name(change.source or '')} → {name}{_mode(change)}"
    elif change.action == "mode":
        yield f"mode: {name}{_mode(change)}"
    elif change.type == "file":
        was_file = change.action == "changed" and change.type_before == "file"
        if change.action == "changed" and not was_file:
            yield f"{change.type_before} becomes file: {name}"
        yield from _file(change, name, before if was_file else None, after, context)
    else:
        verb = "added" if change.action == "added" else "changed"
        if change.type_before not in (None, change.type):
            verb = f"{change.type_before} becomes"
        target = f" → {visible(change.target)}" if change.target is not None else ""
        yield f"{verb} {change.type}: {name}{target}"


def _name(path: str) -> str:
    return visible(path)


def _mode(change: Change) -> str:
    return "" if change.mode == change.mode_before else f", {change.mode_before} → {change.mode}"


def _file(change: Change, name: str, before: Reader | None, after: Reader, context: int) -> Iterator[str]:
    size, old_size = change.size or 0, (change.size_before or 0) if before else 0
    path = fs_path(change.path)
    verb = "changed" if before else "added"
    sizes = f"{old_size} → {size} bytes" if before else f"{size} bytes"
    if max(size, old_size) > _READ_MOST:
        yield f"{verb} file: {name}, {sizes}, too large to compare here"
        return
    try:
        old, new = _read(before, path), _read(after, path)
    except OSError as error:
        yield f"{verb} file: {name}, {sizes}, not readable ({error.strerror})"
        return
    if b"\0" in old or b"\0" in new:
        hashes = [
            f"{hashlib.sha256(content).hexdigest()[:12]}…" for content in ([old, new] if before else [new])
        ]
        yield f"{verb} binary file: {name}, {sizes}, sha256 {' → '.join(hashes)}"
        return
    hunks = _hunks(_split(old), _split(new), context)
    if hunks is None:
        yield f"{verb} file: {name}, {sizes}, too many differing lines to compare here"
        return
    yield f"--- a/{name}" if before else "--- /dev/null"
    yield f"+++ b/{name}"
    if before and change.mode != change.mode_before:
        yield f"mode{_mode(change)[1:]}"
    yield from hunks


def _read(reader: Reader | None, path: str) -> bytes:
    if reader is None:
        return b""
    with os.fdopen(reader(path), "rb") as file:
        return file.read(_READ_MOST + 1)


def _split(content: bytes) -> list[str]:
    """Lines without their newline; a last line that lacks it says so."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1] == "":
        lines.pop()
    elif lines:
        lines[-1] += "\n"
    return lines


def _show(sign: str, line: str) -> Iterator[str]:
    yield sign + visible(line.removesuffix("\n"), keep="\t")
    if line.endswith("\n"):
        yield "\\ No newline at end of file"


def _hunks(old: list[str], new: list[str], context: int) -> list[str] | None:
    """The hunks of a unified diff, or None when too much differs. Equal ends are cut off before comparing."""
    start = 0
    shortest = min(len(old), len(new))
    while start < shortest and old[start] == new[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    if max(len(old), len(new)) - start - end > _LINES_MOST and min(len(old), len(new)) - start - end > 0:
        return None
    first, last = max(0, start - context), max(0, end - context)
    left, right = old[first : len(old) - last], new[first : len(new) - last]
    lines: list[str] = []
    for group in difflib.SequenceMatcher(None, left, right).get_grouped_opcodes(context):
        a, b = group[0][1], group[-1][2]
        c, d = group[0][3], group[-1][4]
        lines.append(f"@@ -{_range(first + a, first + b)} +{_range(first + c, first + d)} @@")
        for tag, i, j, k, m in group:
            if tag == "equal":
                lines += [shown for line in left[i:j] for shown in _show(" ", line)]
                continue
            lines += [shown for line in left[i:j] for shown in _show("-", line)]
            lines += [shown for line in right[k:m] for shown in _show("+", line)]
    return lines


def _range(start: int, stop: int) -> str:
    """A line range as unified diffs write it: from 1, and the line before an empty range."""
    length = stop - start
    if length == 1:
        return f"{start + 1}"
    return f"{start + 1},{length}" if length else f"{start},0"
