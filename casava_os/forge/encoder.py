"""Trains the network that listens to requests (`model.encoder`), in torch, and writes it down in 8 bits."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from casava_os.forge.net import Muon
from casava_os.forge.readers import UNKNOWN, Lessons, floats
from casava_os.model.encoder import (
    ATTENTIONS,
    CONVOLUTIONS,
    EPSILON,
    HEADS,
    PARTS,
    SLOPES,
    TABLES,
    TAGS,
    WIDTH,
    Matrix,
    Sound,
    shapes,
    sound,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 384
"""Requests in a step."""

MATRIX_RATE, TABLE_RATE = 0.01, 3e-3

GOING_ON = 0.33
"""Of these rates, for numbers that have been learned before."""

LEFT_OUT, WORDS_LEFT_OUT = 0.2, 0.08
"""Share of a word's numbers, and of the words themselves (their letters stay), that are left out each time."""

TAG_WEIGHT = 4.0
"""What a request's words say, on average, counts so many times one of its labels."""

_WARM = 0.02
"""Share of the steps over which the rates rise."""


class Listener(nn.Module):
    """The network of `model.encoder.Encoder`, with the same numbers under the same names."""

    def __init__(self, labels: int, tags: int) -> None:
        super().__init__()
        self.matrices = nn.ParameterDict()
        self.shifts = nn.ParameterDict()
        for name, (rows, columns) in shapes(labels, tags).items():
            spread = 0.5 if name in TABLES else columns**-0.5
            if name.endswith((".out", ".down")):
                spread *= 0.5
            self.matrices[_safe(name)] = nn.Parameter(torch.randn(rows, columns) * spread)
            if name not in TABLES:
                self.shifts[_safe(name)] = nn.Parameter(torch.full((rows,), -4.0 * (name == PARTS)))
        self.register_buffer("slopes", torch.tensor(SLOPES), persistent=False)

    def of(self, name: str, x: Tensor) -> Tensor:
        """A matrix's products, and its shift."""
        return F.linear(x, self.matrices[_safe(name)], self.shifts[_safe(name)])

    def embedded(self, heard: Sequence[Sound]) -> Tensor:
        """What the tables give for distinct words, (words, WIDTH); words are left out while it trains."""
        table, letters = (self.matrices[name] for name in TABLES)
        rows = F.embedding(torch.tensor([one.word for one in heard]), table)
        if self.training:
            rows = rows * (torch.rand(len(heard), 1) >= WORDS_LEFT_OUT)
        counts = torch.tensor([0, *(len(one.letters) for one in heard[:-1])]).cumsum(0)
        spelt = torch.tensor([slot for one in heard for slot in one.letters], dtype=torch.long)
        return rows + F.embedding_bag(spelt, letters, counts, mode="mean")

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Of embedded words (requests, length, WIDTH) the labels' log-odds (requests, labels) and the tags' scores."""
        batch, length, _ = x.shape
        there = torch.arange(length) < lengths[:, None]
        inside = there[..., None].to(x.dtype)
        x = self._some(x) * inside
        for layer in range(CONVOLUTIONS):
            h = F.pad(_norm(x) * inside, (0, 0, 1, 1))
            h = torch.cat((h[:, :-2], h[:, 1:-1], h[:, 2:]), -1)
            x = x + self._some(self.of(f"conv{layer}.out", F.relu(self.of(f"conv{layer}.in", h))))
        places = torch.arange(length)
        falls = -(places[:, None] - places).abs() * self.slopes[:, None, None]
        mask = falls + torch.where(there, 0.0, -1e4)[:, None, None, :]
        for layer in range(ATTENTIONS):
            q, k, v = (
                some.view(batch, length, HEADS, -1).transpose(1, 2)
                for some in self.of(f"attn{layer}.qkv", _norm(x)).chunk(3, -1)
            )
            scores = q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + mask
            mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, -1)
            x = x + self._some(self.of(f"attn{layer}.out", mixed))
            up = F.relu(self.of(f"attn{layer}.up", _norm(x)))
            x = x + self._some(self.of(f"attn{layer}.down", up))
        x = _norm(x)
        most = x.masked_fill(~there[..., None], -1e4).amax(1)
        mean = (x * inside).sum(1) / lengths[:, None]
        return self.of(PARTS, torch.cat((most, mean), -1)), self.of(TAGS, x)

    def _some(self, x: Tensor) -> Tensor:
        return F.dropout(x, LEFT_OUT, self.training)

    def take(self, matrices: Mapping[str, Matrix]) -> None:
        """Takes up the numbers that `written` gave."""
        with torch.no_grad():
            for name, matrix in matrices.items():
                self.matrices[_safe(name)].copy_(torch.tensor(matrix.weights))
                if name not in TABLES:
                    self.shifts[_safe(name)].copy_(torch.tensor(matrix.shift))

    def written(self) -> dict[str, Matrix]:
        """Its numbers in 8 bits."""
        return {
            name: _matrix(
                self.matrices[_safe(name)].detach().numpy(),
                None if name in TABLES else self.shifts[_safe(name)].detach().numpy(),
            )
            for name in map(_named, self.matrices)
        }


def _safe(name: str) -> str:
    return name.replace(".", "_")


def _named(name: str) -> str:
    return name.replace("_", ".")


def _norm(x: Tensor) -> Tensor:
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPSILON)).to(x.dtype)


def _matrix(weights: NDArray[np.float32], shifts: NDArray[np.float32] | None) -> Matrix:
    import numpy as np

    scales = (np.maximum(np.abs(weights).max(1), 1e-9) / 127).astype("<f4")
    return Matrix(
        np.round(weights / scales[:, None]).astype(np.int8).tobytes(),
        floats(scales),
        () if shifts is None else floats(shifts),
    )


def fit(
    lessons: Lessons,
    labels: Sequence[str],
    tags: Sequence[str],
    seed: int,
    rounds: int,
    known: Mapping[str, Matrix] | None = None,
) -> dict[str, Matrix]:
    """The numbers of a network that learned every request `rounds` times, beginning from those that are `known`."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    net = Listener(len(labels), len(tags))
    if known is not None:
        net.take(known)
    inner = [p for name, p in net.matrices.items() if name not in (*TABLES, PARTS, TAGS)]
    outer = [net.matrices[name] for name in (*TABLES, PARTS, TAGS)]
    optimisers = [
        Muon(inner, lr=MATRIX_RATE),
        torch.optim.Adam([*outer, *net.shifts.parameters()], lr=TABLE_RATE, betas=(0.9, 0.98)),
    ]
    share = 1.0 if known is None else GOING_ON
    peaks = [share * optimiser.param_groups[0]["lr"] for optimiser in optimisers]
    heard = [sound(word) for word in lessons.words]
    steps = rounds * -(-len(lessons.ids) // BATCH)
    done, sums = 0, [0.0, 0.0]
    net.train()
    for _ in range(rounds):
        for rows in _batches(lessons, rng):
            rate = min(1.0, (done + 1) / (_WARM * steps)) * (1 - done / max(1, steps))
            for optimiser, peak in zip(optimisers, peaks, strict=True):
                optimiser.param_groups[0]["lr"] = peak * max(rate, 1e-3)
            with torch.autocast("cpu", torch.bfloat16):
                errors = _errors(net, lessons, heard, rows)
            loss = errors[0] + TAG_WEIGHT * errors[1]
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()
            for optimiser in optimisers:
                optimiser.step()
            done += 1
            sums = [total + error.item() for total, error in zip(sums, errors, strict=True)]
            if done % 200 == 0:
                print(
                    f"  step {done} of {steps}: labels {sums[0] / 200:.3f}, tags {sums[1] / 200:.3f}",
                    flush=True,
                )
                sums = [0.0, 0.0]
    return net.written()


def _batches(lessons: Lessons, rng: random.Random) -> Iterator[list[int]]:
    """Places of requests of about one length, in random order."""
    order = list(range(len(lessons.ids)))
    rng.shuffle(order)
    pool = 32 * BATCH
    for begin in range(0, len(order), pool):
        some = sorted(order[begin : begin + pool], key=lambda at: len(lessons.ids[at]))
        groups = [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
        rng.shuffle(groups)
        yield from groups


def _errors(
    net: Listener, lessons: Lessons, heard: Sequence[Sound], rows: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """How wrong the labels are, summed over them, and the tags: each the mean over the requests or their words."""
    import numpy as np

    length = max(len(lessons.ids[row]) for row in rows)
    ids = np.zeros((len(rows), length), np.int64)
    wanted = np.zeros((len(rows), len(net.shifts[PARTS])), np.float32)
    tagged = np.full((len(rows), length), UNKNOWN, np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(lessons.ids[row])] = lessons.ids[row]
        wanted[at, lessons.labels[row]] = 1
        tagged[at, : len(lessons.tags[row])] = lessons.tags[row]
    distinct, places = np.unique(ids, return_inverse=True)
    x = F.embedding(
        torch.from_numpy(places.reshape(ids.shape)), net.embedded([heard[one] for one in distinct])
    )
    lengths = torch.tensor([len(lessons.ids[row]) for row in rows])
    parts, tags = net(x, lengths)
    labels = F.binary_cross_entropy_with_logits(
        parts.float(), torch.from_numpy(wanted), reduction="sum"
    ) / len(rows)
    words = F.cross_entropy(
        tags.float().flatten(0, 1), torch.from_numpy(tagged).flatten(), ignore_index=UNKNOWN
    )
    return labels, words
