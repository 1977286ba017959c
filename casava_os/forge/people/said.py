"""The words of a request that say a value: what a copying model would have to copy. Raises `Unsaid` where none do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from casava_os.forge.corpus import stands_in
from casava_os.forge.people.errors import Unsaid
from casava_os.kernel.compiler import tagged
from casava_os.kernel.compiler.lexer import atoms, normalise
from casava_syscalls.scalars import DURATION_UNITS, SIZE_UNITS
from casava_syscalls.shapes import Lexeme

NOW = datetime.fromisoformat("2026-03-18T12:00")
"""The day on which requests are read; dates that the commands name are absolute."""

UNIT_SLACK = 1.075
"""find's "M" is 1024 squared, the ABI's a million: sizes as close as that say the same."""

_QUANTITY = re.compile(r"([0-9.]+)\s*([a-z]+)")

PathArg = str | dict[str, str]


class Said:
    """A request, and what stands in it."""

    def __init__(self, request: str) -> None:
        self.request = request
        self.words = atoms(request)
        self.lower = f" {' '.join(request.lower().split())} "

    def has(self, pattern: str) -> bool:
        """Whether a regular expression matches the request, lower case, between word borders."""
        return re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", self.lower) is not None

    def need(self, what: str, pattern: str) -> None:
        """Raises `Unsaid` unless the pattern matches."""
        if not self.has(pattern):
            raise Unsaid(what)

    # ------------------------------------------------------------------------------------------ copied text

    def stands(self, text: str, lexeme: Lexeme) -> bool:
        """Whether the decoding grammar lets an argument of this kind spell the text."""
        return bool(text) and stands_in(text, lexeme, self.words, self.request)

    def exactly(self, text: str, lexeme: Lexeme, what: str) -> str:
        """The text itself."""
        if self.stands(text, lexeme):
            return text
        raise Unsaid(what)

    def path(self, path: str, what: str = "path") -> PathArg:
        """A path as the request spells it, or as a name in a folder. "." is the default and needs no word."""
        if re.fullmatch(r"\.?/?\.?", path) and path != "/":
            return "."
        bare = path.rstrip("/") or "/"
        bare = bare.removeprefix("./") or bare
        for spelling in (path, bare, f"{bare}/", f"./{bare}", f"./{bare}/"):
            if self.stands(spelling, "path"):
                return spelling
        folder, _, name = bare.rpartition("/")
        if folder and name:
            for where in (folder, f"{folder}/"):
                if self.stands(where, "path") and self.stands(name, "path"):
                    return {"name": name, "in": where}
        raise Unsaid(what)

    def extension(self, extension: str) -> str | None:
        """A word that means the file extension: "txt", ".txt", "text"."""
        found: list[str] = []
        for atom in self.words:
            if atom.text.startswith("*") or not re.search(r"\w", atom.text):
                continue
            value = normalise("extension", atom.text, NOW)
            if (isinstance(value, str) and value.lower().lstrip(".") == extension.lower()) or (
                isinstance(value, list) and extension.lower() in value
            ):
                found.append(atom.text)
        # An ending with its dot, or an ending proper, says it more plainly than the name of the format.
        found.sort(key=lambda text: (text.lower().lstrip(".") != extension.lower(), not text.startswith(".")))
        return found[0] if found else None

    def count(self, number: int, what: str = "count") -> str | int:
        """A number; 1 needs no word, as in "the first line"."""
        for text in tagged.candidates("count", self.words, self.request, NOW):
            if normalise("count", text, NOW) == number:
                return text
        if number == 1:
            return 1
        raise Unsaid(what)

    def mode(self, mode: str) -> str:
        """Permission bits, with or without a leading zero."""
        for text in (mode, mode.lstrip("0"), mode.zfill(4)):
            if self.stands(text, "mode"):
                return text
        raise Unsaid("mode")

    def size(self, size: float, what: str) -> str:
        """A size that says so many bytes, within the slack of units."""
        return self._quantity(
            "size", SIZE_UNITS, what, lambda value: size / UNIT_SLACK <= value <= size * UNIT_SLACK
        )

    def duration(self, seconds: Sequence[float], what: str) -> str:
        """A duration that is one of these numbers of seconds, within a day of a month or year."""
        return self._quantity(
            "duration",
            DURATION_UNITS,
            what,
            lambda value: any(abs(value - one) <= 0.021 * one for one in seconds),
        )

    def _quantity(
        self, lexeme: Lexeme, units: dict[str, int], what: str, fits: Callable[[float], bool]
    ) -> str:
        found: list[str] = []
        for text in tagged.candidates(lexeme, self.words, self.request, NOW):
            value = normalise(lexeme, text, NOW)
            match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
            if match is not None and fits(float(match[1]) * units[match[2]]):
                found.append(text)
        if not found:
            raise Unsaid(what)
        return max(found, key=len)

    def moment(self, moment: str, what: str) -> str:
        """A date that is the one given."""
        wanted = normalise("moment", moment, NOW)
        found = [
            text
            for text in tagged.candidates("moment", self.words, self.request, NOW)
            if wanted is not None and normalise("moment", text, NOW) == wanted
        ]
        if not found:
            raise Unsaid(what)
        return max(found, key=len)

    # ------------------------------------------------------------------------------------------ what is meant

    @property
    def files(self) -> bool:
        """Whether it speaks of files, and not of files and directories alike."""
        return self.has("files?|documents|images?|pictures") and not self.both

    @property
    def both(self) -> bool:
        """Whether it speaks of files and directories alike."""
        kinds = r"(?:regular |normal )?files?"
        folders = r"(?:sub)?(?:director(?:y|ies)|folders?|dirs?)"
        joint = r"\s?(?:/|,|and/or|and|or|&)\s?(?:the |all |all the )?"
        return self.has(f"{kinds}{joint}{folders}|{folders}{joint}{kinds}")

    @property
    def directories(self) -> bool:
        """Whether it speaks of directories."""
        return self.has("(?:sub)?(?:director(?:y|ies)|folders?|dirs?)")
