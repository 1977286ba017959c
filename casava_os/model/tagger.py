"""Which argument of a plan each word of a request is, and how likely a plan's arguments are in the reader's hearing.

What is tagged are the lexer's atoms; the tag is the key that copies the atom, or "in" for the directory of a name, or none. Mesnil
et al., "Using Recurrent Neural Networks for Slot Filling in Spoken Language Understanding" (2015) compare what tags so; here the
network of `model.encoder` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.lexer import Atom
from casava_os.kernel.compiler.tagged import IN, Control, Segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE, INSIDE = "none", "in"
"""The tags of a word that no argument has, and of the directory in "NAME in DIRECTORY"."""

LEAST = -9.0
"""No word counts more against a plan than this, as the logarithm of a probability."""


def tags(request: str, words: Sequence[Atom], plan: Sequence[Segment]) -> list[frozenset[str] | None]:
    """For each word the tags that a plan gives it; None where nobody can tell: what is copied stands there twice."""
    starts = {begin: at for at, word in enumerate(words) for begin in (word.start, word.start + word.quoted)}
    ends = {end: at for at, word in enumerate(words) for end in (word.end, word.end - word.quoted)}
    found: list[set[str]] = [set() for _ in words]
    unclear: set[int] = set()
    key, inside = NONE, False
    for part in plan:
        if isinstance(part, Control):
            key = part.name[4:] if part.name.startswith("key:") else key
            inside = part.name == IN
            continue
        places = []
        at = request.find(part.text)
        while at >= 0:
            if at in starts and at + len(part.text) in ends:
                places.append(range(starts[at], ends[at + len(part.text)] + 1))
            at = request.find(part.text, at + 1)
        if len(places) > 1:
            unclear.update(*places)
        for place in places:
            for word in place:
                found[word].add(INSIDE if inside else key)
    return [None if at in unclear else frozenset(some or (NONE,)) for at, some in enumerate(found)]


def chances(
    request: str,
    words: Sequence[Atom],
    logs: NDArray[np.float32],
    places: Mapping[str, int],
    plan: Sequence[Segment],
) -> tuple[list[float], list[float]]:
    """Logarithms of how likely a plan's tags are: of the words that it has, and of those that it leaves out.

    `logs` are those of each word's tags (words, tags), `places` says which tag stands where.
    """
    has: list[float] = []
    leaves: list[float] = []
    for at, some in enumerate(tags(request, words, plan)):
        if some is not None:
            found = [float(logs[at, places[tag]]) for tag in some if tag in places]
            (leaves if NONE in some else has).append(max([LEAST, *found]))
    return has, leaves
