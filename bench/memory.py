"""What it takes to find something again among much: milliseconds of a query, and how they grow with what is remembered.

Run: `python -m bench.memory [ENTRIES …]`. Requests are synthesized; queries are others, so that none is found by luck of
letters. The store is the real one: SQLite's word index and Chroma's vectors on disk, opened and warm.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from casava_os.forge import synth
from casava_os.memory.embedding import GgufEmbedder, builtin
from casava_os.memory.ports import EVERYTHING, Entry
from casava_os.memory.retrieval import POOL, hybrid, words
from casava_os.memory.store import MemoryStore

SIZES = (1_000, 10_000, 100_000)
QUERIES = 200
WORKSPACES = 20
_AT_ONCE = 5_000


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, dict[str, float]]:
    """By number of entries: medians and the 95th percentile of queries, their parts, and what it took to get there."""
    rng = random.Random(1)  # noqa: S311 - the same texts every time
    queries = [_request(10**6 + number) for number in range(QUERIES)]
    embedder = GgufEmbedder(builtin())
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = MemoryStore(Path(folder) / "memory", lambda: embedder)
        held = 0
        for size in sizes:
            began = time.perf_counter()
            while held < size:
                count = min(_AT_ONCE, size - held)
                store.put(entry_of(held + number, rng) for number in range(count))
                held += count
            kept = time.perf_counter() - began
            store.index()
            indexed = time.perf_counter() - began - kept
            print(
                f"{size:,} entries: kept in {kept:.0f} s, indexed in {indexed:.0f} s",
                file=sys.stderr,
                flush=True,
            )
            found[f"{size:,}"] = _figures(store, embedder, queries) | {
                "to keep one": 1e3 * kept / size,
                "to embed and index one": 1e3 * indexed / size,
                "MB on disk": store.bytes() / 1e6,
            }
        store.close()
    return found


def _request(seed: int) -> str:
    return synth.sample(random.Random(seed)).request  # noqa: S311 - the same texts every time


def entry_of(number: int, rng: random.Random) -> Entry:
    """An episode that somebody may have had."""
    workspace = f"/somewhere/{rng.randrange(WORKSPACES)}"
    return Entry(f"e{number}", "episodes", synth.sample(rng).request, workspace, 1e9 + number, number)


def _figures(store: MemoryStore, embedder: GgufEmbedder, queries: list[str]) -> dict[str, float]:
    vectors = [embedder.embed([query])[0] for query in queries]
    pairs = dict(zip(queries, vectors, strict=True))

    def search(query: str) -> object:
        return hybrid(store, query, EVERYTHING, 5, "/somewhere/1")

    whole = _times(search, queries)
    processor = _times(search, queries, time.process_time)
    meaning = _times(lambda query: store.dense(pairs[query], EVERYTHING, limit=POOL), queries)
    by_words = _times(lambda query: store.lexical(words(query), EVERYTHING, limit=POOL), queries)
    return {
        "a query, median": statistics.median(whole),
        "a query, 95 of 100 under": sorted(whole)[int(0.95 * len(whole))],
        "its processor time, median": statistics.median(processor),
        "its vector": statistics.median(_times(lambda query: embedder.embed([query]), queries)),
        "by meaning": statistics.median(meaning),
        "by words": statistics.median(by_words),
    }


def _times(
    work: Callable[[str], object], queries: list[str], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Milliseconds of each query."""
    work(queries[0])
    found: list[float] = []
    for query in queries:
        began = clock()
        work(query)
        found.append(1e3 * (clock() - began))
    return found


def growth(figures: dict[str, dict[str, float]]) -> float:
    """How much longer the median query takes with the most entries than with the fewest."""
    medians = [column["a query, median"] for column in figures.values()]
    return medians[-1] / medians[0]


if __name__ == "__main__":
    from bench.__main__ import show

    figures = measure(tuple(int(size) for size in sys.argv[1:]) or SIZES)
    show("Memory, by number of entries", figures, "ms")
    print(f"  growth of the median: {growth(figures):.1f} times")
