"""Which file goes where: the rules of tidy, without touching anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from casava_syscalls.file import KIND_EXTENSIONS
from casava_syscalls.values import Entry


@dataclass(frozen=True)
class Rules:
    """The rules of one run."""

    folders: Mapping[str, frozenset[str]]
    """Extensions (lower case, no dot) by folder; the first folder that has one wins."""
    unfinished: frozenset[str]
    """Extensions of downloads that still run."""
    projects: frozenset[str]
    """Names that mark a folder as a project."""
    by_date: bool = False

    @classmethod
    def read(cls, settings: Mapping[str, object], *, by_date: bool) -> Rules | str:
        """The rules in the app's settings, or one sentence that says what is wrong with them."""
        folders: dict[str, frozenset[str]] = {}
        for folder, words in cast("Mapping[str, list[str]]", settings["folders"]).items():
            if folder.startswith(".") or "/" in folder or not folder.strip():
                return f"{folder!r} cannot be the name of a folder that tidy sorts into"
            extensions: set[str] = set()
            for word in words:
                if word.startswith("."):
                    extensions.add(word[1:].lower())
                elif word in KIND_EXTENSIONS:
                    extensions.update(KIND_EXTENSIONS[word])
                else:
                    return f"{word!r} (in {folder}) is no kind of file; an extension begins with a dot"
            folders[folder] = frozenset(extensions)
        return cls(
            folders,
            frozenset(cast("list[str]", settings["unfinished"])),
            frozenset(cast("list[str]", settings["projects"])),
            by_date,
        )

    def folder_of(self, entry: Entry) -> str | None:
        """The folder that a file belongs into ("Pictures/2026-03"), or None when no rule knows it."""
        extension = suffix(_name(entry))
        for folder, extensions in self.folders.items():
            if extension in extensions:
                month = datetime.fromtimestamp(entry.mtime).astimezone().strftime("%Y-%m")
                return f"{folder}/{month}" if self.by_date else folder
        return None

    def sorted_out(self, entries: Iterable[Entry]) -> dict[str, list[Entry]]:
        """The files to move, by the folder that they go to."""
        listed = list(entries)
        running = {_name(entry) for entry in listed if suffix(_name(entry)) in self.unfinished}
        groups: dict[str, list[Entry]] = {}
        for entry in listed:
            name = _name(entry)
            if entry.type != "file" or name.startswith(".") or name in running:
                continue
            # A browser keeps an empty `film.mp4` beside the `film.mp4.part` that it fills.
            if any(f"{name}.{extension}" in running for extension in self.unfinished):
                continue
            if (folder := self.folder_of(entry)) is not None:
                groups.setdefault(folder, []).append(entry)
        return groups


def _name(entry: Entry) -> str:
    return entry.path.rpartition("/")[2]


def suffix(name: str) -> str:
    """The extension in lower case, without its dot; empty when there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""


def free_name(name: str, taken: AbstractSet[str]) -> str:
    """The name itself, or the first of `a (2).txt`, `a (3).txt` … that is not taken."""
    return next(candidate for candidate in _numbered(name) if candidate not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    stem, dot, extension = name.rpartition(".")
    if not (dot and stem):
        stem, dot, extension = name, "", ""
    if stem.endswith(".tar"):
        stem, extension = stem.removesuffix(".tar"), f"tar.{extension}"
    number = 2
    while True:
        yield f"{stem} ({number}){dot}{extension}"
        number += 1
