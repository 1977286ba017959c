"""Programs: blocking code that makes syscalls one by one, judged call by call, settled once like a plan."""

from __future__ import annotations

import threading
import time

import pytest

from casava_os.errors import ExitCode
from casava_os.kernel import program as program_module
from casava_os.kernel.dispatch import Budget
from casava_os.kernel.events import BaseEvent, ChangesetMade, Failed, Judged
from casava_os.kernel.policy import Ask, Policy, Rule
from casava_os.kernel.program import Perform, Program
from casava_os.kernel.run import RunOptions
from casava_syscalls.base import Effect
from casava_syscalls.file import Find, Read, Write
from casava_syscalls.process import Run, Spawn
from casava_syscalls.refs import Ref
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.system import Uptime
from casava_syscalls.talk import Ask as AskBack
from casava_syscalls.values import Facts, Number, Text, Value
from tests.kernel.doubles import Bench, finished, names, only, told

YES = RunOptions(yes=True)


async def run(bench: Bench, program: Program, options: RunOptions = YES) -> list[BaseEvent]:
    return await told(
        bench.kernel.run_program("app: try", program, workspace=bench.workspace, options=options)
    )


async def test_what_a_program_changed_lands_once_as_one_changeset(bench: Bench) -> None:
    def main(perform: Perform) -> Result[Value]:
        for number in range(40):
            assert isinstance(perform(Write(path=f"d/{number}", content=str(number))), Ok)
        facts = perform(Uptime())
        assert isinstance(facts, Ok)
        assert isinstance(facts.value, Facts)
        return Ok(value=Number(value=40))

    events = await run(bench, main, RunOptions(yes=True, budget=Budget(steps=41)))
    assert (finished(events).exit_code, finished(events).value) == (ExitCode.DONE, Number(value=40))
    assert len(bench.files()) == 40
    assert only(ChangesetMade, events).calls == ("file.write", "system.uptime")
    assert bench.layers() == []


async def test_unapproved_changes_of_a_program_are_held_and_can_be_landed(bench: Bench) -> None:
    def main(perform: Perform) -> None:
        perform(Write(path="a", content="x"))

    events = await run(bench, main, RunOptions())
    assert finished(events).exit_code == ExitCode.APPROVAL_NEEDED
    assert finished(await told(bench.kernel.commit(1))).exit_code == ExitCode.DONE
    assert bench.files() == {"a": "x"}


async def test_a_program_may_go_on_after_a_failure_and_may_fail_itself(bench: Bench) -> None:
    seen: list[str] = []

    def main(perform: Perform) -> Result[Value]:
        perform(Write(path="a", content="x"))
        missing = perform(Read(paths=("missing",)))
        assert isinstance(missing, Err)
        seen.append(missing.code)
        return Err(code="failed", title="It is no use")

    events = await run(bench, main)
    assert seen == ["not-found"]
    assert only(Failed, events).err.title == "It is no use"
    assert finished(events).exit_code == ExitCode.FAILED
    assert bench.files() == {}


async def test_a_program_that_breaks_lands_nothing(bench: Bench) -> None:
    def main(perform: Perform) -> None:
        perform(Write(path="a", content="x"))
        raise LookupError("a fault of the app")

    events = await run(bench, main)
    assert only(Failed, events).err.message == "LookupError: a fault of the app"
    assert bench.files() == {}
    assert bench.layers() == []


async def test_what_was_not_granted_is_denied_call_by_call(bench: Bench) -> None:
    codes: list[str] = []

    def main(perform: Perform) -> None:
        for call in (Find(), Write(path="a"), Run(command="make"), AskBack(), Read(paths=Ref(1))):
            result = perform(call)
            codes.append(result.code if isinstance(result, Err) else "ok")

    events = await run(bench, main, RunOptions(yes=True, granted=Effect.READ))
    assert codes == ["ok", "denied", "denied", "unsupported", "usage"]
    assert names(events).count("step_started") == 1
    assert bench.files() == {}


async def test_after_reading_text_a_program_is_asked_for_whatever_it_does(bench: Bench) -> None:
    bench.kernel.policy = Policy(rules=(Rule(decision="allow", effects=("read", "write")),))
    (bench.workspace / "old").write_text("text")

    def tidy(perform: Perform) -> None:
        perform(Find())
        perform(Write(path="a", content="x"))

    def reader(perform: Perform) -> Result[Value]:
        text = perform(Read(paths=("old",)))
        assert isinstance(text, Ok)
        assert isinstance(text.value, Text)
        return perform(Write(path="b", content=text.value.text))

    assert finished(await run(bench, tidy, RunOptions())).state == "committed"
    events = await run(bench, reader, RunOptions())
    assert finished(events).state == "held"
    assert [e.verdict.decision for e in events if isinstance(e, Judged)] == ["allow", "ask"]
    last = [e.verdict for e in events if isinstance(e, Judged)][1]
    assert isinstance(last, Ask)
    assert last.tainted


async def test_a_budget_of_steps_ends_a_program_that_makes_too_many(bench: Bench) -> None:
    def main(perform: Perform) -> Result[Value]:
        while isinstance(result := perform(Find()), Ok):
            pass
        return result

    events = await run(bench, main, RunOptions(budget=Budget(steps=3)))
    assert names(events).count("step_started") == 3
    assert only(Failed, events).err.code == "limit"


async def test_cancelling_ends_a_program_that_waits_for_a_syscall(bench: Bench) -> None:
    results: list[object] = []

    def main(perform: Perform) -> None:
        perform(Write(path="a", content="x"))
        results.append(perform(Spawn(command="sleep 600")))
        results.append(perform(Find()))

    running = bench.kernel.run_program("app", main, workspace=bench.workspace, options=YES)
    events: list[BaseEvent] = []
    async for event in running:
        events.append(event)
        if event.event == "step_started" and getattr(event, "step", 0) == 2:
            running.cancel()
    assert finished(events).exit_code == ExitCode.INTERRUPTED
    assert [result.code for result in results if isinstance(result, Err)] == ["interrupted", "interrupted"]
    assert bench.files() == {}
    assert bench.layers() == []


async def test_a_program_that_never_comes_back_is_left_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_module, "GRACE_SECONDS", 0.1)
    let_go = threading.Event()

    def main(perform: Perform) -> None:
        perform(Write(path="a", content="x"))
        let_go.wait(30)

    began = time.perf_counter()
    events = await run(bench, main, RunOptions(yes=True, budget=Budget(seconds=0.2)))
    let_go.set()
    assert time.perf_counter() - began < 5
    assert finished(events).exit_code == ExitCode.TIMEOUT
    assert bench.files() == {}
