"""The byte-level BPE of the kernel model: merges inside runs of ASCII letters only.

No merge holds a space, a digit or punctuation. So a word has the same tokens wherever it stands, an argument is a
subsequence of the request's tokens, and copying is copying tokens. The rule also makes the result independent of the
pre-tokenizer that runs it: llama.cpp's `deepseek-coder` never cuts inside a run of letters.

Control tokens (`<|call:file.find|>`, `<|end|>`) come first in the vocabulary, in the ABI's order; no text gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.tagged import Control, Copy, Segment, control_names

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.models import BPE

VOCABULARY = 8192


def control_token(name: str) -> str:
    """How a control token is spelled in the vocabulary."""
    return f"<|{name}|>"


def train(texts: Iterable[str], size: int = VOCABULARY) -> Vocabulary:
    """Learns merges from texts. `size` counts controls, the 256 bytes and merges."""
    from tokenizers import models, pre_tokenizers, trainers

    tokenizer = _around(models.BPE(byte_fallback=False))
    controls = [control_token(name) for name in control_names()]
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=controls,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_letters_only(texts), trainer)
    return Vocabulary(tokenizer)


def of(tokens: Sequence[str], merges: Iterable[tuple[str, str]]) -> Vocabulary:
    """The vocabulary of `Vocabulary.tokens` and `Vocabulary.merges`, as a model file keeps them.

    Raises `ValueError` when it was made for another ABI.
    """
    from tokenizers import AddedToken, models

    known = {token: ident for ident, token in enumerate(tokens)}
    tokenizer = _around(models.BPE(vocab=known, merges=list(merges), byte_fallback=False))
    controls = [control_token(name) for name in control_names()]
    if list(tokens[: len(controls)]) != controls:
        raise ValueError("the tokens were made for another ABI")
    tokenizer.add_special_tokens(
        [AddedToken(control, special=True, normalized=False) for control in controls]
    )
    return Vocabulary(tokenizer)


def _around(model: BPE) -> Tokenizer:
    """The model behind the pre-tokenizer that keeps merges inside runs of letters."""
    from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers

    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("[A-Za-z]+|[^A-Za-z]"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _letters_only(texts: Iterable[str]) -> Iterator[str]:
    """Runs of ASCII letters: nothing else may merge, so nothing else is learned from."""
    for text in texts:
        yield " ".join(re.findall("[A-Za-z]+", text))


class Vocabulary:
    """A trained tokenizer, with the control tokens by name."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # Text that spells a control token stays text: with no added tokens registered the model splits it like any other.
        self.size = int(tokenizer.get_vocab_size())
        known = tokenizer.get_vocab(with_added_tokens=True)
        self.controls = {name: known[control_token(name)] for name in control_names()}
        self._names = {ident: name for name, ident in self.controls.items()}
        tokenizer.encode_special_tokens = True

    def text(self, text: str) -> list[int]:
        """The tokens of a text; never a control token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def texts(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of many texts, faster than one by one."""
        return [list(e.ids) for e in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def prompt(self, request: str, piped_stdin: bool) -> list[int]:
        """`<|request|>` text [`<|stdin|>`] `<|plan|>`."""
        stdin = [self.controls["stdin"]] if piped_stdin else []
        return [self.controls["request"], *self.text(request), *stdin, self.controls["plan"]]

    def plan(self, segments: Iterable[Segment]) -> list[int]:
        """The tokens of a plan in tagged form."""
        ids: list[int] = []
        for segment in segments:
            match segment:
                case Control(name):
                    ids.append(self.controls[name])
                case Copy(text):
                    ids += self.text(text)
        return ids

    def segments(self, ids: Sequence[int]) -> list[Segment]:
        """The tagged form of plan tokens."""
        segments: list[Segment] = []
        run: list[int] = []
        for ident in ids:
            name = self._names.get(ident)
            if name is None:
                run.append(ident)
                continue
            if run:
                segments.append(Copy(self.decode(run)))
                run = []
            segments.append(Control(name))
        return [*segments, Copy(self.decode(run))] if run else segments

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def tokens(self) -> list[str]:
        """Every token's spelling (byte-level characters) by id."""
        vocabulary: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=True)
        return [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]

    def merges(self) -> list[tuple[str, str]]:
        """The merges in order of rank."""
        import json

        found = json.loads(self._tokenizer.to_str())["model"]["merges"]
        return [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in found]

    def save(self, path: Path) -> None:
        self._tokenizer.save(str(path))


def load(path: Path) -> Vocabulary:
    """A vocabulary saved by `Vocabulary.save`. Raises `ValueError` when it was made for another ABI."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    expected = [control_token(name) for name in control_names()]
    if [tokenizer.id_to_token(ident) for ident in range(len(expected))] != expected:
        raise ValueError(f"{path} was made for another ABI: train a new tokenizer")
    return Vocabulary(tokenizer)
