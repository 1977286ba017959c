"""The forge's commands: synth, tokenizer, train, export, eval."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Makes the kernel model.", no_args_is_help=True, add_completion=False)

Texts = Annotated[
    list[Path],
    typer.Option("--texts", help="JSONL with a field `request` or `nl`: words to learn merges and names from."),
]
Directory = Annotated[Path, typer.Option("--dir", help="Where tokenizer and checkpoint lie.")]


@app.command()
def synth(count: int = 10, seed: int = 1) -> None:
    """Prints synthesized examples, one JSON object a line."""
    from casava_os.forge.synth import sample

    rng = random.Random(seed)
    for _ in range(count):
        example = sample(rng)
        record = {"request": example.request, "calls": example.calls, "family": example.family}
        record |= {"template": example.template, "piped_stdin": example.piped_stdin}
        print(json.dumps(record, ensure_ascii=False))


@app.command()
def tokenizer(directory: Directory, texts: Texts = [], count: int = 30_000, seed: int = 1) -> None:  # noqa: B006
    """Trains the tokenizer on synthesized requests and on texts, and saves it as tokenizer.json."""
    from casava_os.forge import tokenizer as vocabularies
    from casava_os.forge.synth import sample
    from casava_os.forge.train import read_texts

    rng = random.Random(seed)
    requests = [sample(rng).request for _ in range(count)]
    vocabulary = vocabularies.train([*requests, *read_texts(texts)])
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary.save(directory / "tokenizer.json")
    print(f"{vocabulary.size} tokens")


@app.command()
def train(
    directory: Directory,
    minutes: float = 30.0,
    texts: Texts = [],  # noqa: B006
    seed: int = 1,
    device: str = "cpu",
) -> None:
    """Trains, or goes on training from the checkpoint, until so many minutes are spent."""
    from casava_os.forge import train as training

    training.tune_allocator()
    training.run(
        training.Settings(
            directory=directory, texts=tuple(texts), seconds=60 * minutes, seed=seed, device=device
        )
    )
