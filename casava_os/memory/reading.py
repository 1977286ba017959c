"""Which files of a folder are read for memory, and how: text alone, never through a link, nothing hidden, ignored or huge.

What is looked at may belong to somebody else, and may change while it is looked at: a file is read only if it is the one that
was found in the folder (same device and inode), and nothing that would block, such as a pipe, is opened at all.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

LARGEST = 2**20
"""Bytes of a file; what is larger is data rather than something to read."""
MOST_FILES = 20_000
"""Of one folder."""
LONGEST_LINE = 1_000
"""Characters. Of a longer line the beginning is read, up to its last blank: so no word is cut in two, a secret neither."""
DEEPEST = 64
"""Folders in folders."""
RULES = (".gitignore", ".ignore")
"""Files with what is to be ignored, in the form of git."""

_BINARY = frozenset({
    "7z", "a", "avi", "bin", "bmp", "bz2", "class", "db", "deb", "dll", "dmg", "doc", "docx", "dylib", "eot", "exe", "flac",
    "gguf", "gif", "gz", "ico", "img", "iso", "jar", "jks", "jpeg", "jpg", "kdbx", "key", "keystore", "lock", "m4a", "mkv", "mo",
    "mov", "mp3", "mp4", "npy", "npz", "o", "odp", "ods", "odt", "ogg", "otf", "p12", "pdf", "pem", "pfx", "png", "ppt", "pptx",
    "pt", "pyc", "pyd", "rar", "rpm", "safetensors", "so", "sqlite", "svgz", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav",
    "webm", "webp", "whl", "woff", "woff2", "xls", "xlsx", "xz", "zip", "zst",
})  # fmt: skip
"""Endings of files that are no text to read, or hold keys."""
_KEYS = re.compile(r"(?i)^(id_(rsa|dsa|ecdsa|ed25519).*|.*\.htpasswd|credentials(\.\w+)?|secrets?(\.\w+)?)$")
"""Names of files that hold nothing but secrets."""
_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages"})
"""Folders of things that a program put there."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be read."""

    path: str
    """As the operating system names it."""
    stamp: str
    """Another one when the file is another one or has been written to."""
    device: int
    inode: int
    time: float
    """When it was written to last, seconds since the epoch."""


@dataclass(slots=True)
class Look:
    """What a look through a folder gave."""

    files: list[Found] = field(default_factory=list)
    huge: int = 0
    """Larger than `LARGEST`."""
    unread: list[str] = field(default_factory=list)
    """Folders that could not be looked into: nothing is known of what they hold."""
    full: bool = False
    """There are more files than `MOST_FILES`: the rest was not looked at."""


def look(folder: Path, besides: Sequence[Path] = ()) -> Look:
    """The files of a folder that may be read, in the order of their names; `besides`: folders that are none of it."""
    found = Look()
    without = {str(path) for path in besides}
    rules = _rules_above(folder)
    with _opened(str(folder)) as descriptor:
        if descriptor is None:
            found.unread.append(str(folder))
        else:
            _look(descriptor, str(folder), rules, found, without, 0)
    return found


@contextmanager
def _opened(name: str, within: int | None = None) -> Iterator[int | None]:
    """A folder, never through a link in its place; None for one that cannot be looked into."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOFOLLOW if within is not None else 0)
    try:
        descriptor = os.open(name, flags, dir_fd=within)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _look(
    descriptor: int,
    folder: str,
    rules: list[tuple[str, GitIgnoreSpec]],
    found: Look,
    without: set[str],
    depth: int,
) -> None:
    """Looks into an open folder, from which all below is opened: what is moved meanwhile leads nowhere else."""
    try:
        with os.scandir(descriptor) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        found.unread.append(folder)
        return
    names = {entry.name for entry in listed}
    if "CACHEDIR.TAG" in names:
        return  # a cache, as its specification says
    own = _rules_in(descriptor, [name for name in RULES if name in names])
    if own is not None:
        rules = [*rules, (folder, own)]
    for entry in listed:
        if found.full:
            return
        path = f"{folder.rstrip('/')}/{entry.name}"
        try:
            what = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        is_folder = stat.S_ISDIR(what.st_mode)
        if entry.name.startswith(".") or _ignored(path, is_folder, rules):
            continue
        if is_folder:
            if entry.name not in _FOLDERS and path not in without and depth < DEEPEST:
                with _opened(entry.name, descriptor) as below:
                    if below is None:
                        found.unread.append(path)
                    else:
                        _look(below, path, rules, found, without, depth + 1)
        elif stat.S_ISREG(what.st_mode) and not _no_text(entry.name):
            _take(path, what, found)


def _take(path: str, what: os.stat_result, found: Look) -> None:
    """Adds a file, if it is neither huge nor empty."""
    if what.st_size > LARGEST:
        found.huge += 1
    elif len(found.files) >= MOST_FILES:
        found.full = True
    elif what.st_size:
        stamp = f"1:{what.st_mtime_ns}:{what.st_ctime_ns}:{what.st_size}:{what.st_ino}"
        found.files.append(Found(path, stamp, what.st_dev, what.st_ino, what.st_mtime))


def _no_text(name: str) -> bool:
    ending = name.rpartition(".")[2].casefold() if "." in name else ""
    return ending in _BINARY or _KEYS.match(name) is not None


def _ignored(path: str, is_folder: bool, rules: Sequence[tuple[str, GitIgnoreSpec]]) -> bool:
    """Whether the rules say so; those nearer to the file decide before those above."""
    for above, spec in reversed(rules):
        inside = path.removeprefix(above).lstrip("/") + ("/" if is_folder else "")
        said = spec.check_file(inside).include
        if said is not None:
            return said
    return False


def _rules_in(descriptor: int, names: Sequence[str]) -> GitIgnoreSpec | None:
    lines: list[str] = []
    for name in names:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(name, flags, dir_fd=descriptor), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    lines += file.read(2**16).decode("utf-8", "replace").splitlines()
        except OSError:
            continue
    if not lines:
        return None
    from pathspec import GitIgnoreSpec

    good: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # git passes over what is no pattern, too
            continue
        good.append(line)
    return GitIgnoreSpec.from_lines(good)


def _rules_above(folder: Path) -> list[tuple[str, GitIgnoreSpec]]:
    """The rules of the repository that a folder lies in."""
    above: list[Path] = []
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            break
        above.append(parent.parent)
    else:
        return []
    found: list[tuple[str, GitIgnoreSpec]] = []
    for one in reversed(above):
        with _opened(str(one)) as descriptor:
            spec = _rules_in(descriptor, RULES) if descriptor is not None else None
        if spec is not None:
            found.append((str(one), spec))
    return found


def read(found: Found) -> str | None:
    """The text of a file; None for one that is no text, or another one by now, or not to be read."""
    try:
        descriptor = os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        what = os.fstat(descriptor)
        same = (what.st_dev, what.st_ino) == (found.device, found.inode)
        if not same or not stat.S_ISREG(what.st_mode) or what.st_size > LARGEST:
            return None
        try:
            data = file.read(LARGEST + 1)
        except OSError:
            return None
    if b"\0" in data or len(data) > LARGEST:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return "\n".join(_short(line) for line in text.splitlines())


def _short(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line.rstrip()
    return line[:LONGEST_LINE].rpartition(" ")[0].rstrip()


def passages(text: str, longest: int) -> Iterator[tuple[int, str]]:
    """(number of its first line, passage): pieces of a text, cut between paragraphs where that can be, else between lines."""
    lines = text.split("\n")
    start, size, blank = 0, 0, -1
    for number, line in enumerate(lines):
        if size and size + len(line) + 1 > longest:
            end = blank if blank > start else number
            yield from _passage(lines, start, end)
            start, blank = end, -1
            size = sum(len(one) + 1 for one in lines[start:number])
        if not line.strip():
            blank = number
        size += len(line) + 1
    yield from _passage(lines, start, len(lines))


def _passage(lines: Sequence[str], start: int, end: int) -> Iterator[tuple[int, str]]:
    while start < end and not lines[start].strip():
        start += 1
    piece = "\n".join(lines[start:end]).rstrip()
    if piece:
        yield start + 1, piece
