"""`file.read`, `file.write`, `file.touch`, `file.make_dir`, `file.delete`, `file.link`."""

from __future__ import annotations

import os
from collections import deque
from typing import Dict, Iterator, List, Optional

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, is_reference, listed, shown, topmost
from casava_sandbox.agent.texts import (
    decode,
    final_newline,
    newline_of,
    pieces,
    read_bytes,
    read_text,
    sampled,
)
from casava_sandbox.agent.values import Stored, as_input
from casava_sandbox.agent.writing import make_parents, need_writable, replace_file


def read(context: Context, fields: Fields) -> Stored:
    """`file.read`. Several files follow each other, each cut by itself; the last line of one never joins the next."""
    workspace = Workspace(context)
    bounds = {name: fields.maybe_number(name) for name in ("first", "last", "from_line", "to_line")}
    whole = all(bound is None for bound in bounds.values())
    parts: List[str] = []
    for name, path in _readable(workspace, fields.get("paths")):
        context.check()
        text = (
            read_text(context, path, name).text
            if whole
            else "".join(_cut(pieces(context, path, name), bounds))
        )
        if parts:
            parts[-1] = final_newline(parts[-1])
        parts.append(text)
    return {"kind": "text", "text": "".join(parts), "lossy": False}


def _readable(workspace: Workspace, value: object) -> "list[tuple[str, str]]":
    found = [(name, workspace.followed(name)) for name in given_paths(value)]
    if is_reference(value):
        found = [(name, path) for name, path in found if not os.path.isdir(path)]
    return [(name, workspace.file(name)) for name, path in found]


def _cut(lines: Iterator[str], bounds: Dict[str, Optional[int]]) -> Iterator[str]:
    """The lines within the bounds; reads no further than it must."""
    if bounds["last"] is not None:
        yield from deque(lines, maxlen=bounds["last"])
        return
    start, end = bounds["from_line"] or 1, bounds["first"] or bounds["to_line"]
    for number, line in enumerate(lines, 1):
        if number >= start:
            yield line
        if end is not None and number >= end:
            return


def write(context: Context, fields: Fields) -> Stored:
    """`file.write`. Text ends in a newline, and takes on the encoding and line ends of the file it joins."""
    workspace = Workspace(context)
    name, how = fields.text("path"), fields.text("how")
    path = workspace.writing_path(name)
    if os.path.isdir(path):
        raise Fault(
            "not-a-file", "%s is a directory" % shown(name), "text goes into a file", "name a file in it"
        )
    there = os.path.lexists(path)
    if there and how == "create":
        hint = "overwrite it, append to it, or choose another name"
        raise Fault("exists", "%s is already there" % shown(name), "nothing was written", hint)
    if there:
        workspace.file(name)
    content = as_input(fields.get("content"))
    if content and not content.endswith(b"\n"):
        content += b"\n"
    need_writable(workspace, path)
    make_parents(workspace, path)
    if not there or how == "overwrite":
        replace_file(path, [content])
    elif how == "append":
        _append(path, name, content)
    else:
        replace_file(path, _prepended(context, path, name, content))
    return workspace.entries([workspace.locate(name)])


def _append(path: str, name: str, content: bytes) -> None:
    size = os.stat(path).st_size
    decoded = sampled(path) if size else None
    if decoded is not None:
        with open(path, "rb") as file:
            file.seek(max(0, size - 4))
            open_line = not file.read().endswith("\n".encode(decoded.encoding))
        newline = newline_of(decoded.text)
        text = content.decode("utf-8", "surrogatepass").replace("\n", newline)
        content = decoded.encode((newline if open_line else "") + text, name)[len(decoded.mark) :]
    with open(path, "ab") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            os.ftruncate(file.fileno(), size)
            raise


def _prepended(context: Context, path: str, name: str, content: bytes) -> List[bytes]:
    old = read_bytes(context, path, name)
    decoded = decode(old)
    if decoded is None or not old:
        return [content, old]
    text = content.decode("utf-8", "surrogatepass").replace("\n", newline_of(decoded.text))
    return [decoded.encode(text, name), old[len(decoded.mark) :]]


def touch(context: Context, fields: Fields) -> Stored:
    """`file.touch`. Missing parents are made."""
    workspace = Workspace(context)
    names = given_paths(fields.get("paths"), whole=False)
    paths = [workspace.writing_path(name) for name in names]
    for path in paths:
        if not os.path.lexists(path):
            need_writable(workspace, path)
    for path in paths:
        context.check()
        if os.path.lexists(path):
            os.utime(path)
        else:
            make_parents(workspace, path)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
    return workspace.entries([workspace.locate(name) for name in names])


def make_dir(context: Context, fields: Fields) -> Stored:
    """`file.make_dir`. A directory that is already there is fine."""
    workspace = Workspace(context)
    names = given_paths(fields.get("paths"))
    paths = [workspace.writing_path(name) for name in names]
    for path in paths:
        if os.path.lexists(path) and not os.path.isdir(path):
            name = shown(workspace.text(path))
            raise Fault("exists", "%s is already there" % name, "it is a file, not a directory")
        need_writable(workspace, path)
    for path in paths:
        os.makedirs(path, exist_ok=True)
    return workspace.entries([workspace.locate(name) for name in names])


def delete(context: Context, fields: Fields) -> Stored:
    """`file.delete`. A link goes, not what it points to. The result is what was there."""
    workspace = Workspace(context)
    names = topmost(given_paths(fields.get("paths")))
    if "." in names:
        raise Fault("usage", "The workspace itself cannot be deleted", "", "name what in it is to go")
    paths = [workspace.entry_path(name) for name in names]
    gone = workspace.entries(paths)
    for path in paths:
        need_removable(workspace, path)
    for path in paths:
        context.check()
        remove(context, path)
    return gone


def need_removable(workspace: Workspace, path: str) -> None:
    """A `Fault` when something at or below the path may not be removed."""
    locked = [] if os.access(os.path.dirname(path), os.W_OK | os.X_OK) else [path]
    if os.path.isdir(path) and not os.path.islink(path):
        locked += _locked(path)
        for item in Walk(workspace.context, path, forgiving=True):
            if item.entry.is_dir(follow_symlinks=False):
                locked += _locked(item.entry.path)
    if locked:
        names = listed(workspace.text(item) for item in locked)
        raise Fault(
            "permission",
            "That may not be removed",
            names,
            "change the permissions of these directories first",
        )


def _locked(path: str) -> List[str]:
    """The directory, when it has entries that may not be removed."""
    if os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return []
    return [path] if not os.access(path, os.R_OK) or os.listdir(path) else []


def remove(context: Context, path: str) -> None:
    """Removes a file, a link, or a directory with all that is in it."""
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    directories = [path]
    for item in Walk(context, path):
        if item.entry.is_dir(follow_symlinks=False):
            directories.append(item.entry.path)
        else:
            os.unlink(item.entry.path)
    for directory in reversed(directories):
        os.rmdir(directory)


def link(context: Context, fields: Fields) -> Stored:
    """`file.link`. A symbolic link is relative, so that it holds wherever the workspace lies."""
    workspace = Workspace(context)
    target = workspace.entry_path(fields.text("target"))
    name = fields.text("path")
    path = workspace.locate(name)
    if os.path.isdir(path):
        path = os.path.join(workspace.directory(name), os.path.basename(target))
    if os.path.lexists(path):
        raise Fault(
            "exists",
            "%s is already there" % shown(workspace.text(path)),
            "no link was made",
            "choose another name",
        )
    if fields.flag("hard") and (os.path.islink(target) or not os.path.isfile(target)):
        raise Fault(
            "not-a-file",
            "%s cannot have a hard link" % shown(fields.text("target")),
            "only files can",
            "make a symbolic link",
        )
    need_writable(workspace, path)
    make_parents(workspace, path)
    if fields.flag("hard"):
        os.link(target, path)
    else:
        real = os.path.join(os.path.realpath(os.path.dirname(target)), os.path.basename(target))
        os.symlink(os.path.relpath(real, os.path.realpath(os.path.dirname(path))), path)
    return workspace.entries([path])
