"""Patterns of names, in the words of the request: a glob, an extension, a beginning, an end, a part, the whole name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.said import Said
from casava_os.kernel.compiler.tagged import SurfaceValue

_WILD = re.compile(r"[*?\[\]]")
_EXTENSION = re.compile(r"\*\.([A-Za-z0-9][\w+~-]*(?:\.[\w+~-]+)*)")


def fields(said: Said, patterns: Sequence[str]) -> dict[str, SurfaceValue]:
    """The fields of `file.find` that say "the name matches one of these". Raises `Unsaid`."""
    if len(patterns) == 1:
        return _one(said, patterns[0])
    spread = [one for pattern in patterns for one in _classes(pattern)]
    return _extensions(said, spread)


def _classes(pattern: str) -> list[str]:
    """`*.[ch]` as `*.c`, `*.h`; other patterns as they are."""
    match = re.fullmatch(r"(\*\.[\w.]*)\[(\w{2,4})\](\w*)", pattern)
    return [f"{match[1]}{letter}{match[3]}" for letter in match[2]] if match else [pattern]


def _extensions(said: Said, patterns: Sequence[str]) -> dict[str, SurfaceValue]:
    found: list[str | dict[str, str]] = []
    for pattern in patterns:
        match = _EXTENSION.fullmatch(pattern)
        if match is None:
            raise Unsayable("find: several names that are no extensions")
        word = said.extension(match[1])
        if word is None and said.stands(pattern, "extension"):
            word = pattern
        if word is None:
            raise Unsaid("an extension")
        if word not in found:
            found.append(word)
    return {"extension": found}


def _one(said: Said, pattern: str) -> dict[str, SurfaceValue]:
    if pattern == "*":
        return {}
    if _WILD.search(pattern) and said.stands(pattern, "glob"):
        return {"name": pattern}
    if pattern in (".*", ".?*", ".[^.]*"):
        said.need(
            "hidden", "hidden|dot ?files?|(?:starts?|starting|begins?|beginning) with a (?:dot|period)|dot"
        )
        return {"hidden": True}
    if (match := _EXTENSION.fullmatch(pattern)) is not None:
        word = said.extension(match[1])
        if word is not None:
            return {"extension": [word]}
    if len(spread := _classes(pattern)) > 1:
        return _extensions(said, spread)
    return _parts(said, pattern)


_PARTS = (
    (re.compile(r"\*([^*?\[\]]+)\*"), ("name_contains",)),
    (re.compile(r"([^*?\[\]]+)\*"), ("name_starts",)),
    (re.compile(r"\*([^*?\[\]]+)"), ("name_ends",)),
    (re.compile(r"([^*?\[\]]+)\*\.([A-Za-z0-9]+)"), ("name_starts", "extension")),
    (re.compile(r"\*([^*?\[\]]+)\*\.([A-Za-z0-9]+)"), ("name_contains", "extension")),
    (re.compile(r"([^*?\[\]]+)\*([^*?\[\]]+)"), ("name_starts", "name_ends")),
)
_AT_AN_END = "start(?:s|ing)?(?! from| at| in)|begin(?:s|ning)?(?! from| at| in)|end(?:s|ing)"
_WITHIN = "contain(?:s|ing)?|in (?:its|their|the) (?:file ?|path)?names?|includ(?:e|es|ing)"
_WORDINGS = {
    "name_contains": "contain(?:s|ing)?|with|ha(?:s|ve|ving)|includ(?:e|es|ing)|in (?:its|their|the|his) (?:file ?|path)?names?|match(?:es|ing)?|like|as part|string|word|pattern|which has|named|somewhere",
    "name_starts": "start(?:s|ing)?|begin(?:s|ning)?|prefix(?:ed)?|beginn?ing|first letters?",
    "name_ends": "end(?:s|ing|ed)?|suffix(?:ed)?|suffixes|extensions?|finish(?:es|ing)?",
}


def _parts(said: Said, pattern: str) -> dict[str, SurfaceValue]:
    if not _WILD.search(pattern):
        for spelling in (pattern, pattern.removeprefix("./")):
            if said.stands(spelling, "glob"):
                return {"name": spelling}
        raise Unsaid("a name")
    for shape, keys in _PARTS:
        match = shape.fullmatch(pattern)
        if match is None:
            continue
        made: dict[str, SurfaceValue] = {}
        for key, text in zip(keys, match.groups(), strict=True):
            if key == "extension":
                word = said.extension(text)
                if word is None:
                    break
                made[key] = [word]
            else:
                if not said.stands(text, "needle") or not said.has(_WORDINGS[key]):
                    break
                if key == "name_contains" and said.has(_AT_AN_END) and not said.has(_WITHIN):
                    break
                made[key] = text
        else:
            return made
    raise Unsaid("a pattern of names")
