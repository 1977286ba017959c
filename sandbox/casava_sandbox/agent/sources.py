"""Where text comes from: files, directories of files, or an earlier step's result; a text as lines or as a whole."""

from __future__ import annotations

import io
import os
import stat
from typing import Iterator, List, Optional, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, shown, text_of
from casava_sandbox.agent.texts import WHOLE_BYTES, final_newline, is_binary, pieces, pieces_of, read_text
from casava_sandbox.agent.values import Stored, render

VERSION_CONTROL = ".git"
"""Its contents are left out when a directory's text files are meant."""


class Source:
    """One text: `path` is the file it comes from, or empty."""

    path = ""

    def pieces(self) -> Iterator[str]:
        """Lines with their ends."""
        raise NotImplementedError

    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces())

    def lines(self) -> Iterator[str]:
        """Lines without their ends (LF or CRLF)."""
        for piece in self.pieces():
            yield bare(piece)


class GivenText(Source):
    """Text that an earlier step gave."""

    def __init__(self, text: str) -> None:
        self._text = text

    def pieces(self) -> Iterator[str]:
        """Lines with their ends."""
        yield from io.StringIO(self._text, newline="\n")

    def text(self) -> str:
        """All of it."""
        return self._text


class FileText(Source):
    """The text of a file. Binary content is a `Fault` when the person named the file, else it is passed over."""

    def __init__(self, context: Context, path: str, name: str, *, named: bool) -> None:
        self._context = context
        self._named = named
        self._data: Optional[bytes] = None
        self.location = path
        self.path = name

    def rules_out(self, literal: str) -> bool:
        """Whether the file's bytes show at a glance that it is text without the literal."""
        if not literal.isascii() or os.stat(self.location).st_size > WHOLE_BYTES:
            return False
        with open(self.location, "rb") as file:
            self._data = file.read()
        return literal.encode() not in self._data and b"\0" not in self._data

    def pieces(self) -> Iterator[str]:
        """Lines with their ends."""
        data, self._data = self._data, None
        try:
            if data is None:
                yield from pieces(self._context, self.location, self.path)
            else:
                yield from pieces_of(data, self.path)
        except Fault as fault:
            if self._named or fault.code != "not-text":
                raise

    def text(self) -> str:
        """All of it."""
        try:
            return read_text(self._context, self.location, self.path).text
        except Fault as fault:
            if self._named or fault.code != "not-text":
                raise
            return ""


def bare(piece: str) -> str:
    """A line without its end."""
    if piece.endswith("\n"):
        return piece[:-2] if piece.endswith("\r\n") else piece[:-1]
    return piece


def sources(
    workspace: Workspace, value: object, *, descend: bool = False, binary: bool = False
) -> List[Source]:
    """The texts that a field of type TextSource means.

    With `descend` a directory means all text files below it (and with `binary` all other files too), else it is a
    fault. Binary files among those that an earlier step found are left out; one that the person named is a fault when
    it is read.
    """
    if isinstance(value, dict) and value.get("kind") != "files":
        return [GivenText(plain(value))]
    named = not isinstance(value, dict)
    found = [(text, workspace.followed(text)) for text in given_paths(value)]
    if not named:
        files = [(text, path) for text, path in found if not os.path.isdir(path)]
        if (
            files or not descend
        ):  # the directories of a mixed list are there because they were found with their files
            found = files
    out: List[Source] = []
    for text, path in found:
        workspace.context.check()
        if os.path.isdir(path):
            if not descend:
                raise Fault(
                    "not-a-file",
                    "%s is a directory" % shown(text),
                    "text of files is needed here",
                    "name the files",
                )
            below = files_below(workspace, text, path, binary=binary)
            out += [FileText(workspace.context, file, name, named=False) for name, file in below]
            continue
        workspace.file(text)
        if named or binary or not is_binary(path):
            out.append(FileText(workspace.context, path, text, named=named))
    seen = {source.path: source for source in out}
    return list(seen.values())


def files_below(workspace: Workspace, text: str, path: str, *, binary: bool = False) -> List[Tuple[str, str]]:
    """(name, path) of all text files below a directory, by name. Version control and unreadable files are left out."""
    prefix = "" if text == "." else text + "/"
    out = []
    walk = Walk(workspace.context, path, forgiving=True)
    for item in walk:
        if item.entry.name == VERSION_CONTROL:
            walk.skip()
            continue
        try:
            info = item.entry.stat(follow_symlinks=False)
            if stat.S_ISREG(info.st_mode) and (binary or not _shows_binary(item.entry.path, info.st_size)):
                out.append((prefix + text_of(item.relative), item.entry.path))
        except (FileNotFoundError, PermissionError):
            continue
    return sorted(out)


def _shows_binary(path: str, size: int) -> bool:
    """Whether a file is to be left out unread: small ones show what they are when they are read."""
    if size <= WHOLE_BYTES:
        return not os.access(path, os.R_OK)
    return is_binary(path)


def plain(value: Stored) -> str:
    """A value as text: what a text or a program said as it stands, all else as it is shown."""
    if value.get("kind") == "text":
        return str(value.get("text") or "")
    if value.get("kind") == "exit":
        return str(value.get("stdout") or "")
    return final_newline(render(value))


def all_lines(context: Context, fields: Fields) -> Iterator[str]:
    """The lines of all texts of the field `source`, one after the other, without their ends."""
    number = 0
    for source in sources(Workspace(context), fields.get("source")):
        for line in source.lines():
            number += 1
            if number % 4096 == 0:
                context.check()
            yield line


def text_value(lines: List[str]) -> Stored:
    """The ABI's `Text` of some lines."""
    return {"kind": "text", "text": "".join(line + "\n" for line in lines), "lossy": False}
