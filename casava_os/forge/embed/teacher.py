"""The teacher: all-MiniLM-L6-v2, from its folder of `model.safetensors` and `tokenizer.json`. It teaches, and is not shipped.

(Wang et al. 2020, MiniLM, arXiv:2002.10957; Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084; Apache-2.0.)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from casava_os.forge.embed.net import Encoder, Shape, vectors

if TYPE_CHECKING:
    from torch import Tensor

_NAMES = {
    "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v",
    "attention.output.dense": "o", "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "up", "output.dense": "down", "output.LayerNorm": "output_norm",
}  # fmt: skip

LONGEST = 128
"""Tokens; what the teacher was trained on."""


class Teacher:
    """Makes the vectors that ours are to be like."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        self.net = _read(folder / "model.safetensors")

    @property
    def width(self) -> int:
        return self.net.shape.width

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Vectors of unit length (texts, width)."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        return vectors(self.net, tokens)


def _read(path: Path) -> Encoder:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])

    def tensor(name: str) -> Tensor:
        entry = header[name]
        start, end = entry["data_offsets"]
        raw = bytearray(data[8 + size + start : 8 + size + end])
        return torch.frombuffer(raw, dtype=torch.float32).view(entry["shape"])

    words = tensor("embeddings.word_embeddings.weight")
    layers = 1 + max(int(name.split(".")[2]) for name in header if name.startswith("encoder.layer."))
    hidden = header["encoder.layer.0.intermediate.dense.bias"]["shape"][0]
    positions = tensor("embeddings.position_embeddings.weight")
    width = words.shape[1]
    net = Encoder(Shape(words.shape[0], width, layers, width // 32, hidden, positions.shape[0]))
    state = {
        "tokens.weight": words,
        "positions.weight": positions,
        "kind": tensor("embeddings.token_type_embeddings.weight")[0],
        "norm.weight": tensor("embeddings.LayerNorm.weight"),
        "norm.bias": tensor("embeddings.LayerNorm.bias"),
    }
    for layer in range(layers):
        for theirs, ours in _NAMES.items():
            for part in ("weight", "bias"):
                state[f"layers.{layer}.{ours}.{part}"] = tensor(f"encoder.layer.{layer}.{theirs}.{part}")
    net.load_state_dict(state)
    return net.eval()


def words(folder: Path, pieces: Sequence[str], width: int) -> Tensor:
    """What the teacher makes of each word piece alone, in its `width` main directions: where our vectors of pieces begin."""
    found = Teacher(folder).vectors([piece.removeprefix("##") for piece in pieces])
    found = found - found.mean(0)
    _, _, directions = torch.linalg.svd(found, full_matrices=False)
    inside = found @ directions[:width].T
    return torch.as_tensor(inside / inside.std() * 0.05)
