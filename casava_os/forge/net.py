"""The network: a llama-architecture decoder in plain torch, and its optimiser.

RMSNorm, rotary positions on neighbouring pairs (as llama.cpp's `llama` architecture has them), SwiGLU, tied
embeddings. A prompt is read in both directions (a prefix language model: Raffel et al. 2020, section 3.2.1), which llama.cpp
does when causal attention is off for the prompt's batch. Attention is written as matmul, mask, softmax: on a CPU in bfloat16 the fused kernel's backward is slower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network is made of. Widths must be multiples of 32 (the block of Q8_0)."""

    vocabulary: int = 8192
    width: int = 192
    layers: int = 6
    heads: int = 6
    hidden: int = 512
    theta: float = 1000.0
    epsilon: float = 1e-5
    prefix: bool = True
    """The tokens of a prompt see each other in both directions; those of the plan only what stands before them."""

    def asdict(self) -> dict[str, float | bool]:
        return asdict(self)

    @classmethod
    def kept(cls, state: Mapping[str, Any]) -> Shape:
        """The shape that `asdict` gave; one kept before there was a choice reads its prompt forwards only."""
        return cls(**{"prefix": False, **state})


class Norm(nn.Module):
    """RMS normalisation with a gain."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.epsilon) * self.weight).to(
            x.dtype
        )


class Layer(nn.Module):
    """Attention and a gated feed-forward, each behind a norm and added to the stream."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        width, hidden = shape.width, shape.hidden
        self.heads = shape.heads
        self.attention_norm = Norm(width, shape.epsilon)
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.feed_norm = Norm(width, shape.epsilon)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self._mimetic(shape)

    def _mimetic(self, shape: Shape) -> None:
        """Queries begin close to keys, and values undo their projection: attention begins by looking for its like."""
        width, heads = shape.width, shape.heads
        size = width // heads
        with torch.no_grad():
            for layer in (self.gate, self.up):
                nn.init.normal_(layer.weight, std=width**-0.5)
            nn.init.normal_(self.down.weight, std=shape.hidden**-0.5 / math.sqrt(2 * shape.layers))
            for head in range(heads):
                rows = slice(head * size, (head + 1) * size)
                shared = nn.init.orthogonal_(torch.empty(size, width))
                self.q.weight[rows] = 0.8 * shared + 0.3 * torch.randn(size, width) * width**-0.5
                self.k.weight[rows] = 0.8 * shared + 0.3 * torch.randn(size, width) * width**-0.5
            value = nn.init.orthogonal_(torch.empty(width, width))
            self.v.weight.copy_(value)
            self.o.weight.copy_(-0.4 * value.T + 0.2 * torch.randn(width, width) * width**-0.5)

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor, wanted: Tensor | None = None
    ) -> Tensor:
        """The stream after this layer; with `wanted` (batch, length) only at those positions, as (count, width)."""
        batch, length, width = x.shape
        h = self.attention_norm(x)
        # One product for all three: on a CPU a wide product is faster than three narrow ones.
        qkv = F.linear(h, torch.cat((self.q.weight, self.k.weight, self.v.weight)).to(h.dtype))
        qkv = qkv.view(batch, length, 3 * self.heads, width // self.heads).transpose(1, 2)
        q, k = rotate(qkv[:, : 2 * self.heads], cosine, sine).chunk(2, 1)
        v = qkv[:, 2 * self.heads :]
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + mask
        mixed = scores.float().softmax(-1).to(v.dtype) @ v
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        if wanted is not None:
            x, mixed = x[wanted], mixed[wanted]
        x = x + F.dropout(self.o(mixed), self.dropout, self.training)
        h = self.feed_norm(x)
        gate, up = F.linear(h, torch.cat((self.gate.weight, self.up.weight)).to(h.dtype)).chunk(2, -1)
        return x + F.dropout(self.down(F.silu(gate) * up), self.dropout, self.training)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary positions on neighbouring pairs (2i, 2i+1) of the last axis."""
    pairs = x.unflatten(-1, (-1, 2))
    a, b = pairs[..., 0], pairs[..., 1]
    return torch.stack((a * cosine - b * sine, a * sine + b * cosine), -1).flatten(-2)


class Net(nn.Module):
    """The decoder. While it trains, `dropout` of the embedding and of what each sublayer adds to the stream is left out."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        nn.init.normal_(self.embedding.weight, std=shape.width**-0.5)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)

    def features(self, ids: Tensor, prompts: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Hidden states (batch, length, width) after the last norm, of token ids (batch, length).

        `prompts` (batch,) is how many tokens open each row as its prompt. With `wanted` (batch, length), only those:
        (count, width).
        """
        length = ids.shape[1]
        half = self.shape.width // self.shape.heads // 2
        steps = torch.arange(half, device=ids.device, dtype=torch.float32)
        angles = torch.arange(length, device=ids.device)[:, None] * self.shape.theta ** (-steps / half)
        dtype = torch.bfloat16 if torch.is_autocast_enabled(ids.device.type) else torch.float32
        cosine, sine = angles.cos().to(dtype), angles.sin().to(dtype)
        mask = torch.full((length, length), -1e4, device=ids.device, dtype=dtype).triu(1)
        if self.shape.prefix:
            inside = torch.arange(length, device=ids.device) < prompts[:, None]
            mask = mask.masked_fill(inside[:, None, None, :], 0.0)
        x = F.dropout(self.embedding(ids).to(dtype), self.dropout, self.training)
        for layer in self.layers[:-1]:
            x = layer(x, cosine, sine, mask)
        return self.norm(self.layers[-1](x, cosine, sine, mask, wanted))

    def forward(self, ids: Tensor, prompts: Tensor) -> Tensor:
        """Logits (batch, length, vocabulary)."""
        return self.features(ids, prompts) @ self.embedding.weight.T

    def loss(self, ids: Tensor, weights: Tensor, controls: int) -> Tensor:
        """Mean cross entropy of the next token, each target (batch, length) by its weight; 0 leaves it out.

        `controls` is how many control tokens open the vocabulary.
        The vocabulary is a third of the network, so logits are computed only where a target counts, and only against
        the control tokens and the tokens of this batch (those of other rows are the wrong answers to tell apart).
        """
        targets = weights > 0
        before = torch.zeros_like(targets)
        before[:, :-1] = targets[:, 1:]
        states = self.features(ids, prompts_of(targets), before)
        known, places = torch.cat((torch.arange(controls, device=ids.device), ids.flatten())).unique(
            return_inverse=True
        )
        answers = places[controls:].view_as(ids)[targets]
        logits = (states @ self.embedding.weight[known].T.to(states.dtype)).float()
        losses = F.cross_entropy(logits, answers, reduction="none")
        weight = weights[targets]
        return (losses * weight).sum() / weight.sum()


def prompts_of(targets: Tensor) -> Tensor:
    """How many tokens of each row (batch, length) stand before the first target: those of its prompt."""
    return targets.int().argmax(-1)


def orthogonalise(gradients: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration towards the nearest orthogonal matrices (count, rows, columns): the heart of Muon."""
    a, b, c = 3.4445, -4.7750, 2.0315
    X = gradients.bfloat16()
    transposed = X.shape[-2] > X.shape[-1]
    if transposed:
        X = X.mT
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * (A @ A)) @ X
    return (X.mT if transposed else X).to(gradients.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are orthogonalised; for the matrices inside the layers. Equal shapes go in one batch."""

    def __init__(self, parameters: list[nn.Parameter], lr: float = 0.02, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": 0.01})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        del closure
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(parameter.shape, []).append(parameter)
            for parameters in shapes.values():
                moved = []
                for parameter in parameters:
                    state = self.state[parameter]
                    momentum = state.setdefault("momentum", torch.zeros_like(parameter))
                    momentum.lerp_(parameter.grad, 1 - group["momentum"])
                    moved.append(parameter.grad.lerp(momentum, group["momentum"]))
                steps = orthogonalise(torch.stack(moved))
                rows, columns = parameters[0].shape
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                for parameter, step in zip(parameters, steps, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(step, alpha=-rate)


def optimisers(net: Net, matrix_rate: float, other_rate: float) -> tuple[Muon, torch.optim.AdamW]:
    """Muon for the matrices of the layers, AdamW for the embedding and the gains."""
    matrices = [p for name, p in net.named_parameters() if p.ndim == 2 and not name.startswith("embedding")]
    others = [p for name, p in net.named_parameters() if p.ndim < 2 or name.startswith("embedding")]
    return Muon(matrices, lr=matrix_rate), torch.optim.AdamW(
        others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0
    )
