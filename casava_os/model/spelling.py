"""Text to tokens and back, without asking llama.cpp for every word.

A call of its tokenizer takes 0.1 ms however short the text, and a workspace has hundreds of names. Our vocabularies merge only inside runs of ASCII letters, so a text's tokens are those of its runs and of its other
bytes, one after the other. Runs that are not known yet are tokenized together, in one call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

_BYTES = [*range(33, 127), *range(161, 173), *range(174, 256)]
_SPELLED = {chr(byte): byte for byte in _BYTES} | {
    chr(256 + n): byte for n, byte in enumerate(byte for byte in range(256) if byte not in _BYTES)
}
"""The character by which byte-level BPE spells each byte in a vocabulary."""

_PIECES = re.compile("[A-Za-z]+|[^A-Za-z]+")
KNOWN = 65_536
"""Runs of letters that are remembered."""


class Speller:
    """Texts as tokens of one vocabulary. Any number of threads may share it."""

    def __init__(
        self, vocabulary: Sequence[str], controls: int, tokenize: Callable[[str], list[int]]
    ) -> None:
        """`vocabulary` spells every token, the `controls` first ones are no text; `tokenize` is the engine's."""
        self._vocabulary, self._tokenize = vocabulary, tokenize
        text = range(controls, len(vocabulary))
        ids = {_SPELLED[vocabulary[i]]: i for i in text if len(vocabulary[i]) == 1}
        self._bytes = [ids[byte] for byte in range(256)] if len(ids) == 256 else []
        merged = (vocabulary[i] for i in text if len(vocabulary[i]) > 1)
        self._apart = bool(self._bytes) and all(token.isascii() and token.isalpha() for token in merged)
        """Whether runs of letters can be tokenized one by one."""
        self._runs: dict[str, tuple[int, ...]] = {}

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text; text that spells a control token stays text."""
        return self.all([text])[0]

    def all(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text."""
        if not self._apart:
            return [self._tokenize(text) for text in texts]
        pieces = [_PIECES.findall(text) for text in texts]
        known = before = self._runs
        unknown = {piece for some in pieces for piece in some if piece not in known and piece[0].isascii()}
        unknown = {piece for piece in unknown if piece.isalpha()}
        if unknown:
            known = self._learn(unknown)
        spelled: list[list[int]] = []
        for some in pieces:
            tokens: list[int] = []
            for piece in some:
                run = known.get(piece) or before.get(piece)
                tokens += run if run is not None else [self._bytes[byte] for byte in piece.encode()]
            spelled.append(tokens)
        return spelled

    def _learn(self, runs: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """All that is known, and these."""
        words = [*runs]
        newline = self._bytes[10]
        found: list[list[int]] = [[]]
        for token in self._tokenize("\n".join(words)):
            if token == newline:
                found.append([])
            else:
                found[-1].append(token)
        known = self._runs if len(self._runs) < KNOWN else {}
        known = known | {word: tuple(tokens) for word, tokens in zip(words, found, strict=True)}
        self._runs = known
        return known

    def text(self, tokens: Iterable[int]) -> str:
        """The text that tokens spell. Raises `UnicodeDecodeError` for half a character."""
        spelled = "".join(self._vocabulary[token] for token in tokens)
        return bytes(_SPELLED[character] for character in spelled).decode()
