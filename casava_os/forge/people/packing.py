"""Archives: tar, zip, unzip."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casava_os.forge.people import sources
from casava_os.forge.people.errors import Unsayable
from casava_os.forge.people.plans import Draft
from casava_os.forge.people.shell import Word, options

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def archive_name(program: str, rest: Sequence[Word]) -> tuple[str, list[Word]]:
    """Name and contents of an archive that `tar` or `zip` makes."""
    if program == "zip":
        found = options(rest, "rqyj9")
        if "j" in found.flags or len(found.operands) < 2:
            raise Unsayable("zip without its parts")
        name = found.operands[0].text
        return (name if "." in name.rpartition("/")[2] else f"{name}.zip"), found.operands[1:]
    letters, name, operands, place = _tar(rest)
    if "c" not in letters or place is not None:
        raise Unsayable("tar other than packing here")
    ends = {"z": (".gz", ".tgz"), "j": (".bz2", ".tbz2"), "J": (".xz", ".txz")}
    wanted = next((ends[letter] for letter in "zjJ" if letter in letters), (".tar",))
    if not name.endswith(wanted) or not name.endswith(_ARCHIVES):
        raise Unsayable("an archive whose name does not tell its format")
    return name, operands


def _tar(rest: Sequence[Word]) -> tuple[str, str, list[Word], str | None]:
    words = list(rest)
    if words and not words[0].text.startswith("-"):
        words[0] = Word(f"-{words[0].text}", words[0].raw)
    # "-f" may stand anywhere in a bundle; its value is the next word.
    letters, name, place = "", "", None
    operands: list[Word] = []
    at = 0
    while at < len(words):
        text = words[at].text
        at += 1
        if re.fullmatch(r"-[A-Za-z]+", text):
            letters += text[1:]
            if "f" in text and at < len(words):
                name, at = words[at].text, at + 1
            if "C" in text and at < len(words):
                place, at = words[at].text, at + 1
        elif text.startswith("--directory="):
            place = text.partition("=")[2]
        elif text.startswith("-"):
            raise Unsayable(f"tar {text.partition('=')[0]}")
        else:
            operands.append(words[at - 1])
    if not name or set(letters) - set("cxtzjJvfpC"):
        raise Unsayable("tar with other options")
    return letters, name, operands, place


def tar(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Packs, unpacks and lists archives."""
    sources.alone(draft)
    letters, name, operands, place = _tar(rest)
    if "c" in letters:
        pack(draft, program, rest)
        return
    if operands or ("z" in letters and not name.endswith((".gz", ".tgz"))):
        raise Unsayable("part of an archive")
    draft.needs.archives.append(name)
    if "x" in letters:
        _extract(draft, name, place)
    else:
        draft.said.need("list", "list(?:s|ing)?|contents?|show|display|files in")
        draft.add("idiom.list_archive", "text", path=draft.said.path(name, "the archive"))


def _extract(draft: Draft, name: str, place: str | None) -> None:
    draft.said.need(
        "extract",
        "extract(?:s|ing)?|un-?(?:pack|tar|zip|compress)(?:s|ping|ing)?|decompress(?:es|ing)?|expand",
    )
    to = draft.said.path(place, "where to") if place is not None else None
    if place is not None:
        draft.needs.folders.append(place)
    paths = [draft.said.path(name, "the archive")]
    draft.add("file.extract", "done", paths=paths, to=None if to == "." else to)


def pack(draft: Draft, program: str, rest: Sequence[Word]) -> None:
    """Packs files into an archive."""
    sources.alone(draft)
    name, operands = archive_name(program, rest)
    draft.said.need(
        "pack",
        "archiv(?:e|es|ing)|compress(?:es|ed|ing)?|pack(?:s|ing)?|tar(?:ball)?|zip(?:s|ped)?|bundle|creat(?:e|es)|back ?up",
    )
    paths = sources.target(draft, operands)
    draft.needs.folders += [path for path in draft.needs.files if "." not in path]
    draft.needs.files = [path for path in draft.needs.files if "." in path]
    draft.add("file.archive", "done", paths=paths, to=draft.said.path(name, "the archive"))


def unzip(draft: Draft, _program: str, rest: Sequence[Word]) -> None:
    """Unpacks a zip archive."""
    sources.alone(draft)
    found = options(rest, "d:qon")
    if len(found.operands) != 1:
        raise Unsayable("part of an archive")
    name = found.operands[0].text
    draft.needs.archives.append(name)
    _extract(draft, name, found.values.get("d"))
