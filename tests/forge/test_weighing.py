"""What plans are weighed by is fitted: the reader on requests, the choice and the certainty on what a network makes."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from casava_os.forge import synth, weighing
from casava_os.model.weighing import EVIDENCE, FEATURES, Reader, Weighing, slots

DELETE, GPU = "call:file.delete", "call:system.gpu"


def cases(count: int, seed: int) -> list[weighing.Case]:
    """Of four plans one is right: nearly always the one whose `agreement` is greatest. The likelihood says nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        looked = rng.normal(size=(4, len(FEATURES)))
        looked[:, FEATURES.index("declines")] = 0
        best = int(looked[:, FEATURES.index("agreement")].argmax())
        right = np.arange(4) == (best if rng.random() < 0.95 else rng.integers(4))
        found.append(weighing.Case(looked, right, sure=False))
    return found


def by(choice: tuple[float, ...]) -> Weighing:
    return Weighing(Reader((), b"", (), (), ()), choice, ())


def test_the_choice_finds_what_tells_right_from_wrong() -> None:
    choice = weighing.fit_choice(cases(400, 1))
    assert int(np.abs(choice).argmax()) == FEATURES.index("agreement")
    fresh = cases(400, 2)
    hits = sum(bool(case.right[weighing.chosen_of(case, by(choice))[0]]) for case in fresh)
    assert hits > 340
    said = weighing.tried(fresh)
    assert said.startswith("400 requests, 0 of them sure: right first ")
    assert float(said.partition("weighed ")[2].partition("%")[0]) > 85


def test_where_nothing_tells_them_apart_the_likeliest_is_taken() -> None:
    wrong = [weighing.Case(case.looked, np.zeros(4, bool), sure=False) for case in cases(5, 1)]
    choice = weighing.fit_choice(wrong)
    assert [name for name, weight in zip(FEATURES, choice, strict=True) if weight] == ["likelihood"]
    assert weighing.fit(wrong, Reader((), b"", (), (), ())).choice == choice


def test_a_sure_plan_is_taken_as_it_is_and_a_single_one_too() -> None:
    looked = np.zeros((2, len(FEATURES)))
    looked[1] = 5.0
    sure = weighing.Case(looked, np.array([True, False]), sure=True)
    single = weighing.Case(looked[1:], np.array([True]), sure=False)
    assert weighing.chosen_of(sure, by((1.0,) * len(FEATURES)))[0] == 0
    assert weighing.chosen_of(single, by((1.0,) * len(FEATURES)))[0] == 0


def test_the_certainty_is_about_the_share_that_is_right() -> None:
    fitted = weighing.fit(cases(2000, 3), Reader((), b"", (), (), ()))
    fresh, sure, right = cases(2000, 4), [], []
    for case in fresh:
        best, lead = weighing.chosen_of(case, fitted)
        sure.append(fitted.confidence(case.looked[best], lead))
        right.append(case.right[best])
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.03)
    half = np.median(sure)
    assert np.mean([r for s, r in zip(sure, right, strict=True) if s >= half]) > np.mean(
        [r for s, r in zip(sure, right, strict=True) if s < half]
    )


def test_the_examples_are_requests_with_the_parts_of_their_plans() -> None:
    names = weighing.labels()
    assert {DELETE, GPU, "key:paths", "=:newest"} <= set(names)
    assert not {"end", "plan", "request", "stdin", "$1"} & set(names)
    some = list(weighing.examples(synth.sample, ["some names.txt"], 200, 1))
    assert len(some) == 200
    assert all(parts and all(0 <= part < len(names) for part in parts) for _, parts in some)
    assert some == list(weighing.examples(synth.sample, ["some names.txt"], 200, 1))


def test_a_reader_learns_words_and_is_kept_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    rng, names = random.Random(1), weighing.labels()
    known = []
    for _ in range(3000):
        deletes = rng.random() < 0.5
        text = f"{'remove' if deletes else 'graphics'} {rng.choice('abcdefgh')} {rng.choice('ijklmnop')}"
        known.append((slots(text, weighing.SLOTS), [names.index(DELETE if deletes else GPU)]))
    reader = weighing.fit_reader(known, rounds=3)
    for text, yes, no in (("remove c k", DELETE, GPU), ("graphics a p", GPU, DELETE)):
        odds = dict(zip(reader.labels, reader.odds(text).tolist(), strict=True))
        assert odds[yes] > 0 > odds[no]
    weighing.save_reader(tmp_path, reader)
    assert weighing.load_reader(tmp_path) == reader
    assert weighing.fitted(tmp_path) is None
    fit = Weighing(reader, (0.5,) * len(FEATURES), (0.25,) * EVIDENCE)
    weighing.save(tmp_path, fit)
    assert weighing.fitted(tmp_path) == fit
