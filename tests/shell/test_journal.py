"""The journal: what is found, what is told of one process, the way back, ten thousand rows, and how it looks."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Input

from casava_os.kernel.journal import Journal
from casava_os.shell.screens import journal, processes
from casava_os.shell.screens.journal import PAGES, JournalScreen
from casava_os.shell.screens.processes import ProcessesScreen
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.widgets import pastdetail, told
from casava_os.shell.widgets.changes import DiffView
from casava_os.shell.widgets.pastdetail import PastDetail, PastProcess, detail_content
from casava_os.shell.widgets.rows import RowList
from casava_syscalls.results import Err, Ok
from tests.shell.conftest import NOTE, OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.test_looks import SIZES
from tests.shell.test_processes import AFTER, BEFORE, HOSTILE, states

MANY = 10_000


@pytest.fixture(autouse=True)
def _same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of the clock are the same in every run."""
    for module in (processes, pastdetail, told):
        monkeypatch.setattr(module, "seconds_text", lambda seconds: "0.1 s")
    for module in (processes, journal, pastdetail):
        monkeypatch.setattr(module, "clock_text", lambda seconds, now: "12:34:56")


def screen(shell: Shell) -> JournalScreen:
    assert isinstance(shell.app.screen, JournalScreen)
    return shell.app.screen


def listed(shell: Shell) -> list[int]:
    """The numbers of the processes in the list."""
    rows = screen(shell).query_one(RowList)
    return [row.pid for row in (screen(shell)._at(number) for number in range(rows.count)) if row is not None]


async def a_day(shell: Shell) -> None:
    """1 landed, 2 read, 3 failed; the journal is open."""
    await shell.ask(NOTE)
    await shell.press("y")
    await shell.until(lambda: states(shell) == {1: "committed"})
    await shell.until(lambda: not shell.blocks[-1].running)
    await shell.done("list")
    await shell.done("nonsense")
    await shell.press("f5")
    await shell.until(lambda: isinstance(shell.app.screen, JournalScreen))


async def test_all_that_was_asked_stands_there(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        assert listed(shell) == [3, 2, 1]
        for text in ("Journal   3", "committed", NOTE, "nonsense"):
            assert text in shell.seen()
        await shell.press("escape")
        assert shell.prompt.has_focus


async def test_empty_is_a_sentence(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/log", "enter")
        await shell.until_seen("Nothing was asked yet.")


async def test_one_process_in_full(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 60)) as shell:
        await a_day(shell)
        await shell.press("end", "enter")
        await shell.until_seen("Plan  scripted, 100% sure")
        seen = shell.seen()
        for text in (
            "1  committed", NOTE, "~/workspace", "1 file.write path=notes/today.txt", "[write]  ask: the changes are held",
            "sha256", "plan  ", "changeset  ", "Done  in ram", "✓ 1", "today.txt", "applied: 1 changed, 2 added", "~ a.txt", "Time  ", "total",
            "-two", "+TWO",
        ):  # fmt: skip
            assert text in seen, text
        await shell.press("escape")
        await shell.until_seen("nonsense")
        await shell.press("escape")
        assert shell.prompt.has_focus


async def test_undo_from_there(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        assert "Undo" not in shell.seen()
        await shell.press("end")
        await shell.until_seen("u Undo")
        await shell.press("u")
        await shell.until(lambda: states(shell)[1] == "undone")
        await shell.until(lambda: "undone: 1 changed, 2 deleted" in shell.notices())
        assert shell.bench.files() == BEFORE
        chosen = screen(shell).chosen
        assert chosen is not None
        assert (chosen.pid, chosen.state) == (1, "undone")
        await shell.press("d")
        await shell.until(lambda: isinstance(shell.app.screen, ViewerScreen))


async def test_an_undo_that_fails_says_why(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        (shell.bench.workspace / "a.txt").write_text("theirs\n")
        await shell.press("end", "u")
        await shell.until(lambda: "a.txt" in shell.notices())
        assert states(shell)[1] == "committed"
        assert (shell.bench.workspace / "a.txt").read_text() == "theirs\n"


async def test_what_is_held_lands_from_there(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("h")
        await shell.until(lambda: states(shell) == {1: "held"})
        await shell.press("f5")
        await shell.until_seen("Apply", "Discard")
        await shell.press("c")
        await shell.until(lambda: states(shell) == {1: "committed"})
        assert shell.bench.files() == AFTER


async def test_the_request_goes_back_into_the_prompt(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        await shell.press("end", "e")
        await shell.until(lambda: shell.prompt.text == NOTE)
        assert shell.app.screen is shell.app.conversation


async def test_search(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        await shell.press("slash", *"NOTE")
        await shell.until(lambda: listed(shell) == [1])
        assert "1 of 3" in shell.seen()
        line = screen(shell).query_one("#search", Input)
        line.value = "state:committed on:today"
        await shell.until(lambda: listed(shell) == [1])
        line.value = "state:comm"
        await shell.until_seen("There is no state 'comm'")
        assert listed(shell) == [1]
        line.value = "until:yesterday"
        await shell.until_seen("No past request is like that.")
        await shell.press("escape")
        await shell.until(lambda: listed(shell) == [3, 2, 1])


async def test_log_opens_the_process_that_is_named(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        await shell.press("escape")
        await shell.type("/log 2", "enter")
        await shell.until_seen("2  done", "file.find")


async def test_from_one_list_to_the_other(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.press("f5")
        await shell.until(lambda: isinstance(shell.app.screen, JournalScreen))
        await shell.press("f4")
        await shell.until(lambda: isinstance(shell.app.screen, ProcessesScreen))
        await shell.press("f5")
        await shell.until(lambda: isinstance(shell.app.screen, JournalScreen))
        await shell.press("f5")
        await shell.until(lambda: shell.app.screen is shell.app.conversation)


async def test_it_is_live_and_keeps_its_place(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await a_day(shell)
        await shell.press("down")
        other = Journal.open(shell.bench.root / "state" / "journal.sqlite")
        assert isinstance(other, Ok)
        pid = other.value.new("from another terminal", "/elsewhere")
        other.value.record(pid, "note", '{"text": "hello"}')
        await shell.until_seen("from another terminal")
        chosen = screen(shell).chosen
        assert chosen is not None
        assert chosen.pid == 2
        other.value.close()


def fill(kept: Journal, count: int) -> None:
    """So many past processes, in one go."""
    sql = kept._connection
    sql.execute("BEGIN")
    sql.executemany(
        "INSERT INTO processes (created, request, workspace, state, owner) VALUES (?, ?, '/w', 'done', 1)",
        [(1e9 + number, f"request number {number}") for number in range(1, count + 1)],
    )
    sql.execute("COMMIT")


async def test_ten_thousand_rows(open_shell: OpenShell) -> None:
    """Only what is in view is read: pages come as they are needed, and few are kept."""
    async with open_shell(size=(200, 60)) as shell:
        fill(shell.bench.kernel.journal, MANY)
        await shell.press("f5")
        await shell.until_seen("Journal   10,000", "request number 10000")
        there = screen(shell)
        assert len(there._pages) == 1
        await shell.press("end")
        await shell.until_seen("request number 1 ")
        assert len(there._pages) == 2
        for _ in range(40):
            await shell.press("pageup")
        assert there.query_one(RowList).cursor > 0
        assert PAGES >= len(there._pages) > 10
        await shell.press("slash", *"9999")
        await shell.until(lambda: listed(shell) == [9999])


async def test_nothing_steers_the_terminal(open_shell: OpenShell) -> None:
    async with open_shell(size=(150, 40)) as shell:
        kept = shell.bench.kernel.journal
        pid = kept.new(HOSTILE, "/w\x1b[2J")
        kept.record(pid, "note", '{"text": "\\u001b]0;owned\\u0007"}')
        kept.record(
            pid,
            "step_finished",
            '{"step": 1, "seconds": 1, "value": {"kind": "text", "text": "\\u001b[2Jx"}}',
        )
        kept.record(
            pid, "changeset",
            '{"changes": [{"path": "\\u001b[2J", "action": "added", "type": "file"}], "summary": "\\u009b2J", "diff": "+\\u001b[2J", "digest": ""}',
        )  # fmt: skip
        await shell.press("f5", "enter")
        await shell.until_seen("\\x1b[2J", "\\u202e")
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shell.seen())


async def test_records_of_a_later_version_do_no_harm(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        kept = shell.bench.kernel.journal
        pid = kept.new("from the future", "/w")
        kept.record(pid, "teleported", '{"to": "Mars"}')
        kept.record(pid, "compiled", '{"steps": "many"}')
        row = kept.process(pid)
        assert isinstance(row, Ok)
        past = PastProcess.read(row.value, kept.records(pid))
        assert "from the future" in detail_content(past, shell.app.marks).plain


async def test_a_journal_that_cannot_be_read_says_so(open_shell: OpenShell) -> None:
    async with open_shell(size=(150, 40)) as shell:
        await a_day(shell)
        await screen(shell).query_one(PastDetail).show(Err(code="failed", title="The journal is damaged"))
        await shell.until_seen("The journal is damaged")


async def test_shown_twice_at_once_it_stands_there_once(open_shell: OpenShell) -> None:
    """The cursor rests on a row in the moment that Enter opens it."""
    async with open_shell(size=(150, 40)) as shell:
        await a_day(shell)
        await shell.press("end", "enter")
        detail = screen(shell).query_one(PastDetail)
        await shell.until(lambda: len(detail.query(DiffView)) == 1)
        past = detail.shown
        assert past is not None
        await asyncio.gather(*(detail.show(past) for _ in range(3)), detail.show(None), detail.show(past))
        assert len(detail.query(DiffView)) == 1
        await asyncio.gather(detail.show(past), detail.show(None))
        assert not detail.children


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (300, 100)])
async def test_any_size(open_shell: OpenShell, size: tuple[int, int]) -> None:
    async with open_shell(size=size) as shell:
        await a_day(shell)
        await shell.press("end", "enter")
        for wide, high in ((80, 24), (1, 1), (200, 60), size):
            await shell.pilot.resize_terminal(wide, high)
        await shell.press("u")
        await shell.until(lambda: states(shell)[1] == "undone")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_looks(open_shell: OpenShell, theme: str, size: str) -> None:
    async with open_shell(theme=theme, size=SIZES[size]) as shell:
        await shell.press("f5")
        await shell.until_seen("Nothing was asked yet.")
        await looks(shell.pilot, f"journal-empty-{theme}-{size}")
        await shell.press("escape")
        await a_day(shell)
        screen(shell).query_one(Input).cursor_blink = False
        if size == "200x60":
            await shell.until_seen("I did not understand that")
        await looks(shell.pilot, f"journal-{theme}-{size}")
        await shell.press("end", "enter")
        await shell.until_seen("u Undo", "Done  in ram")
        await looks(shell.pilot, f"journal-detail-{theme}-{size}")
        await shell.press("slash", *"xyz")
        await shell.until_seen("No past request is like that.")
        await looks(shell.pilot, f"journal-none-{theme}-{size}")
