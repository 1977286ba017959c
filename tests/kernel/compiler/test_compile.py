"""The compiler's one way through: what may be asked, and what an answer may become."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os.kernel.compiler.compile import (
    Certainty,
    Compilation,
    Outcome,
    Unsure,
    clean,
    compile_request,
    workspace_names,
)
from casava_os.kernel.ports import CompileRequest, Draft
from casava_os.model.scripted import Script, ScriptedModel
from casava_syscalls.registry import available
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.talk import QUESTIONS
from casava_syscalls.values import Refusal

FIND: dict[str, object] = {"call": "file.find"}
DELETE: dict[str, object] = {"call": "file.delete", "paths": ["a"]}
ASKED = CompileRequest(text="do", offered=available(), piped_stdin=False)


@pytest.mark.parametrize(
    ("request_text", "said"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("x" * 100_000, "100000 bytes, and at most 8192"),
        ("é" * 5000, "10000 bytes"),
        ("a\x00b", "position 2 it has the character U+0000"),
        ("\x1b[2Jlist files", "U+001B"),
        ("list\x07", "U+0007"),
        ("delete \u202etxt.a", "U+202E"),
        ("\udcff\udcfe", "not text"),
        ("\x7fELF", "U+007F"),
    ],
)
def test_what_is_no_request(request_text: str, said: str) -> None:
    found = clean(request_text)
    assert isinstance(found, Err)
    assert found.code == "usage"
    assert said in f"{found.title} {found.message}"
    assert found.hint


@pytest.mark.parametrize(
    "request_text", ["list files", "two\nlines\tand a tab", "größe der bilder 📷", "'it's \"quoted\"'"]
)
def test_what_is_a_request(request_text: str) -> None:
    assert clean(f"  {request_text}\n") == Ok(value=request_text)


async def compiled(script: Script, *, stdin: bool = False) -> Outcome:
    request = CompileRequest(text="do", offered=available(), piped_stdin=stdin)
    return await compile_request(ScriptedModel({"do": script}), request, Certainty(0.3, 0.6, 0.8))


def sure(confidence: float, *steps: dict[str, object]) -> Draft:
    return Draft(steps=steps, confidence=confidence)


@pytest.mark.parametrize(
    ("draft", "runs"),
    [
        (sure(0.31, FIND), True),
        (sure(0.29, FIND), False),
        (sure(0.79, DELETE), False),
        (sure(0.81, DELETE), True),
        (sure(0.5, {"call": "file.write", "path": "a"}), True),
        (sure(0.5, {"call": "file.write", "path": "a", "content": "b", "how": "overwrite"}), False),
        (sure(0.7, {"call": "file.write", "path": "a", "content": "b", "how": "overwrite"}), True),
        (sure(0.5, {"call": "file.copy", "paths": ["a"], "to": "b", "overwrite": True}), False),
        (sure(0.5, {"call": "process.run", "command": "make"}), False),
        (sure(0.7, {"call": "process.run", "command": "make"}), True),
        (sure(0.7, {"call": "container.stop", "containers": ["web"]}), True),
        (sure(0.7, {"call": "container.remove", "containers": ["web"]}), False),
        (sure(0.7, FIND, {"call": "file.delete", "paths": "$1"}), False),
        (sure(0.7, {"call": "process.run", "command": "make"}, DELETE), False),
        (sure(0.7, {"call": "file.move", "paths": ["a"], "to": "b"}), False),
        (sure(0.7, {"call": "file.rename", "paths": ["a"], "to": "b"}), False),
    ],
)
async def test_a_plan_that_destroys_must_be_more_certain(draft: Draft, runs: bool) -> None:
    outcome = await compiled(draft)
    assert isinstance(outcome, Compilation if runs else Unsure)


async def test_who_wants_to_be_asked_more_is_asked_about_deletes_as_well() -> None:
    """Deleting never needs less than running something does."""
    certainty = Certainty(0.3, 0.9, 0.6)
    outcome = await compile_request(ScriptedModel({"do": sure(0.8, DELETE)}), ASKED, certainty)
    assert isinstance(outcome, Unsure)
    assert certainty.most == 0.9


async def test_an_uncertain_plan_is_shown_as_the_question() -> None:
    outcome = await compiled(sure(0.1, FIND, {"call": "file.delete", "paths": "$1"}))
    assert isinstance(outcome, Unsure)
    assert outcome.question.choices == ("file.find → file.delete paths=$1",)
    assert outcome.confidence == 0.1


async def test_a_question_and_a_refusal_are_outcomes() -> None:
    asked = await compiled([{"call": "ask", "about": "target"}])
    assert isinstance(asked, Unsure)
    assert asked.question.text == QUESTIONS["target"]
    refused = await compiled([{"call": "refuse", "reason": "outside"}])
    assert refused == Refusal(reason="That lies outside the workspace.")


@pytest.mark.parametrize(
    ("steps", "kind", "said"),
    [
        ([{"call": "net.fetch", "url": "https://example.org/x"}], Refusal, "It would need net.fetch"),
        ([{"call": "file.read", "paths": ["/etc/passwd"]}], Refusal, "outside the workspace"),
        ([{"call": "file.read", "paths": ["../x"]}], Refusal, "outside the workspace"),
        ([{"call": "file.format", "paths": ["x"]}], Unsure, QUESTIONS["meaning"]),
        ([{"call": "file.find", "older_than": -1}], Unsure, QUESTIONS["meaning"]),
        ([{"call": "file.delete", "paths": "$1"}], Unsure, QUESTIONS["meaning"]),
        ([{"call": "text.count", "source": "$0"}], Unsure, QUESTIONS["meaning"]),
        ([], Unsure, QUESTIONS["meaning"]),
    ],
)
async def test_a_draft_that_is_no_plan_does_nothing(
    steps: list[dict[str, object]], kind: type[object], said: str
) -> None:
    outcome = await compiled(steps)
    assert isinstance(outcome, kind)
    text = outcome.question.text if isinstance(outcome, Unsure) else getattr(outcome, "reason", "")
    assert said in text


async def test_piped_input_may_be_referred_to_when_there_is_some() -> None:
    outcome = await compiled([{"call": "text.count", "source": "$0"}], stdin=True)
    assert isinstance(outcome, Compilation)
    assert outcome.plan.reads_stdin


async def test_a_models_failures_stay_what_they_are() -> None:
    assert isinstance(await compiled(Err(code="not-understood", title="x", message="Say more?")), Unsure)
    full = Err(code="limit", title="Too long")
    assert await compiled(full) == full


async def test_however_many_models_hang_the_next_request_is_compiled() -> None:
    """More than asyncio's shared threads; an interpreter that ends does not wait for them either."""
    free = threading.Event()

    class Hanging(ScriptedModel):
        def compile(
            self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
        ) -> Result[Draft]:
            free.wait(30)
            return super().compile(request, cancelled)

    model, request = Hanging({"do": [FIND]}), CompileRequest(text="do", offered=available())
    hung = [asyncio.create_task(compile_request(model, request, Certainty(0.3, 0.6, 0.8))) for _ in range(40)]
    await asyncio.sleep(0.05)
    assert isinstance(await asyncio.wait_for(compiled([FIND]), 5), Compilation)
    assert all(not task.done() for task in hung)
    hung[0].cancel()
    free.set()
    outcomes = await asyncio.gather(*hung, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert all(isinstance(outcome, Compilation) for outcome in outcomes[1:])


def test_names_come_from_the_top_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "src/deep").mkdir(parents=True)
    (tmp_path / "src/deep/hidden.py").touch()
    (tmp_path / "src/main.py").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").touch()
    (tmp_path / "a.txt").touch()
    (tmp_path / os.fsdecode(b"\xff.bin")).touch()
    assert set(workspace_names(tmp_path, 100)) == {
        ".git",
        "a.txt",
        "src",
        "\uf7ff.bin",
        "src/deep",
        "src/main.py",
    }
    assert len(workspace_names(tmp_path, 2)) == 2
    assert workspace_names(tmp_path / "missing", 10) == ()


async def test_what_is_not_sure_is_shown_with_the_next_best_plans() -> None:
    """Only those that could run: no questions, no syscalls that are withheld, nothing malformed, none twice."""
    others = (
        ({"call": "file.list"},),
        ({"call": "ask", "about": "meaning"},),
        ({"call": "file.delete", "paths": "$4"},),
        ({"call": "net.fetch", "url": "https://example.org"},),
        (FIND,),
    )
    draft = Draft(steps=(FIND,), confidence=0.1, others=others)
    request = CompileRequest(text="do", offered=frozenset({"file.find", "file.list", "file.delete", "ask"}))
    outcome = await compile_request(ScriptedModel({"do": draft}), request, Certainty())
    assert isinstance(outcome, Unsure)
    assert outcome.question.choices == ("file.find", "file.list")
    assert "one of these" in outcome.question.text


async def test_of_plans_that_delete_the_narrowest_comes_first() -> None:
    """The others keep their places: a wider deletion that the model likes better is not the first that a person sees."""
    wide = ({"call": "file.find", "extension": ["tmp"]}, {"call": "file.delete", "paths": "$1"})
    narrow = (
        {"call": "file.find", "extension": ["tmp"], "older_than": 604800},
        {"call": "file.delete", "paths": "$1"},
    )
    draft = Draft(steps=wide, confidence=0.1, others=(({"call": "file.list"},), narrow))
    request = CompileRequest(
        text="delete the tmp files older than a week",
        offered=frozenset({"file.find", "file.list", "file.delete"}),
    )
    outcome = await compile_request(
        ScriptedModel({"delete the tmp files older than a week": draft}), request, Certainty()
    )
    assert isinstance(outcome, Unsure)
    assert [len(plan.steps) for plan in outcome.plans] == [2, 1, 2]
    assert "older_than" in outcome.question.choices[0]
    assert outcome.question.choices[1] == "file.list"
    assert "older_than" not in outcome.question.choices[2]


async def test_a_file_that_is_deleted_twice_is_no_choice_beside_others() -> None:
    once: dict[str, object] = {"call": "file.delete", "paths": ["a.txt"]}
    nonsense = tuple(
        (once, {"call": "file.delete", "paths": paths}) for paths in (["a.txt/a.txt"], ["b.txt", "./a.txt"])
    )
    offered = frozenset({"file.delete"})
    for steps, others, choices in (
        (nonsense[0], (nonsense[1], (once,)), 1),
        ((once,), nonsense, 1),
        ((once,), ((once, {"call": "file.delete", "paths": ["a.txt2"]}),), 2),
        (nonsense[0], (), 1),  # better than nothing to choose from
    ):
        draft = Draft(steps=steps, confidence=0.1, others=others)
        outcome = await compile_request(
            ScriptedModel({"do": draft}), CompileRequest(text="do", offered=offered), Certainty()
        )
        assert isinstance(outcome, Unsure)
        assert len(outcome.plans) == len(outcome.question.choices) == choices
