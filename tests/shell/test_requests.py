"""From a request to the file and back: what the person sees at each point, and what happens to the files."""

from __future__ import annotations

import asyncio

import pytest

from casava_os.kernel.events import BaseEvent
from casava_os.kernel.options import RunOptions
from casava_os.kernel.running import Running, Send
from casava_os.shell.app import ShellApp
from casava_os.shell.screens.leave import LeaveScreen
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.widgets import approval
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.changes import DiffView
from casava_os.shell.widgets.conversation import MOUNTED, STEP, Conversation
from casava_syscalls.net import Fetch
from casava_syscalls.plan import Plan
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Exit, Table, Value
from tests.kernel.doubles import Hand, HandSandbox, by_hand, told
from tests.shell.conftest import NOTE, OpenShell, Shell

YES = RunOptions(yes=True)
BEFORE = {"a.txt": "one\ntwo\nthree\n"}
AFTER = {"a.txt": "one\nTWO\nthree\n", "notes/today.txt": "buy milk\n"}


async def test_a_reading_request_runs_at_once_and_shows_its_result(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        block = await shell.done("list")
        seen = shell.seen()
        assert "list" in seen
        assert "✓ 1 file.find [read]" in seen
        assert "a.txt" in seen
        assert "✓ done" in seen
        assert not shell.app.conversation.query(ApprovalCard)
        assert block.told.state == "done"


async def test_approve_then_undo(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        seen = shell.seen()
        for text in ("[write]", "1 changed, 2 added. Apply?", "Nothing in this folder has changed yet"):
            assert text in seen
        for text in ("+ notes/", "+ today.txt", "~ a.txt", "-two", "Apply", "Discard", "Hold"):
            assert text in seen
        assert shell.bench.files() == BEFORE

        await shell.press("y")
        await shell.until_seen("applied: 1 changed, 2 added", "/undo 1")
        assert shell.bench.files() == AFTER
        assert shell.prompt.has_focus

        await shell.press("shift+tab", "u")
        await shell.until_seen("undone")
        assert shell.bench.files() == BEFORE


async def test_undo_typed_marks_the_block_it_took_back(open_shell: OpenShell) -> None:
    async with open_shell(size=(80, 40)) as shell:
        block = await shell.ask(NOTE)
        await shell.press("y")
        await shell.until(lambda: block.told.state == "committed")
        await shell.type("/undo", "enter")
        await shell.until(lambda: block.told.state == "undone")
        assert shell.bench.files() == BEFORE
        assert "take it back" not in shell.seen()


async def test_reject_leaves_everything_as_it_was(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("n")
        await shell.until_seen("discarded: it was not approved; nothing changed")
        assert shell.bench.files() == BEFORE
        assert shell.bench.layers() == []


async def test_hold_then_commit(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("h")
        await shell.until_seen(
            "held: its changes wait for approval", "/commit 1 applies it, /discard 1 discards it"
        )
        assert shell.bench.files() == BEFORE
        await shell.type("/commit 1", "enter")
        await shell.until_seen("applied: 1 changed, 2 added")
        assert shell.bench.files() == AFTER
        assert len(shell.blocks) == 1


async def test_hold_then_discard_with_a_key(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("h")
        await shell.until_seen("held:")
        await shell.press("shift+tab", "x")
        await shell.until_seen("discarded: as you asked")
        assert shell.bench.files() == BEFORE
        assert shell.bench.layers() == []


async def test_answers_with_the_mouse(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        assert await shell.pilot.click("#yes")
        await shell.until_seen("applied:")
        assert shell.bench.files() == AFTER


async def test_an_answer_that_comes_too_soon_is_none(
    open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "ARMED_AFTER", 3600.0)
    async with open_shell() as shell:
        await shell.ask(NOTE)
        for key in "ynh":
            await shell.press(key)
            await shell.pilot.pause(approval.ALONE * 1.5)
        assert shell.app.conversation.query(ApprovalCard)
        assert shell.bench.files() == BEFORE


@pytest.mark.parametrize("request_", ["you", "nothing", "hello", "list"])
async def test_who_types_a_request_answers_nothing(open_shell: OpenShell, request_: str) -> None:
    async with open_shell() as shell:
        block = await shell.ask(NOTE)
        card = block.card
        assert card is not None
        await shell.until(lambda: card.has_focus)
        for letter in request_:
            shell.app.simulate_key(letter)
        await shell.until(lambda: shell.prompt.text == request_)
        await shell.pilot.pause(approval.ALONE * 1.5)
        assert block.card is card
        assert shell.bench.files() == BEFORE


async def test_a_question_never_takes_the_keys_of_somebody_who_types(open_shell: OpenShell) -> None:
    async with open_shell(thinks=0.3) as shell:
        await shell.type(NOTE, "enter")
        await shell.type("yny")
        await shell.until(lambda: shell.app.conversation.query(ApprovalCard))
        assert shell.prompt.text == "yny"
        assert shell.prompt.has_focus
        await shell.until_seen("1 waits for you (F2)")
        await shell.press("f2", "y")
        await shell.until_seen("applied:")
        assert shell.prompt.text == "yny"


async def test_the_tree_moves_the_diff_and_d_shows_it_whole(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        block = await shell.ask(NOTE)
        diff = block.query_one(DiffView)
        await shell.press("tab", "down", "down")
        await shell.until(lambda: diff.scroll_offset.y > 0)
        await shell.press("escape")
        assert shell.prompt.has_focus
        await shell.press("f2", "y")
        await shell.until_seen("applied:")
        await shell.press("shift+tab", "d")
        await shell.until(lambda: isinstance(shell.app.screen, ViewerScreen))
        assert "+buy milk" in shell.seen()


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_cancel(open_shell: OpenShell, key: str) -> None:
    async with open_shell() as shell:
        await shell.type("wait", "enter")
        await shell.until_seen("running step 1")
        await shell.press(key)
        await shell.until_seen("cancelled: ")
        assert shell.blocks[0].told.exit_code == 130
        assert [session.closed for session in shell.bench.sandbox.sessions] == [1]
        assert shell.bench.layers() == []


async def test_several_at_once(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 50)) as shell:
        await shell.type("wait", "enter")
        await shell.until_seen("running step 1")
        waiting = await shell.ask(NOTE)
        await shell.press("escape")
        assert (await shell.done("list")).told.state == "done"
        await shell.until_seen("1 waits for you (F2)", "1 running")
        await shell.press("f2", "y")
        await shell.until(lambda: waiting.told.state == "committed")
        assert shell.blocks[0].running
        assert shell.bench.files() == AFTER


async def test_a_command_runs_in_the_sandbox_and_its_changes_are_asked_for(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask("!echo hi")
        assert "process.run command=echo hi" in shell.seen()
        assert "[run]" in shell.seen()
        assert shell.bench.model.requests == []
        await shell.press("y")
        await shell.until_seen("applied: 1 added")
        assert shell.bench.files()["ran"] == "echo hi"


async def test_effects_that_no_layer_holds_are_asked_for_first_and_cannot_be_held(
    open_shell: OpenShell,
) -> None:
    async with open_shell() as shell:
        kernel, workspace = shell.bench.kernel, shell.bench.workspace
        plan = Plan(steps=(Fetch(url="http://127.0.0.1:9/x"),))
        running = kernel.run_plan(plan, workspace=workspace, options=RunOptions(interactive=True))
        await shell.app.conversation.begin("fetch", running)
        await shell.until(lambda: shell.app.conversation.query(ApprovalCard))
        await shell.until_seen("This acts outside the workspace, where nothing can be undone.")
        assert "net.fetch url=http://127.0.0.1:9/x" in shell.seen()
        assert "Hold" not in shell.seen()
        await shell.press("h")
        await shell.pilot.pause(approval.ALONE * 1.5)
        assert shell.app.conversation.query(ApprovalCard)
        await shell.press("n", "n")
        await shell.until_seen("not approved: nothing ran")
        assert shell.bench.sandbox.sessions == []


async def test_no_model_and_no_sandbox_say_what_to_do(open_shell: OpenShell) -> None:
    err = Err(code="no-sandbox", title="No sandbox", message="none is here", hint="install bubblewrap")
    async with open_shell(no_sandbox=err) as shell:
        await shell.done("list")
        for text in ("✗ No sandbox", "none is here", "→ install bubblewrap", "✗ failed"):
            assert text in shell.seen()


async def test_a_failed_step_says_which_and_why(open_shell: OpenShell) -> None:
    script = {
        "read": [{"call": "file.read", "paths": ["none.txt"]}, {"call": "text.count", "source": "$1"}],
    }
    async with open_shell(script=script) as shell:
        await shell.done("read")
        for text in ("✗ 1 file.read", "There is no none.txt", "skipped: step 1 was not done"):
            assert text in shell.seen()


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1A\u202etxt.exe"


async def noisy(hand: Hand) -> Result[Value]:
    """A program that prints what could steer a terminal, and very much of it."""
    if hand.name != "process.run":
        return await by_hand(hand)
    assert hand.output is not None
    for _ in range(50):
        hand.output("stdout", b"x" * 9_999 + b"\n")
        await asyncio.sleep(0)
    hand.output("stdout", (HOSTILE + "\n").encode())
    hand.output("stderr", b"10%\r50%\rall of it\n")
    (hand.layer.upper / "na\x1b[2Jme").write_text("hi \x1b[31m\n")
    return Ok(value=Exit(code=0, stdout=HOSTILE))


async def test_output_is_bounded_and_cannot_steer_the_terminal(open_shell: OpenShell) -> None:
    async with open_shell(sandbox=HandSandbox(noisy), size=(100, 50)) as shell:
        block = await shell.ask("run it")
        await shell.until_seen("owned", "all of it", "in all")
        for _ in range(2):
            seen = shell.seen()
            assert "\\x1b[2J" in seen
            assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(seen)
            assert "50%" not in seen
            await shell.press("y")
            await shell.until(lambda: not block.running)
        assert block.output is not None
        assert sum(map(len, block.output.tail._pieces)) < 80_000
        assert block.output.tail.total > 500_000


async def test_a_table_is_a_table_and_opens_whole(open_shell: OpenShell) -> None:
    async def table(hand: Hand) -> Result[Value]:
        rows = tuple((f"city {n}", n * 1000) for n in range(40))
        return Ok(value=Table(columns=("name", "people"), rows=rows))

    async with open_shell(sandbox=HandSandbox(table), size=(80, 40)) as shell:
        await shell.done("list")
        assert "city 2    2,000" in shell.seen()
        assert "20 more: O opens all of it" in shell.seen()
        await shell.press("shift+tab", "o")
        await shell.until(lambda: isinstance(shell.app.screen, ViewerScreen))
        await shell.press("ctrl+end")
        await shell.until_seen("city 39")
        await shell.press("escape")
        assert not isinstance(shell.app.screen, ViewerScreen)


async def test_details_show_the_typed_call(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.done("list")
        await shell.press("shift+tab", "enter")
        await shell.until_seen('"call": "file.find"', "sandbox: ram", "sha256: ")
        await shell.press("enter")
        assert "sha256" not in shell.seen()


async def test_leaving_holds_what_waits(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("ctrl+q")
        await shell.until(lambda: shell.app.return_value == 0)
        assert shell.bench.layers() == ["1"]
        (row,) = shell.bench.kernel.journal.processes()
        assert row.state == "held"
        assert shell.bench.files() == BEFORE


async def test_what_an_earlier_session_holds_stands_there_when_the_shell_opens(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        kernel, workspace = shell.bench.kernel, shell.bench.workspace
        await kernel.run(NOTE, workspace=workspace).finished()
        again = ShellApp(kernel, workspace)
        async with again.run_test(size=(80, 24)) as pilot:
            later = Shell(shell.bench, again, pilot)
            await later.until_seen(
                NOTE,
                "~ a.txt",
                "held: its changes wait for approval",
                "/commit 1 applies it, /discard 1 discards it",
            )
            await later.press("shift+tab", "c")
            await later.until_seen("applied: 1 changed, 2 added")
        assert shell.bench.files() == AFTER


async def test_leaving_asks_when_something_runs(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("wait", "enter")
        await shell.until_seen("running step 1")
        await shell.press("ctrl+q")
        await shell.until(lambda: isinstance(shell.app.screen, LeaveScreen))
        assert "One request is still running" in shell.seen()
        await shell.press("n")
        assert shell.blocks[0].running
        await shell.press("ctrl+q", "y")
        await shell.until(lambda: shell.app.return_value == 0)
        assert [session.closed for session in shell.bench.sandbox.sessions] == [1]
        assert shell.bench.layers() == []


MANY = 90


def again(events: list[BaseEvent], number: int) -> Running:
    """A process that only tells these events, as that of another pid."""

    async def live(send: Send) -> None:
        for event in events:
            send(event.model_copy(update={"pid": number}))

    return Running(live)


async def test_a_long_day_keeps_few_blocks_on_the_screen_and_loses_none(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        events = await told(shell.bench.kernel.run("run it", workspace=shell.bench.workspace, options=YES))
        for number in range(1, MANY + 1):
            await shell.app.conversation.begin(f"request {number}", again(events, number))
            await shell.until(lambda: not shell.blocks[-1].running)
        assert len(shell.blocks) <= MOUNTED + STEP
        assert shell.blocks[-1].request == f"request {MANY}"
        while shell.blocks[0].request != "request 1":
            await scroll_to_earlier_ones(shell)
            assert len(shell.blocks) <= MOUNTED + STEP * 2
        shell.app.conversation.query_one(Conversation).scroll_home(animate=False)
        await shell.until_seen(
            "request 1", "process.run command=make all", "make all", "applied: 1 added", "/undo 1"
        )
        while shell.blocks[-1].request != f"request {MANY}":
            await scroll_to_later_ones(shell)
            assert len(shell.blocks) <= MOUNTED + STEP * 2
        numbers = [int(block.request.removeprefix("request ")) for block in shell.blocks]
        assert numbers == list(range(numbers[0], MANY + 1))


async def scroll_to_earlier_ones(shell: Shell) -> None:
    first, conversation = shell.blocks[0].request, shell.app.conversation.query_one(Conversation)
    conversation.scroll_relative(y=1, animate=False)
    await shell.pilot.pause(0.1)
    conversation.scroll_home(animate=False)
    await shell.until(lambda: shell.blocks[0].request != first)
    await shell.pilot.pause(0.1)


async def scroll_to_later_ones(shell: Shell) -> None:
    last, conversation = shell.blocks[-1].request, shell.app.conversation.query_one(Conversation)
    conversation.scroll_end(animate=False)
    await shell.until(lambda: shell.blocks[-1].request != last)
    await shell.pilot.pause(0.1)
