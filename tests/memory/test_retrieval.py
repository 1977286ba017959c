"""What is found again: requests in other words, on the model that ships; and how two orders become one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from casava_os.forge.embed import measure
from casava_os.forge.embed.phrases import DEVELOPMENT, HELD_OUT, training_lines
from casava_os.memory.embedding import GgufEmbedder, NoEmbedderError, builtin
from casava_os.memory.ports import EVERYTHING, Candidate, Entry, Filter
from casava_os.memory.retrieval import FRESH_DAYS, fuse, hybrid, words
from casava_os.memory.store import MemoryStore

NOW = 1_800_000_000.0
DAY = 86_400.0

FIRST, FIVE, RECIPROCAL = 0.62, 0.92, 0.75
"""Below these, finding again has become worse than the model that ships is known to be (its card has the scores)."""


# ---------------------------------------------------------------------------------------------- on the shipped model


@pytest.fixture(scope="module")
def bench() -> measure.Bench:
    return measure.bench(HELD_OUT, episodes=5000, queries=300)


@pytest.fixture(scope="module")
def filled(bench: measure.Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryStore]:
    store = MemoryStore(tmp_path_factory.mktemp("memory"), lambda: GgufEmbedder(builtin()))
    store.put(
        Entry(f"e{number}", "episodes", text, "/w", NOW, number) for number, text in enumerate(bench.episodes)
    )
    store.index()
    yield store
    store.close()


def test_requests_are_found_again_in_other_words(bench: measure.Bench, filled: MemoryStore) -> None:
    assert len(bench.queries) >= 300
    assert len(bench.episodes) >= 5000

    def rank(query: str) -> list[int]:
        return [found.entry.pid for found in hybrid(filled, query, EVERYTHING, 20, "/w", now=NOW)]

    ours = measure.score(bench.queries, rank)
    by_words = measure.score(bench.queries, measure.by_words(bench.episodes))
    by_characters = measure.score(bench.queries, measure.by_characters(bench.episodes))
    print(measure.table({"hybrid": ours, "BM25": by_words, "characters": by_characters}))
    assert ours.first >= FIRST
    assert ours.five >= FIVE
    assert ours.reciprocal >= RECIPROCAL
    for baseline in (by_words, by_characters):
        assert ours.first > baseline.first
        assert ours.reciprocal > baseline.reciprocal


def test_nobody_trains_on_the_writers_of_the_bench(bench: measure.Bench) -> None:
    assert not {line.writer for line in training_lines()} & (HELD_OUT | DEVELOPMENT)
    trained = {line.request for line in training_lines()}
    assert not trained & {query for query, _ in bench.queries}


def test_a_query_is_never_among_what_it_should_find(bench: measure.Bench) -> None:
    for query, right in bench.queries:
        assert right
        assert all(bench.episodes[number].casefold() != query.casefold() for number in right)


def test_what_is_filtered_out_is_not_found(filled: MemoryStore, bench: measure.Bench) -> None:
    query, _ = bench.queries[0]
    assert hybrid(filled, query, Filter(workspace="/elsewhere"), 5, "/w", now=NOW) == []
    assert hybrid(filled, query, Filter(until=NOW), 5, "/w", now=NOW) == []
    assert len(hybrid(filled, query, Filter(since=NOW), 5, "/w", now=NOW)) == 5


@pytest.mark.parametrize(
    "query", ["", "   ", "\x00", "🎉", "שלום", '" OR *', "NEAR(a b)", "x" * 100_000, "-- ;"]
)
def test_any_text_may_be_asked_for(filled: MemoryStore, query: str) -> None:
    assert len(hybrid(filled, query, EVERYTHING, 5, "/w", now=NOW)) <= 5


# ---------------------------------------------------------------------------------------------- without meaning


class Silent:
    """An embedding model whose server is away."""

    digest = "silent"
    dimensions = 2

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise NoEmbedderError(f"nobody answers for {len(texts)} texts")

    def close(self) -> None:
        pass


@pytest.mark.parametrize("embedder", [None, Silent()])
def test_words_alone_find_when_there_is_no_model(tmp_path: Path, embedder: Silent | None) -> None:
    store = MemoryStore(tmp_path, lambda: embedder)
    store.put([Entry("e1", "episodes", "delete the old logs"), Entry("e2", "episodes", "what time is it")])
    assert [c.entry.id for c in hybrid(store, "remove that log", EVERYTHING, 5, "", now=NOW)] == ["e1"]
    store.close()


def test_nothing_is_found_in_a_memory_that_was_never_used(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path / "none")
    assert hybrid(store, "anything", EVERYTHING, 5, "") == []
    assert not (tmp_path / "none").exists()
    store.close()


# ---------------------------------------------------------------------------------------------- two orders, one


def order(*entries: Entry) -> list[Candidate]:
    return [Candidate(entry, 1.0 - number / 100) for number, entry in enumerate(entries)]


def entry(name: str, *, workspace: str = "/w", days: float = 1000.0) -> Entry:
    return Entry(name, "episodes", name, workspace, NOW - days * DAY)


def ids(found: list[Candidate]) -> list[str]:
    return [candidate.entry.id for candidate in found]


def test_words_lift_what_is_near_by_meaning_and_do_not_decide_alone() -> None:
    first, second, third, both, by_words = map(entry, ("first", "second", "third", "both", "words"))
    found = ids(fuse(order(first, second, third, both), order(both, by_words), "", NOW))
    assert found == ["first", "second", "both", "third", "words"]


def test_meaning_counts_more_than_words() -> None:
    assert ids(fuse(order(entry("meaning")), order(entry("words")), "", NOW)) == ["meaning", "words"]


def test_of_two_equals_the_one_of_this_workspace_and_the_younger_come_first() -> None:
    equals = [entry(f"far{number}", workspace="/other") for number in range(9)]
    found = [Candidate(one, 0.7) for one in [*equals, entry("here")]]
    assert ids(fuse(found, found, "/w", NOW))[0] == "here"
    found = [Candidate(one, 0.7) for one in [*equals, entry("young", days=1)]]
    assert ids(fuse(found, found, "", NOW))[0] == "young"


def test_place_and_age_do_not_outweigh_what_is_meant() -> None:
    meant = entry("meant", workspace="/other", days=4000)
    others = [entry(f"other{number}", days=0) for number in range(9)]
    assert ids(fuse(order(meant, *others), order(meant, *others), "/w", NOW))[0] == "meant"


@pytest.mark.parametrize("time", [NOW + 10**9, -(10.0**18), 0.0, float("inf"), float("nan")])
def test_a_clock_that_jumped_spoils_no_order(time: float) -> None:
    strange = Entry("strange", "episodes", "strange", "/w", time)
    found = fuse(order(entry("meant"), strange), order(entry("meant"), strange), "/w", NOW)
    assert ids(found) == ["meant", "strange"]
    assert found[1].score < found[0].score


def test_half_of_the_freshness_is_gone_after_its_days() -> None:
    new, aged, ancient = (
        fuse(order(entry("e", days=days)), [], "", NOW)[0].score for days in (0, FRESH_DAYS, 10**6)
    )
    assert new - aged == pytest.approx(aged - ancient)


@pytest.mark.parametrize(
    ("query", "telling"),
    [
        ("Please delete the old logs in var", ["delete", "old", "logs", "var"]),
        ("what is it", ["what", "is", "it"]),
        ("a.txt A.TXT", ["txt"]),
        ("", []),
    ],
)
def test_the_words_that_tell_entries_apart(query: str, telling: list[str]) -> None:
    assert words(query) == telling


def test_of_many_words_the_longest_are_asked_for() -> None:
    found = words(" ".join(f"w{'x' * number}" for number in range(60)))
    assert len(found) == 24
    assert min(map(len, found)) == 60 - 23
