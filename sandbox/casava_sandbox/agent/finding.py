"""`file.find`, `file.list`, `file.count`: which entries there are."""

from __future__ import annotations

import os
import stat
import time
from datetime import datetime
from typing import Callable, Dict, List, Optional, Set, Tuple, Union

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.globs import matcher
from casava_sandbox.agent.kinds import KIND_EXTENSIONS, has_extension, split_extension
from casava_sandbox.agent.paths import Walk, Workspace, above_of, given_paths, text_of, type_of
from casava_sandbox.agent.texts import holds_text
from casava_sandbox.agent.values import Stored

NameTest = Callable[[str, str], bool]
"""Of (name, path relative to the searched directory), both in text form."""
InfoTest = Callable[[os.stat_result], bool]
Key = Tuple[Union[str, float], str]


def find(context: Context, fields: Fields) -> Stored:
    """`file.find`. The searched directory itself is not among the results; unreadable directories are passed over."""
    workspace = Workspace(context)
    root = fields.text("root")
    top = workspace.directory(root)
    prefix = "" if root == "." else root + "/"
    name_tests, info_tests = _name_tests(fields, root), _info_tests(fields)
    excluded = [_matcher(fields, pattern, root) for pattern in fields.maybe_texts("exclude") or []]
    shallowest, deepest = fields.maybe_number("min_depth") or 1, fields.maybe_number("max_depth")
    hidden, empty = fields.maybe_flag("hidden"), fields.maybe_flag("empty")
    contains = fields.maybe_text("contains")
    fold = fields.flag("ignore_case")
    found: List[Stored] = []
    holders: Set[str] = set()
    walk = Walk(context, top, forgiving=True)
    for item in walk:
        name, relative = text_of(item.entry.name), text_of(item.relative)
        if any(test(name, relative) for test in excluded):
            holders.update(above_of(prefix + relative))
            walk.skip()
            continue
        if hidden is False and name.startswith("."):
            walk.skip()
            continue
        if deepest is not None and item.depth >= deepest:
            walk.skip()
        if item.depth < shallowest or not all(test(name, relative) for test in name_tests):
            continue
        try:
            info = item.entry.stat(follow_symlinks=False)
            if not all(test(info) for test in info_tests):
                continue
            if empty is not None and _is_empty(item.entry.path, info) is not empty:
                continue
            if contains is not None and not (
                stat.S_ISREG(info.st_mode)
                and holds_text(context, item.entry.path, contains, ignore_case=fold)
            ):
                continue
            found.append(workspace.entry(item.entry.path, prefix + relative, info))
        except (FileNotFoundError, PermissionError):
            continue  # it went away meanwhile, or cannot be looked into
    for entry in found:
        entry["partial"] = entry["path"] in holders
    limit = fields.maybe_number("limit")
    return {"kind": "files", "items": ordered(found, fields.text("sort"))[:limit]}


def list_directory(context: Context, fields: Fields) -> Stored:
    """`file.list`."""
    workspace = Workspace(context)
    path = fields.text("path")
    top = workspace.directory(path)
    prefix = "" if path == "." else path + "/"
    items = []
    with os.scandir(top) as entries:
        for entry in entries:
            if fields.flag("hidden") or not entry.name.startswith("."):
                context.check()
                text = prefix + text_of(entry.name)
                items.append(workspace.entry(entry.path, text, entry.stat(follow_symlinks=False)))
    return {"kind": "files", "items": ordered(items, fields.text("sort"))}


def count(context: Context, fields: Fields) -> Stored:
    """`file.count`: the entries of the list, each of which exists."""
    workspace = Workspace(context)
    paths = given_paths(fields.get("paths"), whole=False)
    for path in paths:
        context.check()
        workspace.entry_path(path)
    return {"kind": "number", "value": len(paths), "unit": "files"}


def ordered(items: List[Stored], order: str) -> List[Stored]:
    """Entries in one of the ABI's orders; ties by path."""
    return sorted(items, key=_KEYS[order])


def _path(item: Stored) -> str:
    return str(item["path"])


def _amount(item: Stored, field: str) -> float:
    value = item[field]
    return value if isinstance(value, (int, float)) else 0


_KEYS: Dict[str, Callable[[Stored], Key]] = {
    "name": lambda item: (_path(item), ""),
    "largest": lambda item: (-_amount(item, "size"), _path(item)),
    "smallest": lambda item: (_amount(item, "size"), _path(item)),
    "newest": lambda item: (-_amount(item, "mtime"), _path(item)),
    "oldest": lambda item: (_amount(item, "mtime"), _path(item)),
    "extension": lambda item: (split_extension(_path(item).rpartition("/")[2])[1].lower(), _path(item)),
}


# ---------------------------------------------------------------------------------------------- conditions


def _matcher(fields: Fields, pattern: str, root: str) -> NameTest:
    """A glob's test. A pattern that starts with the searched directory is meant from the workspace's top."""
    fold = fields.flag("ignore_case")
    if root != "." and pattern.startswith(root + "/"):
        return matcher(pattern[len(root) + 1 :], fold, on_path=True)
    return matcher(pattern, fold)


def _name_tests(fields: Fields, root: str) -> List[NameTest]:
    fold = fields.flag("ignore_case")
    tests: List[NameTest] = []
    pattern = fields.maybe_text("name")
    if pattern is not None:
        tests.append(_matcher(fields, pattern, root))
    for field, method in (
        ("name_contains", "__contains__"),
        ("name_starts", "startswith"),
        ("name_ends", "endswith"),
    ):
        wanted = fields.maybe_text(field)
        if wanted is not None:
            tests.append(_name_test(method, wanted.casefold() if fold else wanted, fold))
    extensions = fields.maybe_texts("extension")
    if extensions is not None:
        wanted_extensions = tuple(extensions)
        tests.append(lambda name, path: has_extension(name, wanted_extensions))
    kind = fields.maybe_text("kind")
    if kind is not None:
        if kind not in KIND_EXTENSIONS:
            raise Fault(
                "usage", "There is no such kind of file", kind, "use one of " + ", ".join(KIND_EXTENSIONS)
            )
        of_kind = KIND_EXTENSIONS[kind]
        tests.append(lambda name, path: has_extension(name, of_kind))
    if fields.maybe_flag("hidden"):
        tests.append(lambda name, path: name.startswith("."))
    return tests


def _name_test(method: str, wanted: str, fold: bool) -> NameTest:
    return lambda name, path: bool(getattr(name.casefold() if fold else name, method)(wanted))


def _info_tests(fields: Fields) -> List[InfoTest]:
    """Tests of size, age, type and permissions. What only files have (a size, a kind, a program) rules directories out."""
    now = time.time()
    tests: List[InfoTest] = []
    wanted = fields.maybe_text("type")
    if wanted is not None:
        tests.append(lambda info: type_of(info.st_mode) == wanted)
    if fields.get("extension") is not None or fields.get("kind") is not None:
        tests.append(lambda info: not stat.S_ISDIR(info.st_mode))
    larger, smaller = fields.maybe_number("larger_than"), fields.maybe_number("smaller_than")
    if larger is not None:
        above = larger
        tests.append(lambda info: stat.S_ISREG(info.st_mode) and info.st_size > above)
    if smaller is not None:
        below = smaller
        tests.append(lambda info: stat.S_ISREG(info.st_mode) and info.st_size < below)
    older, newer = fields.maybe_number("older_than"), fields.maybe_number("newer_than")
    after, before = _moment(fields, "modified_after"), _moment(fields, "modified_before")
    latest = [now - older] if older is not None else []
    latest += [before] if before is not None else []
    earliest = [now - newer] if newer is not None else []
    earliest += [after] if after is not None else []
    if latest:
        tests.append(lambda info: info.st_mtime < min(latest))
    if earliest:
        tests.append(lambda info: info.st_mtime >= max(earliest))
    executable = fields.maybe_flag("executable")
    if executable is not None:
        tests.append(lambda info: stat.S_ISREG(info.st_mode) and bool(info.st_mode & 0o111) is executable)
    mode = fields.maybe_text("mode")
    if mode is not None:
        bits = int(mode, 8)
        tests.append(lambda info: stat.S_IMODE(info.st_mode) == bits and not stat.S_ISLNK(info.st_mode))
    return tests


def _moment(fields: Fields, field: str) -> Optional[float]:
    text = fields.maybe_text(field)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise Fault("usage", "That is no date", text, "write it as 2026-03-31 or 2026-03-31T14:00") from None


def _is_empty(path: str, info: os.stat_result) -> bool:
    if stat.S_ISDIR(info.st_mode):
        with os.scandir(path) as entries:
            return next(entries, None) is None
    return stat.S_ISREG(info.st_mode) and info.st_size == 0
