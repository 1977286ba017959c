"""Writes the encoder as a GGUF file that llama.cpp runs, and proves that it is the same model with the same tokens.

Matrices are stored as Q8_0, the rest as 32-bit floats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge.embed import vocabulary as vocabularies
from casava_os.forge.embed.vocabulary import BEGIN, END, MASKED, PADDING, SPECIAL, UNKNOWN
from casava_os.memory.embedding import PLAIN_KEY, GgufEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from casava_os.forge.embed.net import Encoder

LEAST_COSINE = 0.999
"""Between a text's vector in llama.cpp and in torch: below, something else than rounding differs."""

_LAYER = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "attention_norm": "attn_output_norm",
    "up": "ffn_up", "down": "ffn_down", "output_norm": "layer_output_norm",
}  # fmt: skip


def write(directory: Path, out: Path, version: str) -> None:
    """Writes `out` from the checkpoint and vocabulary in `directory`; a file of that name is replaced in one go."""
    import gguf

    from casava_os.forge.embed.train import load_net

    net, figures = load_net(directory / "checkpoint.pt")
    vocabulary = vocabularies.load(directory / "vocabulary.txt")
    shape = net.shape
    beside = out.with_name(out.name + ".new")
    writer = gguf.GGUFWriter(str(beside), "bert")
    writer.add_name("casava-embed")
    writer.add_version(version)
    writer.add_license("apache-2.0")
    writer.add_context_length(shape.positions)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_layer_norm_eps(shape.epsilon)
    writer.add_causal_attention(value=False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_vocab_size(vocabulary.size)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([_spelled(piece) for piece in vocabulary.pieces])
    writer.add_token_types(
        [
            gguf.TokenType.UNKNOWN if piece == UNKNOWN
            else gguf.TokenType.CONTROL if piece in SPECIAL
            else gguf.TokenType.NORMAL
            for piece in vocabulary.pieces
        ]
    )  # fmt: skip
    writer.add_token_type_count(1)
    writer.add_bos_token_id(SPECIAL.index(BEGIN))
    writer.add_eos_token_id(SPECIAL.index(END))
    writer.add_sep_token_id(SPECIAL.index(END))
    writer.add_unk_token_id(SPECIAL.index(UNKNOWN))
    writer.add_pad_token_id(SPECIAL.index(PADDING))
    writer.add_mask_token_id(SPECIAL.index(MASKED))
    writer.add_string(PLAIN_KEY, "plain")
    writer.add_uint64("casava.trained_texts", int(figures["texts"]))
    digest = hashlib.sha256()
    for name, tensor, rounded in _tensors(net):
        kind = gguf.GGMLQuantizationType.Q8_0 if rounded else gguf.GGMLQuantizationType.F32
        data = gguf.quants.quantize(tensor, kind)
        digest.update(name.encode() + data.tobytes())
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.add_string("casava.tensors", digest.hexdigest())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    beside.replace(out)


def _spelled(piece: str) -> str:
    """A word piece in GGUF's way: a mark before what begins a word instead of one before what goes on."""
    if piece in SPECIAL:
        return piece
    return piece[2:] if piece.startswith("##") else "\u2581" + piece


def _tensors(net: Encoder) -> Iterator[tuple[str, NDArray[np.float32], bool]]:
    """Every tensor by llama.cpp's name, and whether it is stored as Q8_0."""
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    yield "token_embd.weight", state["tokens.weight"], True
    yield "position_embd.weight", state["positions.weight"], False
    yield "token_types.weight", state["kind"][None], False
    for part in ("weight", "bias"):
        yield f"token_embd_norm.{part}", state[f"norm.{part}"], False
        for index in range(net.shape.layers):
            for ours, theirs in _LAYER.items():
                rounded = part == "weight" and not ours.endswith("norm")
                yield f"blk.{index}.{theirs}.{part}", state[f"layers.{index}.{ours}.{part}"], rounded


@dataclass(frozen=True, slots=True)
class Equality:
    """How close llama.cpp's model is to torch's with unrounded matrices."""

    texts: int
    least_cosine: float
    mean_cosine: float
    strings: int
    tokenizer_mismatches: int


def check(directory: Path, path: Path, texts: Sequence[str], strings: Sequence[str]) -> Equality:
    """Compares vectors of texts, and tokens of strings."""
    import numpy as np
    import torch

    from casava_os.forge.embed.net import padded
    from casava_os.forge.embed.train import load_net

    net, _ = load_net(directory / "checkpoint.pt")
    vocabulary = vocabularies.load(directory / "vocabulary.txt")
    embedder = GgufEmbedder(path)
    try:
        cut = vocabulary.texts(strings, 10**9)
        mismatches = sum(embedder.tokenize(text) != ours for text, ours in zip(strings, cut, strict=True))
        short = [text for text in texts if len(vocabulary.texts([text], 10**9)[0]) <= net.shape.positions]
        theirs = np.array(embedder.embed(short))
        with torch.no_grad():
            ours = np.concatenate(
                [net(*padded(vocabulary.texts([text], net.shape.positions))).numpy() for text in short]
            )
    finally:
        embedder.close()
    cosines = (ours * theirs).sum(1)
    return Equality(len(short), float(cosines.min()), float(cosines.mean()), len(strings), mismatches)
