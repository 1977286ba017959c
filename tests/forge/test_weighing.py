"""What plans are weighed by is fitted: the reader on requests, the choice and the certainty on what a network makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casava_os.forge import readers, weighing
from casava_os.kernel.compiler.tagged import Control
from casava_os.model.reader import Asked, Heard
from casava_os.model.weighing import CONSENT, EVIDENCE, FEATURES, Consent, Readings, Weighing
from tests.model.listening import hears

NOBODY = weighing.unfitted(hears({"call:ask": 0.0}))


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


def test_the_choice_finds_what_tells_right_from_wrong() -> None:
    choice = weighing.fit_choice(cases(400, 1))
    assert int(np.abs(choice).argmax()) == FEATURES.index("agreement")
    fresh = cases(400, 2)
    hits = sum(bool(case.right[weighing.chosen_of(case, choice)[0]]) for case in fresh)
    assert hits > 340
    said = weighing.tried(fresh)
    assert said.startswith("400 requests, 0 of them sure: right first ")
    assert float(said.partition("weighed ")[2].partition("%")[0]) > 85


def test_where_nothing_tells_them_apart_the_likeliest_is_taken() -> None:
    wrong = [weighing.Case(case.looked, np.zeros(4, bool), sure=False) for case in cases(5, 1)]
    choice = weighing.fit_choice(wrong)
    assert [name for name, weight in zip(FEATURES, choice, strict=True) if weight] == ["likelihood"]
    assert weighing.fit(wrong, NOBODY).choice == choice


def test_a_sure_plan_is_taken_as_it_is_and_a_single_one_too() -> None:
    looked = np.zeros((2, len(FEATURES)))
    looked[1] = 5.0
    sure = weighing.Case(looked, np.array([True, False]), sure=True)
    single = weighing.Case(looked[1:], np.array([True]), sure=False)
    assert weighing.chosen_of(sure, (1.0,) * len(FEATURES))[0] == 0
    assert weighing.chosen_of(single, (1.0,) * len(FEATURES))[0] == 0


def test_the_certainty_is_about_the_share_that_is_right() -> None:
    fitted = weighing.fit(cases(2000, 3), NOBODY)
    fresh, sure, right = cases(2000, 4), [], []
    for case in fresh:
        best, lead = weighing.chosen_of(case, fitted.choice)
        sure.append(fitted.confidence(case.looked[best], lead))
        right.append(case.right[best])
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.03)
    half = np.median(sure)
    assert np.mean([r for s, r in zip(sure, right, strict=True) if s >= half]) > np.mean(
        [r for s, r in zip(sure, right, strict=True) if s < half]
    )


def test_consent_is_what_most_right_plans_of_a_kind_get() -> None:
    looked, right = np.zeros((1, len(FEATURES))), np.array([True])
    asked = [
        weighing.Case(
            looked,
            right,
            sure=True,
            consent=Consent(
                {"delete": Asked(float(odds), 200.0 - odds, odds + 300.0)},
                {"delete": odds - 9.0},
                {"delete": odds - 7.0} if odds < 20 else {},
            ),
            wary=odds >= 50,
        )
        for odds in range(100)
    ]
    others = [weighing.Case(looked, right, sure=True, wary=True)] * 50
    delete, *rest, rival, aside, odds, lead, hinted = weighing.fit_consent([*asked, *others])
    assert (delete, rival, aside) == (5.0, 303.0, -6.0)
    assert (odds, lead, hinted) == (52.0, 103.0, -1.0)
    assert set(rest) == {0.0}, "nobody asked for any"
    for count in (1, 2, 3, 10, 19, 21, 39):
        least = weighing.fit_consent(asked[:count])[0]
        given = sum(case.consent.asked["delete"].odds >= least for case in asked[:count])
        assert given >= weighing.RECALL * count
    read = Readings("", Heard(np.full(1, -30.0, np.float32), (), np.zeros((0, 1), np.float32)))
    assert NOBODY.consents(read, (Control("call:file.delete"),)) == 1.0


def test_what_was_fitted_is_kept_with_the_reader(tmp_path: Path) -> None:
    reader = hears({"call:ask": 0.25}, {"please": {"call:ask": 3.0}})
    fit = Weighing(reader, (0.5,) * len(FEATURES), (0.25,) * EVIDENCE, (-1.5,) * CONSENT)
    assert weighing.fitted(tmp_path) is None
    assert weighing.read_by(tmp_path) is None
    readers.save(tmp_path / readers.READER, reader)
    assert weighing.read_by(tmp_path) == weighing.unfitted(reader)
    assert weighing.fitted(tmp_path) is None
    weighing.save(tmp_path, fit)
    assert weighing.fitted(tmp_path) == fit
