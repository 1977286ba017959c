"""Text out of bytes and back: encodings, newline styles, and what is no text at all.

UTF-8 (with or without its mark), UTF-16 with its mark, else Latin-1 when it looks like text. A NUL means binary.
"""

from __future__ import annotations

import codecs
import io
import os
from typing import Dict, Iterator, Optional

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.paths import shown

WHOLE_BYTES = 16 * 2**20
"""Files up to this size are read at once; larger ones line by line where lines are all that is needed."""

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f\b\x1b")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Decoded:
    """Text with what is needed to write it back as it was."""

    def __init__(self, text: str, encoding: str, mark: bytes = b"") -> None:
        self.text = text
        self.encoding = encoding
        self.mark = mark

    def encode(self, text: str, name: str) -> bytes:
        """Other text in the same encoding."""
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise Fault(
                "unsupported",
                "%s cannot hold that text" % shown(name),
                "it is encoded in %s, which has no %r" % (self.encoding, text[error.start : error.start + 1]),
                "convert the file to UTF-8 first",
            ) from None


def decode(data: bytes) -> Optional[Decoded]:
    """The text in `data`, or None when it is binary."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return Decoded(data[len(mark) :].decode(encoding), encoding, mark)
            except UnicodeDecodeError:
                break
    if b"\0" in data:
        return None
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        if not _looks_like_text(data):
            return None
        return Decoded(data.decode("latin-1"), "latin-1")


def _looks_like_text(data: bytes) -> bool:
    return len(data) - len(data.translate(None, _CONTROLS)) <= len(data) * 0.03


def not_text(name: str) -> Fault:
    """The fault for binary content."""
    return Fault("not-text", "%s is not text" % shown(name), "it holds binary data", "name a text file")


def read_bytes(context: Context, path: str, name: str) -> bytes:
    """All of a file; a `Fault` when it is more than an eighth of the sandbox's memory."""
    size, most = os.stat(path).st_size, context.limits.memory_bytes // 8
    if size > most:
        raise Fault(
            "limit",
            "%s is too large for that" % shown(name),
            "it has %d bytes; text of up to %d bytes can be held at once" % (size, most),
            "work on a part of it, or use a program (process.run)",
        )
    with open(path, "rb") as file:
        return file.read()


def read_text(context: Context, path: str, name: str) -> Decoded:
    """The text of a file."""
    decoded = decode(read_bytes(context, path, name))
    if decoded is None:
        raise not_text(name)
    return decoded


def pieces_of(data: bytes, name: str) -> Iterator[str]:
    """The lines of a text file's bytes, line ends kept."""
    decoded = decode(data)
    if decoded is None:
        raise not_text(name)
    return io.StringIO(decoded.text, newline="\n")


def pieces(context: Context, path: str, name: str) -> Iterator[str]:
    """The lines of a text file, line ends kept (only a line feed ends a line). Raises `not_text` when it comes to a NUL."""
    if os.stat(path).st_size <= WHOLE_BYTES:
        yield from pieces_of(read_bytes(context, path, name), name)
        return
    with open(path, "rb") as file:
        start = file.read(4)
        if any(start.startswith(mark) for mark, encoding in _MARKS if encoding != "utf-8"):
            yield from io.StringIO(read_text(context, path, name).text, newline="\n")
            return
        file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
        for number, line in enumerate(file):
            if number % 4096 == 0:
                context.check()
            if b"\0" in line:
                raise not_text(name)
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                yield line.decode("latin-1")


def is_binary(path: str) -> bool:
    """Whether the beginning of a file says that it is no text."""
    with open(path, "rb") as file:
        start = file.read(8192)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    return b"\0" in start


def sampled(path: str) -> Optional[Decoded]:
    """The text that a file begins with, or None when it is binary."""
    with open(path, "rb") as file:
        data = file.read(65536)
    if len(data) == 65536 and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        for cut in range(4):  # a character may have been cut
            try:
                data[: len(data) - cut].decode("utf-8")
            except UnicodeDecodeError:
                continue
            return decode(data[: len(data) - cut])
    return decode(data)


def holds_text(context: Context, path: str, wanted: str, *, ignore_case: bool) -> bool:
    """Whether a file, binary ones included, holds a literal text."""
    if wanted.isascii() and not ignore_case:
        with open(path, "rb") as file:
            start = file.read(2)
            if start not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return _holds_bytes(context, file, start, wanted.encode())
    data = read_bytes(context, path, context.text(path))
    decoded = decode(data)
    text = data.decode("utf-8", "replace") if decoded is None else decoded.text
    return wanted.casefold() in text.casefold() if ignore_case else wanted in text


def _holds_bytes(context: Context, file: io.BufferedReader, start: bytes, wanted: bytes) -> bool:
    window = start
    while True:
        chunk = file.read(2**20)
        window += chunk
        if wanted in window:
            return True
        if not chunk:
            return False
        context.check()
        window = window[-(len(wanted) - 1) :] if len(wanted) > 1 else b""


def newline_of(text: str) -> str:
    """The newline style of a text: CRLF when all its line ends are, else LF."""
    ends = text.count("\n")
    return "\r\n" if ends and text.count("\r\n") == ends else "\n"


def final_newline(text: str) -> str:
    """The text with a final newline, unless it is empty."""
    return text if not text or text.endswith("\n") else text + "\n"


def slice_lines(lines: "list[str]", bounds: Dict[str, Optional[int]]) -> "list[str]":
    """The lines that `first`, `last`, `from_line` and `to_line` leave."""
    if bounds["first"] is not None:
        return lines[: bounds["first"]]
    if bounds["last"] is not None:
        return lines[-bounds["last"] :]
    start = bounds["from_line"]
    return lines[(start or 1) - 1 : bounds["to_line"]]
