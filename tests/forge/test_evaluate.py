"""The judge: equal meanings are equal, spurious deletes are seen, calibration recovers what was put in."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from casava_os.forge.evaluate import Item, Outcome, calibrate, evaluate, judge, risk_coverage, table, written
from casava_os.kernel.ports import CompileRequest, Draft
from casava_syscalls.registry import available
from casava_syscalls.results import Ok, Result

NOON = datetime(2026, 3, 31, 12)  # noqa: DTZ001 - the lexer reads local times


class Parrot:
    """A model that always answers the same."""

    name = "parrot"
    digest = ""
    identity = "parrot"
    qualified = True
    repairs = False

    def __init__(self, *steps: Mapping[str, object]) -> None:
        self.steps = steps

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        return Ok(value=Draft(steps=self.steps, confidence=0.9))

    def close(self) -> None:
        """Nothing to close."""


def test_two_spellings_of_one_plan_are_equal() -> None:
    item = Item("old files", ({"call": "file.find", "older_than": "a week", "extension": ["py"]},), "file")
    model = Parrot({"call": "file.find", "older_than": "7 days", "extension": ["py"], "root": "."})
    outcome = judge(model, item, available())
    assert outcome is not None
    assert outcome.exact
    assert outcome.sequence


def test_another_argument_is_the_right_sequence_but_not_exact() -> None:
    item = Item("read a", ({"call": "file.read", "paths": ["a"]},), "file")
    outcome = judge(Parrot({"call": "file.read", "paths": ["b"]}), item, available())
    assert outcome is not None
    assert (outcome.exact, outcome.sequence, outcome.spurious) == (False, True, False)


def test_a_delete_that_nobody_asked_for_is_spurious() -> None:
    item = Item("read a", ({"call": "file.read", "paths": ["a"]},), "file")
    scores = evaluate(Parrot({"call": "file.delete", "paths": ["a"]}), [item], available())
    assert scores["all"].spurious == scores["file"].spurious == 1
    assert "spurious" in table(scores)


def test_items_that_are_no_plan_are_counted_apart() -> None:
    item = Item("x", ({"call": "file.read", "paths": "$3"},), "file")
    scores = evaluate(Parrot({"call": "file.list"}), [item], available())
    assert scores["invalid items"].count == 1
    assert scores["all"].count == 0


def test_written_items_are_read(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        json.dumps({"request": "list", "calls": [{"call": "file.list"}]}) + "\n\n", encoding="utf-8"
    )
    assert [(item.request, item.family) for item in written(path)] == [("list", "file")]


def outcome(confidence: float, exact: bool) -> Outcome:
    item = Item("x", ({"call": "file.list"},), "file")
    return Outcome(item, exact, exact, False, confidence, 0.01, "", effect=exact)


def test_calibration_finds_the_slope_of_an_overconfident_model() -> None:
    rng = random.Random(3)
    outcomes = []
    for _ in range(4000):
        odds = rng.gauss(1, 3)
        right = rng.random() < 1 / (1 + math.exp(-(0.5 * odds - 0.7)))
        outcomes.append(outcome(1 / (1 + math.exp(-odds)), right))
    slope, offset = calibrate(outcomes)
    assert slope == pytest.approx(0.5, abs=0.06)
    assert offset == pytest.approx(-0.7, abs=0.12)


def test_calibration_stays_finite_when_every_answer_is_right() -> None:
    slope, offset = calibrate([outcome(0.9, True)] * 50)
    assert 0 < slope < 10
    assert -10 < offset < 20


def test_the_surest_half_is_ranked_by_confidence() -> None:
    text = risk_coverage([outcome(n / 10, n >= 5) for n in range(10)])
    assert "50% surest: 100.0% as asked, confidence ≥ 0.500" in text
    assert "100% surest:  50.0% as asked" in text
