"""Paraphrases that nobody wrote as such: arguments of one request put into another that has the same plan."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from casava_os.forge import corpus
from casava_os.forge.data import Words
from casava_os.forge.embed import measure
from casava_os.forge.embed import phrases as wordings
from casava_os.forge.embed.phrases import DEVELOPMENT, HELD_OUT, Phrase, Phrases, phrase, transplant

KEEP = phrase(
    "make budget.xlsx private", [{"call": "file.chmod", "paths": ["budget.xlsx"], "mode": "go-rwx"}]
)
FIND = [{"call": "file.find", "extension": [".tmp"]}]


def test_a_request_says_the_same_about_other_things() -> None:
    assert KEEP is not None
    moved = transplant(KEEP, ["salaries.xlsx", *KEEP.copies[1:]])
    assert moved is not None
    assert moved.text == "make salaries.xlsx private"
    assert moved.skeleton == KEEP.skeleton
    assert moved.meaning != KEEP.meaning


def test_what_cannot_be_told_apart_is_left_alone() -> None:
    twice = Phrase("copy a to a.bak, then a again", ("file.copy", "_"), ("a",))
    assert transplant(twice, ["b"]) is None
    absent = Phrase("the thing", ("file.copy", "_"), ("a.txt",))
    assert transplant(absent, ["b"]) is None
    overlapping = Phrase("move docs/old.txt", ("x", "_", "_"), ("docs/old.txt", "old"))
    assert transplant(overlapping, ["a", "b"]) is None
    assert transplant(Phrase("move a", ("x", "_"), ("a",)), ["b", "c"]) is None


def test_questions_and_refusals_are_no_paraphrases_of_one_another() -> None:
    assert phrase("delete it", [{"call": "ask", "about": "target"}]) is None
    assert phrase("nonsense", [{"call": "no.such"}]) is None
    assert phrase("find tmp files", FIND) is not None


@given(st.integers(0, 10**6))
def test_a_triple_is_the_same_for_the_same_seed_and_means_what_it_says(seed: int) -> None:
    drawn = DRAWN.draw(random.Random(seed), WORDS)
    assert drawn == DRAWN.draw(random.Random(seed), WORDS)
    assert drawn.anchor.casefold() != drawn.positive.casefold()
    assert drawn.negative not in (drawn.anchor, drawn.positive)


DRAWN = Phrases(wordings.of_lines(wordings.training_lines()[:1500]))
WORDS = Words([one.text for one in DRAWN.all])


def test_every_writer_who_is_held_out_exists_and_no_one_is_held_out_twice() -> None:
    assert {line.writer for line in corpus.every()} >= DEVELOPMENT | HELD_OUT
    assert not DEVELOPMENT & HELD_OUT


def test_commands_are_held_out_with_all_of_their_requests() -> None:
    pairs = [
        {"nl": f"show {number} of {n}", "cmd": f"head -{number}  x"} for number in range(200) for n in "ab"
    ]
    kept, held = (wordings.same_command(pairs, held_out=out) for out in (False, True))
    assert len(kept) + len(held) == 200
    assert 20 < len(held) < 70
    assert all(len(some) == 2 for some in [*kept, *held])
    assert not {text for some in kept for text in some} & {text for some in held for text in some}


def test_scores_count_places() -> None:
    queries = [("a", frozenset({0})), ("b", frozenset({9})), ("c", frozenset({5}))]
    found = measure.score(queries, lambda text: {"a": [0, 1], "b": [1, 9], "c": [1, 2]}[text])
    assert (found.first, found.five, found.reciprocal) == (1 / 3, 2 / 3, 0.5)


def test_the_baselines_find_what_shares_words_and_letters() -> None:
    episodes = ["delete the logs", "show the weather", "rename invoices.pdf"]
    assert measure.by_words(episodes)("a log")[0] == 0
    assert measure.by_words(episodes)("...") == []
    assert measure.by_characters(episodes)("invoice")[0] == 2
