"""What the reader adds while a plan is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.kernel.ports import CompileRequest
from casava_os.model.fusion import MOST, WEIGHT, Fusion
from casava_os.model.grammar import Cursor
from casava_os.model.llama import LlamaModel
from casava_os.model.reader import Heard
from casava_os.model.weighing import EVIDENCE, FEATURES
from casava_syscalls.registry import available
from casava_syscalls.results import Ok
from tests.model.listening import hears

LABELS = {"call:container.start": 2.0, "key:force": 3.0, "key:volumes": -1.0, "key:all": 40.0}
TAGS = ("none", "containers", "paths", "in")


def begun(
    model: LlamaModel, request: str, likely: dict[str, dict[int, float]], *plan: Segment
) -> tuple[Fusion, Cursor]:
    """The reader's additions where it hears `LABELS`, and each word (by its number) as a tag by so much more than as none;
    and a plan as far as it is given."""
    tokens, now = model._engine.tokenize(request), datetime(2026, 3, 31, 12)  # noqa: DTZ001 - as people's clocks
    asked = CompileRequest(request, available())
    words = atoms(request)
    tags = np.zeros((len(words), len(TAGS)), np.float32)
    for tag, some in likely.items():
        for word, odds in some.items():
            tags[word, TAGS.index(tag)] = odds
    reader = hears(LABELS, tags=dict.fromkeys(TAGS, 0.0))
    heard = Heard(np.array(list(LABELS.values()), np.float32), words, tags)
    values = model._values(asked, tokens, now)
    cursor = Cursor(model._grammar, asked.offered, values, model._speller.text, piped_stdin=False, now=now)
    for part in plan:
        for token in (
            [model._grammar.ids[part.name]]
            if isinstance(part, Control)
            else model._engine.tokenize(part.text)
        ):
            cursor.accept(token)
    return Fusion(heard, reader, model._grammar, values, len(model._widths)), cursor


def added(model: LlamaModel, fusion: Fusion, cursor: Cursor, what: str) -> float:
    """To a control token, or to the first token of a text; without the weight."""
    ids = model._grammar.ids
    token = ids[what] if what in ids else model._engine.tokenize(what)[0]
    allowed = cursor.allowed()
    assert token in allowed
    return float(fusion(allowed, cursor)[allowed.index(token)]) / WEIGHT


def test_a_part_counts_what_it_is_heard_the_first_time(smol: LlamaModel) -> None:
    fusion, cursor = begun(smol, "start web, then db", {})
    assert added(smol, fusion, cursor, "call:container.start") == pytest.approx(2.0)
    assert added(smol, fusion, cursor, "call:file.list") == 0.0, "of which the reader knows nothing"
    plan = (Control("call:container.start"), Control("key:containers"), Copy("web"))
    fusion, cursor = begun(smol, "start web, then db", {}, *plan)
    assert added(smol, fusion, cursor, "call:container.start") == 0.0
    assert added(smol, fusion, cursor, "end") == 0.0


def test_no_odds_count_for_more_than_the_most(smol: LlamaModel) -> None:
    fusion, cursor = begun(smol, "containers", {}, Control("call:container.list"))
    assert added(smol, fusion, cursor, "key:all") == pytest.approx(MOST)


def test_a_word_counts_by_how_much_likelier_it_is_this_argument_than_none(smol: LlamaModel) -> None:
    heard = {"containers": {1: 2.5, 4: -1.5, 0: -9.0}, "paths": {1: 1.0}}
    fusion, cursor = begun(
        smol, "start web, then db", heard, Control("call:container.start"), Control("key:containers")
    )
    assert added(smol, fusion, cursor, "web") == pytest.approx(2.5)
    assert added(smol, fusion, cursor, "db") == pytest.approx(-1.5)
    assert added(smol, fusion, cursor, "start") == pytest.approx(-MOST)
    fusion, cursor = begun(
        smol, "start web, then db", heard, Control("call:file.delete"), Control("key:paths")
    )
    assert added(smol, fusion, cursor, "web") == pytest.approx(1.0)


def test_inside_a_word_nothing_is_added(smol: LlamaModel) -> None:
    request = "remove zqxvkjworker now"
    tokens = smol._engine.tokenize("zqxvkjworker")
    fusion, cursor = begun(
        smol, request, {"paths": {1: 3.0}}, Control("call:file.delete"), Control("key:paths")
    )
    assert len(tokens) > 1
    assert added(smol, fusion, cursor, "zqxvkjworker") == pytest.approx(3.0)
    cursor.accept(tokens[0])
    assert not fusion(cursor.allowed(), cursor).any()


def test_of_two_words_that_begin_alike_the_likelier_counts_and_a_directory_is_one(smol: LlamaModel) -> None:
    request = "show notes from notes"
    parts = (Control("call:file.read"), Control("key:paths"))
    heard = {"paths": {1: -1.0, 3: 0.5}, "in": {1: -2.0, 3: 3.5}}
    fusion, cursor = begun(smol, request, heard, *parts)
    assert added(smol, fusion, cursor, "notes") == pytest.approx(0.5)
    fusion, cursor = begun(smol, request, heard, *parts, Copy("notes"), Control("in"))
    assert added(smol, fusion, cursor, "notes") == pytest.approx(3.5)


def test_a_quotation_is_heard_with_and_without_its_quotes(smol: LlamaModel) -> None:
    fusion, cursor = begun(
        smol, "delete 'web logs'", {"paths": {1: 2.0}}, Control("call:file.delete"), Control("key:paths")
    )
    assert added(smol, fusion, cursor, "web") == pytest.approx(2.0)


def test_what_the_reader_hears_comes_into_a_plan_that_the_network_doubts(smol: LlamaModel) -> None:
    """The plan beside the network's own has what a reader made by hand is sure of, and the network's own stays as it is."""
    weighing = smol.weighing
    assert weighing is not None
    none = ((0.0,) * len(FEATURES), (0.0,) * EVIDENCE)
    request = CompileRequest("remove the container web", available(), certain=1.0)
    alone = smol.decode(request)
    assert isinstance(alone, Ok)
    for odds in (9.0, -9.0):
        reader = hears({"key:force": odds, "key:volumes": odds})
        model = LlamaModel(
            replace(
                smol._weights, weighing=replace(weighing, reader=reader, choice=none[0], certainty=none[1])
            )
        )
        try:
            drawn = model.plans(request)
        finally:
            model.close()
        assert isinstance(drawn, Ok)
        first, second, *_ = (draft for draft, _ in drawn.value)
        assert first.raw == alone.value[0].raw
        assert "key:force" not in first.raw
        assert ("key:force" in second.raw) is (odds > 0)
