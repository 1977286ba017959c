"""Lets the reader have a say while a plan is written, not only when plans are weighed.

The network writes a plan from left to right, and one that misread the request is often so far from the right one that no
single other choice leads there. Here what the reader hears is added to the network's logits at every choice: to a part of plans
its log-odds, the first time that it may come; to a word, by how much likelier it is this argument than none. Summed over a plan these
are, but for a constant, the logarithm of how likely the reader finds it, so that plans are sought by what they are weighed by.

Adding the scores of a second model, times a weight, to those of the one that generates is the shallow fusion of Gülçehre et al., "On
Using Monolingual Corpora in Neural Machine Translation" (2015); that the second one tells what the whole will have, Yang & Klein,
"FUDGE: Controlled Text Generation With Future Discriminators" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from casava_os.model.tagger import NONE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from casava_os.model.grammar import Cursor, Grammar
    from casava_os.model.reader import Heard, Reader
    from casava_os.model.values import Values

WEIGHT = 0.5
"""Of the reader's log-odds beside the network's logits."""

MOST = 4.0
"""No log-odds of the reader count for more, either way."""


class Fusion:
    """What is added to the logits of one request's tokens."""

    def __init__(
        self, heard: Heard, reader: Reader, grammar: Grammar, values: Values, vocabulary: int
    ) -> None:
        """`values` are the request's, `vocabulary` is the number of the network's tokens."""
        import numpy as np

        self._parts = np.zeros(vocabulary, np.float32)
        for label, odds in zip(reader.labels, heard.parts, strict=True):
            if label in grammar.ids:
                self._parts[grammar.ids[label]] = odds
        self._parts = _bounded(self._parts)
        self._beginning = values.beginning()
        none = reader.tags.index(NONE)
        odds = _bounded(heard.tags - heard.tags[:, none : none + 1])
        self._odds = dict(zip(reader.tags, odds.T, strict=True))
        """By tag: of each word how much likelier it is than none, (words,)."""
        self._tokens: dict[str, NDArray[np.float32]] = {}

    def __call__(self, allowed: Sequence[int], cursor: Cursor) -> NDArray[np.float32]:
        """For each of the allowed tokens, in the place where the cursor is."""
        found = self._parts.take(allowed)
        for at, token in enumerate(allowed):
            if token in cursor.controls:
                found[at] = 0.0
        if cursor.at_border and cursor.tag in self._odds:
            found += self._of_words(cursor.tag).take(allowed)
        return found

    def _of_words(self, tag: str) -> NDArray[np.float32]:
        """Of each token of the vocabulary: the most of any word that begins with it."""
        import numpy as np

        if tag not in self._tokens:
            odds = self._odds[tag]
            self._tokens[tag] = np.zeros_like(self._parts)
            for token, words in self._beginning.items():
                self._tokens[tag][token] = max(odds[word] for word in words)
        return self._tokens[tag]


def _bounded(odds: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    found: NDArray[np.float32] = WEIGHT * np.clip(odds, -MOST, MOST)
    return found
