"""A session that is closed, killed, or open twice: the conversation, the scroll position and what was being typed."""

from __future__ import annotations

import os
from pathlib import Path

from casava_os.kernel.chain import append
from casava_os.kernel.journal import Journal
from casava_os.shell.app import ShellApp
from casava_os.shell.history import History
from casava_os.shell.marks import UNICODE
from casava_os.shell.recall import past_of
from casava_os.shell.session import KEPT, Place, Session
from casava_os.shell.widgets.conversation import MOUNTED, STEP, Conversation
from casava_os.shell.widgets.prompt import Prompt
from casava_syscalls.results import Ok
from tests.kernel.doubles import Bench
from tests.shell.conftest import NOTE, OpenShell, Shell


def test_what_was_kept_comes_back_and_a_torn_line_does_not(tmp_path: Path) -> None:
    session = Session.open(tmp_path, tmp_path / "w")
    for pid in (3, 5, 3, 0, 8):
        session.add(pid)
    session.keep(Place(draft="find the l\nog", at=5, offset=-2))
    session.close()
    (pids,) = tmp_path.rglob("*.pids")
    pids.write_bytes(pids.read_bytes() + b"9")  # killed while it wrote 91
    again = Session.open(tmp_path, tmp_path / "w")
    assert again.pids == [3, 5, 8, 9]
    assert again.place == Place(draft="find the l\nog", at=5, offset=-2)
    again.add(91)
    again.close()
    assert pids.read_text().split() == ["3", "5", "8", "9", "91"]
    assert [path.stat().st_mode & 0o777 for path in pids.parent.iterdir()] == [0o600, 0o600]


def test_shells_in_one_workspace_have_sessions_of_their_own(tmp_path: Path) -> None:
    first = Session.open(tmp_path, tmp_path)
    first.add(1)
    second = Session.open(tmp_path, tmp_path)
    assert second.pids == []
    second.add(2)
    first.add(3)
    elsewhere = Session.open(tmp_path, tmp_path / "other")
    assert elsewhere.pids == []
    for session in (first, second, elsewhere):
        session.close()
    os.utime(next(tmp_path.rglob("1.pids")), (1, 1))
    last = Session.open(tmp_path, tmp_path)
    assert last.pids == [2]
    last.close()
    new = Session.open(tmp_path, tmp_path, new=True)
    assert new.pids == []
    new.close()


def test_old_and_empty_sessions_go(tmp_path: Path) -> None:
    for number in range(1, 20):
        session = Session.open(tmp_path, tmp_path, new=True)
        if number % 2:
            session.add(number)
        session.close()
    assert len(list(tmp_path.rglob("*.pids"))) <= KEPT + 1


def test_a_state_that_cannot_be_written_costs_the_session_only(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file stands in the way")
    session = Session.open(tmp_path / "state", tmp_path)
    assert "is not kept" in session.problem
    session.add(1)
    session.keep(Place(draft="x"))
    session.close()
    assert session.pids == [1]


def reopened(shell: Shell, session: Session) -> ShellApp:
    return ShellApp(
        shell.bench.kernel, shell.bench.workspace, model="scripted", history=History(None), session=session,
        marks=UNICODE,
    )  # fmt: skip


async def test_the_conversation_goes_on_where_it_was_left(open_shell: OpenShell, tmp_path: Path) -> None:
    first = Session.open(tmp_path / "sessions", tmp_path)
    async with open_shell(session=first) as shell:
        await shell.done("list")
        await shell.ask(NOTE)
        await shell.press("y")
        await shell.until_seen("applied:")
        await shell.type("what about")
        shell.app.conversation.keep_place()
        first.close()  # as a kill would: nobody leaves

        second = Session.open(tmp_path / "sessions", tmp_path)
        app = reopened(shell, second)
        async with app.run_test(size=(80, 40)) as pilot:
            later = Shell(shell.bench, app, pilot)
            await later.until_seen(
                "list", "a.txt", NOTE, "+ notes/today.txt", "applied: 1 changed", "/undo 2"
            )
            assert later.prompt.text == "what about"
            assert not later.app.conversation.query("ApprovalCard")
            await later.press("shift+tab", "u")
            await later.until_seen("undone")
            assert shell.bench.files() == {"a.txt": "one\ntwo\nthree\n"}
        third = Session.open(tmp_path / "sessions", tmp_path)
        assert third.pids == []  # the second still has it
        second.close()
        third.close()


async def many(bench: Bench, count: int) -> list[int]:
    """So many finished processes in the journal."""
    journal = bench.kernel.journal
    pids = []
    journal._connection.execute("BEGIN")
    for number in range(count):
        sql = journal._connection.execute(
            "INSERT INTO processes (created, request, workspace, state, owner, exit_code) VALUES (1, ?, ?, 'done', 1, 0)",
            (f"request {number}", str(bench.workspace)),
        )
        pid = int(sql.lastrowid or 0)
        pids.append(pid)
        value = (
            '{"step":1,"seconds":0.1,"err":null,"value":{"kind":"number","value":N,"unit":"files"}}'.replace(
                "N", str(number)
            )
        )
        append(journal._connection, pid, 1, "step_finished", value)
        append(journal._connection, pid, 1, "finished", '{"exit_code":0,"state":"done","timings":{}}')
    journal._connection.execute("COMMIT")
    return pids


async def test_ten_thousand_blocks_are_there_and_few_are_on_the_screen(
    open_shell: OpenShell, tmp_path: Path
) -> None:
    async with open_shell() as shell:
        pids = await many(shell.bench, 10_000)
        session = Session.open(tmp_path / "sessions", tmp_path)
        for pid in pids:
            session.add(pid)
        session.keep(Place(at=pids[5000], offset=1))
        app = reopened(shell, session)
        async with app.run_test(size=(80, 24)) as pilot:
            later = Shell(shell.bench, app, pilot)
            conversation = app.conversation.query_one(Conversation)
            await later.until_seen("request 5000", "5,000 files")
            assert conversation.length == 10_000
            assert len(later.blocks) <= MOUNTED + STEP
            place = conversation.place()
            assert place == (pids[5000], 1)
            await later.press("escape")
            await later.type("list", "enter")
            await later.until(lambda: later.blocks[-1].request == "list" and not later.blocks[-1].running)
            assert len(later.blocks) <= MOUNTED + 2 * STEP
            await later.until_seen("a.txt")
            assert conversation.place() is None
        session.close()


async def test_processes_that_a_killed_shell_left_are_told(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        journal = shell.bench.kernel.journal
        pid = journal.new("sleep", str(shell.bench.workspace))
        journal._connection.execute("UPDATE processes SET owner = 4194303 WHERE pid = ?", (pid,))
        past = past_of(journal, pid, UNICODE, set())
        assert past is not None
        block = shell.app.conversation.query_one(Conversation)
        await block.restore([pid, 77_777], lambda number: past_of(journal, number, UNICODE, set()))
        await shell.until_seen("cancelled: the shell that ran it was ended; nothing was changed")
        assert block.length == 1
        assert isinstance(Journal.open(journal.path), Ok)


async def test_typing_is_kept_within_a_second(open_shell: OpenShell, tmp_path: Path) -> None:
    session = Session.open(tmp_path / "sessions", tmp_path)
    async with open_shell(session=session) as shell:
        await shell.type("half a req")
        await shell.until(lambda: session.place.draft == "half a req", 3)
        assert shell.app.conversation.query_one(Prompt).text == "half a req"
    session.close()
