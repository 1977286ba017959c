"""The encoder in torch: BERT as llama.cpp runs it. The teacher is one, too, with other sizes.

Attention is written as product, mask, softmax, product: on a CPU in bf16 that is far faster backwards than the fused one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder."""

    vocabulary: int
    width: int = 256
    layers: int = 3
    heads: int = 8
    hidden: int = 768
    positions: int = 256
    epsilon: float = 1e-12

    def asdict(self) -> dict[str, int | float]:
        return asdict(self)


class Layer(nn.Module):
    """Attention and feed-forward, each followed by a norm (as in BERT)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.attention_norm = nn.LayerNorm(width, eps=shape.epsilon)
        self.up, self.down = nn.Linear(width, shape.hidden), nn.Linear(shape.hidden, width)
        self.output_norm = nn.LayerNorm(width, eps=shape.epsilon)
        with torch.no_grad():
            # A fresh encoder begins as the mean of its words' vectors, which is a fair embedding already.
            for small in (self.o, self.down):
                small.weight.mul_(0.1)
            for linear in (self.q, self.k, self.v, self.o, self.up, self.down):
                linear.bias.zero_()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = x.shape
        weight = torch.cat((self.q.weight, self.k.weight, self.v.weight))
        bias = torch.cat((self.q.bias, self.k.bias, self.v.bias))
        qkv = F.linear(x, weight, bias).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + mask
        mixed = (scores.float().softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(batch, length, width)
        x = self.attention_norm(x + self.o(mixed))
        grown = F.gelu(self.up(x), approximate="tanh")
        return torch.as_tensor(self.output_norm(x + self.down(grown)))


class Encoder(nn.Module):
    """Token ids in, one vector of unit length for each text out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.positions, shape.width)
        self.kind = nn.Parameter(torch.zeros(shape.width))
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        with torch.no_grad():
            self.tokens.weight.normal_(std=0.05)
            self.positions.weight.normal_(std=0.005)

    def forward(self, ids: Tensor, lengths: Tensor, offset: int = 0) -> Tensor:
        """Vectors (texts, width) of token ids (texts, length); the first token stands at position `offset`."""
        places = torch.arange(ids.shape[1], device=ids.device)
        real = places[None, :] < lengths[:, None]
        mask = torch.zeros(real.shape, device=ids.device).masked_fill(~real, -1e4)[:, None, None, :]
        x = self.norm(self.tokens(ids) + self.positions(places + offset) + self.kind)
        if torch.is_autocast_enabled(ids.device.type):
            x, mask = x.bfloat16(), mask.bfloat16()
        for layer in self.layers:
            x = layer(x, mask)
        total = (x.float() * real[:, :, None]).sum(1) / lengths[:, None]
        return F.normalize(total, dim=-1)


def padded(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids (texts, longest) and lengths."""
    lengths = torch.tensor([len(text) for text in texts])
    ids = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    return ids, lengths


def vectors(net: Encoder, texts: Sequence[Sequence[int]], *, tokens: int = 4096) -> Tensor:
    """Vectors of many texts without gradients, in order; about `tokens` at once."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    out = torch.empty(len(texts), net.shape.width)
    at = 0
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        while at < len(order):
            count = 1
            while at + count < len(order) and len(texts[order[at + count]]) * (count + 1) <= tokens:
                count += 1
            rows = order[at : at + count]
            out[rows] = net(*padded([texts[row] for row in rows])).float()
            at += count
    return out
