"""Slips of the fingers in a request, and what was probably meant.

A reader that knows words by their letters, too, takes "cllone" for a word that it never saw beside "clone" and is now and then
sure of the wrong one. Here the word is put right before the request is heard once more: an unknown word that one slip
makes of a known one is taken for that. The slips are those of Damerau, "A Technique for Computer Detection and Correction
of Spelling Errors" (1964), tried one by one as in Norvig, "How to Write a Spelling Corrector" (2007); the commoner word
is likelier to have been meant, as in Kernighan, Church & Gale, "A Spelling Correction Program Based on a Noisy Channel
Model" (1990).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from casava_os.kernel.compiler.lexer import atoms
from casava_os.model.encoder import LONGEST

SHORTEST = 3
"""Letters of a word that may be a slip, or may have been meant."""

LONGEST_WORD = 24
"""Letters of a word that may be a slip: the words that slips make are as many as its letters, and as long."""

WRONG_LETTER = 4
"""So many times as common must a word be that differs in a letter, beside one with a letter too few, too many, or exchanged."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Lexicon:
    """Words in lower case, the commonest first."""

    words: Sequence[str] = ()

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        return {word: rank for rank, word in enumerate(self.words, 1)}

    def meant(self, word: str) -> str:
        """The known word that this one is probably a slip of; itself where it is known, or nothing is near."""
        low = word.lower()
        if (
            not self.words
            or not SHORTEST <= len(low) <= LONGEST_WORD
            or not (low.isascii() and low.isalpha())
        ):
            return word
        ranks = self._ranks
        if low in ranks:
            return word
        near: dict[str, int] = {}
        for other, worse in one_slip_from(low).items():
            rank = ranks.get(other) if len(other) >= SHORTEST else None
            if rank is not None:
                near[other] = rank * worse
        return min(near, key=near.__getitem__, default=word)

    def mended(self, request: str) -> str:
        """The request with what was probably meant, in place of slips, as far as it is listened to; names, numbers and quotations stay."""
        pieces: list[str] = []
        at = 0
        for word in atoms(request)[:LONGEST]:
            if word.quoted or request[word.start : word.end] != word.text:
                continue
            if word.text.isupper() or not any(map(str.isupper, word.text[1:])):
                pieces += (request[at : word.start], self.meant(word.text))
                at = word.end
        return "".join((*pieces, request[at:]))


NO_WORDS = Lexicon()


def one_slip_from(word: str) -> dict[str, int]:
    """Every word that one slip makes of this, or this of, with how much commoner it must be; none of one that is too long."""
    found: dict[str, int] = {}
    if len(word) > LONGEST_WORD:
        return found
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            found |= dict.fromkeys((head + letter + tail[1:] for letter in _LETTERS), WRONG_LETTER)
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        found |= dict.fromkeys((head + letter + tail for letter in _LETTERS), 1)
        if tail:
            found[head + tail[1:]] = 1
        if len(tail) > 1:
            found[head + tail[1] + tail[0] + tail[2:]] = 1
    return found
