"""What goes wrong around the shell: a sandbox that dies, no room for its state, no model, terminals that change size."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from casava_os.kernel.journal import Journal, JournalError
from casava_os.shell.history import History
from casava_os.shell.session import Session
from casava_os.shell.widgets.prompt import Prompt
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Exit, Value
from tests.kernel.doubles import Hand, HandSandbox, by_hand
from tests.shell.conftest import NOTE, OpenShell
from tests.shell.test_plain import Home, home

__all__ = ["home"]


async def test_a_sandbox_that_dies_is_told_and_the_next_request_works(open_shell: OpenShell) -> None:
    dead = [True]

    async def performer(hand: Hand) -> Result[Value]:
        if dead[0]:
            return Err(
                code="sandbox-died",
                title="The sandbox ended",
                message="its container is gone; nothing was changed",
                hint="give the request again",
            )
        return await by_hand(hand)

    async with open_shell(sandbox=HandSandbox(performer), size=(100, 30)) as shell:
        await shell.done(NOTE)
        await shell.until_seen("The sandbox ended", "its container is gone", "give the request again")
        assert shell.bench.layers() == []
        dead[0] = False
        await shell.ask(NOTE)
        await shell.press("y")
        await shell.until_seen("applied:")


async def test_without_a_sandbox_nothing_runs_and_it_says_what_to_do(open_shell: OpenShell) -> None:
    failure = Err(
        code="no-sandbox",
        title="No sandbox can be had",
        message="neither driver works",
        hint="casava-os doctor",
    )
    async with open_shell(no_sandbox=failure) as shell:
        await shell.done(NOTE)
        await shell.until_seen("No sandbox can be had", "neither driver works", "casava-os doctor")
        assert shell.prompt.has_focus


async def test_a_model_that_does_not_load_is_told_in_the_block(open_shell: OpenShell) -> None:
    failure = Err(
        code="no-model", title="The model does not start", message="no memory", hint="use --model casava-smol"
    )
    async with open_shell(no_model=failure) as shell:
        await shell.done(NOTE)
        await shell.until_seen("The model does not start", "no memory", "use --model casava-smol")
        shell.bench.no_model = None
        await shell.done("list")
        assert shell.blocks[-1].told.state == "done"


async def test_a_journal_that_is_full_fails_the_request_and_not_the_shell(
    open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise JournalError(
            Err(code="disk-full", title="The journal cannot be written", message="no space is left")
        )

    async with open_shell() as shell:
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "new", full)
            await shell.done("list")
            await shell.until_seen("The journal cannot be written", "no space is left")
        await shell.done("list")
        assert shell.blocks[-1].told.state == "done"


async def test_state_that_cannot_be_written_is_told_once(open_shell: OpenShell, tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("a file stands in the way")
    session = Session.open(tmp_path / "closed", tmp_path)
    history = History(tmp_path / "closed" / "history")
    async with open_shell(session=session, history=history) as shell:
        await shell.until(lambda: "this conversation is not kept" in shell.notices())
        await shell.done("list")
        await shell.until(lambda: "what you type is not remembered" in shell.notices())
        await shell.done("list")
        assert shell.notices().count("is not kept") == 1
        assert shell.notices().count("is not remembered") == 1


def test_a_home_that_cannot_be_written_is_said_before_anything_opens(home: Home, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file stands in the way")
    told = home.piped("list the files\n")
    assert told.returncode != 0
    assert "error: " in told.stderr
    assert "Traceback" not in told.stderr
    assert "CASAVA_HOME" in told.stderr


async def test_a_storm_of_sizes_while_a_program_prints(open_shell: OpenShell) -> None:
    async def performer(hand: Hand) -> Result[Value]:
        assert hand.output is not None
        for number in range(400):
            hand.output("stdout", f"line {number} \x1b[2J {'x' * 300}\n".encode())
            await asyncio.sleep(0)
        return Ok(value=Exit(code=0))

    sizes = random.Random(4)
    async with open_shell(sandbox=HandSandbox(performer)) as shell:
        await shell.type("run it", "enter")
        for _ in range(40):
            await shell.pilot.resize_terminal(sizes.randint(1, 220), sizes.randint(1, 70))
        await shell.pilot.resize_terminal(20, 24)
        await shell.until(lambda: shell.blocks and not shell.blocks[0].running)
        assert shell.blocks[0].told.state in ("done", "committed")
        await shell.pilot.resize_terminal(80, 24)
        await shell.until_seen("line 399")
        assert "\x1b" not in shell.seen()


@pytest.mark.parametrize("keys", [("f6",), ("f10",), ("f1",), ("ctrl+r",), ("f4",), ("f5",)])
async def test_every_screen_opens_and_closes_in_twenty_columns(
    open_shell: OpenShell, keys: tuple[str, ...]
) -> None:
    async with open_shell(size=(20, 10), history=History(None)) as shell:
        await shell.done("list")
        await shell.press(*keys)
        await shell.until(lambda: shell.app.screen is not shell.app.conversation)
        for size in ((1, 1), (20, 24), (200, 60), (20, 10)):
            await shell.pilot.resize_terminal(*size)
        await shell.press("escape")
        await shell.until(lambda: shell.app.screen is shell.app.conversation)
        assert shell.app.conversation.query_one(Prompt).is_attached
