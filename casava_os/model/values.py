"""What an argument may be for one request: automata over tokens, derived from the lexer's candidates.

Free text is any run of the request's words, a quotation whole; every other kind is one of the spans that the lexer
accepts for it (or, for paths, a name near the top of the workspace). Tokens never cross a word's border, so an argument
is a subsequence of the request's tokens and these automata need no bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import FREE_TEXT, MODE_WORDS, candidates
from casava_syscalls.shapes import Lexeme


class Value(Protocol):
    """An argument as far as it is written."""

    def following(self) -> set[int]:
        """Tokens that may come next."""

    def complete(self) -> bool:
        """Whether the argument may end here."""

    def then(self, token: int) -> Value:
        """The argument with one more token, which `following` allowed."""


@dataclass(slots=True)
class Spelling:
    """A node of the tree of all spellings of a closed set of texts."""

    nexts: dict[int, Spelling] = field(default_factory=dict)
    ends: bool = False

    def add(self, tokens: Sequence[int]) -> None:
        node = self
        for token in tokens:
            node = node.nexts.setdefault(token, Spelling())
        node.ends = True

    def following(self) -> set[int]:
        return set(self.nexts)

    def complete(self) -> bool:
        return self.ends

    def then(self, token: int) -> Spelling:
        return self.nexts[token]


@dataclass(frozen=True, slots=True)
class _Run:
    """One way to read a copied run: at request token `at`, may stop at one of `stops`, never beyond the last."""

    at: int
    stops: frozenset[int]


@dataclass(frozen=True, slots=True)
class Copying:
    """A run of the request's words; several readings stay open while they have the same tokens."""

    tokens: Sequence[int]
    runs: tuple[_Run, ...]

    def following(self) -> set[int]:
        return {self.tokens[run.at] for run in self.runs if run.at < max(run.stops)}

    def complete(self) -> bool:
        return any(run.at in run.stops for run in self.runs)

    def then(self, token: int) -> Copying:
        kept = tuple(
            _Run(run.at + 1, run.stops)
            for run in self.runs
            if run.at < max(run.stops) and self.tokens[run.at] == token
        )
        return Copying(self.tokens, kept)


class Values:
    """The arguments that one request allows, by kind; made when first asked for."""

    def __init__(
        self,
        request: str,
        tokens: Sequence[int],
        widths: Sequence[int],
        names: Sequence[str],
        spell: Callable[[Sequence[str]], list[list[int]]],
        now: datetime,
    ) -> None:
        """`tokens` are the request's, `widths` the bytes of each; `spell` gives the tokens of texts; `now` dates the lexer's words."""
        self._request, self._tokens, self._names = request, tokens, names
        self._spell, self._now = spell, now
        self._atoms = atoms(request)
        self._borders = self._token_borders(widths)
        self._starts = {atom.start + atom.quoted for atom in self._atoms}
        self._ends = {atom.end - atom.quoted for atom in self._atoms}
        self._made: dict[Lexeme, Value] = {}
        self._listed: dict[Lexeme, list[str]] = {}
        self._had: dict[Lexeme, bool] = {}

    def start(self, lexeme: Lexeme, without: frozenset[str] = frozenset()) -> Value:
        """The empty argument of this kind; `without` leaves out some spans (free text is never narrowed)."""
        if without and lexeme not in FREE_TEXT:
            return self._spelling(lexeme, without)
        if lexeme not in self._made:
            self._made[lexeme] = self._copying() if lexeme in FREE_TEXT else self._spelling(lexeme)
        return self._made[lexeme]

    def any(self, lexeme: Lexeme) -> bool:
        """Whether the request has an argument of this kind at all."""
        if lexeme not in self._had:
            free = lexeme in FREE_TEXT
            found = self.start(lexeme).following() if free else self._found(lexeme)
            self._had[lexeme] = any(True for _ in found)
        return self._had[lexeme]

    def beginning(self) -> Mapping[int, Sequence[int]]:
        """By token: the numbers of the request's words, from 0, that begin with it; a quotation inside its quotes, too."""
        found: dict[int, list[int]] = {}
        for number, atom in enumerate(self._atoms):
            for start in {atom.start, atom.start + atom.quoted}:
                place = self._borders.get(start, len(self._tokens))
                if place < len(self._tokens):
                    found.setdefault(self._tokens[place], []).append(number)
        return found

    def _token_borders(self, widths: Sequence[int]) -> dict[int, int]:
        """Which token begins at a character offset of the request."""
        at_byte = {}
        position = 0
        for index, width in enumerate(widths):
            at_byte[position] = index
            position += width
        at_byte[position] = len(widths)
        borders: dict[int, int] = {}
        position = 0
        for offset, character in enumerate(self._request):
            if position in at_byte:
                borders[offset] = at_byte[position]
            position += len(character.encode())
        borders[len(self._request)] = len(widths)
        return borders

    def _copying(self) -> Copying:
        runs: list[_Run] = []
        words = [atom for atom in self._atoms if "\x00" not in atom.text]
        ends = [self._borders[atom.end] for atom in words]
        for i, atom in enumerate(words):
            if atom.quoted:
                inside = frozenset((self._borders[atom.end - 1],))
                runs.append(_Run(self._borders[atom.start + 1], inside))
            later = frozenset(ends[i + 1 :] if atom.quoted else ends[i:])
            if later:
                runs.append(_Run(self._borders[atom.start], later))
        return Copying(self._tokens, tuple(runs))

    def _texts(self, lexeme: Lexeme) -> list[str]:
        """What an argument of this kind may say, where a control token does not say it."""
        if lexeme not in self._listed:
            self._listed[lexeme] = list(dict.fromkeys(self._found(lexeme)))
        return self._listed[lexeme]

    def _found(self, lexeme: Lexeme) -> Iterator[str]:
        said = MODE_WORDS if lexeme == "mode" else (".",) if lexeme == "path" else ()
        yield from (t for t in candidates(lexeme, self._atoms, self._request, self._now) if t not in said)
        if lexeme == "path":
            yield from (name for name in self._names if name not in said)

    def _spelling(self, lexeme: Lexeme, without: frozenset[str] = frozenset()) -> Spelling:
        root = Spelling()
        wanted = [text for text in self._texts(lexeme) if text not in without]
        found = {text: self._standing(text) for text in wanted}
        elsewhere = [text for text, tokens in found.items() if tokens is None]
        for tokens in (*found.values(), *(self._spell(elsewhere) if elsewhere else ())):
            if tokens is not None:
                root.add(tokens)
        return root

    def _standing(self, text: str) -> Sequence[int] | None:
        """The request's tokens of a text that stands in it as whole words."""
        start = self._request.find(text)
        while start >= 0:
            # Inside a longer word the same letters may be cut into other tokens.
            if start in self._starts and start + len(text) in self._ends:
                return self._tokens[self._borders[start] : self._borders[start + len(text)]]
            start = self._request.find(text, start + 1)
        return None
