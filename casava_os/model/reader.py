"""Reads a request apart from the network that writes plans, and says which parts a plan for it should have.

The network writes a plan from left to right; when it errs, it is as sure as ever. A second network (`model.encoder`) that looks at
the request alone, with names and numbers masked, fails elsewhere. Its word counts when plans are weighed, and a plan that deletes,
moves or runs something needs its consent (`model.weighing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from casava_os.kernel.compiler.lexer import Atom, atoms
from casava_os.kernel.compiler.tagged import Segment
from casava_os.model.encoder import Encoder, said, sound
from casava_os.model.slips import NO_WORDS, Lexicon
from casava_os.model.tagger import chances
from casava_syscalls.base import Effect
from casava_syscalls.registry import SYSCALLS

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

CHANGES = frozenset(name for name, syscall in SYSCALLS.items() if syscall.effect & ~Effect.READ).union(
    {"idiom.join_files", "idiom.split_by_lines", "idiom.split_by_size", "idiom.dated_backup"}
) - frozenset[str]().union(*KINDS.values())
"""Whatever else does more than read: it is not to be done where that is forbidden, wondered about, or told of somebody."""


class Heard(NamedTuple):
    """What a reader makes of a request."""

    parts: NDArray[np.float32]
    """Log-odds of each label, (labels,)."""
    words: tuple[Atom, ...]
    """All its words …"""
    tags: NDArray[np.float32]
    """… and of each the logarithm of how likely each tag is: (words, tags). Of one that is not listened to, all are alike."""


@dataclass(frozen=True)
class Reader:
    """Says of a request which parts a plan for it should have, and which argument each of its words is."""

    labels: tuple[str, ...]
    """What a plan may have: names of control tokens."""
    tags: tuple[str, ...]
    """What a word may be: keys of arguments."""
    encoder: Encoder
    lexicon: Lexicon = NO_WORDS
    """The words that it learned: others may be slips."""

    @property
    def size(self) -> int:
        """Bytes of its numbers, their scales and shifts, and of its words."""
        every = self.encoder.matrices.values()
        numbers = sum(len(one.numbers) + 4 * (len(one.scales) + len(one.shifts)) for one in every)
        return numbers + sum(len(word) + 1 for word in self.lexicon.words)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: at for at, label in enumerate(self.labels)}

    @cached_property
    def _tag_places(self) -> dict[str, int]:
        return {tag: at for at, tag in enumerate(self.tags)}

    def hear(self, request: str) -> Heard:
        """What it makes of a request."""
        import numpy as np

        words = atoms(request)
        heard = [sound(one) for one in said(words)]
        parts, tags = self.encoder(heard)
        logs = np.full((len(words), len(self.tags)), -np.log(len(self.tags)), np.float32)
        logs[: len(tags)] = tags
        return Heard(parts, words, logs)

    def odds(self, request: str) -> NDArray[np.float32]:
        """Log-odds of each label, (labels,)."""
        return self.hear(request).parts

    def chances(self, request: str, heard: Heard, plan: Sequence[Segment]) -> tuple[list[float], list[float]]:
        """Logarithms of how likely a plan's tags are: of the words that it has, and of those that it leaves out."""
        return chances(request, heard.words, heard.tags, self._tag_places, plan)

    def asked(self, odds: NDArray[np.float32], parts: Iterable[str]) -> dict[str, Asked]:
        """How much the request asks for those of `KINDS` that a plan of these parts does; what it does not know, it never asks for."""
        calls = {part.removeprefix("call:") for part in parts}
        declines = max(self._of(odds, call) for call in DECLINES)
        rivals = (
            float(odds[at])
            for label, at in self._places.items()
            if label.startswith("call:") and label[5:] not in calls and label[5:] not in DECLINES
        )
        rival = max(rivals, default=NEVER)
        found = {}
        for kind, some in KINDS.items():
            if calls & some:
                least = min(self._of(odds, call) for call in calls & some)
                found[kind] = Asked(least, least - declines, least - rival)
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
    """… by how much that is more than those of a question or a refusal: less than 0 in "don't delete a.txt" …"""
    rival: float
    """… and more than those of any call that the plan leaves out: less than 0 for a move, in "make a copy of a.txt in b"."""


DECLINES = ("ask", "refuse")
NEVER = -60.0
"""The log-odds of what cannot be."""
