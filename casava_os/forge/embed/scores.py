"""The table of the model card: our vectors, alone and fused with words as memory does it, beside baselines and teacher."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge.embed import measure
from casava_os.forge.embed import phrases as wordings
from casava_os.forge.embed.measure import Bench, Rank, Score
from casava_os.memory.embedding import GgufEmbedder, builtin
from casava_os.memory.ports import Candidate, Entry
from casava_os.memory.retrieval import POOL, fuse

if TYPE_CHECKING:
    from collections.abc import Mapping


def report(model: Path | None, teacher: Path | None, pairs: Sequence[Path], *, development: bool) -> None:
    """Prints the scores on hand-worded requests, and on those of other people where their file is given."""
    writers = wordings.DEVELOPMENT if development else wordings.HELD_OUT
    embedder = GgufEmbedder(model or builtin())
    try:
        _print(f"held-out writers ({', '.join(sorted(writers))})", measure.bench(writers), embedder, teacher)
        if pairs:
            records: list[Mapping[str, str]] = [
                json.loads(line) for path in pairs for line in path.read_text("utf-8").splitlines()
            ]
            commands = [record for record in records if "page" not in record]
            described = [record["nl"] for record in records if "page" in record]
            people = measure.of_commands(commands, described[:6000])
            _print("other people's requests for the same command", people, embedder, teacher)
    finally:
        embedder.close()


def _print(title: str, bench: Bench, embedder: GgufEmbedder, teacher: Path | None) -> None:
    print(f"\n{title}: {len(bench.queries)} queries, {len(bench.episodes):,} episodes\n", flush=True)
    print(measure.table(scores(bench, embedder, teacher)), flush=True)


def scores(bench: Bench, embedder: GgufEmbedder, teacher: Path | None = None) -> dict[str, Score]:
    """The scores of every way of searching."""
    words = measure.by_words(bench.episodes)
    vectors = of_texts(bench, embedder.embed)
    found = {
        "casava-embed and words, fused": measure.score(bench.queries, fused(vectors, words, bench.episodes)),
        "casava-embed alone": measure.score(bench.queries, vectors),
        "BM25 (stemmed words)": measure.score(bench.queries, words),
        "TF-IDF of characters": measure.score(bench.queries, measure.by_characters(bench.episodes)),
    }
    if teacher is not None:
        from casava_os.forge.embed.teacher import Teacher

        taught = Teacher(teacher)
        theirs = of_texts(bench, lambda texts: taught.vectors(texts).tolist())
        found["all-MiniLM-L6-v2, the teacher (22.7M)"] = measure.score(bench.queries, theirs)
    return found


def of_texts(bench: Bench, embed: Callable[[Sequence[str]], list[list[float]]]) -> Rank:
    """A ranking by the vectors of an embedder."""
    import numpy as np

    queries = [text for text, _ in bench.queries]
    known = dict(zip(queries, np.array(embed(queries), dtype=np.float32), strict=True))
    return measure.by_vectors(np.array(embed(bench.episodes), dtype=np.float32), lambda text: known[text])


@dataclass(frozen=True, slots=True)
class _Entries:
    """Episodes of one place and one moment, as memory's fusion takes them."""

    texts: Sequence[str]

    def candidates(self, numbers: Sequence[int]) -> list[Candidate]:
        entries = [Entry(str(number), "episodes", self.texts[number]) for number in numbers[:POOL]]
        return [Candidate(entry, -float(place)) for place, entry in enumerate(entries)]


def fused(vectors: Rank, words: Rank, texts: Sequence[str]) -> Rank:
    """Two rankings fused as memory fuses them."""
    entries = _Entries(texts)

    def rank(text: str) -> list[int]:
        found = fuse(entries.candidates(vectors(text)), entries.candidates(words(text)), "", 0.0)
        return [int(candidate.entry.id) for candidate in found]

    return rank
