"""The plan that forms while a request is typed, and the completion of apps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from casava_os.kernel.compiler.compile import Compilation, Unsure
from casava_os.shell.apps import app_words, start_app
from casava_os.shell.completion import Completer
from casava_os.shell.hint import hint_content
from casava_os.shell.history import History
from casava_os.shell.marks import UNICODE
from casava_os.shell.screens.conversation import ConversationScreen
from casava_syscalls.plan import parse_plan
from casava_syscalls.results import Err, Ok
from casava_syscalls.values import Question, Refusal
from tests.kernel.doubles import Bench
from tests.shell.conftest import NOTE, OpenShell, Shell


def above(shell: Shell) -> str:
    """What stands in the line above the prompt."""
    return str(shell.app.conversation.query_one("#typing").border_title or "")


async def quick(shell: Shell) -> None:
    screen = shell.app.conversation
    assert isinstance(screen, ConversationScreen)
    assert screen._hint is not None
    screen._hint._quick = lambda: True


async def test_the_plan_stands_above_the_prompt_and_nothing_is_recorded(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await quick(shell)
        await shell.type(NOTE)
        await shell.until(lambda: "file.write" in above(shell))
        assert "[write]" in above(shell)
        assert "→ file.write" in shell.seen()
        assert shell.bench.kernel.journal.processes() == []
        assert shell.bench.layers() == []
        await shell.type("s")
        await shell.until(lambda: "file.write" not in above(shell))
        for text in ("!ls -l there", "/help me now", "ab"):
            shell.prompt.fill(text)
            await asyncio.sleep(0.6)
            assert above(shell) == "", text


async def test_a_model_that_cannot_be_had_is_not_told_while_typing(open_shell: OpenShell) -> None:
    async with open_shell(no_model=Err(code="no-model", title="There is no kernel model")) as shell:
        await quick(shell)
        await shell.type("delete everything")
        await asyncio.sleep(0.8)
        assert above(shell) == ""
        assert not shell.notices()


async def test_a_slow_model_is_asked_once(open_shell: OpenShell) -> None:
    async with open_shell(thinks=1.3) as shell:
        await quick(shell)
        await shell.type(NOTE)
        await shell.until(lambda: "file.write" in above(shell))
        await shell.press("backspace", "e")
        await asyncio.sleep(2.5)
        assert above(shell) == ""


async def test_a_scripted_model_is_not_asked_unless_it_is_quick(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type(NOTE)
        await asyncio.sleep(0.8)
        assert above(shell) == ""


def test_what_the_hint_says() -> None:
    plan = parse_plan({"version": 1, "request": "x", "steps": [{"call": "file.find", "name": "a*"}]})
    assert isinstance(plan, Ok)
    told = hint_content(Compilation(plan.value, 1.0, 0.0), UNICODE).plain
    assert "file.find" in told
    assert "\x1b" not in told
    assert hint_content(Unsure(Question(text="Which\nfolder?")), UNICODE).plain == " → would ask: Which "
    assert "would say: no" in hint_content(Refusal(reason="no"), UNICODE).plain
    assert not hint_content(Err(code="usage", title="empty"), UNICODE).plain


def completer(tmp_path: Path) -> Completer:
    apps: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "tidy": ("Sorts a messy folder.", ("folder", "by_date")),
        "time": ("Tells it.", ()),
    }
    return Completer(tmp_path, History(None), {"app": ("run an app", ())}, lambda: apps)


def test_apps_and_their_parameters_are_completed(tmp_path: Path) -> None:
    found = completer(tmp_path)
    assert [one.insert for one in found.candidates("/app ti")] == ["tidy ", "time"]
    assert [one.insert for one in found.candidates("/app tidy ")] == ["folder=", "by_date="]
    assert [one.insert for one in found.candidates("/app tidy folder=x by")] == ["by_date="]
    assert found.candidates("/app tidy folder=x folder=") == []
    assert found.candidates("/app nothing ") == []
    assert "tidy" in app_words()


def test_an_app_is_never_begun_wrongly(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    kernel, workspace = bench.kernel, bench.workspace
    from casava_os.kernel.options import RunOptions

    for line, title in (
        ("nope", "There is no app 'nope'"),
        ("tidy folder", "folder is no parameter"),
        ("tidy where=x", "tidy has no parameter 'where'"),
        ("tidy 'folder=x", "A quote is missing"),
    ):
        begun = start_app(kernel, line, workspace, RunOptions())
        assert isinstance(begun, Err)
        assert begun.title == title
    kernel.close()


async def test_an_app_runs_as_a_block(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/app", "escape")
        await shell.press("enter")
        await shell.until(lambda: "/app needs the name of one" in shell.notices())
        await shell.type("/app nope", "escape", "enter")
        await shell.until(lambda: "there are: tidy" in shell.notices())
        await shell.type("/app tidy", "escape", "enter")
        await shell.until(lambda: shell.blocks and not shell.blocks[0].running)
        assert shell.blocks[0].request == "/app tidy"
        assert shell.bench.kernel.journal.processes()[0].request == "app tidy"
