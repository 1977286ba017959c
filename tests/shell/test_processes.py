"""The list of processes: what stands there, what each key does to the process, and how it looks."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from casava_os.kernel.journal import Journal
from casava_os.shell.screens import journal, processes
from casava_os.shell.screens.journal import JournalScreen
from casava_os.shell.screens.processes import ProcessesScreen
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.widgets import pastdetail, told
from casava_os.shell.widgets.rows import RowList
from casava_syscalls.results import Ok
from tests.shell.conftest import NOTE, OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.test_looks import SIZES

HOSTILE = "wipe \x1b[2J\x1b]0;owned\x07 \u202egnp.exe\n/etc"
BEFORE = {"a.txt": "one\ntwo\nthree\n"}
AFTER = {"a.txt": "one\nTWO\nthree\n", "notes/today.txt": "buy milk\n"}


@pytest.fixture(autouse=True)
def _same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of the clock are the same in every run."""
    for module in (processes, pastdetail, told):
        monkeypatch.setattr(module, "seconds_text", lambda seconds: "0.1 s")
    for module in (processes, journal, pastdetail):
        monkeypatch.setattr(module, "clock_text", lambda seconds, now: "12:34:56")


def screen(shell: Shell) -> ProcessesScreen:
    assert isinstance(shell.app.screen, ProcessesScreen)
    return shell.app.screen


def states(shell: Shell) -> dict[int, str]:
    return {row.pid: row.state for row in shell.bench.kernel.journal.processes()}


async def busy(shell: Shell) -> None:
    """One is held (1), one runs (2); the list is open and the cursor on the one that runs."""
    await shell.ask(NOTE)
    await shell.press("h")
    await shell.until(lambda: states(shell) == {1: "held"})
    await shell.type("wait", "enter")
    await shell.until(lambda: states(shell)[2] == "running")
    await shell.press("f4")
    await shell.until(lambda: isinstance(shell.app.screen, ProcessesScreen))


def leave_behind(shell: Shell, request: str) -> int:
    """A process whose `casava-os` is gone."""
    kept = shell.bench.kernel.journal
    pid = kept.new(request, str(shell.bench.workspace))
    kept._connection.execute("UPDATE processes SET owner = 4194305, born = 'gone' WHERE pid = ?", (pid,))
    return pid


async def test_what_runs_and_what_is_held_stand_there(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        shell.app.memory = lambda: {2: 83_000_000}
        await busy(shell)
        seen = shell.seen()
        for text in (
            "1 running   1 held",
            "2  running",
            "83 MB",
            "wait",
            "1  held",
            NOTE,
            "run by this shell",
        ):
            assert text in seen
        assert "Apply" not in seen, "what runs cannot be applied"
        await shell.press("down")
        await shell.until_seen("Apply", "Discard", "Diff")
        assert "Kill" not in shell.seen(), "what is held can not be killed"


async def test_empty_is_a_sentence(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/ps", "enter")
        await shell.until_seen("Nothing runs and nothing is held.")
        await shell.press("escape")
        assert shell.prompt.has_focus


async def test_kill(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await busy(shell)
        await shell.press("k")
        await shell.until(lambda: states(shell)[2] == "cancelled")
        await shell.until(lambda: "process 2 was cancelled; nothing was changed" in shell.notices())
        assert [row.pid for row in screen(shell)._rows] == [1]
        assert [session.closed for session in shell.bench.sandbox.sessions] == [1, 1]
        await shell.press("escape")
        await shell.until_seen("cancelled: it was killed; nothing was changed")


async def test_priorities(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await busy(shell)
        running = shell.bench.sandbox.sessions[-1]
        await shell.press("minus")
        await shell.until(lambda: running.priorities == ["low"])
        await shell.until_seen("low")
        await shell.press("minus", "plus")
        await shell.until(lambda: running.priorities[-1] == "normal")
        await shell.press("plus")
        await shell.until(lambda: running.priorities[-1] == "high")
        row = shell.bench.kernel.journal.process(2)
        assert isinstance(row, Ok)
        assert row.value.priority == "high"


async def test_hold_answers_the_question_that_waits(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        block = await shell.ask(NOTE)
        await shell.press("f4")
        await shell.until_seen("waiting")
        await shell.press("h")
        await shell.until(lambda: states(shell) == {1: "held"})
        await shell.until(lambda: "process 1 holds its changes" in shell.notices())
        assert block.card is None
        assert shell.bench.files() == BEFORE


async def test_what_is_held_is_shown_landed_and_thrown_away(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        for number in (1, 2):
            block = await shell.ask(NOTE)
            await shell.press("h")
            await shell.until(lambda: states(shell)[number] == "held" and not block.running)  # noqa: B023
        await shell.press("f4")
        await shell.until_seen("2 held")
        await shell.press("d")
        await shell.until(lambda: isinstance(shell.app.screen, ViewerScreen))
        assert "+TWO" in shell.seen()
        await shell.press("escape", "x")
        await shell.until(lambda: states(shell) == {2: "discarded", 1: "held"})
        assert shell.bench.files() == BEFORE
        await shell.until(lambda: [row.pid for row in screen(shell)._rows] == [1])
        await shell.press("c")
        await shell.until(lambda: states(shell)[1] == "committed")
        assert shell.bench.files() == AFTER
        await shell.until(lambda: "applied: 1 changed, 2 added" in shell.notices())


async def test_a_landing_that_fails_says_why(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("h")
        await shell.until(lambda: states(shell) == {1: "held"})
        (shell.bench.workspace / "a.txt").write_text("theirs\n")
        await shell.press("f4")
        await shell.until_seen("1 held")
        await shell.press("c")
        await shell.until(lambda: "changed" in shell.notices())
        assert states(shell) == {1: "held"}
        assert (shell.bench.workspace / "a.txt").read_text() == "theirs\n"


async def test_open_goes_to_the_block_or_to_the_journal(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        left = leave_behind(shell, "from another day")
        await busy_again(shell)
        await shell.press("enter")
        await shell.until(lambda: shell.app.screen is shell.app.conversation)
        assert shell.blocks[-1].has_focus
        await shell.press("f4", "end", "enter")
        await shell.until(lambda: isinstance(shell.app.screen, JournalScreen))
        await shell.until_seen("from another day")
        assert shell.app.screen.chosen is not None  # type: ignore[attr-defined]  # it is the journal
        assert shell.app.screen.chosen.pid == left  # type: ignore[attr-defined]


async def busy_again(shell: Shell) -> None:
    await shell.type("wait", "enter")
    await shell.until(lambda: "running" in states(shell).values())
    await shell.press("f4")
    await shell.until(lambda: isinstance(shell.app.screen, ProcessesScreen))


async def test_what_was_left_behind_is_told_and_cleared_away(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        pid = leave_behind(shell, "left")
        await shell.press("f4")
        await shell.until_seen("1 left behind", "casava-os 4194305 is gone; K clears it away")
        assert "Later" not in shell.seen()
        await shell.press("k")
        await shell.until(lambda: states(shell)[pid] == "cancelled")
        await shell.until(lambda: "was left behind by a casava-os that is gone" in shell.notices())


async def test_it_is_live(open_shell: OpenShell) -> None:
    """Another `casava-os` begins something: it comes up by itself; the cursor stays with its process."""
    async with open_shell() as shell:
        await busy(shell)
        other = Journal.open(shell.bench.root / "state" / "journal.sqlite")
        assert isinstance(other, Ok)
        other.value.new("from another terminal", "/elsewhere")
        await shell.until_seen("from another terminal")
        chosen = screen(shell).chosen
        assert chosen is not None
        assert chosen.pid == 2
        other.value.close()


async def test_sorting_and_filtering(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await busy(shell)
        assert "pid↓" in shell.seen()
        await shell.press("r")
        assert [row.pid for row in screen(shell)._rows] == [1, 2]
        await shell.press("s")
        assert "state↑" in shell.seen()
        assert [row.state for row in screen(shell)._rows] == ["held", "running"]
        await shell.press("slash", *"note")
        await shell.until(lambda: [row.pid for row in screen(shell)._rows] == [1])
        await shell.press(*"xyz")
        await shell.until_seen("No process here has these words.")
        await shell.press("escape")
        await shell.until(lambda: len(screen(shell)._rows) == 2)
        assert screen(shell).query_one(RowList).has_focus
        await shell.press("escape")
        assert shell.prompt.has_focus


async def test_the_mouse(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await busy(shell)
        await shell.pilot.click("#rows", offset=(5, 2))
        chosen = screen(shell).chosen
        assert chosen is not None
        assert chosen.pid == 1
        await shell.pilot.click("#rows", offset=(5, 2), times=2)
        await shell.until(lambda: shell.app.screen is shell.app.conversation)


async def test_nothing_steers_the_terminal(open_shell: OpenShell) -> None:
    async with open_shell(size=(120, 30)) as shell:
        leave_behind(shell, HOSTILE)
        await shell.press("f4")
        await shell.until_seen("\\x1b[2J", "\\u202e")
        assert not {"\x1b", "\x07", "\u202e"} & set(shell.seen())


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (300, 100)])
async def test_any_size(open_shell: OpenShell, size: tuple[int, int]) -> None:
    async with open_shell(size=size) as shell:
        await busy(shell)
        for wide, high in ((80, 24), (1, 1), (200, 60), size):
            await shell.pilot.resize_terminal(wide, high)
        await shell.press("k")
        await shell.until(lambda: states(shell)[2] == "cancelled")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_looks(open_shell: OpenShell, theme: str, size: str) -> None:
    async with open_shell(theme=theme, size=SIZES[size]) as shell:
        await shell.press("f4")
        await shell.until_seen("Nothing runs")
        await looks(shell.pilot, f"processes-empty-{theme}-{size}")
        await shell.press("escape")
        shell.app.memory = lambda: {2: 83_000_000}
        await busy(shell)
        leave_behind(shell, "sort the pictures by year")
        shell.bench.kernel.journal.spend(2, 1_412)
        await asyncio.sleep(0)
        screen(shell).query_one(Input).cursor_blink = False
        await shell.until_seen("left behind", "1,412", "Kill")
        await looks(shell.pilot, f"processes-{theme}-{size}")
        await shell.press("slash", *"note")
        await shell.until(lambda: len(screen(shell)._rows) == 1)
        await looks(shell.pilot, f"processes-filter-{theme}-{size}")
        await shell.press("escape", "escape")
