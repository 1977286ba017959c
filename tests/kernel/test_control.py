"""Kill, hold and re-nice: of a process of this program, of another one, and of one whose program is gone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os.errors import ExitCode
from casava_os.kernel.events import ApprovalNeeded, BaseEvent, Failed, Finished, Held, Note, StepStarted
from casava_os.kernel.journal import Journal
from casava_os.kernel.options import RunOptions
from casava_os.kernel.owners import alive, born
from casava_os.kernel.ports import CompileRequest, Draft
from casava_os.kernel.running import Running
from casava_syscalls.plan import Plan
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value
from tests.kernel.conftest import MakeBench
from tests.kernel.doubles import Bench, Hand, by_hand, finished, of, told

WRITE: dict[str, object] = {"call": "file.write", "path": "new.txt", "content": "hello\n"}
WAIT: dict[str, object] = {"call": "process.spawn", "command": "sleep 600"}
ASKS = RunOptions(interactive=True)
YES = RunOptions(yes=True)


def plan(*steps: dict[str, object]) -> Plan:
    return Plan.model_validate({"steps": list(steps)})


async def until(holds: Callable[[], object]) -> None:
    """Waits for what no event tells."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - another thread, or a timer, brings it about
            await asyncio.sleep(0.01)


class Watched:
    """A process that runs while the test goes on."""

    def __init__(self, running: Running) -> None:
        self.events: list[BaseEvent] = []
        self._running = running
        self._task = asyncio.create_task(self._read())
        self._heard = asyncio.Event()

    async def _read(self) -> None:
        async for event in self._running:
            self.events.append(event)
            self._heard.set()

    async def until(self, kind: type[BaseEvent]) -> BaseEvent:
        async with asyncio.timeout(20):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        return event
                self._heard.clear()
                await self._heard.wait()

    async def ended(self) -> Finished:
        async with asyncio.timeout(20):
            await self._task
        return finished(self.events)


def start(bench: Bench, *steps: dict[str, object], options: RunOptions = YES) -> Watched:
    return Watched(bench.kernel.run_plan(plan(*steps), workspace=bench.workspace, options=options))


@pytest.fixture
def elsewhere(bench: Bench) -> Journal:
    """The same journal, open as if in another program."""
    opened = Journal.open(bench.root / "state" / "journal.sqlite")
    assert isinstance(opened, Ok)
    return opened.value


# ------------------------------------------------------------------------------------------------ kill


async def test_a_kill_ends_a_running_process_and_leaves_nothing(bench: Bench) -> None:
    watched = start(bench, WRITE, WAIT)
    await watched.until(StepStarted)
    killed = await bench.kernel.control.kill(1)
    assert isinstance(killed, Ok), killed
    assert (killed.value.state, killed.value.exit_code) == ("cancelled", ExitCode.INTERRUPTED)
    end = await watched.ended()
    assert (end.state, end.exit_code) == ("cancelled", ExitCode.INTERRUPTED)
    assert "it was killed" in of(Failed, watched.events)[0].err.message
    assert bench.files() == {}
    assert bench.layers() == []
    assert [session.closed for session in bench.sandbox.sessions] == [1]


async def test_a_wish_of_another_program_is_seen(bench: Bench, elsewhere: Journal) -> None:
    watched = start(bench, WAIT)
    await watched.until(StepStarted)
    elsewhere.wish(1, "kill")
    assert (await watched.ended()).state == "cancelled"
    elsewhere.wish(1, "hold")
    row = elsewhere.process(1)
    assert isinstance(row, Ok)
    assert row.value.wish == "kill"
    elsewhere.close()


async def test_a_waiting_question_can_be_killed(bench: Bench) -> None:
    watched = start(bench, WRITE, options=ASKS)
    await watched.until(ApprovalNeeded)
    assert isinstance(await bench.kernel.control.kill(1), Ok)
    assert (await watched.ended()).state == "cancelled"
    assert bench.layers() == []


async def test_a_kill_while_the_model_thinks(make_bench: MakeBench) -> None:
    bench = make_bench(script={"write it": [WRITE]}, thinks=30.0)
    watched = Watched(bench.kernel.run("write it", workspace=bench.workspace, options=YES))
    await until(lambda: bench.model.requests)
    killed = await bench.kernel.control.kill(1)
    assert isinstance(killed, Ok)
    assert (await watched.ended()).exit_code == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("options", "said"),
    [(RunOptions(), "holds its changes"), (YES, "it has ended: committed")],
)
async def test_what_does_not_run_is_not_killed(bench: Bench, options: RunOptions, said: str) -> None:
    await start(bench, WRITE, options=options).ended()
    for refused in (
        await bench.kernel.control.kill(1),
        await bench.kernel.control.hold(1),
        await bench.kernel.control.renice(1, "low"),
    ):
        assert isinstance(refused, Err)
        assert refused.code == "usage"
        assert said in refused.message
    unknown = await bench.kernel.control.kill(7)
    assert isinstance(unknown, Err)
    assert unknown.code == "not-found"


# ------------------------------------------------------------------------------------------------ owners


async def test_what_a_dead_program_left_is_told_and_cleared_away(bench: Bench) -> None:
    code = (
        "import sys; from pathlib import Path; from casava_os.kernel.journal import Journal;"
        "journal = Journal.open(Path(sys.argv[1])).value; journal.new('left', sys.argv[2]); journal.move(1, 'new', 'running')"
    )
    state = bench.root / "state"
    left = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(state / "journal.sqlite"), str(bench.workspace)
    )
    assert await left.wait() == 0
    assert isinstance(bench.kernel.layers.create(1, bench.workspace), Ok)
    control = bench.kernel.control
    listed = control.listed()
    assert isinstance(listed, Ok)
    assert [(row.pid, row.standing) for row in listed.value] == [(1, "left behind")]
    for refused in (await control.hold(1), await control.renice(1, "high")):
        assert isinstance(refused, Err)
        assert "is gone" in refused.message
    killed = await control.kill(1)
    assert isinstance(killed, Ok)
    assert killed.value.left_behind
    assert killed.value.state == "cancelled"
    assert bench.layers() == []
    assert control.listed() == Ok(value=[])


async def test_a_number_that_is_used_again_is_not_its_owner(bench: Bench) -> None:
    """The row names this very program's number, and another birth: nobody is signalled, the row is swept."""
    bench.kernel.journal.new("old", "w")
    bench.kernel.journal._connection.execute("UPDATE processes SET born = 'an earlier start/12345'")
    listed = bench.kernel.control.listed()
    assert isinstance(listed, Ok)
    assert listed.value[0].owner == os.getpid()
    assert listed.value[0].left_behind
    bench.kernel.control.sweep()
    row = bench.kernel.journal.process(1)
    assert isinstance(row, Ok)
    assert row.value.state == "cancelled"


def test_a_birth_is_one_programs_alone() -> None:
    assert alive(os.getpid(), born(os.getpid()))
    assert not alive(os.getpid(), "another start/1")
    ended = subprocess.Popen(["true"])
    birth = born(ended.pid)
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(ended.pid, birth), "a zombie runs nothing"
    ended.wait()
    assert not alive(ended.pid, birth)
    assert not alive(ended.pid, "")


async def test_an_owner_that_does_not_answer_is_named(bench: Bench) -> None:
    bench.kernel.journal.new("stuck", "w")
    stuck = await bench.kernel.control.kill(1, patience=0.1)
    assert isinstance(stuck, Err)
    assert stuck.code == "timeout"
    assert str(os.getpid()) in stuck.message


def test_a_journal_of_the_first_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE processes (pid INTEGER PRIMARY KEY AUTOINCREMENT, created REAL NOT NULL, request TEXT NOT NULL,"
        " workspace TEXT NOT NULL, state TEXT NOT NULL, owner INTEGER NOT NULL, exit_code INTEGER);"
        "CREATE TABLE records (id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL REFERENCES processes(pid),"
        " at REAL NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);"
        "CREATE INDEX records_of_process ON records(pid, id);"
        "INSERT INTO processes VALUES (1, 1.0, 'before', '/w', 'held', 1, 3); PRAGMA user_version = 1;"
    )
    old.close()
    for _ in range(2):
        journal = Journal.open(path)
        assert isinstance(journal, Ok), journal
        row = journal.value.process(1)
        assert isinstance(row, Ok)
        assert (row.value.request, row.value.priority, row.value.born) == ("before", "normal", "")
        journal.value.close()


# ------------------------------------------------------------------------------------------------ hold


async def test_hold_keeps_what_would_have_landed(bench: Bench) -> None:
    waits = asyncio.Event()

    async def wait(hand: Hand) -> Result[Value]:
        await waits.wait()
        return await by_hand(hand)

    bench.sandbox.performer = wait
    watched = start(bench, WRITE, options=YES)
    await watched.until(StepStarted)
    held = await bench.kernel.control.hold(1)
    assert isinstance(held, Ok)
    assert held.value.state == "running"
    waits.set()
    end = await watched.ended()
    assert (end.state, end.exit_code) == ("held", ExitCode.APPROVAL_NEEDED)
    assert of(Held, watched.events)[0].reason == "as you asked"
    assert [note.text for note in of(Note, watched.events) if "held" in note.text]
    assert bench.files() == {}
    landed = await told(bench.kernel.commit(1))
    assert finished(landed).state == "committed"
    assert bench.files() == {"new.txt": "hello\n"}


async def test_hold_answers_a_question_that_waits(bench: Bench, elsewhere: Journal) -> None:
    watched = start(bench, WRITE, options=ASKS)
    await watched.until(ApprovalNeeded)
    elsewhere.wish(1, "hold")
    assert (await watched.ended()).state == "held"
    assert bench.layers() == ["1"]
    elsewhere.close()


async def test_hold_goes_before_somebody_who_is_still_asked(bench: Bench) -> None:
    gone = asyncio.Event()

    async def approve(question: ApprovalNeeded) -> bool:
        try:
            await asyncio.sleep(600)
        finally:
            gone.set()
        return True

    watched = start(bench, WRITE, options=RunOptions(approve=approve))
    await watched.until(ApprovalNeeded)
    assert isinstance(await bench.kernel.control.hold(1), Ok)
    assert (await watched.ended()).state == "held"
    assert gone.is_set()


async def test_hold_of_what_changes_nothing_is_done(bench: Bench) -> None:
    (bench.workspace / "a").write_text("x")
    watched = start(bench, {"call": "file.find"}, WAIT)
    await watched.until(StepStarted)
    await bench.kernel.control.hold(1)
    await bench.kernel.control.hold(1)
    assert len([note for note in of(Note, watched.events) if "held" in note.text]) <= 1
    await bench.kernel.control.kill(1)
    assert (await watched.ended()).state == "cancelled"


# ------------------------------------------------------------------------------------------------ priority


async def test_a_priority_reaches_the_model_and_the_sandbox(make_bench: MakeBench) -> None:
    bench = make_bench(script={"wait": [WAIT]})
    options = RunOptions(yes=True, priority="low")
    watched = Watched(bench.kernel.run("wait", workspace=bench.workspace, options=options))
    await watched.until(StepStarted)
    asked = bench.model.requests[0]
    assert asked.priority() == "low"
    (session,) = bench.sandbox.sessions
    assert session.priorities == ["low"]
    reniced = await bench.kernel.control.renice(1, "high")
    assert isinstance(reniced, Ok)
    assert reniced.value.priority == "high"
    assert asked.priority() == "high"
    assert session.priorities == ["low", "high"]
    await bench.kernel.control.kill(1)
    await watched.ended()
    assert "Its priority is high now." in [note.text for note in of(Note, watched.events)]


async def test_a_priority_from_another_program_counts(bench: Bench, elsewhere: Journal) -> None:
    watched = start(bench, WAIT)
    await watched.until(StepStarted)
    elsewhere.renice(1, "low")
    await until(lambda: bench.sandbox.sessions[0].priorities)
    assert bench.sandbox.sessions[0].priorities == ["low"]
    await bench.kernel.control.kill(1)
    await watched.ended()
    elsewhere.close()


async def test_tokens_are_counted(make_bench: MakeBench) -> None:
    bench = make_bench(script={"find": Draft(steps=({"call": "file.find"},), confidence=1.0, tokens=42)})
    await told(bench.kernel.run("find", workspace=bench.workspace))
    row = bench.kernel.journal.process(1)
    assert isinstance(row, Ok)
    assert row.value.tokens == 42


def test_a_request_nobody_spoke_about_is_ordinary() -> None:
    assert CompileRequest("x", frozenset()).priority() == "normal"
