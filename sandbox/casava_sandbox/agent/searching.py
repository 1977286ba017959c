"""`text.search`, `text.count`, `text.replace`: looking for text, and putting other text in its place."""

from __future__ import annotations

import os
import re
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from casava_sandbox.agent.apart import apart
from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Workspace, given_paths, is_reference, shown
from casava_sandbox.agent.sources import FileText, Source, bare, files_below, sources
from casava_sandbox.agent.texts import (
    Decoded,
    decode,
    newline_of,
    not_text,
    read_bytes,
    read_text,
)
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.writing import need_writable, replace_file

LONGEST_LINE = 2000
"""Characters of a matching line that a result shows."""


def expression(fields: Fields, field: str) -> "re.Pattern[str]":
    """What the call looks for, as a regular expression; `^` and `$` are the ends of lines."""
    pattern = fields.text(field)
    if not fields.flag("regex"):
        pattern = re.escape(pattern)
    if fields.call != "text.count" and fields.flag("whole_word"):
        pattern = r"(?<!\w)(?:%s)(?!\w)" % pattern
    try:
        return re.compile(pattern, re.MULTILINE | (re.IGNORECASE if fields.flag("ignore_case") else 0))
    except (re.error, RecursionError, OverflowError) as error:
        raise Fault(
            "usage", "The regular expression is malformed", "%s: %s" % (fields.text(field), error)
        ) from None


def _literal(fields: Fields, field: str) -> Optional[str]:
    """The text that must occur wherever something matches, if there is one."""
    return None if fields.flag("regex") or fields.flag("ignore_case") else fields.text(field)


# ---------------------------------------------------------------------------------------------- search


@apart
def search(context: Context, fields: Fields) -> Stored:
    """`text.search`. Of an earlier search's matches, those whose line matches too, with their files and numbers."""
    matches = expression(fields, "pattern").search
    literal, invert = _literal(fields, "pattern"), fields.flag("invert")
    limit = fields.maybe_number("limit")
    items: List[Stored] = []
    for path, number, line in _candidates(context, fields.get("source"), None if invert else literal):
        if (matches(line) is None) is invert:
            shortened = line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…"
            items.append({"path": path, "line": number, "text": shortened})
            if limit is not None and len(items) >= limit:
                break
    return {"kind": "matches", "items": items}


def _candidates(context: Context, value: object, literal: Optional[str]) -> Iterator[Tuple[str, int, str]]:
    """(path, line number, line) of every line that may match. Files without the literal text are passed over whole."""
    if isinstance(value, dict) and value.get("kind") == "matches":
        items = value.get("items")
        for item in items if isinstance(items, (list, tuple)) else ():
            yield str(item["path"]), int(item["line"]), str(item["text"])
        return
    for source in sources(Workspace(context), value, descend=True):
        context.check()
        if literal is not None and isinstance(source, FileText) and source.rules_out(literal):
            continue
        for number, line in enumerate(source.lines(), 1):
            if number % 4096 == 0:
                context.check()
            yield source.path, number, line


# ---------------------------------------------------------------------------------------------- count


@apart
def count(context: Context, fields: Fields) -> Stored:
    """`text.count`. A last line without its end is a line too; words are what white space separates."""
    what = fields.text("what")
    workspace = Workspace(context)
    texts = sources(workspace, fields.get("source"), descend=True, binary=what == "bytes")
    total = 0
    for source in texts:
        context.check()
        if what == "bytes" and isinstance(source, FileText):
            total += os.stat(source.location).st_size
        elif what in ("matches", "matching_lines"):
            total += _matching(context, fields, source)
        else:
            total += _amount(context, source, _COUNTERS[what])
    return {"kind": "number", "value": total, "unit": "lines" if what == "matching_lines" else what}


_COUNTERS = {
    "lines": lambda piece: 1,
    "words": lambda piece: len(piece.split()),
    "characters": len,
    "bytes": lambda piece: len(piece.encode("utf-8", "surrogatepass")),
}


def _amount(context: Context, source: Source, measure: Callable[[str], int]) -> int:
    total = 0
    for number, piece in enumerate(source.pieces()):
        if number % 4096 == 0:
            context.check()
        total += measure(piece)
    return total


def _matching(context: Context, fields: Fields, source: Source) -> int:
    """How many matches, or lines with one. Empty matches do not count as matches."""
    pattern, lines_only = expression(fields, "pattern"), fields.text("what") == "matching_lines"
    literal = _literal(fields, "pattern")
    if literal is not None and isinstance(source, FileText) and source.rules_out(literal):
        return 0
    if not lines_only and not fields.flag("regex") and "\n" in fields.text("pattern"):
        return len(pattern.findall(source.text()))
    if lines_only:
        return _amount(context, source, lambda piece: int(pattern.search(bare(piece)) is not None))
    return _amount(
        context, source, lambda piece: sum(1 for found in pattern.finditer(bare(piece)) if found.group())
    )


# ---------------------------------------------------------------------------------------------- replace


@apart
def replace(context: Context, fields: Fields) -> Stored:
    """`text.replace`. The result is the files that changed; they keep encoding, line ends and permissions.

    All files are looked at before the first is written, so that one that cannot be changed leaves all as they were.
    """
    workspace = Workspace(context)
    pattern, put = expression(fields, "find"), fields.text("replacement")
    if not fields.flag("regex"):
        put = put.replace("\\", r"\\")
    literal = _literal(fields, "find")
    changed = []
    for name, path, named in _targets(workspace, fields.get("paths")):
        context.check()
        if literal is not None and FileText(context, path, name, named=named).rules_out(literal):
            continue
        decoded = _decoded(context, path, name, named=named)
        if decoded is not None and _replaced(decoded, pattern, put, name) is not None:
            need_writable(workspace, path)
            changed.append((name, path))
    for name, path in changed:
        context.check()
        new = _replaced(read_text(context, path, name), pattern, put, name)
        if new is not None:
            replace_file(path, [new])
    return workspace.entries(path for _, path in changed)


def _targets(workspace: Workspace, value: object) -> "list[tuple[str, str, bool]]":
    """(name, path, whether the person named it) of the files to look at, each once."""
    targets: Dict[str, Tuple[str, str, bool]] = {}
    found = [(name, workspace.followed(name)) for name in given_paths(value)]
    if is_reference(value) and any(not os.path.isdir(path) for _, path in found):
        found = [(name, path) for name, path in found if not os.path.isdir(path)]
    for name, path in found:
        if os.path.isdir(path):
            for below, file in files_below(workspace, name, path):
                targets.setdefault(os.path.realpath(file), (below, file, False))
        else:
            file = workspace.file(name)
            targets.setdefault(os.path.realpath(file), (name, file, not is_reference(value)))
    return list(targets.values())


def _decoded(context: Context, path: str, name: str, *, named: bool) -> Optional[Decoded]:
    decoded = decode(read_bytes(context, path, name))
    if decoded is None and named:
        raise not_text(name)
    return decoded


def _replaced(decoded: Decoded, pattern: "re.Pattern[str]", put: str, name: str) -> Optional[bytes]:
    """The file's new content, or None when nothing changes."""
    crlf = newline_of(decoded.text) == "\r\n"
    old = decoded.text.replace("\r\n", "\n") if crlf else decoded.text
    try:
        new = pattern.sub(put, old)
    except (re.error, IndexError) as error:
        hint = r"refer to groups by \1 or \g<name>"
        raise Fault(
            "usage", "The replacement does not fit the expression", "%s: %s" % (shown(put), error), hint
        ) from None
    if new == old:
        return None
    return decoded.encode(new.replace("\n", "\r\n") if crlf else new, name)
