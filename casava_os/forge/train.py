"""Trains the network on examples made on the fly, within a time budget.

The learning rate rises briefly, holds, and falls to zero exactly when the budget ends, so a run of any length is
finished. A checkpoint holds everything needed to go on after an interruption, also with a wider synthesizer: only
tokenizer and shape must stay.

A generator process makes the batches; the network uses one thread unless told otherwise
(two on a busy machine are slower than one).
"""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing
import os
import queue
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge import tokenizer as vocabularies
from casava_os.forge.data import Batch, Rows, batches
from casava_os.kernel.compiler.tagged import control_names

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.sharedctypes import Synchronized

    from casava_os.forge.net import Net

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(16 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(512 << 20),
    "MALLOC_ARENA_MAX": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
}
"""Environment under which glibc keeps large blocks: without it a step spends most of its time in page faults."""

ECHO_TOKENS = 600_000
"""Over so many tokens the share of "repeat the request" rows falls from a half to none."""

CHECKPOINT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Settings:
    """One training run. Times in seconds of training, over all resumptions."""

    directory: Path
    texts: tuple[Path, ...]
    seconds: float
    rate: float = 1.0
    """Of both peaks below. Less than 1 for a run that goes on from a checkpoint at which the rate had fallen already."""
    seed: int = 1
    matrix_rate: float = 0.02
    other_rate: float = 4e-3
    hold: float = 0.35
    """Share of the budget before the learning rate begins to fall."""
    device: str = "cpu"
    threads: int = 1
    """Of the network, on a CPU. Two cores gave 1.7 times one, when nothing else ran."""
    people: tuple[Path, ...] = ()
    """JSONL with `request` and `calls` beside the corpus: what `forge people` translated. Not in the repository."""
    dropout: float = 0.1
    """The corpus is read many times over; without it the network learns its lines by heart."""
    width: int = 192
    layers: int = 6
    heads: int = 6
    hidden: int = 512


def read_texts(paths: Sequence[Path]) -> list[str]:
    """Texts of JSONL files with a field `request` or `nl`: their words are used, their meaning is not."""
    texts: list[str] = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                texts.append(str(record.get("request") or record.get("nl") or ""))
    return [text for text in texts if text]


def tune_allocator() -> None:
    """Starts this program again with `ALLOCATOR` in its environment, unless it is there: glibc reads it once."""
    if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
        os.environ.update(ALLOCATOR)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the same program with the same arguments


def budget_at(tokens: int) -> int:
    """Tokens in a batch after so many tokens of training: small early, while every step teaches much."""
    return int(min(3072, max(2048, 2048 + (tokens - 1_500_000) / 3500)))


def _generate(settings: Settings, seed: int, tokens: Synchronized[int], out: Queue[Batch]) -> None:
    """The generator process: batches until it is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from casava_os.forge.mix import Mix

    rng = random.Random(seed)
    vocabulary = vocabularies.load(settings.directory / "tokenizer.json")
    rows = Rows(vocabulary, Mix(settings.people), read_texts(settings.texts), rng)

    def budget() -> int:
        rows.echo = max(0.0, 0.5 * (1 - tokens.value / ECHO_TOKENS))
        return budget_at(tokens.value)

    for batch in batches(iter(rows), budget, rng):
        out.put(batch)


class Feed:
    """Batches from a generator process; `advance` tells it how far training is."""

    def __init__(self, settings: Settings, tokens: int) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._tokens: Synchronized[int] = self._context.Value("q", tokens)
        self.start()

    def start(self) -> None:
        """Starts the generator; one that runs is ended, so that a changed synthesizer and corpus are read."""
        if hasattr(self, "_process"):
            self.close()
        self._queue: Queue[Batch] = self._context.Queue(maxsize=24)
        seed = self._settings.seed * 1_000_003 + self._tokens.value
        arguments = (self._settings, seed, self._tokens, self._queue)
        self._process = self._context.Process(target=_generate, args=arguments, daemon=True)
        self._process.start()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            try:
                yield self._queue.get(timeout=30)
            except queue.Empty:
                if not self._process.is_alive():
                    raise RuntimeError("the generator process died: its traceback is above") from None

    def advance(self, tokens: int) -> None:
        self._tokens.value = tokens

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


def rate_at(progress: float, step: int, hold: float) -> float:
    """Learning rate as a share of its peak: 40 steps up, level until `hold`, then 1 - √x down to zero at 1.

    The shape of the fall is that of Hägele et al. 2024 (arXiv:2405.18392): fast at first, which is where a level rate lost most.
    """
    if progress <= hold:
        return min(1.0, (step + 1) / 40)
    return 1 - math.sqrt(min(1.0, (progress - hold) / (1 - hold)))


def exact(net: Net, batch: Batch, device: str) -> float:
    """Share of rows whose every plan token is the likeliest one of the controls and the batch's own tokens."""
    import torch

    from casava_os.forge.net import prompts_of

    ids = torch.from_numpy(batch.ids).to(device)
    targets = torch.from_numpy(batch.weights > 0).to(device)
    wanted = targets[:, 1:]
    net.eval()
    with torch.no_grad(), torch.autocast(torch.device(device).type, torch.bfloat16):
        logits = net(ids, prompts_of(targets))[:, :-1]
    net.train()
    with torch.no_grad():
        unknown = torch.ones(logits.shape[-1], dtype=torch.bool, device=device)
        unknown[: len(control_names())] = False
        unknown[ids.unique()] = False
        right = logits.masked_fill(unknown, -math.inf).argmax(-1) == ids[:, 1:]
    return float((right | ~wanted).all(1).float().mean())


class Training:
    """A run between its checkpoints: network, optimisers, and how far they are."""

    def __init__(self, settings: Settings) -> None:
        import torch

        from casava_os.forge.net import Net, Shape, optimisers

        self.settings = settings
        self.path = settings.directory / "checkpoint.pt"
        torch.manual_seed(settings.seed)
        size = vocabularies.load(settings.directory / "tokenizer.json").size
        shape = Shape(size, settings.width, settings.layers, settings.heads, settings.hidden)
        state = None
        if self.path.exists():
            state = torch.load(self.path, map_location=settings.device, weights_only=True)
            shape = Shape.kept(state["shape"])
        self.net = Net(shape, settings.dropout).to(settings.device)
        self.optimisers = optimisers(self.net, settings.matrix_rate, settings.other_rate)
        self.step = self.tokens = 0
        self.spent = 0.0
        self.origin, self.origin_tokens = "", 0
        if state is not None:
            self.net.load_state_dict(state["net"])
            if "optimisers" in state:  # not of a model that was taken up again: they begin anew
                for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
                    optimiser.load_state_dict(saved)
            self.step, self.tokens, self.spent = state["step"], state["tokens"], state["spent"]
            self.origin, self.origin_tokens = state.get("origin", ""), state.get("origin_tokens", 0)
            print(f"resumed at step {self.step}, {self.tokens:,} tokens, {self.spent:.0f} s", flush=True)

    def save(self) -> None:
        """Replaces the checkpoint, at no moment leaving half of one."""
        import torch

        state = {
            "net": self.net.state_dict(),
            "shape": self.net.shape.asdict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "tokens": self.tokens,
            "spent": self.spent,
            "origin": self.origin,
            "origin_tokens": self.origin_tokens,
        }
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").replace(self.path)

    def learn(self, batch: Batch) -> float:
        """One step; the batch's loss."""
        import torch

        settings = self.settings
        rate = settings.rate * rate_at(self.spent / settings.seconds, self.step, settings.hold)
        peaks = (settings.matrix_rate, settings.other_rate)
        ids = torch.from_numpy(batch.ids).to(settings.device)
        weights = torch.from_numpy(batch.weights).to(settings.device)
        with torch.autocast(torch.device(settings.device).type, torch.bfloat16):
            loss = self.net.loss(ids, weights, len(control_names()))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for optimiser, peak in zip(self.optimisers, peaks, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step, self.tokens = self.step + 1, self.tokens + batch.tokens
        return float(loss.detach())


def run(settings: Settings) -> None:
    """Trains until the budget ends, or goes on from the checkpoint in the directory.

    SIGTERM saves and stops; SIGHUP reads a changed synthesizer and corpus.
    """
    import torch

    if settings.device == "cpu":
        torch.set_num_threads(settings.threads)
    training = Training(settings)
    feed = Feed(settings, training.tokens)
    stopped: list[int] = []
    changed: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    signal.signal(signal.SIGHUP, lambda number, _: changed.append(number))
    losses: list[float] = []
    try:
        stream = iter(feed)
        first = next(stream)  # to read the corpus takes seconds: they are not of the budget
        last = saved = time.monotonic()
        logged = (last, training.tokens)
        for batch in itertools.chain((first,), stream):
            if training.spent >= settings.seconds or stopped:
                break
            if training.step % 100 == 99:
                share = exact(training.net, batch, settings.device)
                print(f"step {training.step + 1} exact on unseen rows {share:.3f}", flush=True)
            if changed:
                changed.clear()
                feed.start()
                print("reads the synthesizer and the corpus again", flush=True)
            losses.append(training.learn(batch))
            feed.advance(training.tokens)
            now = time.monotonic()
            training.spent, last = training.spent + now - last, now
            if training.step % 25 == 0:
                speed = (training.tokens - logged[1]) / (now - logged[0])
                logged = (now, training.tokens)
                print(
                    f"step {training.step} {training.spent:.0f} s {training.tokens / 1e6:.2f}M tokens "
                    f"{speed:.0f}/s loss {sum(losses) / len(losses):.3f}",
                    flush=True,
                )
                losses.clear()
            if now - saved > CHECKPOINT_SECONDS:
                training.save()
                saved = now
    finally:
        feed.close()
    training.save()
    print(f"saved: {training.step} steps, {training.tokens:,} tokens, {training.spent:.0f} s", flush=True)
