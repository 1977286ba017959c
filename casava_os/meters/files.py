"""Small files of procfs and sysfs, read so that whatever cannot be read is None: the one way the meters open a file.

Paths are strings, not `Path`: a sample opens dozens of files, and has one hundredth of a core for all it does.
"""

from __future__ import annotations

import os

_PIECE = 1 << 16


def read_text(path: str) -> str | None:
    """The whole file, without surrounding white space; None when it is not there or cannot be read."""
    try:
        return read_or_raise(path)
    except (OSError, ValueError):  # a path that was read from a file may hold a NUL
        return None


def read_or_raise(path: str) -> str:
    """The same for who wants to know why not. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        pieces = [os.read(descriptor, _PIECE)]
        while len(pieces[-1]) == _PIECE:
            pieces.append(os.read(descriptor, _PIECE))
    finally:
        os.close(descriptor)
    return b"".join(pieces).decode("utf-8", "replace").strip()


def read_number(path: str) -> int | None:
    """A file that holds one whole number; None for anything else, "max" and "N/A" too."""
    text = read_text(path)
    return whole(text) if text is not None else None


def read_amount(path: str) -> int | None:
    """The same for what cannot be below nothing; a driver that says so does not know."""
    number = read_number(path)
    return number if number is not None and number >= 0 else None


def whole(text: str) -> int | None:
    """A whole number in decimal digits, or None."""
    try:
        return int(text)
    except ValueError:
        return None


def names_in(directory: str) -> tuple[str, ...]:
    """What a directory holds, sorted; nothing when it is not there."""
    try:
        return tuple(sorted(os.listdir(directory)))  # noqa: PTH208 - see the module
    except (OSError, ValueError):
        return ()


def keyed_numbers(text: str) -> dict[str, int]:
    """Lines of "key value" (or "key: value unit"), as meminfo, memory.stat and cpu.stat have them."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 2 and (number := whole(fields[1])) is not None:
            found[fields[0].rstrip(":")] = number
    return found
