"""`file.hash`, `file.stat`, `file.size`, `file.usage`, `file.duplicates`: what there is to know about files."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from datetime import datetime
from typing import Dict, Iterable, List, Set, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, shown, text_of, topmost, type_of
from casava_sandbox.agent.values import Stored

_HEAD = 65536


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Stored:
    """The ABI's `Table`."""
    return {"kind": "table", "columns": list(columns), "rows": [list(row) for row in rows]}


def digest(context: Context, path: str, algorithm: str = "sha256", most: int = -1) -> str:
    """The checksum of a file, or of its first `most` bytes, hexadecimal."""
    if algorithm not in ("sha256", "sha1", "sha512", "md5", "blake2b"):
        raise Fault(
            "usage", "There is no such checksum", algorithm, "use sha256, sha1, sha512, md5 or blake2b"
        )
    total = hashlib.new(algorithm)
    with open(path, "rb", buffering=0) as file:
        if most >= 0:
            total.update(file.read(most))
            return total.hexdigest()
        while True:
            context.check()
            chunk = file.read(2**20)
            if not chunk:
                return total.hexdigest()
            total.update(chunk)


def checksums(context: Context, fields: Fields) -> Stored:
    """`file.hash`: path and checksum. A directory means all files below it."""
    workspace = Workspace(context)
    algorithm = fields.text("algorithm")
    found: Dict[str, str] = {}
    for name in given_paths(fields.get("paths")):
        path = workspace.followed(name)
        if os.path.isdir(path):
            found.update((below, file) for below, file, _ in _files_below(context, name, path))
        else:
            found[name] = workspace.file(name)
    return table(
        ("path", algorithm), [(name, digest(context, path, algorithm)) for name, path in found.items()]
    )


def _files_below(
    context: Context, name: str, path: str, *, forgiving: bool = False
) -> List[Tuple[str, str, os.stat_result]]:
    """(name, path, status) of all regular files below a directory, by name."""
    prefix = "" if name == "." else name + "/"
    found = []
    for item in Walk(context, path, forgiving=forgiving):
        info = item.entry.stat(follow_symlinks=False)
        if stat.S_ISREG(info.st_mode):
            found.append((prefix + text_of(item.relative), item.entry.path, info))
    return sorted(found, key=lambda one: one[0])


def status(context: Context, fields: Fields) -> Stored:
    """`file.stat`: of links themselves. Times are local, owners a name where the sandbox knows one."""
    workspace = Workspace(context)
    rows = []
    for name in given_paths(fields.get("paths"), whole=False):
        context.check()
        info = os.lstat(workspace.entry_path(name))
        kind = type_of(info.st_mode)
        modified = datetime.fromtimestamp(int(info.st_mtime)).astimezone().isoformat()
        size = info.st_size if kind in ("file", "link") else None
        rows.append((name, kind, size, "%04o" % stat.S_IMODE(info.st_mode), _owner(info.st_uid), modified))
    return table(("path", "type", "bytes", "mode", "owner", "modified"), rows)


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def size(context: Context, fields: Fields) -> Stored:
    """`file.size`: lengths of regular files; of several hard links one counts. Links and directories themselves weigh nothing."""
    workspace = Workspace(context)
    seen: Set[Tuple[int, int]] = set()
    total = 0
    for name in topmost(given_paths(fields.get("paths"))):
        total += _weight(context, workspace.entry_path(name) if name != "." else workspace.root, seen)
    return {"kind": "number", "value": total, "unit": "bytes"}


def _weight(context: Context, path: str, seen: Set[Tuple[int, int]]) -> int:
    """Bytes at and below a path, without the files in `seen`."""
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        return _own_weight(info, seen)
    return sum(
        _own_weight(item.entry.stat(follow_symlinks=False), seen)
        for item in Walk(context, path, forgiving=True)
    )


def _own_weight(info: os.stat_result, seen: Set[Tuple[int, int]]) -> int:
    if not stat.S_ISREG(info.st_mode):
        return 0
    if info.st_nlink > 1:
        if (info.st_dev, info.st_ino) in seen:
            return 0
        seen.add((info.st_dev, info.st_ino))
    return info.st_size


def usage(context: Context, fields: Fields) -> Stored:
    """`file.usage`: path and bytes of each entry, hidden ones too, the largest first."""
    workspace = Workspace(context)
    name = fields.text("path")
    top = workspace.directory(name)
    prefix = "" if name == "." else name + "/"
    seen: Set[Tuple[int, int]] = set()
    rows = [
        (prefix + text_of(entry), _weight(context, os.path.join(top, entry), seen))
        for entry in sorted(os.listdir(top))
    ]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return table(("path", "bytes"), rows[: fields.maybe_number("limit")])


def duplicates(context: Context, fields: Fields) -> Stored:
    """`file.duplicates`: regular files whose bytes are equal, empty ones too; the largest group members first."""
    workspace = Workspace(context)
    root = fields.text("root")
    by_size: Dict[int, List[Tuple[str, str]]] = {}
    for name, path, info in _files_below(context, root, workspace.directory(root), forgiving=True):
        by_size.setdefault(info.st_size, []).append((name, path))
    groups: List[Tuple[int, List[str]]] = []
    for length, files in by_size.items():
        if len(files) > 1:
            groups += [(length, names) for names in _equal(context, files, length)]
    groups.sort(key=lambda group: (-group[0], group[1]))
    rows = [(number, length, name) for number, (length, names) in enumerate(groups, 1) for name in names]
    return table(("group", "size", "path"), rows)


def _equal(context: Context, files: List[Tuple[str, str]], length: int) -> List[List[str]]:
    """Files of one length in groups of equal content. Most differ early: the rest is read of those that do not."""
    if length == 0:
        return [[name for name, _ in files]]
    groups = _by_digest(context, files, _HEAD)
    if length > _HEAD:
        groups = [deeper for group in groups for deeper in _by_digest(context, group, -1)]
    return [[name for name, _ in group] for group in groups]


def _by_digest(context: Context, files: List[Tuple[str, str]], most: int) -> List[List[Tuple[str, str]]]:
    groups: Dict[str, List[Tuple[str, str]]] = {}
    for name, path in files:
        context.check()
        try:
            groups.setdefault(digest(context, path, "sha256", most), []).append((name, path))
        except PermissionError:
            raise Fault(
                "permission", "%s may not be read" % shown(name), "", "change its permissions first"
            ) from None
    return [group for group in groups.values() if len(group) > 1]
