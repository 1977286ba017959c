"""Reads a request apart from the network, as a bag of words, and says which parts a plan for it should have.

The network writes a plan from left to right; when it errs, it is as sure as ever. A classifier over the request alone, with
names and numbers masked, fails elsewhere. Its word counts when plans are weighed, and a plan that deletes, moves or runs
something needs its consent (`model.weighing`).

Words with their neighbours and their letters, hashed into one table, are the features of Joulin et al., "Bag of Tricks for
Efficient Text Classification" (2017) and, the letters, of Bojanowski et al., "Enriching Word Vectors with Subword Information"
(2017): they make a mistyped word look like the right one.

What a request only speaks of, and when to be wary, is told by patterns of English words written by hand. They understand
nothing and order nothing: they only take away words that may not count as an order, and so make questions of plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.model.bags import Bags, slots

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "delete": frozenset({"file.delete", "container.remove", "infra.destroy", "memory.forget"}),
        "move": frozenset(
            {
                "file.move",
                "file.rename",
                "idiom.flatten",
                "idiom.sort_by_extension",
                "idiom.sort_by_month",
                "idiom.spaces_to_underscores",
                "idiom.line_endings",
                "idiom.trailing_spaces",
            }
        ),
        "run": frozenset(
            {
                "process.run",
                "process.spawn",
                "process.signal",
                "container.build",
                "container.run",
                "container.exec",
                "infra.apply",
            }
        ),
        "serve": frozenset({"container.start", "container.stop", "container.restart", "infra.scale"}),
    }
)
"""The calls that need consent, by what they do: every syscall that deletes or runs a program, every idiom that changes files, and
what starts and stops. The other idioms only print, or make new files."""

_NO = (
    r"(?:\w*n['\u2019`]t|(?:do|does|did|is|are|was|were|must|should|may|might|could|would|wo|ca|has|have|need)nt|not|no|never"
    r"|nothing|none|nobody|without|nor|neither|cannot)\b"
    r"(?!\s+(?:longer|needed|wanted|required|used|useful|necessary)\b)(?!(?:(?<=n['\u2019`]t)|(?<=nt))\s+need\b(?!\s+to\b))"
)
"""A word that forbids; not in "no longer needed" or "I don't need it", which say that something may go."""
_OPENING = r"\A\W*(?:(?:and|so|ok|okay|well|hey|hi|hello|now|tell me|say)\b\W*)*"
_WARY = re.compile(
    rf"\b{_NO}"
    rf"|{_OPENING}(?:which|what|whats|how|who|where|why|when|was|were|has|have|had|did|should|shall|must|is|are)\b"
    rf"|{_OPENING}(?:can|could|may|might|ought)\b(?!\W+(?:you|u|ya|ye|we|i\W+(?:have|get|see))\b)"
    rf"|{_OPENING}(?:do|does)\W+(?:i|we|they|you|the|any)\b"
    r"|\b(?:might|ought)\b|\bcould\b(?!\W+(?:you|u|ya|we|someone)\b)",
    re.IGNORECASE,
)
_REST = r"(?:\s+(?!(?:but|and|just|only|then|instead)\b)[^\s,;:!?()]*[^\s,;:.!?()])"
"""A word after one that begins what is only spoken of: not one that begins something else."""
_SPOKEN = re.compile(
    rf"\b{_NO}{_REST}{{0,5}}"
    rf"|\b(?:before (?:i|we)|so(?: that)? (?:i|we)|i['\u2019]?ll|(?:i|we) (?:will|might|may|already|almost)"
    rf"|(?:i|we)(?:['\u2019]ve|\s+have|\s+had)(?:\s+(?:already|just|now))?\s+\w+(?:ed|wn|en))\b{_REST}{{0,6}}",
    re.IGNORECASE,
)
_NAME = re.compile(r"[./\\_\d]|[a-z][A-Z]")
_ASKING = re.compile(r"\b(?:which|what)\b", re.IGNORECASE)
_SUPPOSED = re.compile(
    r"\b(?:can|could|may|might|should|would|ought\s+to)(?:\s+\w+ly)?\s+(?:be\s+[^\s,;:!?()]*[^\s,;:.!?()]|go\b)"
    rf"|\b(?:(?:can|could|may|might|should)\s+(?:i|we)|(?:i|we)\s+(?:can|could|may|might|should))\b{_REST}{{0,3}}",
    re.IGNORECASE,
)
"""What can, may or should be done, which is an order in "the logs can go", and none after "which" or "what"."""


@dataclass(frozen=True)
class Reader(Bags):
    """Says of a request which parts a plan for it should have. Its labels are names of control tokens."""

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: at for at, label in enumerate(self.labels)}

    def odds(self, request: str) -> NDArray[np.float32]:
        """Log-odds of each label, (labels,)."""
        found: NDArray[np.float32] = self.scores([slots(heard(request), self.size)])[0]
        return found

    def asked(self, odds: NDArray[np.float32], parts: Iterable[str]) -> dict[str, Asked]:
        """How much the request asks for those of `KINDS` that a plan of these parts does; what it does not know, it never asks for."""
        calls = {part.removeprefix("call:") for part in parts}
        declines = max(self._of(odds, call) for call in ("ask", "refuse"))
        found = {}
        for kind, some in KINDS.items():
            if calls & some:
                least = min(self._of(odds, call) for call in calls & some)
                found[kind] = Asked(least, least - declines)
        return found

    def hinted(self, odds: NDArray[np.float32], parts: Iterable[str]) -> dict[str, float]:
        """For those of `KINDS` that a plan of these parts does: the most of the log-odds of any call that does it.

        "I don't want to see the stack again, get rid of it" says without its first half that something goes, and not what.
        """
        calls = {part.removeprefix("call:") for part in parts}
        return {
            kind: max(self._of(odds, call) for call in some) for kind, some in KINDS.items() if calls & some
        }

    def _of(self, odds: NDArray[np.float32], call: str) -> float:
        place = self._places.get(f"call:{call}")
        return NEVER if place is None else float(odds[place])


class Asked(NamedTuple):
    """How much a request asks for something."""

    odds: float
    """The least of the log-odds of the calls that do it …"""
    lead: float
    """… and by how much that is more than those of a question or a refusal: less than 0 in "don't delete a.txt"."""


NEVER = -60.0
"""The log-odds of what cannot be."""


def wary(request: str) -> bool:
    """Whether it says "no" in any form, wonders what might be, or begins like a question that is no polite order.

    Then a plan needs more consent, for it may not be asked for at all.
    """
    return _WARY.search(request) is not None


def ordered(request: str) -> str:
    """The request without what it only speaks of: what is not to be done, what the person will do or has done, what could be.

    What is asked for is asked for without these words, too: "delete the logs, but don't touch app.log" still says so, "list
    the logs, you mustn't delete them" does not.
    """
    rest = _SPOKEN.sub(" ", request)
    asking = _ASKING.search(rest)
    return rest if asking is None else rest[: asking.end()] + _SUPPOSED.sub(" ", rest[asking.end() :])


def heard(request: str) -> list[str]:
    """What is listened to: words, two and three in a row, two with one between, their letters, and how the request begins."""
    words = ["^", *map(_masked, atoms(request)), "$"]
    rows = (" ".join(words[at : at + size]) for size in (1, 2, 3) for at in range(len(words) - size + 1))
    gaps = (f"{one} * {other}" for one, other in zip(words, words[2:], strict=False))
    letters = (
        f"g{f'<{word}>'[at : at + 4]}"
        for word in words
        if len(word) > 3 and word[0].isalpha()
        for at in range(len(word) - 1)
    )
    opening = (f"{at}:{word}" for at, word in enumerate(words[1:4]))
    return list(dict.fromkeys((*rows, *gaps, *letters, *opening)))


def _masked(word: Atom) -> str:
    """A word in lower case; a name, number or quotation is only said to be one."""
    text = word.text
    if word.quoted:
        return '"'
    if text.isdigit():
        return "#"
    if not _NAME.search(text):
        return text.lower()
    if text.startswith("."):
        return "<.a>"
    return "<a/a>" if "/" in text else "<a.a>" if "." in text else "<a>"
