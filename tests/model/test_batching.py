"""Many requests at one model: the same plans as one at a time, nobody blocks the others, and every second is somebody's."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from casava_os import model
from casava_os.kernel.ports import CompileRequest, Draft, Measured
from casava_os.model import gguf_file
from casava_os.model.batching import Batching, Seat
from casava_os.model.decoding import Question
from casava_os.model.engine import Engine, Work
from casava_os.model.llama import SEQUENCES, LlamaModel, _Sitting
from casava_os.model.scheduler import Rules
from casava_syscalls.registry import available
from casava_syscalls.results import Err, Ok, Result

REQUESTS = [
    json.loads(line)["request"]
    for line in (Path(__file__).parent / "data" / "requests.jsonl").read_text(encoding="utf-8").splitlines()
][:50]
QUESTION = Question([0, 300, 301, 2], begins=True)
"""What any request could ask."""
LONG = "find every python file in src and tests that is bigger than 2 kb and older than a week, newest first"


@pytest.fixture
def fresh() -> Iterator[LlamaModel]:
    """A model of its own, for tests that break it or count what it did."""
    loaded = model.load()
    assert isinstance(loaded, Ok), loaded
    assert isinstance(loaded.value, LlamaModel)
    yield loaded.value
    loaded.value.close()


def asked(text: str, *, interactive: bool = True, deadline: float | None = None) -> CompileRequest:
    return CompileRequest(text, available(), interactive=interactive, deadline=deadline)


def said(result: Result[Draft]) -> object:
    """What must be the same however a request was scheduled: all but its times."""
    if isinstance(result, Err):
        return result.code
    draft = result.value
    return draft.raw, draft.confidence, draft.tokens, draft.steps


def together(work: Sequence[Callable[[], object]], seconds: float = 60.0) -> None:
    """Runs each in a thread of its own; all must end."""
    threads = [threading.Thread(target=one, daemon=True) for one in work]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(until - time.monotonic())
    assert not any(thread.is_alive() for thread in threads)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


# ------------------------------------------------------------------------------------------------ the same plans


def test_fifty_requests_at_once_give_the_same_plans_as_one_at_a_time(smol: LlamaModel) -> None:
    """To the bit of the confidence, people's and background requests mixed."""
    assert len(REQUESTS) == 50
    # The longer ones are read by another of llama.cpp's kernels, and in several parts.
    requests = [
        text if n % 5 else " and then ".join([text, *REQUESTS[: n + 1]])[: 60 * n]
        for n, text in enumerate(REQUESTS)
    ]
    alone = [said(smol.compile(asked(text))) for text in requests]
    found: dict[int, object] = {}

    def work(n: int) -> Callable[[], object]:
        return lambda: found.update({n: said(smol.compile(asked(requests[n], interactive=n % 3 > 0)))})

    together([work(n) for n in range(50)])
    assert [found[n] for n in range(50)] == alone


def test_requests_share_batches(fresh: LlamaModel) -> None:
    """The opposite of waiting in line: evaluating two questions in one batch is what the context is shared for."""
    sizes: list[int] = []
    run = fresh._engine.run

    def counting(works: Sequence[Work]) -> object:
        sizes.append(len(works))
        return run(works)

    fresh._engine.run = counting  # type: ignore[method-assign, assignment]
    together([lambda text=text: fresh.compile(asked(text)) for text in REQUESTS])  # type: ignore[misc]
    assert max(sizes) > 1


def interrupted_run(smol: LlamaModel, text: str, disturb: Callable[[LlamaModel, Seat, int], None]) -> object:
    """The plan's tokens and confidence, disturbed before each question."""
    tokens = smol._engine.tokenize(text)
    seated = smol._batching.enter(500)
    assert isinstance(seated, Ok)
    now = datetime(2026, 3, 31, 12)  # noqa: DTZ001 - as people's clocks
    request = asked(text)
    sitting = _Sitting(request, tokens, smol._values(request, tokens, now), now, seated.value, 0.0)
    plan = smol._begin(sitting)
    number = 0
    try:
        question = next(plan)
        while True:
            disturb(smol, seated.value, number)
            answer = smol._batching.evaluate(seated.value, question)
            assert not isinstance(answer, Err), answer
            question = plan.send(answer)
            number += 1
    except StopIteration as ended:
        cursor, trace = ended.value.value
        return cursor.segments, trace.free, trace.masked
    finally:
        smol._batching.leave(seated.value)


def test_a_request_that_was_evicted_between_any_two_tokens_gives_the_uninterrupted_plan(
    fresh: LlamaModel,
) -> None:
    """Others take every place while it thinks, so that its state is saved, its sequence reused, and restored."""

    def evict(smol: LlamaModel, seat: Seat, number: int) -> None:
        if not number:
            return
        # As if it had been thinking for long.
        seat.entry.since -= 10
        held: list[Seat] = []
        before = seat.entry.evictions
        while seat.entry.evictions == before:
            other = smol._batching.enter(500)
            assert isinstance(other, Ok)
            held.append(other.value)
            assert not isinstance(smol._batching.evaluate(other.value, QUESTION), Err)
            assert len(held) <= SEQUENCES
        for one in held:
            smol._batching.leave(one)

    evictions: list[int] = []

    def count(smol: LlamaModel, seat: Seat, number: int) -> None:
        evict(smol, seat, number)
        evictions.append(seat.entry.evictions)

    plain = interrupted_run(fresh, LONG, lambda smol, seat, number: None)
    assert interrupted_run(fresh, LONG, count) == plain
    assert evictions[-1] == len(evictions) - 1 > 3


class Stub:
    """An engine that only counts tokens, and fails for what begins in the middle."""

    cell_bytes = 1

    def __init__(self) -> None:
        self.held = [0, 0]
        self.while_saving: Callable[[], None] | None = None

    def run(self, works: Sequence[Work]) -> list[NDArray[np.float32]]:
        for work in works:
            assert self.held[work.sequence] or work.tokens[0] == 1, "it begins in the middle"
            self.held[work.sequence] += len(work.tokens)
        return [np.zeros((work.last, 4), np.float32) for work in works]

    def keep(self, sequence: int, tokens: int = 0) -> None:
        self.held[sequence] = min(self.held[sequence], tokens)

    def save(self, sequence: int) -> tuple[int, bytes]:
        if self.while_saving is not None:
            self.while_saving()
        return self.held[sequence], b""

    def restore(self, sequence: int, saved: tuple[int, bytes]) -> None:
        self.held[sequence] = saved[0]

    def renew(self) -> None:
        self.held = [0, 0]

    def close(self) -> None:
        pass


def test_who_leaves_while_it_is_saved_takes_no_place_from_who_comes() -> None:
    engine, now = Stub(), [0.0]
    batching = Batching(cast("Any", engine), Rules(2, 1000), lambda: now[0], lambda: 2**40)

    def seated(*, interactive: bool) -> Seat:
        entered = batching.enter(100, interactive=interactive)
        assert isinstance(entered, Ok)
        return entered.value

    prompt, more = Question([1, 2, 3], begins=True), Question([2])
    leaver, bystander = seated(interactive=False), seated(interactive=True)
    now[0] += 10  # as old as this, background work ranks with people's
    for seat in (leaver, bystander):
        assert not isinstance(batching.evaluate(seat, prompt), Err)
    now[0] += 1

    def leave() -> None:
        engine.while_saving = None
        thread = threading.Thread(target=batching.leave, args=(leaver,))
        thread.start()
        thread.join()

    engine.while_saving = leave
    comer = seated(interactive=True)
    assert not isinstance(batching.evaluate(comer, prompt), Err)
    assert engine.while_saving is None, "somebody was saved"
    for seat in (comer, bystander):
        answer = batching.evaluate(seat, more)
        assert not isinstance(answer, Err), answer


def test_background_work_is_preempted_by_people_and_its_plan_is_the_same(fresh: LlamaModel) -> None:
    alone = said(fresh.compile(asked(LONG)))
    found: list[object] = []
    stop = threading.Event()

    def people() -> None:
        while not stop.is_set():
            fresh.compile(asked("delete a.txt"))

    def background() -> None:
        found.extend(said(fresh.compile(asked(LONG, interactive=False))) for _ in range(5))
        stop.set()

    together([people, people, background])
    assert found == [alone] * 5


# ------------------------------------------------------------------------------------------------ nobody blocks others


def test_who_hangs_stops_nobody_else(fresh: LlamaModel) -> None:
    """More of them than there are places, in the middle of their plans: in a callback, or in a grammar without end."""
    free = threading.Event()
    hanging: list[int] = []

    def hang(n: int) -> None:
        seated = fresh._batching.enter(500)
        assert isinstance(seated, Ok)
        fresh._batching.evaluate(seated.value, QUESTION)
        hanging.append(n)
        if n % 2:
            fresh._batching.evaluate(seated.value, Question([300]), lambda: free.wait(30))
        else:
            free.wait(30)
        fresh._batching.leave(seated.value)

    hung = [threading.Thread(target=hang, args=(n,), daemon=True) for n in range(SEQUENCES + 2)]
    for thread in hung:
        thread.start()
    until(lambda: len(hanging) == len(hung))
    began = time.monotonic()
    answers = [said(fresh.compile(asked(text))) for text in REQUESTS[:5]]
    assert time.monotonic() - began < 5
    assert all(thread.is_alive() for thread in hung)
    free.set()
    for thread in hung:
        thread.join(10)
    assert not any(thread.is_alive() for thread in hung)
    assert answers == [said(fresh.compile(asked(text))) for text in REQUESTS[:5]]


def test_a_callback_that_raises_ends_its_own_request_only(smol: LlamaModel) -> None:
    def broken() -> bool:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        smol.compile(asked("delete a.txt"), broken)
    assert isinstance(smol.compile(asked("delete a.txt")), Ok)
    assert not smol._batching._seats


def test_cancelling_takes_effect_within_a_token_also_while_waiting(fresh: LlamaModel) -> None:
    """One that waits for a place that it never gets: every place is taken, and their owners are about to go on."""
    seats = [fresh._batching.enter(500) for _ in range(SEQUENCES)]
    for seat in seats:
        assert isinstance(seat, Ok)
        fresh._batching.evaluate(seat.value, QUESTION)
        seat.value.entry.since += 1000
    stop = threading.Event()
    found: list[Result[Draft]] = []
    thread = threading.Thread(
        target=lambda: found.append(fresh.compile(asked("delete a.txt"), stop.is_set)), daemon=True
    )
    thread.start()
    time.sleep(0.1)
    assert not found
    began = time.monotonic()
    stop.set()
    thread.join(5)
    assert time.monotonic() - began < 0.5
    assert isinstance(found[0], Err)
    assert found[0].code == "interrupted"
    late = fresh.compile(asked("delete a.txt", deadline=time.monotonic() + 0.1))
    assert isinstance(late, Err)
    assert late.code == "timeout"
    for seat in seats:
        assert isinstance(seat, Ok)
        fresh._batching.leave(seat.value)
    assert isinstance(fresh.compile(asked("delete a.txt")), Ok)


def test_a_deadline_in_the_past_is_an_error_at_once(smol: LlamaModel) -> None:
    result = smol.compile(asked("delete a.txt", deadline=time.monotonic() - 1))
    assert isinstance(result, Err)
    assert result.code == "timeout"
    assert result.hint


def test_too_many_requests_are_told_so() -> None:
    weights = gguf_file.read(model.shipped_weights() or Path())
    assert isinstance(weights, Ok)
    engine = Engine(weights.value.path, 256, sequences=1)
    batching = Batching(engine, Rules(sequences=1, cells=256, queue=2))
    seats = [batching.enter(10) for _ in range(3)]
    assert all(isinstance(seat, Ok) for seat in seats)
    refused = batching.enter(10)
    assert isinstance(refused, Err)
    assert (refused.code, refused.title) == ("limit", "The model is busy")
    for seat in seats:
        assert isinstance(seat, Ok)
        batching.leave(seat.value)
    again = batching.enter(10)
    assert isinstance(again, Ok)
    batching.leave(again.value)
    batching.close()


# ------------------------------------------------------------------------------------------------ failures


def test_a_batch_that_fails_ends_who_waits_with_an_error_and_the_next_request_is_answered(
    fresh: LlamaModel,
) -> None:
    """llama.cpp fails once, in the middle of ten requests."""
    run, left = fresh._engine.run, [7]

    def failing(works: Sequence[Work]) -> object:
        left[0] -= 1
        if left[0] == 0:
            raise RuntimeError("llama.cpp did not evaluate")
        return run(works)

    fresh._engine.run = failing  # type: ignore[method-assign, assignment]
    found: list[Result[Draft]] = []
    together([lambda: found.append(fresh.compile(asked(LONG))) for _ in range(10)])
    errors = [result for result in found if isinstance(result, Err)]
    assert len(found) == 10
    assert {error.code for error in errors} == {"no-model"}
    assert "llama.cpp did not evaluate" in errors[0].message
    again = fresh.compile(asked(LONG))
    assert isinstance(again, Ok)
    answered = [said(result) for result in found if isinstance(result, Ok)]
    assert all(answer == said(again) for answer in answered)


def test_a_context_that_cannot_be_made_anew_is_reported_to_everyone_who_comes(fresh: LlamaModel) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("out of memory")

    fresh._engine.run = fail  # type: ignore[method-assign, assignment]
    fresh._engine.renew = fail  # type: ignore[method-assign]
    for _ in range(2):
        result = fresh.compile(asked("delete a.txt"))
        assert isinstance(result, Err)
        assert result.code == "no-model"
        assert "out of memory" in result.message


def test_closing_ends_who_waits_and_nobody_crashes(fresh: LlamaModel) -> None:
    found: list[Result[Draft]] = []

    def work() -> None:
        for _ in range(200):
            result = fresh.compile(asked(LONG))
            if isinstance(result, Err):
                found.append(result)
                return

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    fresh.close()
    for thread in threads:
        thread.join(10)
    assert {result.code for result in found if isinstance(result, Err)} == {"no-model"}
    assert len(found) == 8


# ------------------------------------------------------------------------------------------------ who used what


def test_every_second_and_every_token_is_somebodys(fresh: LlamaModel) -> None:
    found: list[Result[Draft]] = []
    together([lambda t=text: found.append(fresh.compile(asked(t))) for text in REQUESTS])  # type: ignore[misc]
    drafts = [result.value for result in found if isinstance(result, Ok)]
    usages = [draft.usage for draft in drafts if draft.usage is not None]
    assert len(usages) == len(drafts) == 50
    network = sum(usage.prefill + usage.decoding for usage in usages)
    assert isinstance(fresh, Measured)
    load = fresh.load()
    assert network == pytest.approx(load.seconds, rel=1e-6)
    assert load.evaluated == sum(usage.evaluated for usage in usages)
    assert (load.waiting, load.filled) == (0, 0)
    for draft, usage in zip(drafts, usages, strict=True):
        parts = usage.waiting + usage.prefill + usage.decoding + usage.thinking
        assert parts == pytest.approx(draft.seconds, abs=1e-6)
        assert usage.prefill > 0
        assert usage.evaluated >= draft.tokens


def test_a_request_alone_waits_for_nobody(smol: LlamaModel) -> None:
    result = smol.compile(asked(LONG))
    assert isinstance(result, Ok)
    usage = result.value.usage
    assert usage is not None
    assert usage.waiting < 0.2 * result.value.seconds
    assert usage.evictions == 0


# ------------------------------------------------------------------------------------------------ the engine's sequences


def test_a_sequence_can_be_copied_cut_saved_and_restored_to_the_bit(fresh: LlamaModel) -> None:
    engine = fresh._engine
    prompt = [0, 300, 301, 302, 303, 2]
    (first,) = engine.run([Work(0, prompt)])
    saved = engine.save(0)
    engine.copy(0, 1)
    engine.run([Work(0, [400, 401])])
    (plain,) = engine.run([Work(0, [402])])
    engine.keep(0, len(prompt))
    engine.keep(2)
    engine.restore(2, saved)
    for sequence in (0, 1, 2):
        engine.run([Work(sequence, [400, 401])])
    for rows in engine.run([Work(sequence, [402]) for sequence in (0, 1, 2)]):
        assert (rows == plain).all()
    assert first.shape == (1, engine.size)
    for sequence in (0, 1, 2):
        engine.keep(sequence)
