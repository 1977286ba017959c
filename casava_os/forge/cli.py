"""The forge's commands: synth, people, tokenizer, take-up, train, reader, calibrate, eval, prove, card; and make for all."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from casava_os.forge.embed import cli as embed

if TYPE_CHECKING:
    from casava_os.forge.export import Worked
    from casava_os.forge.synth import Example

app = typer.Typer(help="Makes the kernel model.", no_args_is_help=True, add_completion=False)
app.add_typer(embed.app, name="embed")

Texts = Annotated[
    list[Path],
    typer.Option(
        "--texts", help="JSONL with a field `request` or `nl`: words to learn merges and names from."
    ),
]
Directory = Annotated[Path, typer.Option("--dir", help="Where tokenizer and checkpoint lie.")]


def _worked(examples: Sequence[Example]) -> list[Worked]:
    from casava_os.kernel.compiler.tagged import SurfaceCall, encode

    return [(example.request, encode(cast("list[SurfaceCall]", example.calls))) for example in examples]


@app.command()
def synth(count: int = 10, seed: int = 1) -> None:
    """Prints synthesized examples, one JSON object a line."""
    from casava_os.forge.synth import sample

    rng = random.Random(seed)
    for _ in range(count):
        example = sample(rng)
        print(json.dumps(asdict(example), ensure_ascii=False))


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
def people(
    pairs: Annotated[
        Path, typer.Argument(help="JSONL with `nl` and `cmd`: requests and their bash commands.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The JSONL file of requests and calls to write.")],
    held_out: Annotated[
        float, typer.Option("--held-out", help="Share of the requests that goes to held_out.jsonl beside it.")
    ] = 0.0,
    refusals: Annotated[
        Path | None, typer.Option(help="JSONL to write for requests that no call can answer.")
    ] = None,
    threads: int = 1,
    reasons: Annotated[int, typer.Option(help="How many reasons of each kind to print.")] = 25,
) -> None:
    """Translates bash commands into plans, proves each by running both in a jail, and prints what became of all."""
    from casava_os.forge.people import report

    print(report.run(pairs, out, held_out, pairs.parent.name, threads, refusals).table(reasons))


@app.command(name="take-up")
def take_up(
    model: Annotated[Path, typer.Argument(help="The .gguf file of a model made here.")], directory: Directory
) -> None:
    """Lays a finished model's tokenizer and weights into a directory, for `train` to go on from them."""
    from casava_os.forge import export as exporting

    directory.mkdir(parents=True, exist_ok=True)
    if (directory / "checkpoint.pt").exists():
        typer.echo(
            f"error: {directory} holds a training run\n  It would be written over.\n  → Name another --dir.",
            err=True,
        )
        raise typer.Exit(2)
    try:
        exporting.take_up(model, directory)
    except ValueError as problem:
        typer.echo(
            f"error: This model cannot be taken up\n  {problem}\n  → Name a .gguf file that the forge exported.",
            err=True,
        )
        raise typer.Exit(7) from None
    print(f"{model} is taken up in {directory}; `forge train --dir {directory}` goes on from it")


@app.command()
def train(
    directory: Directory,
    minutes: float = 30.0,
    texts: Texts = [],  # noqa: B006
    seed: int = 1,
    device: str = "cpu",
    threads: int = 1,
    people: Annotated[list[Path], typer.Option("--people", help="JSONL that `people` translated.")] = [],  # noqa: B006
    width: int = 192,
    layers: int = 6,
    heads: int = 6,
    hidden: int = 512,
    hold: Annotated[float, typer.Option(help="Share of the minutes before the learning rate falls.")] = 0.35,
    rate: Annotated[
        float, typer.Option(help="Learning rate to begin with, as a share of the usual one.")
    ] = 1.0,
) -> None:
    """Trains, or goes on training from the checkpoint, until so many minutes are spent."""
    from casava_os.forge import train as training

    training.tune_allocator()
    training.run(
        training.Settings(
            directory=directory,
            texts=tuple(texts),
            seconds=60 * minutes,
            rate=rate,
            seed=seed,
            device=device,
            threads=threads,
            people=tuple(people),
            width=width,
            layers=layers,
            heads=heads,
            hidden=hidden,
            hold=hold,
        )
    )


@app.command()
def reader(
    directory: Directory,
    texts: Texts = [],  # noqa: B006
    people: Annotated[list[Path], typer.Option("--people", help="JSONL that `people` translated.")] = [],  # noqa: B006
    count: Annotated[int, typer.Option(help="Requests that it learns from.")] = 3_000_000,
    seed: int = 11,
    threads: int = 1,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Teach the one that is there more requests, not a new one.")
    ] = False,
) -> None:
    """Trains what reads a request apart from the network, and saves it as reader.npz."""
    from casava_os.forge import readers
    from casava_os.forge.train import read_texts

    path = directory / readers.READER
    known = readers.load(path) if go_on else None
    if go_on and known is None:
        print(f"There is no {path} to go on from: leave --go-on out")
        raise typer.Exit(2)
    found = readers.gather(people, read_texts(texts), count, seed, threads)
    readers.save(path, readers.fit(found, seed, known=known))


@app.command()
def calibrate(
    directory: Directory,
    out: Annotated[Path, typer.Option("--out", help="The .gguf file to write.")],
    version: str = "1",
    lines: Annotated[
        int, typer.Option(help="Of the lines kept out of training, use so many at most.")
    ] = 100_000,
) -> None:
    """Exports a trained model with what it weighs its plans by and how sure it is, fitted on lines nobody trains on."""
    from casava_os.forge import evaluate as judging
    from casava_os.forge import export as exporting
    from casava_os.forge import weighing
    from casava_os.model import gguf_file
    from casava_os.model.llama import LlamaModel
    from casava_syscalls.registry import SYSCALLS
    from casava_syscalls.results import Err

    (directory / weighing.WEIGHTS).unlink(missing_ok=True)
    exporting.write(directory, out, version, 1.0, 0.0, "not measured")
    checked = gguf_file.read(out)
    if isinstance(checked, Err):
        print(checked)
        raise typer.Exit(7)
    items = list(islice(judging.kept_out(), lines))
    model = LlamaModel(checked.value)
    kept = judging.evaluate(model, items, frozenset(SYSCALLS))["all"].outcomes
    model.close()
    slope, offset = judging.calibrate(kept)
    basis = f"{len(kept)} hand-worded requests that nobody trains on"
    if (read := weighing.read_by(directory)) is None:
        print("plans are not weighed: `forge reader` makes what reads requests for it")
    else:
        known = replace(checked.value, slope=slope, offset=offset)
        cases = weighing.gather(known, read, items, frozenset(SYSCALLS))
        print(weighing.tried(cases))
        weighing.save(directory, weighing.fit(cases, read))
    export(directory, out, version, slope, offset, basis)


@app.command()
def export(
    directory: Directory,
    out: Annotated[Path, typer.Option("--out", help="The .gguf file to write.")],
    version: str = "1",
    slope: float = 1.0,
    offset: float = 0.0,
    basis: str = "not measured",
    texts: Texts = [],  # noqa: B006
) -> None:
    """Writes the model as GGUF and proves that llama.cpp runs the same network with the same tokens."""
    from casava_os.forge import export as exporting
    from casava_os.forge.synth import sample
    from casava_os.forge.train import read_texts

    exporting.write(directory, out, version, slope, offset, basis)
    rng = random.Random(99)
    examples = [sample(rng) for _ in range(5000)]
    requests = [example.request for example in examples]
    equality = exporting.check(directory, out, _worked(examples[:200]), [*requests, *read_texts(texts)])
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")
    for name in equality.__slots__:
        print(f"  {name}: {getattr(equality, name)}")
    if equality.tokenizer_mismatches or equality.same_argmax < 0.97:
        raise typer.Exit(1)


@app.command()
def make(
    directory: Directory = Path("build/model"),
    minutes: float = 60.0,
    version: str = "local",
    pairs: Annotated[
        list[Path], typer.Option("--pairs", help="JSONL with `nl` and `cmd`, translated and taught as well.")
    ] = [],  # noqa: B006
    texts: Texts = [],  # noqa: B006
    seed: int = 1,
    device: str = "cpu",
    threads: int = 1,
    width: int = 256,
    layers: int = 8,
    heads: int = 8,
    hidden: int = 704,
    benign: Annotated[int, typer.Option(help="Requests of the proof that ask for no delete.")] = 100_000,
    sampled: Annotated[int, typer.Option(help="Sampled outputs of the proof.")] = 100_000,
    told: Annotated[int, typer.Option(help="Sentences of the proof that ask for nothing.")] = 100_000,
    count: Annotated[int, typer.Option(help="Synthetic requests of the card.")] = 2000,
    reader_count: Annotated[
        int, typer.Option(help="Requests that each of the reader's voices learns from.")
    ] = 1_000_000,
    calibration_lines: Annotated[
        int, typer.Option(help="Of the lines kept out of training, calibrate on so many at most.")
    ] = 100_000,
) -> None:
    """Makes a model from nothing: translate, tokenize, train, calibrate, export, prove, and write its card.

    What is there already is not made again: after an interruption the same command goes on.
    """
    from casava_os.forge import corpus
    from casava_os.forge import evaluate as judging
    from casava_os.forge import train as training
    from casava_os.forge.people import report
    from casava_os.forge.synth import coverage

    try:
        coverage.assert_complete()
    except ValueError as gap:
        print(f"The synthesizer does not say all that the ABI can do: {gap}")
        raise typer.Exit(7) from gap
    training.tune_allocator()
    directory.mkdir(parents=True, exist_ok=True)
    people_files, held_files = [], []
    for number, path in enumerate(pairs):
        made = directory / f"people{number}" / "train.jsonl"
        if not made.exists():
            made.parent.mkdir(exist_ok=True)
            print(report.run(path, made, 0.1, path.parent.name, threads, None).table(5))
        people_files.append(made)
        held_files.append(made.with_name("held_out.jsonl"))
    written = sorted(Path(corpus.__file__).parent.glob("*.jsonl"))
    if not (directory / "tokenizer.json").exists():
        tokenizer(directory, [*texts, *pairs, *written], seed=seed)
    train(
        directory, minutes, [*texts, *pairs, *written], seed, device, threads, people_files,
        width, layers, heads, hidden, hold=0.15,
    )  # fmt: skip
    reader(directory, [*texts, *pairs, *written], people_files, reader_count, threads=threads)
    out = directory / f"casava-smol-{version}.gguf"
    calibrate(directory, out, version, calibration_lines)
    blind = sorted((Path(judging.__file__).parent / "held_out").glob("*.jsonl"))
    card(directory, out, directory / "README.md", [*blind, *held_files], count, people=people_files)
    print(f"{out} and its card are made; `casava-os run --model {out}` uses it")
    prove(str(out), benign, sampled, told)


@app.command(name="eval")
def evaluate(
    model: Annotated[str, typer.Argument(help="A name or a .gguf file.")] = "casava-smol",
    files: Annotated[list[Path], typer.Option("--file", help="JSONL of hand-written requests.")] = [],  # noqa: B006
    count: int = 1000,
    seed: int = 4_000_000,
    wrong: Annotated[int, typer.Option(help="How many wrong answers to show.")] = 0,
    kept_out: Annotated[
        bool, typer.Option("--kept-out", help="Also the lines of the corpus that nobody trains on.")
    ] = False,
    writers: Annotated[list[str], typer.Option("--writer", help="Of those lines only this writer's.")] = [],  # noqa: B006
    known: Annotated[
        int, typer.Option(help="Synthetic requests whose words count as seen; 0: no such split.")
    ] = 60_000,
) -> None:
    """Scores on fresh synthetic requests and on hand-written ones."""
    from casava_os.forge import evaluate as judging
    from casava_os.forge.synth import sample
    from casava_os.kernel.compiler.compile import Certainty
    from casava_os.model import load
    from casava_syscalls.registry import SYSCALLS
    from casava_syscalls.results import Err

    loaded = load(model)
    if isinstance(loaded, Err):
        print(loaded)
        raise typer.Exit(7)
    sources = {"fresh synthetic": judging.fresh(sample, count, seed)} if count else {}
    sources |= {path.name: judging.written(path) for path in files}
    if kept_out:
        sources["kept out of training"] = judging.kept_out(writers)
    seen = judging.words_of_training(known) if known else None
    for name, items in sources.items():
        scores = judging.evaluate(loaded.value, items, frozenset(SYSCALLS), seen)
        outcomes = scores["all"].outcomes
        times = sorted(outcome.seconds for outcome in outcomes)
        print(f"\n== {name}\n{judging.table(scores)}\n\n{judging.risk_coverage(outcomes)}")
        print(f"the model alone {judging.declining(outcomes)}")
        print(f"as the kernel   {judging.declining(outcomes, Certainty())}")
        print(
            f"compile: median {1e3 * times[len(times) // 2]:.1f} ms, p95 {1e3 * times[int(0.95 * len(times))]:.1f} ms"
        )
        for outcome in [outcome for outcome in outcomes if not outcome.exact][:wrong]:
            print(f"  {outcome.confidence:.2f} {outcome.item.request!r}\n       {outcome.answer}")


@app.command()
def prove(
    model: Annotated[str, typer.Argument(help="A name or a .gguf file.")] = "casava-smol",
    benign: Annotated[int, typer.Option(help="Requests that ask for no delete.")] = 100_000,
    sampled: Annotated[int, typer.Option(help="Outputs drawn at a high temperature.")] = 100_000,
    told: Annotated[int, typer.Option(help="Sentences that ask for nothing, at most.")] = 100_000,
    seed: int = 8_000_000,
) -> None:
    """Tries what must never happen: deletes that nobody asked for, outputs that are no plan, arguments from nowhere."""
    from casava_os.forge import prove as proving
    from casava_os.model import load
    from casava_os.model.llama import LlamaModel
    from casava_syscalls.results import Err

    loaded = load(model)
    if isinstance(loaded, Err) or not isinstance(loaded.value, LlamaModel):
        print(loaded if isinstance(loaded, Err) else "only our own models can be sampled")
        raise typer.Exit(7)
    trials = {
        "benign requests": proving.benign(loaded.value, benign, seed),
        "sentences that ask for nothing": proving.told(loaded.value, told),
        f"sampled at temperature {proving.TEMPERATURE}": proving.sampled(
            loaded.value, sampled, seed + 1_000_000
        ),
    }
    for name, trial in trials.items():
        print(f"{name}: {trial.row()}")
        for line in trial.shown:
            print(f"  {line}")
    if any(trial.failed for trial in trials.values()):
        raise typer.Exit(1)


@app.command()
def card(
    directory: Directory,
    model: Annotated[Path, typer.Argument(help="The exported .gguf file.")],
    out: Annotated[Path, typer.Option("--out", help="The Markdown file to write.")],
    files: Annotated[list[Path], typer.Option("--file", help="JSONL of hand-written requests.")] = [],  # noqa: B006
    count: int = 2000,
    seed: int = 5_000_000,
    people: Annotated[
        list[Path], typer.Option("--people", help="JSONL that it was trained on as well.")
    ] = [],  # noqa: B006
    proof: Annotated[Path | None, typer.Option(help="What `prove` printed.")] = None,
    late: Annotated[
        list[str], typer.Option("--late", help="A writer whose lines came when the network had been trained.")
    ] = [],  # noqa: B006
    seeds: Annotated[
        str, typer.Option(help="How many were tried, and what follows.")
    ] = "one seed, so differences of a point or two mean nothing",
) -> None:
    """Measures the exported model and writes its card."""
    from casava_os.forge import card as cards
    from casava_os.forge import corpus, readers
    from casava_os.forge import evaluate as judging
    from casava_os.forge import export as exporting
    from casava_os.forge.synth import sample
    from casava_os.model import load
    from casava_syscalls.registry import SYSCALLS
    from casava_syscalls.results import Err

    loaded = load(str(model))
    if isinstance(loaded, Err):
        print(loaded)
        raise typer.Exit(7)
    smol = loaded.value
    scores = {
        f"{count:,} fresh synthetic requests": judging.evaluate(
            smol, judging.fresh(sample, count, seed), frozenset(SYSCALLS)
        )
    }
    for path in files:
        judged = judging.evaluate(smol, judging.written(path), frozenset(SYSCALLS))
        if judged["all"].outcomes:
            scores[f"Hand-written: {path.name}"] = judged
    net, progress = exporting.load_net(directory / "checkpoint.pt")
    heard = readers.load(directory / readers.READER)
    rng = random.Random(98)
    examples = [sample(rng) for _ in range(5000)]
    requests = [example.request for example in examples]
    facts = cards.Facts(
        version=smol.name.split()[-1],
        parameters=sum(parameter.numel() for parameter in net.parameters()) / 1e6,
        width=net.shape.width,
        layers=net.shape.layers,
        vocabulary=net.shape.vocabulary,
        prefix=net.shape.prefix,
        megabytes=model.stat().st_size / 1e6,
        lines=sum(line.writer not in late for line in corpus.load()),
        writers=len({line.writer for line in corpus.every()} - {*late}),
        late=(sum(line.writer in late for line in corpus.load()), len(late)),
        kept=len(corpus.load(calibration=True)),
        people=sum(len(path.read_text(encoding="utf-8").splitlines()) for path in people),
        reader=0.0 if heard is None else heard.size / 1e6,
        progress=progress,
        seeds=seeds,
    )
    equality = exporting.check(directory, model, _worked(examples[:200]), requests)
    told = proof.read_text(encoding="utf-8") if proof else ""
    out.write_text(cards.render(facts, scores, equality, told), encoding="utf-8")
    print(out)
