"""Trains the embedding model within a time budget: pairs that mean the same draw together, and the teacher's vectors lead.

Three losses. *Ranking* (Henderson et al. 2017, arXiv:1705.00652): among all texts of the batch the paraphrase is the nearest.
*Vectors*: a linear map of ours is the teacher's. *Likeness*: the cosines within a batch are the teacher's. The last two say
what the first cannot: how near texts are that are no paraphrases.
"""

from __future__ import annotations

import math
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from casava_os.forge.embed import lesson as lessons
from casava_os.forge.embed import vocabulary as vocabularies
from casava_os.forge.embed.net import Encoder, Shape, padded
from casava_os.forge.net import Muon
from casava_os.forge.train import CHECKPOINT_SECONDS, rate_at

if TYPE_CHECKING:
    from casava_os.forge.embed.lesson import Lesson

LONGEST = 48
"""Tokens of a text in training; longer ones are cut."""

TEMPERATURE = 0.05
"""Of the ranking. The value of Sentence-BERT's multiple-negatives ranking (scale 20)."""

VECTORS, LIKENESS = 4.0, 8.0
"""Weights of the other two losses beside the ranking."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One training run. Seconds are of training, over all resumptions."""

    directory: Path
    """Has `lesson.npz`, `vocabulary.txt` and perhaps `words.pt` (`teacher.words`); gets `checkpoint.pt`."""
    seconds: float
    seed: int = 1
    rows: int = 128
    """Pairs in a batch."""
    more: int = 96
    """Texts in a batch that only the teacher speaks of."""
    matrix_rate: float = 0.01
    other_rate: float = 2e-3
    hold: float = 0.3
    width: int = 256
    layers: int = 3
    heads: int = 8
    hidden: int = 768
    threads: int = 1


def load_net(checkpoint: Path) -> tuple[Encoder, dict[str, float]]:
    """The encoder of a checkpoint, in 32-bit floats, and its figures (step, texts, spent seconds)."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = Encoder(Shape(**state["shape"]))
    net.load_state_dict(state["net"])
    return net.float().eval(), {key: state[key] for key in ("step", "texts", "spent")}


class Training:
    """A run between its checkpoints."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.directory / "checkpoint.pt"
        self.lesson: Lesson = lessons.load(settings.directory / "lesson.npz")
        vocabulary = vocabularies.load(settings.directory / "vocabulary.txt")
        self.tokens = vocabulary.texts(self.lesson.texts, LONGEST)
        torch.manual_seed(settings.seed)
        shape = Shape(vocabulary.size, settings.width, settings.layers, settings.heads, settings.hidden)
        self.net = Encoder(shape)
        words = settings.directory / "words.pt"
        if words.exists():
            self.net.tokens.weight.data.copy_(torch.load(words, weights_only=True))
        self.map = nn.Linear(shape.width, self.lesson.taught.shape[1], bias=False)
        matrices = [p for name, p in self.net.named_parameters() if p.ndim == 2 and name.startswith("layers")]
        own = {id(p) for p in matrices}
        others = [p for p in [*self.net.parameters(), *self.map.parameters()] if id(p) not in own]
        self.optimisers = (
            Muon(matrices, lr=settings.matrix_rate),
            torch.optim.AdamW(others, lr=settings.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
        )
        self.step = self.texts = 0
        self.spent = 0.0
        if self.path.exists():
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            self.net.load_state_dict(state["net"])
            self.map.load_state_dict(state["map"])
            for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
            self.step, self.texts, self.spent = state["step"], state["texts"], state["spent"]
            print(f"resumed at step {self.step}, {self.texts:,} texts, {self.spent:.0f} s", flush=True)
        self.rng = random.Random(settings.seed * 1_000_003 + self.step)
        self._rows = self._draw(len(self.lesson.rows))
        self._alone = self._draw_alone()

    def _draw(self, count: int) -> Iterator[int]:
        """Numbers below `count`, each once before any comes again."""
        while True:
            order = list(range(count))
            self.rng.shuffle(order)
            yield from order

    def _draw_alone(self) -> Iterator[int]:
        known = [int(number) for number in self.lesson.known.nonzero()[0]]
        return (known[number] for number in self._draw(len(known))) if known else iter(())

    def save(self) -> None:
        """Replaces the checkpoint, at no moment leaving half of one."""
        state = {
            "net": self.net.state_dict(),
            "map": self.map.state_dict(),
            "shape": self.net.shape.asdict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "texts": self.texts,
            "spent": self.spent,
        }
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").replace(self.path)

    def vectors(self, numbers: list[int]) -> Tensor:
        """Vectors of texts of the lesson, with gradients; texts of like length go together."""
        order = sorted(range(len(numbers)), key=lambda row: len(self.tokens[numbers[row]]))
        parts: list[Tensor] = []
        for start in range(0, len(order), 64):
            part = [self.tokens[numbers[row]] for row in order[start : start + 64]]
            ids, lengths = padded(part)
            # Texts that begin later teach the positions that few texts are long enough to reach.
            room = self.net.shape.positions - ids.shape[1]
            offset = self.rng.randint(0, room) if self.rng.random() < 0.2 else 0
            with torch.autocast("cpu", torch.bfloat16):
                parts.append(self.net(ids, lengths, offset))
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(parts)[back]

    def learn(self) -> tuple[float, float, float]:
        """One step; the three losses."""
        settings, lesson = self.settings, self.lesson
        chosen = [next(self._rows) for _ in range(settings.rows)]
        rows = torch.from_numpy(lesson.rows[chosen])
        meanings = torch.from_numpy(lesson.meanings[chosen])
        negatives = [int(n) for n in rows[:, 2] if n >= 0]
        alone = [number for _, number in zip(range(settings.more), self._alone, strict=False)]
        numbers = [*rows[:, 0].tolist(), *rows[:, 1].tolist(), *negatives, *alone]
        found = self.vectors(numbers)
        count = len(rows)
        ranking = _ranking(
            found[:count], found[count : 2 * count], found[2 * count : 2 * count + len(negatives)], meanings
        )
        loss = ranking
        vectors = likeness = torch.zeros(())
        known = torch.from_numpy(lesson.known[numbers])
        # A paraphrase is to lie where the teacher puts what it is a paraphrase of.
        as_taught = torch.tensor([*numbers[:count], *numbers[:count], *numbers[2 * count :]])
        known[count : 2 * count] = known[:count]
        if bool(known.any()):
            taught = torch.from_numpy(lesson.taught[as_taught[known].numpy()]).float()
            ours = found[known]
            vectors = (1 - (F.normalize(self.map(ours), dim=-1) * taught).sum(-1)).mean()
            likeness = F.mse_loss(ours @ ours.T, taught @ taught.T)
            loss = loss + VECTORS * vectors + LIKENESS * likeness
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        rate = rate_at(self.spent / settings.seconds, self.step, settings.hold)
        for optimiser, peak in zip(self.optimisers, (settings.matrix_rate, settings.other_rate), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step, self.texts = self.step + 1, self.texts + len(numbers)
        return float(ranking.detach()), float(vectors.detach()), float(likeness.detach())


def _ranking(anchors: Tensor, positives: Tensor, negatives: Tensor, meanings: Tensor) -> Tensor:
    """Cross entropy of the right partner, both ways; texts that mean the same are no wrong answers."""
    same = meanings[:, None] == meanings[None, :]
    same.fill_diagonal_(False)
    forth = anchors @ torch.cat((positives, negatives)).T / TEMPERATURE
    forth = forth.masked_fill(F.pad(same, (0, len(negatives))), -math.inf)
    back = (positives @ anchors.T / TEMPERATURE).masked_fill(same, -math.inf)
    right = torch.arange(len(anchors))
    return (F.cross_entropy(forth, right) + F.cross_entropy(back, right)) / 2


def run(settings: Settings) -> None:
    """Trains until the budget ends, or goes on from the checkpoint. SIGTERM saves and stops."""
    torch.set_num_threads(settings.threads)
    training = Training(settings)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    saved = last = time.monotonic()
    sums = [0.0, 0.0, 0.0]
    while training.spent < settings.seconds and not stopped:
        for place, value in enumerate(training.learn()):
            sums[place] += value
        now = time.monotonic()
        training.spent, last = training.spent + now - last, now
        if training.step % 25 == 0:
            ranking, vectors, likeness = (total / 25 for total in sums)
            sums = [0.0, 0.0, 0.0]
            print(
                f"step {training.step} {training.spent:.0f} s {training.texts / 1e3:.0f}k texts"
                f" ranking {ranking:.3f} vectors {vectors:.3f} likeness {likeness:.4f}",
                flush=True,
            )
        if now - saved > CHECKPOINT_SECONDS:
            training.save()
            saved = now
    training.save()
    print(f"saved: {training.step} steps, {training.texts:,} texts, {training.spent:.0f} s", flush=True)
