"""Command templates of a manual ("{{path/to/file}}"): placeholders get names, in the command and in the request alike.

A manual says "a file" where a person would say which. The words of the request that mean the placeholder give way to
its name; what has no such words stays as it is, and the pair falls where the translator finds the argument missing.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
_OPTION = re.compile(r"\{\{\[([^]|]+)\|[^]]*\]\}\}")
_NAMES = ("report", "notes", "budget", "server", "draft", "results", "holiday", "inventory", "sample", "letter", "thesis", "recipes", "minutes", "ledger", "survey")  # fmt: skip
_FOLDERS = (
    "photos",
    "projects",
    "backup",
    "archive",
    "src",
    "lectures",
    "invoices",
    "music",
    "experiments",
    "old",
)
_WORDS = (
    "error",
    "TODO",
    "total",
    "warning",
    "import",
    "chapter",
    "failed",
    "copyright",
    "deprecated",
    "alice",
)
_WHICH = r"(?:specific |specified |given |particular |local |text |regular |single |compressed |existing |new |named )*"

_FILE = rf"\b(?:a|an|the|one|each) {_WHICH}(?:file|document)s?(?:/(?:director(?:y|ies)|links?))*\b"
_SEVERAL = rf"\b(?:(?:one or more|multiple|several|two|many|some|specific|given|the) )*{_WHICH}files?(?:/directories| or directories| and directories)?(?: or more)?\b"
_FOLDER = rf"\b(?:a|an|the) {_WHICH}(?:current )?(?:directory|folder)\b"
_ARCHIVE = rf"\b(?:a|an|the) {_WHICH}(?:(?:zip|tar|gzipped|compressed|tar\.gz|bzip2|tgz) )*(?:archive|file|tarball)(?: file)?\b"
_TEXT = r"\b(?:a|an|the) (?:(?:specific|given|exact|search|fixed|regular|literal|matching) )*(?:pattern|string|text|keyword|word|expression)\b"
_COUNT = r"\b(?:few|N|n|count|a (?:specific|given) number of|a number of|number of)\b"


def filled(request: str, command: str) -> tuple[str, str]:
    """Request and command with names instead of placeholders. The same pair always gets the same names."""
    rng = random.Random(zlib.crc32(f"{request}\0{command}".encode()))
    request = re.sub(r"\[(\w)\](?=\w)", r"\1", request)
    request = re.sub(r"\s*\((?:[Nn]ote|more info|see|this).*?\)", "", request).replace("`", "'")
    command = _OPTION.sub(lambda match: match[1], command)
    while (match := _PLACEHOLDER.search(command)) is not None:
        value, request = _named(match[1], request, rng)
        command = f"{command[: match.start()]}{value}{command[match.end() :]}"
    return " ".join(request.split()), command


def _named(placeholder: str, request: str, rng: random.Random) -> tuple[str, str]:
    """(what stands for the placeholder, the request that says so)."""
    bare = placeholder.strip("'\"")
    name, folder = rng.choice(_NAMES), rng.choice(_FOLDERS)
    ending = (re.search(r"(?<=[a-z0-9])(\.tar)?\.[a-z0-9]{1,5}$", bare) or re.match("", bare) or [""])[0]
    if (" " in bare and "file" in bare) or bare.endswith("..."):
        two = [f"{one}{ending or '.txt'}" for one in rng.sample(_NAMES, 2)]
        return " ".join(two), _instead(request, _SEVERAL, " and ".join(two))
    if re.search(r"(?:dir|directory|folder)\w*$", bare):
        return folder, _instead(
            request, _FOLDER, f"the {folder} directory", f"the directory {folder}", rng=rng
        )
    if re.search(r"\.(?:zip|tar|tgz|tar\.\w+)$", bare):
        return f"{name}{ending}", _instead(request, _ARCHIVE, f"{name}{ending}")
    if re.search(r"file|input|output|path/to", bare):
        value = f"{name}{ending or rng.choice(('.txt', '.log', '.md', '.csv'))}"
        return value, _instead(request, _FILE, value)
    if re.search(r"pattern|string|text|regex|keyword", bare):
        word = rng.choice(_WORDS)
        return word, _instead(request, _TEXT, f'"{word}"', f"'{word}'", word, rng=rng)
    if re.search(r"count|number|^\d+$", bare):
        number = bare if bare.isdigit() and re.search(rf"\b{bare}\b", request) else str(rng.randint(2, 40))
        return number, _instead(request, _COUNT, number)
    return bare.partition("|")[0], request


def _instead(request: str, pattern: str, *wordings: str, rng: random.Random | None = None) -> str:
    wording = wordings[0] if rng is None else rng.choice(wordings)
    put: Callable[[re.Match[str]], str] = lambda match: wording  # noqa: E731 - a text with backslashes is no template
    return re.sub(pattern, put, request, count=1, flags=re.IGNORECASE)
