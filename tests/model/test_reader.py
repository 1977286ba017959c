"""The reader: a request must ask, in its hearing, for what a plan would delete, move or run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from casava_os.kernel.compiler.compile import Certainty
from casava_os.kernel.compiler.tagged import CALLS
from casava_os.kernel.ports import CompileRequest
from casava_os.model.bags import slots
from casava_os.model.llama import LlamaModel
from casava_os.model.reader import KINDS, NEVER, Reader, heard, ordered, wary
from casava_os.model.weighing import CONSENT, Weighing
from casava_syscalls.base import Effect
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Ok

if TYPE_CHECKING:
    from casava_os.kernel.ports import Draft

PLAIN = (
    "delete the .tmp files older than a week",
    "move every pdf in inbox to archive",
    "rename draft.txt to final.txt",
    "run pytest -q",
)
NEVER_ASKED = {call for calls in KINDS.values() for call in calls}
HARMLESS = (
    "which files in logs could be deleted?",
    "show me remove.sh",
    "list the largest files in downloads",
    "how many files were renamed yesterday",
    "don't delete anything, just count the .bak files",
    "don't delete notes.txt",
    "please do not remove a.txt",
    "do not rename a.txt to b.txt",
    "keep a.txt, don't delete it",
    "which .tmp files can be removed?",
    "was a.txt deleted?",
    "should I delete a.txt?",
    "don't run make",
    "don't stop the container db",
    "count the files in removed",
    "can a.txt be deleted?",
    "list the files in dist, you must not delete them",
    "files in dist that match *.map, you mustn't delete them",
    "show the .log files so I can toss them tomorrow",
    "I have already deleted old.log",
)


def compiled(model: LlamaModel, request: str) -> Draft:
    found = model.compile(CompileRequest(request, available()))
    assert isinstance(found, Ok), found
    return found.value


def weighing_of(model: LlamaModel) -> Weighing:
    weighing = model._weights.weighing
    assert weighing is not None
    return weighing


def test_what_is_listened_to() -> None:
    found = heard("Don't delete 'my file' in src/main.c, 12 times")
    for one in ("don't", "^ don't", "don't delete", "don't * \"", 'delete "', "gdele", "gete>", "0:don't"):
        assert one in found, one
    assert {"<a/a>", "#", "# times $"} <= set(found)
    assert not [one for one in found if "my file" in one or "main" in one or "12" in one]
    assert len(found) == len(set(found))
    assert heard("copy a.txt") == heard("copy b.md")
    assert heard("") == ["^", "$", "^ $", "0:$"]


def test_a_request_to_be_wary_of() -> None:
    for request in (
        "don't delete a.txt", "DONT", "do not", "Never move it", "isn\u2019t it", "list them, nothing else", "without changes",
        "which .tmp files can go?", "so, what could be deleted", "How many", "was it moved", "ok tell me which",
        "can a.txt be deleted?", "hi, could the logs go", "do we need a.txt", "Does the shop run?", "files that might be old",
    ):  # fmt: skip
        assert wary(request), request
    for request in (
        "delete notes.txt",
        "notable nor1.txt",
        "knot",
        "want it gone",
        "can you delete a.txt?",
        "could u stop web",
        "hey could you please delete a.txt",
        "can we have the logs zipped",
        "do a listing",
        "the stack is no longer wanted, tear it down",
        "find what is old",
    ):
        assert not wary(request), request


@pytest.mark.parametrize(
    ("request_text", "rest"),
    [
        ("delete a.txt", "delete a.txt"),
        ("list the logs, you mustn't delete them", "list the logs, you"),
        ("delete the logs, but don't delete app.log", "delete the logs, but"),
        ("don't run make and delete a.o", "and delete a.o"),
        (
            "I don\u2019t need draft.txt any more, delete it",
            "I don\u2019t need draft.txt any more, delete it",
        ),
        ("i no longer need the stack demo, get rid of it", "i no longer need the stack demo, get rid of it"),
        ("you don't need to delete a.txt", "you"),
        ("keep it, no need to bin it", "keep it,"),
        ("a.txt isn't needed, bin it", "a.txt isn't needed, bin it"),
        ("I don't want a.txt deleted", "I"),
        ("show the logs so I can toss them tomorrow", "show the logs"),
        ("before we delete anything, count the logs", ", count the logs"),
        ("I have already deleted old.log", ""),
        ("I've thrown a.txt away; count the rest", "; count the rest"),
        ("I have to move a.txt to b", "I have to move a.txt to b"),
        ("i will delete them myself: list the logs", ": list the logs"),
        ("delete what nobody has read", "delete what"),
        ("the logs can go", "the logs can go"),
        (
            "logs should be moved to old; tell me what old weighs",
            "logs should be moved to old; tell me what old weighs",
        ),
        ("tell me which logs can safely be deleted", "tell me which logs"),
        ("quick question: what could go, what can we delete?", "quick question: what , what ?"),
        ("delete the logs which can be made again", "delete the logs which again"),
        ("another knot in notes.txt", "another knot in notes.txt"),
    ],
)
def test_what_is_only_spoken_of_is_left_out(request_text: str, rest: str) -> None:
    assert " ".join(ordered(request_text).split()) == rest


def test_the_least_of_what_a_plan_does_is_told() -> None:
    size = 8
    words = bytearray(size)
    words[slots(["delete"], size)[0]] = 1
    labels = ("call:file.delete", "call:file.move", "call:file.rename", "call:ask")
    reader = Reader(labels, bytes(words), (1.0,) * size, (4.0, -2.0, 0.0, 3.0), (-1.0, 0.5, 0.25, 0.0))
    hits = slots(heard("delete"), size).count(slots(["delete"], size)[0])
    odds = reader.odds("delete")
    assert reader.asked(odds, ["call:file.delete", "key:paths"]) == {"delete": (4.0 * hits - 1, hits - 1.0)}
    both = reader.asked(odds, ["call:file.rename", "call:file.find", "call:file.move"])["move"]
    assert both == (min(0.25, 0.5 - 2 * hits), min(0.25, 0.5 - 2 * hits) - 3 * hits)
    assert reader.asked(odds, ["call:process.run", "call:file.move"])["run"].odds == NEVER
    assert reader.asked(odds, ["call:file.find", "key:paths"]) == {}
    assert reader.hinted(odds, ["call:file.rename"]) == {"move": max(0.25, 0.5 - 2 * hits)}, "whatever moves"
    assert reader.hinted(odds, ["call:process.run", "key:paths"]) == {"run": NEVER}


def test_consent_is_given_or_a_plan_is_doubted(smol: LlamaModel) -> None:
    weighing = weighing_of(smol)
    read = weighing.read("delete notes.txt")
    spoken = weighing.read("don't delete notes.txt")
    assert (read.wary, spoken.wary) == (False, True)
    assert read.orders is None
    assert spoken.orders is not None
    assert np.array_equal(spoken.orders, weighing.reader.odds(" "))
    asked = weighing.reader.asked(read.odds, ["call:file.delete"])["delete"]
    free = (-1e3,) * CONSENT
    for more, expected in ((0.0, 1.0), (2.0, 1 / (1 + math.exp(2.0))), (1e3, 0.0), (-1e3, 1.0)):
        needs = replace(weighing, consent=(asked.odds + more, *free[1:]))
        assert needs.consents(read, ["call:file.delete"]) == pytest.approx(expected, abs=1e-5)
        assert needs.consents(read, ["call:file.find"]) == needs.consents(read, []) == 1.0
        for last in ((asked.odds + more, -1e3), (-1e3, asked.lead + more)):
            careful = replace(weighing, consent=(*free[:-3], *last, -1e3))
            assert careful.consents(read, ["call:file.delete"]) == 1.0
            doubtful = replace(read, wary=True)
            assert careful.consents(doubtful, ["call:file.delete"]) == pytest.approx(expected, abs=1e-5)
            assert careful.consents(doubtful, ["call:file.find"]) == 1.0
        hints = replace(weighing, consent=(*free[:-1], asked.odds + more))
        assert hints.consents(read, ["call:file.delete"]) == 1.0, "it speaks of nothing else"
        for orders in (read.odds, read.odds - 1):
            spoken = replace(read, odds=read.odds + 9, orders=orders)
            wanting = asked.odds + more - weighing.reader.hinted(orders, ["call:file.delete"])["delete"]
            given = 1.0 if wanting <= 0 else 1 / (1 + math.exp(min(60.0, wanting)))
            assert hints.consents(spoken, ["call:file.delete"]) == pytest.approx(given, abs=1e-5)
            assert hints.consents(spoken, ["call:file.find"]) == 1.0
    strict = replace(weighing, consent=(-1e3, 1e3, *free[2:]))
    assert strict.consents(read, ["call:file.delete"]) == 1.0
    assert strict.consents(read, ["call:file.delete", "call:file.move"]) < 0.5, "for everything that it does"


def test_without_consent_a_plan_is_doubted_however_sure_it_is(smol: LlamaModel) -> None:
    weighing, delete = weighing_of(smol), "delete notes.txt"
    strict = LlamaModel(
        replace(smol._weights, weighing=replace(weighing, consent=(1e3, *weighing.consent[1:])))
    )
    before, after = compiled(smol, delete), compiled(strict, delete)
    shown = compiled(smol, "show notes.txt"), compiled(strict, "show notes.txt")
    strict.close()
    assert before.steps == after.steps
    assert before.confidence >= Certainty().destructive
    assert after.confidence < 0.01
    assert shown[0].confidence == shown[1].confidence


@pytest.mark.parametrize("request_text", PLAIN)
def test_the_shipped_model_consents_to_plain_orders(smol: LlamaModel, request_text: str) -> None:
    draft = compiled(smol, request_text)
    assert any(str(step["call"]) in frozenset().union(*KINDS.values()) for step in draft.steps)
    assert draft.confidence >= Certainty().destructive


@pytest.mark.parametrize("request_text", HARMLESS)
def test_the_shipped_model_does_nothing_that_was_not_asked(smol: LlamaModel, request_text: str) -> None:
    found = smol.compile(CompileRequest(request_text, available()))
    if isinstance(found, Ok):
        done = {str(step["call"]) for step in found.value.steps}
        assert found.value.confidence < Certainty().destructive or not done & NEVER_ASKED, found.value


def test_it_is_about_all_that_deletes_or_runs_and_idioms_that_change_files() -> None:
    asked = frozenset().union(*KINDS.values())
    assert asked <= set(CALLS)
    harmful = {name for name, call in SYSCALLS.items() if call.effect & (Effect.DELETE | Effect.EXECUTE)}
    assert harmful <= asked
    assert {call for call in asked if call not in SYSCALLS} == {
        f"idiom.{name}"
        for name in (
            "line_endings", "trailing_spaces", "sort_by_extension", "sort_by_month", "flatten", "spaces_to_underscores",
        )
    }  # fmt: skip
