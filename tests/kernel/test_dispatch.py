"""The dispatcher: what overlaps, what keeps its order, and that every step ends, whatever its performer does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from casava_os.kernel import dispatch
from casava_os.kernel.dispatch import Budget, Dispatcher, Performed, predecessors
from casava_os.kernel.events import BaseEvent, Output, StepFinished, StepSkipped
from casava_os.kernel.policy import Policy, Rule, load_policy
from casava_os.kernel.ports import Errand, LayerPaths
from casava_syscalls.plan import Plan
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Entry, Facts, Files, Number, Text, Value
from tests.kernel.doubles import Hand, HandSession

Doing = Callable[[Hand], "Awaitable[Result[Value]]"]
READ_A: dict[str, object] = {"call": "file.read", "paths": ["a"]}
READ_B: dict[str, object] = {"call": "file.read", "paths": ["b"]}
TOUCH: dict[str, object] = {"call": "file.touch", "paths": ["a"]}


class FactsOfNothing:
    """A broker that has one fact."""

    def performs(self) -> frozenset[str]:
        return frozenset({"system.uptime"})

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        return Ok(value=Facts(items={"seconds": 1}))


class Desk:
    """One dispatcher with its session, and what it told."""

    def __init__(
        self, *steps: dict[str, object], doing: Doing, budget: Budget, policy: Policy | None = None
    ) -> None:
        shipped = load_policy()
        assert isinstance(shipped, Ok)
        here = Path()
        self.session = HandSession(LayerPaths(1, here, here, here, here), doing)
        self.events: list[BaseEvent] = []
        self.dispatcher = Dispatcher(
            Plan.model_validate({"steps": steps}),
            session=self.session,
            broker=FactsOfNothing(),
            policy=policy or shipped.value,
            request="",
            budget=budget,
            tell=self.events.append,
        )

    async def perform(self) -> Performed:
        return await self.dispatcher.perform()


def desk(
    *steps: dict[str, object],
    doing: Doing,
    policy: Policy | None = None,
    most_steps: int = 32,
    output_bytes: int = 2**20,
    step_seconds: float = 5.0,
) -> Desk:
    return Desk(
        *steps, doing=doing, budget=Budget(10.0, most_steps, output_bytes, step_seconds), policy=policy
    )


async def slowly(hand: Hand) -> Result[Value]:
    await asyncio.sleep(0.05)
    return Ok(value=Text(text=str(hand.call.get("paths"))))


def test_steps_wait_for_what_they_refer_to_and_for_writers() -> None:
    steps = Plan.model_validate(
        {"steps": [READ_A, READ_B, {"call": "text.sort", "source": "$1"}, TOUCH, {"call": "system.time"}]}
    ).steps
    assert [sorted(predecessors(steps, n)) for n in range(1, 6)] == [[], [], [1], [1, 2, 3], [4]]


async def test_steps_that_only_read_overlap() -> None:
    reading = desk(READ_A, READ_B, {"call": "file.list"}, doing=slowly)
    began = time.perf_counter()
    done = await reading.perform()
    assert reading.session.most_at_once == 3
    assert time.perf_counter() - began < 0.14
    assert done.value == Text(text="None")


async def test_steps_that_write_keep_the_plans_order() -> None:
    order: list[str] = []

    async def note(hand: Hand) -> Result[Value]:
        order.append(f"{hand.name} begins")
        await asyncio.sleep(0.01)
        order.append(f"{hand.name} ends")
        return Ok(value=Files())

    writing = desk({"call": "file.list"}, TOUCH, {"call": "file.delete", "paths": ["a"]}, doing=note)
    await writing.perform()
    calls = ("file.list", "file.touch", "file.delete")
    assert order == [f"{call} {what}" for call in calls for what in ("begins", "ends")]


async def test_an_independent_step_goes_on_when_another_fails() -> None:
    async def half(hand: Hand) -> Result[Value]:
        if hand.call == READ_A:
            return Err(code="not-found", title="There is no a")
        return Ok(value=Text(text="b"))

    work = desk(
        READ_A,
        READ_B,
        {"call": "text.sort", "source": "$1"},
        {"call": "text.sort", "source": "$2"},
        doing=half,
    )
    done = await work.perform()
    assert done.skipped == {3: 1}
    assert [e.because for e in work.events if isinstance(e, StepSkipped)] == [1]
    assert done.failure == Err(code="not-found", title="There is no a")
    assert done.results[4] == Ok(value=Text(text="b"))


async def test_a_performer_that_breaks_wakes_its_caller() -> None:
    async def broken(hand: Hand) -> Result[Value]:
        raise KeyError("oops")

    done = await desk(READ_A, TOUCH, doing=broken).perform()
    assert done.failure is not None
    assert done.failure.title == "The performer of file.read failed"
    assert done.skipped == {2: 1}


async def test_a_performer_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "GRACE_SECONDS", 0.1)

    async def deaf(hand: Hand) -> Result[Value]:
        while True:
            try:
                await asyncio.sleep(0.5)
                return Ok(value=Text(text="late"))
            except asyncio.CancelledError:
                continue

    began = time.perf_counter()
    done = await desk(READ_A, doing=deaf, step_seconds=0.1).perform()
    assert done.failure is not None
    assert done.failure.code == "timeout"
    assert time.perf_counter() - began < 0.45
    await asyncio.sleep(0.5)


async def test_a_performer_that_is_cancelled_from_below_is_told_as_interrupted() -> None:
    async def gone(hand: Hand) -> Result[Value]:
        raise asyncio.CancelledError

    done = await desk(READ_A, doing=gone).perform()
    assert done.failure is not None
    assert done.failure.code == "interrupted"


async def test_cancelling_reaches_the_performer() -> None:
    ended = asyncio.Event()

    async def endless(hand: Hand) -> Result[Value]:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return Ok(value=Text())

    task = asyncio.ensure_future(desk(READ_A, doing=endless).perform())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_too_many_steps_run_nothing() -> None:
    work = desk(READ_A, READ_B, doing=slowly, most_steps=1)
    done = await work.perform()
    assert done.stopped is not None
    assert done.stopped.code == "limit"
    assert work.events == []


async def test_too_much_output_ends_the_programs() -> None:
    async def chatter(hand: Hand) -> Result[Value]:
        assert hand.output is not None
        while True:
            hand.output("stdout", "grüße\n".encode())
            await asyncio.sleep(0)

    work = desk({"call": "process.run", "command": "yes"}, doing=chatter, output_bytes=100)
    done = await work.perform()
    assert done.failure is not None
    assert done.failure.title == "Too much output"
    assert sum(len(e.text.encode()) for e in work.events if isinstance(e, Output)) <= 100


async def test_output_is_decoded_across_chunks() -> None:
    async def in_halves(hand: Hand) -> Result[Value]:
        assert hand.output is not None
        for byte in "ü€".encode():
            hand.output("stderr", bytes([byte]))
        return Ok(value=Text())

    work = desk({"call": "process.run", "command": "x"}, doing=in_halves)
    await work.perform()
    assert "".join(e.text for e in work.events if isinstance(e, Output)) == "ü€"


async def test_paths_that_a_step_found_are_judged_before_they_are_touched() -> None:
    touched: list[object] = []

    async def find(hand: Hand) -> Result[Value]:
        touched.append(hand.name)
        return Ok(value=Files(items=(Entry(path="a"), Entry(path="contracts/signed.pdf"))))

    policy = Policy(
        rules=(
            Rule(decision="deny", effects=("delete",), paths=("contracts/**",), reason="they stay"),
            Rule(decision="ask", effects=("read", "delete")),
        )
    )
    work = desk({"call": "file.find"}, {"call": "file.delete", "paths": "$1"}, doing=find, policy=policy)
    done = await work.perform()
    assert done.failure is not None
    assert done.failure.code == "denied"
    assert "'contracts/signed.pdf'" in done.failure.title
    assert touched == ["file.find"]


async def test_a_brokers_value_is_handed_to_the_agent_that_needs_it() -> None:
    async def count(hand: Hand) -> Result[Value]:
        return Ok(value=Number(value=1))

    work = desk({"call": "system.uptime"}, {"call": "text.count", "source": "$1"}, doing=count)
    await work.perform()
    assert work.session.put_values == {1: Facts(items={"seconds": 1})}
    assert [e.step for e in work.events if isinstance(e, StepFinished)] == [1, 2]


async def test_nobody_to_perform_it_is_an_error() -> None:
    done = await desk({"call": "system.time"}, doing=slowly).perform()
    assert done.failure is not None
    assert done.failure.code == "unavailable"
