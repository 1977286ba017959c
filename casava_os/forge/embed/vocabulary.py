"""The WordPiece vocabulary of the embedding model, made so that llama.cpp cuts every text as we do.

Texts are cleaned before either sees them (`casava_os.memory.embedding.plain`): lower case, no accents, no control
characters. What is left to agree on are words, punctuation and the greedy longest match, and those are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.memory.embedding import plain

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SIZE = 12_288
PADDING, UNKNOWN, BEGIN, END, MASKED = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PADDING, UNKNOWN, BEGIN, END, MASKED)
"""Their ids are their places."""

_ALPHABETS = ((0x21, 0x7F), (0xDF, 0x180), (0x3B1, 0x3CA), (0x430, 0x450), (0x5D0, 0x5EB), (0x621, 0x64B))
"""Latin, Greek, Cyrillic, Hebrew, Arabic: letters that a word in one of these scripts is spelled with if nothing else fits."""


def train(texts: Iterable[str], size: int = SIZE) -> Vocabulary:
    """Learns word pieces from texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=100_000))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = sorted({chr(code) for start, end in _ALPHABETS for code in range(start, end)})
    alphabet = [letter for letter in alphabet if plain(letter) == letter]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size - len(alphabet),
        min_frequency=3,
        special_tokens=list(SPECIAL),
        limit_alphabet=400,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator((plain(text) for text in texts), trainer)
    learned = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    # A letter must be known inside a word as well, or one rare letter makes the whole word unknown.
    pieces = dict.fromkeys([*learned, *(f"##{letter}" for letter in alphabet)])
    return Vocabulary(list(pieces)[:size] if len(pieces) > size else list(pieces))


class Vocabulary:
    """Word pieces, `##` before those that go on a word."""

    def __init__(self, pieces: Sequence[str]) -> None:
        from tokenizers import Tokenizer, models, pre_tokenizers

        self.pieces = list(pieces)
        known = {piece: number for number, piece in enumerate(self.pieces)}
        model = models.WordPiece(known, unk_token=UNKNOWN, max_input_chars_per_word=100_000)
        self._tokenizer: Tokenizer = Tokenizer(model)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    @property
    def size(self) -> int:
        return len(self.pieces)

    def texts(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """The tokens of texts, between those that begin and end one; `longest` counts these two."""
        begin, end = SPECIAL.index(BEGIN), SPECIAL.index(END)
        found = self._tokenizer.encode_batch_fast([plain(text) for text in texts], add_special_tokens=False)
        return [[begin, *encoding.ids[: longest - 2], end] for encoding in found]

    def save(self, path: Path) -> None:
        path.write_text("\n".join(self.pieces) + "\n", encoding="utf-8")


def load(path: Path) -> Vocabulary:
    """A vocabulary saved by `Vocabulary.save`."""
    return Vocabulary(path.read_text(encoding="utf-8").split("\n")[:-1])
