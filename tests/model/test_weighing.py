"""A plan is weighed against others that were nearly as likely."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.kernel.ports import CompileRequest
from casava_os.model.batching import Seat
from casava_os.model.decoding import Forks, Question
from casava_os.model.llama import Drawn, LlamaModel
from casava_os.model.reader import Reader
from casava_os.model.tagger import LEAST
from casava_os.model.weighing import (
    CANDIDATES,
    CONSENT,
    EVIDENCE,
    FEATURES,
    RELUCTANCE,
    WIDEST,
    Weighing,
    evidence,
    features,
    order,
)
from casava_syscalls.registry import available
from casava_syscalls.results import Err, Ok
from tests.model.listening import hears

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNSURE = ("notes.txt and todo.txt please", "clean up the old stuff in logs", "newest report")


def reader() -> Reader:
    """ "delete" speaks for the second label, and against the third; every word is one of three tags, none the likeliest."""
    labels = {"call:file.find": 0.0, "call:file.delete": -1.0, "=:newest": -1.0}
    words = {"delete": {"call:file.delete": 5.0, "=:newest": -2.5}}
    return hears(labels, words, {"none": 2.0, "root": 1.0, "name": 0.0})


def weighing_by(choice: tuple[float, ...] = (), certainty: tuple[float, ...] = ()) -> Weighing:
    return Weighing(reader(), choice, certainty, (0.0,) * CONSENT)


def looked(request: str, *plan: Segment, chances: tuple[float, ...] = (0.5, 0.25)) -> dict[str, float]:
    weighing = weighing_by()
    found = features(request, plan, chances, weighing, weighing.read(request))
    return dict(zip(FEATURES, found.tolist(), strict=True))


def test_a_reader_says_which_parts_a_plan_should_have() -> None:
    odds = reader().odds("delete it")
    assert odds.tolist() == pytest.approx([0.0, 4.0, -3.5], abs=0.05)
    assert reader().odds("").tolist() == [0.0, -1.0, -1.0]


def test_what_is_looked_at() -> None:
    find, delete, paths = Control("call:file.find"), Control("call:file.delete"), Control("key:paths")
    root, name = Control("key:root"), Control("key:name")
    good = looked(
        "delete a.tmp in old_logs",
        find,
        root,
        Copy("old_logs"),
        name,
        Copy("a.tmp"),
        delete,
        paths,
        Control("$1"),
    )
    assert (good["steps"], good["arguments"], good["parts"]) == (2, 2, 6)
    assert (good["unheard"], good["repeated"], good["unused"], good["declines"]) == (0, 0, 0, 0)
    assert good["likelihood"] == pytest.approx(math.log(0.5 * 0.25))
    assert good["least"] == pytest.approx(math.log(0.25))
    assert good["mean"] == pytest.approx(math.log(0.5 * 0.25) / 8)
    poor = looked("delete a.tmp in old_logs", find, root, Copy("a.tmp"), delete, paths, Copy("a.tmp"))
    assert (poor["unheard"], poor["unheard_steps"], poor["repeated"], poor["unused"]) == (1, 2, 1, 1)
    asks = looked("delete a.tmp in 'the barn'", Control("call:ask"))
    assert (asks["declines"], asks["unheard"], asks["declines_unheard"]) == (1, 2, 2)
    assert good["least_for"] > asks["least_against"]
    assert good["agreement"] > looked("delete a.tmp in old_logs", find)["agreement"]
    assert looked("", chances=())["likelihood"] < -20  # nothing at all is no reason to fail
    out, there, named = (value - math.log(math.exp(2) + math.exp(1) + 1) for value in (2, 1, 0))
    assert good["tags"] == pytest.approx((there + named) / 2)
    assert good["tags_left"] == pytest.approx(out)  # "delete" and "in"
    assert [good["least_tag"], good["least_left"]] == [pytest.approx(named), pytest.approx(out)]
    assert poor["least_tag"] == pytest.approx(there), "one of the word's two tags is known"
    assert looked("delete a.tmp", delete, paths, Copy("a.tmp"))["least_tag"] == LEAST, (
        "an argument that no tag is for"
    )


def test_the_surer_the_features_and_the_lead_the_surer_one_can_be() -> None:
    weights = [0.0] * len(FEATURES)
    weights[FEATURES.index("least")] = 1.0
    weighing = weighing_by(tuple(weights), (*weights, 0.0, 1.0, 0.5))
    low, high = np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    low[FEATURES.index("least")] = -2.0
    assert [place for place, _ in order(weighing.choice, [low, high], sure=False)] == [1, 0]
    assert weighing.confidence(low, 0.0) == pytest.approx(1 / (1 + math.exp(1.5)))
    assert weighing.confidence(low, 1.0) < weighing.confidence(high, 1.0) < weighing.confidence(high, 9.0)
    assert weighing.confidence(high, math.inf) == weighing.confidence(high, WIDEST)
    assert 0 < weighing.confidence(low * 1e9, -math.inf) < 1e-20
    assert [evidence(low, lead)[-2] for lead in (-3.0, 2.0, math.inf)] == [0.0, 2.0, WIDEST]
    assert evidence(low, 1.0)[-3] == pytest.approx(math.log(math.exp(-2) / (1 - math.exp(-2))))
    assert math.isfinite(evidence(high, 1.0)[-3]), "also where the network has no doubt at all"


def test_the_order_of_plans() -> None:
    def plan(likelihood: float, declines: float = 0.0) -> NDArray[np.float64]:
        found = np.zeros(len(FEATURES))
        found[FEATURES.index("likelihood")], found[FEATURES.index("declines")] = likelihood, declines
        return found

    weighing = weighing_by(tuple(float(name == "likelihood") for name in FEATURES))
    plans = [plan(-2.0), plan(-1.0), plan(RELUCTANCE - 1.0, 1.0), plan(-3.0)]
    tied = [(1, -RELUCTANCE), (2, RELUCTANCE), (0, -1.0 - RELUCTANCE), (3, -2.0 - RELUCTANCE)]
    assert order(weighing.choice, plans, sure=False) == tied, "a question must outweigh an order by more"
    assert order(weighing.choice, [*plans, plan(RELUCTANCE, 1.0)], sure=False)[0] == (4, 1.0), (
        "as this one does"
    )
    assert order(weighing.choice, plans, sure=True)[0] == (0, math.inf)
    assert [place for place, _ in order(weighing.choice, plans[2:], sure=False)] == [0, 1], (
        "and no question an order"
    )
    assert order(weighing.choice, plans[:1], sure=False) == [(0, math.inf)]


# ------------------------------------------------------------------------------------------ the shipped model


def test_the_shipped_model_weighs(smol: LlamaModel) -> None:
    weighing = smol._weights.weighing
    assert weighing is not None
    assert "call:file.delete" in weighing.reader.labels
    request = CompileRequest("remove every log in traces", available())
    odds = dict(zip(weighing.reader.labels, weighing.reader.odds(request.text).tolist(), strict=True))
    assert odds["call:file.delete"] > 0 > odds["call:system.gpu"]
    heard = weighing.reader.hear(request.text)
    likeliest = {
        word.text: weighing.reader.tags[heard.tags[at].argmax()] for at, word in enumerate(heard.words)
    }
    assert likeliest == {
        "remove": "none",
        "every": "none",
        "log": "extension",
        "in": "none",
        "traces": "root",
    }


@pytest.mark.parametrize("text", UNSURE)
def test_what_was_evaluated_for_one_plan_is_not_evaluated_for_the_next_and_nothing_changes(
    smol: LlamaModel, text: str
) -> None:
    request = CompileRequest(text, available(), certain=1.0)
    drawn = smol.plans(request)
    assert isinstance(drawn, Ok)
    assert 1 < len(drawn.value) <= CANDIDATES + 1
    together = Forks()
    by_itself: list[Drawn] = []

    def made(choose: Forks, *, leaning: bool) -> None:
        """A plan, in a place of its own, if it is another one."""
        sitting = smol._sat(request)
        assert isinstance(sitting, Ok)
        lean = smol._lean(sitting.value) if leaning else None
        result = smol._drawn(sitting.value, choose, lambda: False, lean)
        smol._batching.leave(sitting.value.seat)
        if isinstance(result, Ok) and all(result.value[0].steps != draft.steps for draft, _ in by_itself):
            by_itself.append(result.value)

    made(Forks(), leaning=False)
    made(together, leaning=True)
    for second in together.closest(CANDIDATES - 1):
        made(Forks(second), leaning=True)
    assert [draft.raw for draft, _ in drawn.value] == [draft.raw for draft, _ in by_itself]
    assert [trace.free for _, trace in drawn.value] == [trace.free for _, trace in by_itself], "to the bit"
    all_of_it = drawn.value[-1][0].usage
    assert all_of_it is not None
    assert all_of_it.evaluated < sum(draft.usage.evaluated for draft, _ in by_itself if draft.usage)


def test_the_plan_that_weighs_most_is_taken_unless_the_first_is_sure(smol: LlamaModel) -> None:
    assert smol._weights.weighing is not None
    against = tuple(-1.0 if name == "likelihood" else 0.0 for name in FEATURES)
    none = (0.0,) * EVIDENCE
    weighing = replace(smol._weights.weighing, choice=against, certainty=none)
    contrary = LlamaModel(replace(smol._weights, weighing=weighing))
    try:
        for text, sure in (("show notes.txt", True), (UNSURE[0], False)):
            request = CompileRequest(text, available(), certain=1.0)
            drawn = contrary.plans(request)
            assert isinstance(drawn, Ok)
            assert contrary.is_sure(drawn.value[0]) is sure
            plans = [draft.steps for draft, _ in drawn.value]
            assert len(plans) > 1
            least = min(drawn.value, key=lambda one: sum(math.log(chance) for chance in one[1].free))
            compiled = contrary.compile(request)
            assert isinstance(compiled, Ok)
            assert compiled.value.steps == (plans[0] if sure else least[0].steps)
            assert compiled.value.confidence <= 0.5
            assert all(other in plans and other != compiled.value.steps for other in compiled.value.others)
    finally:
        contrary.close()


def test_a_model_without_weights_for_it_takes_the_likeliest(smol: LlamaModel) -> None:
    bare = LlamaModel(replace(smol._weights, weighing=None))
    try:
        for text in UNSURE:
            request = CompileRequest(text, available())
            compiled, alone = bare.compile(request), bare.decode(request)
            assert isinstance(compiled, Ok)
            assert isinstance(alone, Ok)
            assert compiled.value.steps == alone.value[0].steps
    finally:
        bare.close()


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_a_question_that_failed_spoils_no_later_plan(
    smol: LlamaModel, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Its tokens may stand in the context; the plans after it are as they are without it."""
    request = CompileRequest(UNSURE[2], available(), certain=1.0)
    whole = smol.plans(request)
    assert isinstance(whole, Ok)
    known = {draft.raw: trace.free for draft, trace in whole.value}
    forks = Forks()
    assert isinstance(smol.decode(request, choose=forks), Ok)
    for second in forks.closest(CANDIDATES):  # what comes where it is the reader's plan that failed
        result = smol.decode(request, choose=Forks(second))
        if isinstance(result, Ok):
            known[result.value[0].raw] = result.value[1].free
    original, asked, first = smol._batching.evaluate, 0, 0

    def failing_once(
        seat: Seat, question: Question, cancelled: Callable[[], bool]
    ) -> NDArray[np.float32] | Err:
        nonlocal asked, first
        answer = original(seat, question, cancelled)
        asked += 1
        if question.kept and not first:
            first = asked
        return Err(code="timeout", title="late") if first and asked == first + failing else answer

    monkeypatch.setattr(smol._batching, "evaluate", failing_once)
    drawn = smol.plans(request)
    assert isinstance(drawn, Ok)
    assert asked > first + failing, "others came after it"
    assert len(drawn.value) >= 2
    assert all(known[draft.raw] == trace.free for draft, trace in drawn.value)


def test_cancelling_ends_the_weighing(smol: LlamaModel) -> None:
    request, asked = CompileRequest(UNSURE[0], available()), 0

    def late() -> bool:
        nonlocal asked
        asked += 1
        return asked > 40

    result = smol.compile(request, late)
    assert isinstance(result, Ok) or result.code == "interrupted"
    assert smol.compile(request, lambda: True).code == "interrupted"  # type: ignore[union-attr]
    assert smol.load().waiting == 0
