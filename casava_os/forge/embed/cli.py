"""The commands of the embedding model: lesson, train, export, measure; and make, which runs all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Makes the embedding model: what memory tells texts apart by.",
    no_args_is_help=True,
    add_completion=False,
)

Directory = Annotated[Path, typer.Option("--dir", help="Where lesson, vocabulary and checkpoint lie.")]
People = Annotated[list[Path], typer.Option("--people", help="JSONL that `forge people` translated.")]
Pairs = Annotated[
    list[Path], typer.Option("--pairs", help="JSONL with `nl` and `cmd`: requests and commands.")
]
Teacher = Annotated[
    Path | None,
    typer.Option(
        help="Folder of all-MiniLM-L6-v2: model.safetensors and tokenizer.json. Without it, pairs alone teach."
    ),
]
BUILD = Path("build/embed")


@app.command()
def lesson(
    directory: Directory = BUILD,
    teacher: Teacher = None,
    people: People = [],  # noqa: B006
    pairs: Pairs = [],  # noqa: B006
    count: Annotated[int, typer.Option(help="Triples of texts.")] = 120_000,
    asked: Annotated[int, typer.Option(help="Texts that the teacher is asked about.")] = 40_000,
    seed: int = 1,
) -> None:
    """Draws the texts to learn from, asks the teacher about them, and learns the word pieces."""
    import torch

    from casava_os.forge.embed import lesson as lessons
    from casava_os.forge.embed import train as training
    from casava_os.forge.embed import vocabulary as vocabularies

    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    sources = lessons.Sources(tuple(people), tuple(pairs))
    made = lessons.make(sources, teacher, count, asked=asked, seed=seed)
    made.save(directory / "lesson.npz")
    vocabulary = vocabularies.train(made.texts)
    vocabulary.save(directory / "vocabulary.txt")
    print(f"{len(made.texts):,} texts, {len(made.rows):,} triples, {vocabulary.size:,} word pieces")
    if teacher is not None:
        from casava_os.forge.embed.teacher import words

        width = training.Settings(directory, 1).width
        torch.save(words(teacher, vocabulary.pieces, width), directory / "words.pt")


@app.command()
def train(directory: Directory = BUILD, minutes: float = 60.0, seed: int = 1, threads: int = 1) -> None:
    """Trains, or goes on training from the checkpoint, until so many minutes are spent."""
    from casava_os.forge.embed import train as training
    from casava_os.forge.train import tune_allocator

    tune_allocator()
    training.run(training.Settings(directory, 60 * minutes, seed=seed, threads=threads))


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The .gguf file to write.")],
    directory: Directory = BUILD,
    version: str = "local",
) -> None:
    """Writes the model as GGUF and proves that llama.cpp runs the same network with the same tokens."""
    from casava_os.forge.embed import export as exporting
    from casava_os.forge.embed import lesson as lessons

    out.parent.mkdir(parents=True, exist_ok=True)
    exporting.write(directory, out, version)
    texts = lessons.load(directory / "lesson.npz").texts
    equality = exporting.check(directory, out, texts[:: max(1, len(texts) // 500)], texts[:20_000])
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
    for name in equality.__slots__:
        print(f"  {name}: {getattr(equality, name)}")
    if equality.tokenizer_mismatches or equality.least_cosine < exporting.LEAST_COSINE:
        raise typer.Exit(1)


@app.command()
def measure(
    model: Annotated[
        Path | None, typer.Option(help="The GGUF to measure; the one that ships when none is named.")
    ] = None,
    teacher: Teacher = None,
    pairs: Pairs = [],  # noqa: B006
    development: Annotated[bool, typer.Option(help="On the writers that constants are chosen on.")] = False,
) -> None:
    """Prints how often a request is found again that was made in other words, beside the baselines."""
    from casava_os.forge.embed import scores

    scores.report(model, teacher, pairs, development=development)


@app.command()
def make(
    directory: Directory = BUILD,
    teacher: Teacher = None,
    people: People = [],  # noqa: B006
    pairs: Pairs = [],  # noqa: B006
    minutes: float = 60.0,
    version: str = "local",
    seed: int = 1,
    threads: int = 1,
) -> None:
    """Makes a model from nothing. What is there already is not made again: after an interruption the same command goes on."""
    from casava_os.forge.train import tune_allocator

    tune_allocator()
    if not (directory / "vocabulary.txt").exists():
        lesson(directory, teacher, people, pairs, seed=seed)
    train(directory, minutes, seed, threads)
    out = directory / f"casava-embed-{version}.gguf"
    export(out, directory, version)
    measure(out, teacher, pairs)
