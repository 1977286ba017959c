"""Paths of the workspace: from text to the file system and back, never past the workspace's edge.

A link inside the workspace may point anywhere; what it points to is used only when that lies in the workspace too.
"""

from __future__ import annotations

import os
import stat
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.values import Stored
from casava_syscalls.names import fs_path, path_text

MOST_LOOKED_AT = 20_000
"""Entries of the workspace that are looked at for a name that is somewhere else."""


def text_of(path: str) -> str:
    """`path_text`, at once for the many names that need no mapping."""
    return path if path.isascii() else path_text(path)


def shown(text: str) -> str:
    """A name as a message shows it: on one line, whatever it holds."""
    return text if text.isprintable() else repr(text)


def listed(names: Iterable[str], most: int = 5) -> str:
    """Some of many names, for a message."""
    every = [shown(name) for name in names]
    rest = len(every) - most
    return ", ".join(every[:most]) + (" and %d more" % rest if rest > 0 else "")


def type_of(mode: int) -> str:
    """The ABI's word for a type of file, of `st_mode`."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def topmost(texts: Iterable[str]) -> List[str]:
    """The paths that do not lie below another of them, in order, each once."""
    every = list(dict.fromkeys(texts))
    known = set(every)
    if "." in known:
        return ["."]
    return [text for text in every if not any(above in known for above in above_of(text))]


def above_of(text: str) -> Iterator[str]:
    """The directories above a path in text form, nearest first, without the workspace itself."""
    while "/" in text:
        text = text.rpartition("/")[0]
        yield text


class Workspace:
    """The workspace as one call sees it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.root = context.root
        self.real_root = os.path.realpath(context.root)
        self._real_parents: Dict[str, str] = {}

    # ------------------------------------------------------------------------------------------ from text

    def locate(self, text: str) -> str:
        """The path for `os` functions. Its directory (links followed) lies in the workspace; it need not exist."""
        if not text or "\0" in text:
            raise Fault("usage", "That is no path", shown(text) or "it is empty")
        normal = os.path.normpath(fs_path(text))
        if normal == ".":
            return self.root
        if normal.startswith(("/", "../")) or normal == "..":
            raise Fault("outside-workspace", "That lies outside the workspace", shown(text))
        path = os.path.join(self.root, normal)
        self._check_parent(os.path.dirname(path), text)
        return path

    def _check_parent(self, parent: str, text: str) -> None:
        real = self._real_parents.get(parent)
        if real is None:
            real = self._real_parents[parent] = os.path.realpath(parent)
        if not self.holds(real):
            raise _leads_out(text, real)

    def holds(self, real: str) -> bool:
        """Whether a path without links lies in the workspace."""
        return real == self.real_root or real.startswith(self.real_root.rstrip("/") + "/")

    def entry_path(self, text: str) -> str:
        """The path of something that exists, a link itself included."""
        path = self.locate(text)
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            raise self.missing(text) from None
        return path

    def followed(self, text: str) -> str:
        """The path of something that exists, all links followed; it lies in the workspace."""
        path = self.entry_path(text)
        if not os.path.islink(path):
            return path
        real = os.path.realpath(path)
        if not self.holds(real):
            raise _leads_out(text, real)
        if not os.path.exists(path):
            title = "%s is a link to nothing" % shown(text)
            raise Fault("not-found", title, "it points to %s" % shown(text_of(os.readlink(path))))
        return real

    def writing_path(self, text: str) -> str:
        """Where a write through this path lands, links followed; it lies in the workspace and need not exist."""
        path = self.locate(text)
        if not os.path.islink(path):
            return path
        real = os.path.realpath(path)
        if not self.holds(real):
            raise _leads_out(text, real)
        return real

    def directory(self, text: str) -> str:
        """The path of an existing directory, links followed."""
        path = self.followed(text)
        if not os.path.isdir(path):
            raise Fault(
                "not-a-directory",
                "%s is not a directory" % shown(text),
                "",
                "name the directory that holds it",
            )
        return path

    def file(self, text: str) -> str:
        """The path of an existing regular file, links followed."""
        path = self.followed(text)
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise Fault("not-a-file", "%s is a directory" % shown(text), "a file is needed here")
        if not stat.S_ISREG(mode):
            raise Fault(
                "unsupported", "%s is no regular file" % shown(text), "it is a pipe, socket or device"
            )
        return path

    # ------------------------------------------------------------------------------------------ back to text

    def text(self, path: str) -> str:
        """The workspace path in text form of a path below the root."""
        if path in (self.root, self.real_root):
            return "."
        for root in (self.root, self.real_root):
            if path.startswith(root.rstrip("/") + "/"):
                return text_of(path[len(root.rstrip("/")) + 1 :])
        return text_of(path)

    def entry(self, path: str, text: Optional[str] = None, info: Optional[os.stat_result] = None) -> Stored:
        """The ABI's `Entry` of a path, a link itself included. A directory has no size of its own."""
        found = os.lstat(path) if info is None else info
        kind = type_of(found.st_mode)
        return {
            "path": self.text(path) if text is None else text,
            "type": kind,
            "size": found.st_size if kind in ("file", "link") else 0,
            "mtime": found.st_mtime,
            "mode": "%04o" % stat.S_IMODE(found.st_mode),
            "target": text_of(os.readlink(path)) if kind == "link" else None,
        }

    def entries(self, paths: Iterable[str]) -> Stored:
        """The ABI's `Files` of some paths."""
        return {"kind": "files", "items": [self.entry(path) for path in paths]}

    # ------------------------------------------------------------------------------------------ failures

    def missing(self, text: str) -> Fault:
        """The fault for a path that does not exist, with the nearest name that does."""
        path, directory, wanted = self.root, ".", ""
        for part in os.path.normpath(fs_path(text)).split("/"):
            wanted, directory = part, self.text(path)
            path = os.path.join(path, part)
            if not os.path.lexists(path) or (os.path.islink(path) and not os.path.exists(path)):
                break
        where = "" if directory == "." else " in %s" % shown(directory)
        if not os.path.isdir(os.path.dirname(path)):
            return Fault(
                "not-found", "There is no %s" % shown(text), "%s is not a directory" % shown(directory)
            )
        message = "there is no %s%s" % (shown(text_of(wanted)), where)
        if os.path.normpath(fs_path(text)) == wanted:
            message = ""  # the title says it
        last = os.path.basename(os.path.normpath(fs_path(text)))
        hint = (
            self._nearest(os.path.dirname(path), wanted, directory, 1.0)
            or self._elsewhere(last.__eq__)
            or self._nearest(os.path.dirname(path), wanted, directory, 0.6)
            or self._elsewhere(lambda name: _stem(name) == last.casefold())
        )
        return Fault("not-found", "There is no %s" % shown(text), message, hint)

    def _elsewhere(self, wanted: Callable[[str], bool]) -> str:
        """The one place in the tree that has such a name; nothing when there are several, or too much to look at."""
        found: List[str] = []
        left = MOST_LOOKED_AT
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            left -= len(folders) + len(files)
            if left < 0:
                return ""
            found += [self.text(os.path.join(folder, name)) for name in [*folders, *files] if wanted(name)]
            if len(found) > 1:
                return ""
        return "did you mean %s?" % shown(found[0]) if found else ""

    def _nearest(self, parent: str, wanted: str, directory: str, alike: float) -> str:
        import difflib

        try:
            names = [text_of(name) for name in os.listdir(parent)[:5000]]
        except OSError:
            return ""
        folded = {name.casefold(): name for name in names}
        near = difflib.get_close_matches(text_of(wanted).casefold(), list(folded), n=1, cutoff=alike)
        if not near:
            return ""
        name = folded[near[0]]
        return "did you mean %s?" % shown(name if directory == "." else directory + "/" + name)


def _stem(name: str) -> str:
    """A name as people say it, "readme" for "README.md"."""
    return os.path.splitext(name)[0].casefold()


def _leads_out(text: str, real: str) -> Fault:
    return Fault(
        "outside-workspace",
        "%s leads out of the workspace" % shown(text),
        "it goes through a link to %s" % shown(text_of(real)),
        "start with --workspace in the directory that holds it",
    )


def given_paths(value: object, *, whole: bool = True) -> List[str]:
    """The paths that a field of type FilesArg names: a list, or the files of an earlier step's result; each once.

    `whole`: what is done to a directory is done to all in it, so those that hold what a search left out are passed over.
    """
    if isinstance(value, (list, tuple)):
        return list(dict.fromkeys(str(item) for item in value))
    if isinstance(value, dict) and value.get("kind") in ("files", "matches"):
        items = value.get("items")
        paths = (
            [
                str(item.get("path") or "")
                for item in items
                if isinstance(item, dict) and not (whole and item.get("partial"))
            ]
            if isinstance(items, (list, tuple))
            else []
        )
        if "" in paths:
            raise Fault(
                "type", "These lines come from no file", "they were found in text that an earlier step gave"
            )
        return list(dict.fromkeys(paths))
    kind = value.get("kind") if isinstance(value, dict) else type(value).__name__
    raise Fault(
        "type", "Files are needed here", "a list of paths, or files that an earlier step found; not %s" % kind
    )


def is_reference(value: object) -> bool:
    """Whether a field holds an earlier step's result rather than paths that the person named."""
    return isinstance(value, dict)


class Found:
    """One entry below a walked directory: its path, its path relative to that directory, and its depth (from 1)."""

    __slots__ = ("depth", "entry", "relative")

    def __init__(self, entry: "os.DirEntry[str]", relative: str, depth: int) -> None:
        self.entry = entry
        self.relative = relative
        self.depth = depth


class Walk:
    """Everything below a directory, directories before what is in them. Links are given, never followed.

    A directory is entered after it was given, unless `skip` was called meanwhile. An unreadable directory raises, or
    is passed over when `forgiving`.
    """

    def __init__(self, context: Context, top: str, *, forgiving: bool = False) -> None:
        self._context = context
        self._top = top
        self._forgiving = forgiving
        self._skipped = False

    def skip(self) -> None:
        """Does not enter the directory given last."""
        self._skipped = True

    def __iter__(self) -> Iterator[Found]:
        stack: List[Tuple[str, str, int]] = [(self._top, "", 1)]
        while stack:
            directory, prefix, depth = stack.pop()
            self._context.check()
            try:
                with os.scandir(directory) as scan:
                    entries = list(scan)
            except PermissionError:
                if self._forgiving:
                    continue
                raise
            except (FileNotFoundError, NotADirectoryError):
                if depth == 1:
                    raise
                continue  # it went away meanwhile
            for number, entry in enumerate(entries):
                if number % 512 == 511:
                    self._context.check()
                self._skipped = False
                relative = prefix + entry.name
                yield Found(entry, relative, depth)
                if not self._skipped and entry.is_dir(follow_symlinks=False):
                    stack.append((entry.path, relative + "/", depth + 1))
