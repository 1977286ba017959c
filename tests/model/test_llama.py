"""The shipped model behind the kernel's protocol."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from casava_os import model
from casava_os.kernel.compiler.compile import Certainty
from casava_os.kernel.ports import CompileRequest, Draft, Model
from casava_os.model import llama
from casava_os.model.decoding import Forks
from casava_os.model.grammar import Cursor
from casava_os.model.llama import OTHERS, LlamaModel, _Sitting
from casava_os.shell.screens.conversation import WELCOME
from casava_syscalls.plan import describe, parse_plan
from casava_syscalls.registry import available
from casava_syscalls.results import Err, Ok


def compiled(smol: LlamaModel, text: str, *, stdin: bool = False, names: tuple[str, ...] = ()) -> Draft:
    result = smol.compile(CompileRequest(text, available(), stdin, names))
    assert isinstance(result, Ok), result
    return result.value


def test_it_is_a_model(smol: LlamaModel) -> None:
    assert isinstance(smol, Model)
    assert smol.name.startswith("casava-smol")
    assert len(smol.digest) == 64


def test_a_plain_request_becomes_its_plan(smol: LlamaModel) -> None:
    draft = compiled(smol, "delete the .tmp files older than a week")
    plan = parse_plan({"version": 1, "steps": list(draft.steps)})
    assert isinstance(plan, Ok)
    assert [step.call for step in plan.value.steps] == ["file.find", "file.delete"]
    assert describe(plan.value.steps[0]) == "file.find extension=tmp older_than=604800"
    assert describe(plan.value.steps[1]) == "file.delete paths=$1"
    assert draft.confidence > 0.6
    assert draft.tokens > 5
    assert draft.raw.startswith("<call:file.find>")


def test_the_same_request_gives_the_same_plan(smol: LlamaModel) -> None:
    first, second = (compiled(smol, "count the lines of notes.txt") for _ in range(2))
    assert (first.steps, first.confidence) == (second.steps, second.confidence)


def test_nonsense_is_answered_with_a_question_a_refusal_or_doubt(smol: LlamaModel) -> None:
    draft = compiled(smol, "wibble the frobnitz until it quonks")
    calls = [step["call"] for step in draft.steps]
    assert calls[0] in ("ask", "refuse") or draft.confidence < 0.3


def test_empty_binary_and_endless_requests_are_errors(smol: LlamaModel) -> None:
    codes, said = [], []
    for text in ("", "  \n\t ", "a\x00b", "caf\udce9", "word " * 20_000):
        result = smol.compile(CompileRequest(text, available()))
        assert isinstance(result, Err)
        assert result.hint
        codes.append(result.code)
        said.append(result.message)
    assert codes == ["not-understood"] * 4 + ["limit"]
    assert "it has 20,000 words" in said[-1]
    assert "words like these" in said[-1]


def test_unusual_text_is_read(smol: LlamaModel) -> None:
    for text in ("löschen\r\n\x1b[31m", "\u202edelete", "🎉" * 20, "'\"`" * 30, "-" * 300):
        result = smol.compile(CompileRequest(text, available()))
        assert isinstance(result, Ok) or result.code in ("not-understood", "limit"), result


def test_a_cancelled_compilation_stops_within_a_token(smol: LlamaModel) -> None:
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 2

    result = smol.compile(CompileRequest("delete the .tmp files older than a week", available()), cancelled)
    assert isinstance(result, Err)
    assert result.code == "interrupted"
    assert calls == 3


def test_threads_wait_for_each_other_and_get_their_own_answers(smol: LlamaModel) -> None:
    texts = [f"show the last {n} lines of log{n}.txt" for n in range(2, 10)]
    alone = [compiled(smol, text).steps for text in texts]
    together: dict[int, object] = {}

    def work(n: int) -> None:
        together[n] = compiled(smol, texts[n]).steps

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[n] for n in range(len(texts))] == alone


def test_it_answers_quickly(smol: LlamaModel) -> None:
    """A generous bound, for busy machines: an accidental recompilation of the grammar per token would break it."""
    began = time.perf_counter()
    for _ in range(10):
        compiled(smol, "delete the .tmp files older than a week")
    assert time.perf_counter() - began < 2.0


def test_a_closed_model_can_be_closed_again() -> None:
    loaded = model.load("casava-smol")
    assert isinstance(loaded, Ok)
    loaded.value.close()
    loaded.value.close()


def test_a_plan_that_contradicts_itself_becomes_a_question_or_another_one_that_is_doubted(
    smol: LlamaModel,
) -> None:
    """Copying a file onto itself is what is said, so what any network likes best; the ABI refuses it."""
    draft = compiled(smol, "copy config.yaml to config.yaml")
    assert isinstance(parse_plan({"version": 1, "steps": list(draft.steps)}), Ok)
    assert {"call": "file.copy", "paths": ["config.yaml"], "to": "config.yaml"} not in draft.steps
    assert draft.steps[0]["call"] == "ask" or draft.confidence < Certainty().confidence
    drawn = smol.plans(CompileRequest("copy config.yaml to config.yaml", available()))
    assert isinstance(drawn, Ok)
    contradicted = [made.steps for made, trace in drawn.value if trace.contradicted]
    assert contradicted
    for made in smol._weighed(CompileRequest("copy config.yaml to config.yaml", available()), drawn.value):
        assert made.steps not in contradicted or made.confidence < Certainty().confidence


def test_what_it_doubts_comes_with_other_plans(smol: LlamaModel) -> None:
    """Each takes another turn at a close choice; they are plans, differ, and leave the first one what it was."""
    texts = ("clean up the old stuff in logs", "notes.txt and todo.txt please", "newest report")
    for text in texts:
        plain = compiled(smol, text)
        assert plain.others == ()
        result = smol.compile(CompileRequest(text, available(), certain=1.0))
        assert isinstance(result, Ok), result
        draft = result.value
        assert draft.steps == plain.steps
        assert 0 < len(draft.others) <= OTHERS
        for other in draft.others:
            assert other != draft.steps
            assert isinstance(parse_plan({"version": 1, "steps": list(other)}), Ok), other
        assert len({str(other) for other in draft.others}) == len(draft.others)


def test_forks_choose_the_second_best_only_where_told() -> None:
    logits = np.array([0.0, 3.0, 2.5], dtype=np.float32)
    forks = Forks()
    assert [forks(logits), forks(logits[:2])] == [1, 1]
    assert forks.closest(1) == [frozenset({0})]
    again = Forks(forks.closest(1)[0])
    assert [again(logits), again(logits)] == [2, 1]


def test_two_threads_that_load_the_first_model_share_one_callback() -> None:
    """llama.cpp logs to the callback that was set last. That one was freed when the other was remembered: a crash."""
    done = subprocess.run(
        [sys.executable, "-c", _TWO_FIRST_LOADS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "loaded\n"), done.stderr


_TWO_FIRST_LOADS = """
import threading, time
import llama_cpp
from casava_os.model import load

begin, calls = llama_cpp.llama_backend_init, []

def slow_for_the_first():
    calls.append(1)
    if len(calls) == 1:
        time.sleep(0.3)
    begin()

llama_cpp.llama_backend_init = slow_for_the_first
threads = [threading.Thread(target=load) for _ in range(2)]
threads[0].start()
time.sleep(0.1)
threads[1].start()
for thread in threads:
    thread.join()
print("loaded")
"""


def test_what_the_shell_offers_as_examples_is_understood(smol: LlamaModel) -> None:
    examples = [line.strip() for line in WELCOME.splitlines() if line.startswith("  ") and "!" not in line]
    assert len(examples) == 3
    certainty = Certainty()
    for text in examples:
        draft = compiled(smol, text)
        plan = parse_plan({"request": text, "steps": list(draft.steps)})
        assert isinstance(plan, Ok)
        assert draft.confidence >= certainty.needed(plan.value), text


def test_plans_that_are_weighed_are_those_of_an_empty_context(
    smol: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a plan was begun again, which leaves other tokens behind than the first attempt's."""

    draw, found = LlamaModel._drawn, list[tuple[str, list[float]]]()
    cold = threading.Event()

    def drawn(self: LlamaModel, sitting: _Sitting, *rest: object) -> object:
        if cold.is_set():
            sitting.past.clear()
        result = draw(self, sitting, *rest)  # type: ignore[arg-type]
        if isinstance(result, Ok):
            found.append((result.value[0].raw, result.value[1].free))
        return result

    monkeypatch.setattr(LlamaModel, "_drawn", drawn)
    for text in ("move a.txt to a.txt", "find pdf files over 10 MB and under 1 MB"):
        both = []
        for change in (cold.clear, cold.set):
            change()
            found.clear()
            assert isinstance(smol.plans(CompileRequest(text, available())), Ok)
            both.append([*found])
        warm, wanted = both
        assert [raw for raw, _ in warm] == [raw for raw, _ in wanted]
        for (_, chances), (_, expected) in zip(warm, wanted, strict=True):
            assert chances == pytest.approx(expected, abs=0.002)


def test_a_plan_for_which_there_is_no_room_is_begun_again(
    smol: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "delete the .tmp files older than a week"
    whole = compiled(smol, text)
    begun = list[int]()
    blame = Cursor.blame

    def counted(self: Cursor) -> tuple[int, str, str] | None:
        begun.append(self.length)
        return blame(self)

    monkeypatch.setattr(Cursor, "blame", counted)
    room = whole.tokens - 1
    monkeypatch.setattr(llama, "ROOM", room - len(smol._speller.tokens(text)) + 2)
    result = smol.decode(CompileRequest(text, available()))
    assert begun[0] == room, "as far as there is room"
    if isinstance(result, Ok):
        assert result.value[0].tokens < whole.tokens
        assert result.value[1].contradicted
    else:
        assert result.code == "not-understood"


def test_what_rearranges_files_by_a_script_says_so(smol: LlamaModel) -> None:
    assert compiled(smol, "sort the photos into folders by month").moves
    assert not compiled(smol, "how many files of each extension are there").moves
