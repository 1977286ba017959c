"""Typing: several lines, the past, completion, commands; and that a file of the past is this person's alone."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path

from casava_os.shell.completion import Completer
from casava_os.shell.history import LONGEST, MOST, History
from casava_os.shell.screens.past import PastScreen
from casava_os.shell.widgets.prompt import CompletionList
from tests.shell.conftest import NOTE, OpenShell, Shell


async def test_several_lines(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("one\ntwo\\", "enter")
        await shell.type("three")
        assert shell.prompt.text == "one\ntwo\nthree"
        assert shell.blocks == []


async def test_letters_and_enter_in_one_burst(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        for key in (*"list", "enter"):
            shell.app.simulate_key(key)
        await shell.until_seen("✓ done")


async def test_keys_that_overtake_the_list_take_nothing_made_for_less(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/")
        assert shell.app.conversation.query_one(CompletionList).display
        for key in (*"undo", "enter"):
            shell.app.simulate_key(key)
        await shell.until(lambda: shell.blocks)
        assert shell.blocks[0].request == "/undo"
        assert shell.prompt.text == ""


async def test_up_and_down_go_through_the_past_and_bring_the_draft_back(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.done("list")
        block = await shell.ask(NOTE)
        await shell.press("n")
        await shell.until(lambda: not block.running)
        await shell.type("draft", "up")
        assert shell.prompt.text == NOTE
        await shell.press("up", "up", "up")
        assert shell.prompt.text == "list"
        await shell.press("down", "down")
        assert shell.prompt.text == "draft"


async def test_the_past_is_hinted_in_grey_and_taken_with_right(open_shell: OpenShell) -> None:
    history = History(None)
    history.add(NOTE)
    async with open_shell(history=history) as shell:
        await shell.type("wri")
        assert shell.prompt.suggestion == "te the note"
        await shell.press("right")
        assert shell.prompt.text == NOTE


async def test_ctrl_r_finds_by_words(open_shell: OpenShell) -> None:
    history = History(None)
    for entry in ("delete the old logs", "find the big logs", "list"):
        history.add(entry)
    async with open_shell(history=history) as shell:
        await shell.press("ctrl+r")
        await shell.until(lambda: isinstance(shell.app.screen, PastScreen))
        await shell.type("logs old")
        await shell.until(lambda: "find the big logs" not in shell.seen())
        await shell.press("enter")
        await shell.until(lambda: shell.prompt.text == "delete the old logs")
        assert shell.blocks == []


def test_the_file_of_the_past_is_private_bounded_and_shared(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history.jsonl"
    first, second = History(path), History(path)
    first.add("one\nline two")
    second.add("two")
    first.add("two")
    first.add("two")
    assert History(path).entries == ["one\nline two", "two", "two"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    first.add("x" * (LONGEST + 1))
    path.write_text(path.read_text() + "not json\n" + "".join(f'"r{n}"\n' for n in range(MOST * 2)))
    kept = History(path)
    assert len(kept.entries) == MOST
    assert kept.entries[-1] == f"r{MOST * 2 - 1}"
    assert len(path.read_text().splitlines()) == MOST


def test_a_past_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where a directory should be")
    history = History(tmp_path / "state" / "history.jsonl")
    history.add("one")
    assert "not remembered" in history.problem
    assert history.entries == ["one"]


def test_what_completes(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a b.txt").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "notes\x1b.txt").touch()
    os.mkdir(os.fsencode(tmp_path) + b"/n\xff")
    history = History(None)
    history.add("delete the logs")
    completer = Completer(tmp_path, history, {"theme": ("colours", ("dark", "light")), "undo": ("back", ())})

    def offered(before: str) -> list[str]:
        return [before[: found.start] + found.insert for found in completer.candidates(before)]

    assert offered("/") == ["/theme ", "/undo"]
    assert offered("/theme l") == ["/theme light"]
    assert offered("count lines in lo") == ["count lines in logs/"]
    assert offered("count lines in logs/") == ['count lines in "logs/a b.txt"']
    assert offered("!cat logs/") == ["!cat 'logs/a b.txt'"]
    assert offered("!l") == ["!logs/"]
    assert offered("delete") == ["delete the logs"]
    assert offered("show .h") == ["show .hidden"]
    assert offered("show ") == []
    assert offered("show none/x") == []
    shown = [found.shown for found in completer.candidates("show n")]
    assert shown == ["n\\xff/", "notes\\x1b.txt"]


async def test_tab_completes_a_path_and_a_list_is_walked(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        (shell.bench.workspace / "abc.txt").touch()
        await shell.type("read a", "tab")
        offers = shell.app.conversation.query_one(CompletionList)
        await shell.until(lambda: offers.display)
        assert "a.txt" in shell.seen()
        assert "abc.txt" in shell.seen()
        await shell.press("down", "enter")
        assert shell.prompt.text == "read abc.txt"
        assert not offers.display
        assert shell.blocks == []
        await shell.type(" and a.", "tab")
        assert shell.prompt.text == "read abc.txt and a.txt"


async def test_commands_complete_as_they_are_typed(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/th")
        await shell.until_seen("/theme  the colours")
        await shell.press("tab")
        assert shell.prompt.text == "/theme "
        await shell.type("lig", "tab", "enter")
        assert shell.app.theme == "light"
        await shell.type("/")
        offers = shell.app.conversation.query_one(CompletionList)
        assert offers.display
        await shell.press("escape")
        assert not offers.display
        assert shell.prompt.text == "/"


def _said(shell: Shell, text: str) -> bool:
    return text in shell.notices()


async def test_commands(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/model other", "enter")
        await shell.until_seen("other makes the plans")
        assert shell.app.chosen_model == "other"
        for wrong, said in (
            ("/nonsense", "There is no command /nonsense"),
            ("/undo x", "takes the number of a process"),
            ("/commit", "needs the number of a process"),
        ):
            await shell.type(wrong, "enter")
            await shell.until(partial(_said, shell, said))
        assert shell.blocks == []
        await shell.type("/undo", "enter")
        await shell.until_seen("There is nothing to undo")
        await shell.type("/help", "enter")
        await shell.until_seen("What you can type", "/undo [N]")
        await shell.press("escape")
        await shell.type("/quit", "enter")
        await shell.until(lambda: shell.app.return_value == 0)


async def test_the_palette_has_the_commands_and_the_past(open_shell: OpenShell) -> None:
    history = History(None)
    history.add(NOTE)
    async with open_shell(history=history) as shell:
        await shell.press("ctrl+p")
        await shell.type("theme light")
        await shell.until_seen("/theme light")
        await shell.press("enter", "enter")
        await shell.until(lambda: shell.app.theme == "light")
        await shell.press("ctrl+p")
        await shell.type(NOTE)
        await shell.until_seen(NOTE)
        await shell.press("enter")
        await shell.until(lambda: shell.prompt.text == NOTE)


async def test_ctrl_c_empties_then_says_how_to_leave_and_ctrl_d_leaves(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("half a", "ctrl+c")
        assert shell.prompt.text == ""
        await shell.press("ctrl+c")
        await shell.until_seen("Ctrl-Q leaves")
        await shell.press("ctrl+d")
        await shell.until(lambda: shell.app.return_value == 0)
