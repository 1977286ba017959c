"""What the shell says back: on keys that missed their question, at the bottom, and on what waits or is held."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.events import Paste

from casava_os.kernel.events import ChangesetMade
from casava_os.kernel.policyfile import StandingRules
from casava_os.kernel.ports import Change
from casava_os.shell.listing import gathered
from casava_os.shell.slips import meant, own_command
from casava_os.shell.standing import state_parts
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.wording import effect_words
from tests.shell.conftest import NOTE, SCRIPT, OpenShell

SCRIPT["other note"] = [{"call": "file.write", "path": "b.txt", "content": "b\n"}]


async def test_ctrl_c_empties_the_prompt_and_never_answers_a_question(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        block = await shell.ask(NOTE)
        await shell.press("escape")
        await shell.type("half", "ctrl+c")
        assert shell.prompt.text == ""
        await shell.press("ctrl+c", "ctrl+c", "escape", "escape", "escape")
        await shell.until_seen("A question waits. F2 goes to it")
        assert block.running
        assert block.card is not None
        assert "Cancel" not in shell.seen()
        await shell.press("f2", "y")
        await shell.until(lambda: block.told.state == "committed")


async def test_the_next_question_has_the_keys_after_an_answer(open_shell: OpenShell) -> None:
    async with open_shell(size=(80, 40)) as shell:
        first = await shell.ask(NOTE)
        await shell.press("escape")
        await shell.until_seen("F2, then Y, N or H answers")
        assert "Apply [Y]" not in shell.seen()
        second = await shell.ask("other note")
        await shell.press("f2")
        await shell.until(lambda: first.card is not None and first.card.has_focus)
        await shell.press("n")
        await shell.until(lambda: first.told.state == "discarded")
        await shell.until(lambda: second.card is not None and second.card.has_focus)
        await shell.until_seen("Apply [Y]")
        assert "F2, then" not in shell.seen()
        await shell.press("y")
        await shell.until(lambda: second.told.state == "committed")
        assert shell.prompt.has_focus


@pytest.mark.parametrize("letter", ["y", "N", "h", "yes"])
async def test_an_answer_to_nothing_is_no_request(open_shell: OpenShell, letter: str) -> None:
    async with open_shell() as shell:
        await shell.type(letter, "enter")
        await shell.until_seen(f'Nothing waits for an answer, so "{letter}" did nothing.')
        assert not shell.blocks
        assert not shell.app.history.entries


async def test_an_answer_in_the_prompt_goes_to_the_question(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        block = await shell.ask(NOTE)
        await shell.press("escape")
        await shell.type("y", "enter")
        await shell.until_seen("The question has the keys now")
        assert isinstance(shell.app.focused, ApprovalCard)
        assert block.running
        await shell.press("y")
        await shell.until(lambda: block.told.state == "committed")


async def test_a_stray_letter_is_asked_about(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("hdelete a.txt", "enter")
        await shell.until_seen('Did you mean "delete a.txt"?')
        assert not shell.blocks
        assert shell.prompt.text == "delete a.txt"
        assert shell.bench.files() == {"a.txt": "one\ntwo\nthree\n"}


def test_which_letters_are_stray() -> None:
    known = ("undo", "commit")
    assert meant("y/undo 14", known) == "/undo 14"
    assert meant("y /undo 14", known) == "/undo 14"
    assert meant("adelete all jpg files", known) == "delete all jpg files"
    for text in (
        "/undo 14",
        "y/other",
        "delete all",
        "a list of files",
        "spin it",
        "a/b/undo",
        "show a.txt",
        "n/commits",
    ):
        assert meant(text, known) is None


async def test_what_came_of_a_command_stands_at_the_bottom(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("h")
        await shell.until(lambda: shell.blocks[0].told.state == "held")
        await shell.until_seen("1 held (F4)")
        for _ in range(4):
            await shell.done("list")
        (shell.bench.workspace / "a.txt").write_text("otherwise\n")
        await shell.type("/commit 1", "enter")
        await shell.until_seen("/commit 1 failed:", "a.txt")
        (shell.bench.workspace / "a.txt").write_text("one\ntwo\nthree\n")
        await shell.type("/discard 1", "enter")
        await shell.until_seen("/discard 1: ", "discarded", "/log 1 shows it")
        await shell.until(lambda: "held (F4)" not in shell.seen())
        await shell.done("list")
        assert "/discard 1: " not in shell.seen()


async def test_leaving_while_a_question_waits_is_told(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask(NOTE)
        await shell.press("ctrl+q")
        await shell.until(lambda: shell.app._exit)
        (said,) = shell.app._exit_renderables
        assert (
            said
            == "1 question waited; what it would change is held. The shell shows it again, or: casava-os ps"
        )


async def test_a_theme_and_apps_are_named(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.type("/theme", "escape", "enter")
        await shell.until_seen("The theme is dark; /theme", "/theme light")
        await shell.type("/theme light", "escape", "enter")
        await shell.until_seen("The theme is light now")
        await shell.type("/app", "escape", "enter")
        await shell.until_seen("There are: ", "tidy")


@pytest.mark.parametrize("width", [60, 80, 100])
async def test_every_answer_can_be_read_whole(open_shell: OpenShell, width: int) -> None:
    async with open_shell(size=(width, 24)) as shell:
        shell.bench.kernel.landing = replace(
            shell.bench.kernel.landing, standing=StandingRules(shell.bench.workspace / "config")
        )
        await shell.ask(NOTE)
        await shell.until_seen("Apply [Y]", "Discard [N]", " [H]", "Plan [P]", "Always [A]", "-two", "+TWO")
        await shell.until_seen("esc Back")


async def test_what_took_a_lines_place_stands_below_it(open_shell: OpenShell) -> None:
    new = "".join(f"item {n}: {n * 4} euro\n" for n in range(1, 13))
    script = {"dearer": [{"call": "file.write", "path": "prices.txt", "content": new}]}
    async with open_shell(script=script) as shell:
        (shell.bench.workspace / "prices.txt").write_text(new.replace(" euro", " cents"))
        await shell.ask("dearer")
        await shell.until_seen("-item 1: 4 cents", "+item 1: 4 euro", "Apply [Y]")
        assert "@@" not in shell.seen()


def test_a_move_is_a_move() -> None:
    assert [word for word, _ in effect_words("file.move", ("write", "delete"))] == ["move"]
    assert [word for word, _ in effect_words("file.rename", ("write", "delete"))] == ["rename"]
    everything = ("read", "write", "delete", "execute")
    assert [word for word, _ in effect_words("process.run", (*everything, "network"))] == ["run", "network"]
    assert [word for word, _ in effect_words("file.delete", ("delete",))] == ["delete"]


async def test_a_program_that_is_run_does_not_read_like_a_deletion(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask("!true")
        await shell.until_seen("[run]")
        assert "[delete]" not in shell.seen()
        plan = shell.blocks[0].plan
        assert plan is not None
        assert "delete" in plan.lines[1].step.effects  # for policy


def test_a_held_move_says_where_it_goes() -> None:
    change = Change(path="pics/a.txt", action="renamed", source="a.txt", type="file")
    made = ChangesetMade(pid=3, changes=(change,), summary="", diff="", digest="")
    folders = gathered([(3, False, made)]).by_folder
    assert [plan.words for plan in folders[""]["a.txt"]] == ["moves to pics/a.txt"]
    assert [plan.words for plan in folders["pics"]["a.txt"]] == ["comes from a.txt"]


async def test_what_was_taken_back_is_applied_again(open_shell: OpenShell) -> None:
    async with open_shell(size=(80, 40)) as shell:
        block = await shell.ask(NOTE)
        await shell.press("y")
        await shell.until(lambda: block.told.state == "committed")
        after = shell.bench.files()
        await shell.type("/undo", "enter")
        await shell.until(lambda: block.told.state == "undone")
        assert shell.bench.files() != after
        await shell.type("/redo", "enter")
        await shell.until(lambda: shell.bench.files() == after)
        await shell.type("/redo x", "enter")
        await shell.until_seen("/redo takes the number of a process")


async def test_pasted_lines_are_one_request_and_said_to_be(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        shell.app.post_message(Paste("first\nsecond\nthird"))
        await shell.until_seen("3 lines: Enter sends them as one request.")
        assert shell.prompt.text == "first\nsecond\nthird"
        assert not shell.blocks


async def test_what_the_start_found_is_said(open_shell: OpenShell) -> None:
    told = "Process 7 has held its changes long enough to be discarded tomorrow"
    async with open_shell(notices=(told,)) as shell:
        await shell.until(lambda: told in shell.notices())


async def test_where_the_workspace_moved_on_the_rest_is_asked_for(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 50)) as shell:
        block = await shell.ask(NOTE)
        await shell.press("h")
        await shell.until(lambda: block.told.state == "held")
        (shell.bench.workspace / "a.txt").write_text("mine\n")
        await shell.type("/commit 1 --merge", "enter")
        await shell.until(lambda: any(found.card is not None for found in shell.blocks))
        await shell.press("f2", "y")
        await shell.until((shell.bench.workspace / "notes" / "today.txt").exists)
        assert (shell.bench.workspace / "a.txt").read_text() == "mine\n"


async def test_a_program_stands_in_the_journal_as_it_was_typed(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.ask("!echo hi")
        await shell.press("n")
        (row,) = shell.bench.kernel.journal.processes()
        assert row.request == "!echo hi"


@pytest.mark.parametrize(("code", "word"), [(5, "no plan"), (0, "done"), (None, "done")])
def test_a_question_is_not_called_done(code: int | None, word: str) -> None:
    assert state_parts("done", code)[0] == word


@pytest.mark.parametrize(
    ("typed", "command"), [("undo", "/undo"), ("Undo  that", "/undo"), ("?", "/help"), ("exit", "/quit")]
)
async def test_a_word_that_other_shells_take_is_offered_as_the_command(
    open_shell: OpenShell, typed: str, command: str
) -> None:
    async with open_shell() as shell:
        await shell.type(typed, "enter")
        await shell.until_seen(f'Did you mean "{command}"? Enter does it.')
        assert shell.prompt.text == command
        assert not shell.blocks


def test_a_request_is_no_command() -> None:
    for text in ("undo the rename of notes.txt", "help me sort these", "quit smoking.txt", "history.txt"):
        assert own_command(text) is None


async def test_an_answer_is_seen_at_once_and_a_redo_marks_the_block(open_shell: OpenShell) -> None:
    async with open_shell(size=(80, 40)) as shell:
        block = await shell.ask(NOTE)
        block.answered(True)
        assert block.told.phase == "applying"
        await shell.press("y")
        await shell.until(lambda: block.told.state == "committed")
        await shell.type("/undo", "enter")
        await shell.until(lambda: block.told.state == "undone")
        await shell.type("/redo", "enter")
        await shell.until(lambda: block.told.state == "committed")
        await shell.until(lambda: not any(found.running for found in shell.blocks))


async def test_the_foot_of_the_help_says_how_to_leave(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        await shell.press("f1")
        await shell.until_seen("What you can type", "esc Close")
