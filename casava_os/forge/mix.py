"""What the model is taught: synthesized requests, hand-worded ones, those of other people, and hand-worded ones joined."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from casava_os.forge import corpus, synth
from casava_os.forge.synth.chains import JOINS
from casava_os.kernel.compiler.lexer import EXTENSION_WORDS
from casava_os.kernel.compiler.tagged import FREE_TEXT, Copy, SurfaceCall, encode, tagged_fields

WRITTEN, PEOPLE, JOINED, CONTRAST = 0.50, 0.10, 0.12, 0.05
"""Shares of hand-worded lines, of translated ones, of two hand-worded lines made one request, and of the file `contrast`:
pairs that differ in a word and mean another thing.

Every line then gets other argument words and noise like any example.
"""

_OPENS_LIKE_AN_ORDER = re.compile(r"[A-Za-z]+ ")


class Mix:
    """Draws examples; the same state of the generator and the same files give the same one."""

    def __init__(self, people: Sequence[Path] = ()) -> None:
        self._written = corpus.load()
        self._people = [line for path in people for line in corpus.parse(path.read_text("utf-8"), path.stem)]
        self._contrast = [line for line in self._written if line.writer == "contrast"]
        self._first = [line for line in self._written if may_be_followed(line)]
        self._second = [line for line in self._written if may_follow(line)]

    def __call__(self, rng: random.Random) -> synth.Example | corpus.Line:
        draw = rng.random()
        if draw < WRITTEN and self._written:
            return rng.choice(self._written)
        if draw < WRITTEN + PEOPLE and self._people:
            return rng.choice(self._people)
        if draw < WRITTEN + PEOPLE + JOINED and self._first and self._second:
            both = joined(rng.choice(self._first), rng.choice(self._second), rng.choice(JOINS))
            if corpus.problem(both) is None:
                return both
        if draw > 1 - CONTRAST and self._contrast:
            return rng.choice(self._contrast)
        return synth.sample(rng)


def may_be_followed(line: corpus.Line) -> bool:
    """Whether another order may stand behind the line: it is none already, and does not end in free text."""
    if line.piped_stdin or len(line.calls) > 2 or line.calls[0]["call"] in ("ask", "refuse"):
        return False
    end = line.request.rstrip(" .!?\u2026")
    for call in line.calls:
        for shape in tagged_fields(str(call["call"])):
            value = call.get(shape.name)
            if shape.lexeme in FREE_TEXT and isinstance(value, str) and end.endswith(value):
                return False
    return "?" not in line.request and not re.search(r"[.;!]\s", line.request)


def may_follow(line: corpus.Line) -> bool:
    """Whether the line may stand behind another: an order, not a question or a second request."""
    return may_be_followed(line) and _OPENS_LIKE_AN_ORDER.match(line.request) is not None


def joined(first: corpus.Line, second: corpus.Line, joint: str) -> corpus.Line:
    """Two requests as one, the second's references moved by the first's steps."""
    by = len(first.calls)
    calls: list[SurfaceCall] = [*first.calls, *(_moved(call, by) for call in second.calls)]
    opening = second.request
    if opening[0].isupper() and opening.split()[0] not in _copied(second):
        opening = opening[0].lower() + opening[1:]
    return corpus.Line(first.request.rstrip(" .!\u2026") + joint + opening, tuple(calls), writer=first.writer)


def _copied(line: corpus.Line) -> set[str]:
    return {segment.text for segment in encode(line.calls) if isinstance(segment, Copy)} | set(
        EXTENSION_WORDS
    )


def _moved(call: SurfaceCall, by: int) -> SurfaceCall:
    return {
        key: f"${int(value[1:]) + by}"
        if isinstance(value, str) and re.fullmatch(r"\$[1-8]", value)
        else value
        for key, value in call.items()
    }
