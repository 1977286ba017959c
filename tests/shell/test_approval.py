"""The question in all its forms: a part of the changes, the plan in an editor, old and new side by side, a yes for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.message import Message
from textual.widgets import Button, Static, TextArea

from casava_os.kernel.events import ALWAYS, ApprovalNeeded
from casava_os.kernel.policyfile import StandingRules
from casava_os.kernel.selection import Selection
from casava_os.kernel.standing import Standing
from casava_os.paths import config_dir
from casava_os.shell.plantext import check, plan_text
from casava_os.shell.screens.conversation import ConversationScreen
from casava_os.shell.screens.plan_editor import PlanEditor
from casava_os.shell.screens.viewer import ViewerScreen
from casava_os.shell.widgets import approval, plan
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.changes import ChangeTree
from casava_os.shell.widgets.diff import DiffView
from casava_os.shell.widgets.difftext import differing, parse, sections, side_by_side
from casava_syscalls.results import Ok
from tests.shell.conftest import OpenShell, Shell
from tests.shell.looking import looks

BEFORE = "import os\n\n\ndef total(items):\n    # adds them up\n    return sum(items)\n"
AFTER = "import os\n\n\ndef total(items, tax=0.2):\n    # adds them up\n    return sum(items) * (1 + tax)\n"
TIDY = "tidy"
SCRIPT = {
    TIDY: [
        {"call": "file.write", "path": "shop/total.py", "content": AFTER},
        {"call": "file.write", "path": "notes/2026/later.txt", "content": "call home\n"},
        {"call": "file.write", "path": "notes/2026/today.txt", "content": "buy milk\n"},
    ],
    "remove": [{"call": "process.run", "command": "rm"}],
}
SIZES = {"80x24": (80, 24), "200x60": (200, 60)}


@asynccontextmanager
async def opened(open_shell: OpenShell, **how: object) -> AsyncIterator[Shell]:
    """A shell with a file of rules, over a folder with some code."""
    async with open_shell(script=SCRIPT, **how) as shell:
        bench = shell.bench
        bench.kernel.landing = replace(bench.kernel.landing, standing=StandingRules(bench.root / "config"))
        (bench.workspace / "shop").mkdir()
        (bench.workspace / "shop" / "total.py").write_text(BEFORE)
        yield shell


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """The messages of cards that reach the screen."""
    seen: list[Message] = []
    handed = ConversationScreen.on_approval_card_answered

    def keep(screen: ConversationScreen, event: ApprovalCard.Answered) -> None:
        seen.append(event)
        handed(screen, event)

    monkeypatch.setattr(ConversationScreen, "on_approval_card_answered", keep)
    return seen


def card_of(shell: Shell) -> ApprovalCard:
    card = shell.blocks[-1].card
    assert card is not None
    return card


def ticks(shell: Shell) -> list[str]:
    """The lines of the tree, as far as they are in view."""
    tree = card_of(shell).query_one(ChangeTree)
    return [tree.render_line(y).text.strip() for y in range(tree.size.height)]


# ---------------------------------------------------------------------------------------- some of the files


async def test_a_file_is_left_out_and_the_rest_lands(open_shell: OpenShell, answers: list[Message]) -> None:
    async with opened(open_shell, size=(200, 60)) as shell:
        await shell.ask(TIDY)
        await shell.until_seen("[x] 5 changes", "Apply [Y]")
        await shell.press("tab", "down", "down", "down", "space")
        await shell.until_seen("Apply 4 of 5 [Y]", "[-] 4 of 5 changes", "[-] + notes/", "[ ] + later.txt")
        await shell.until_seen("What you leave out stays held")
        await shell.press("y")
        await shell.until_seen("applied: 3 added, 1 changed; held as process 2: 1 added")
        (answer,) = answers
        assert isinstance(answer, ApprovalCard.Answered)
        assert answer.answer == Selection(
            paths=("notes", "notes/2026", "notes/2026/today.txt", "shop/total.py")
        )
        assert shell.bench.files() == {
            "a.txt": "one\ntwo\nthree\n", "notes/2026/today.txt": "buy milk\n", "shop/total.py": AFTER,
        }  # fmt: skip

        await shell.until(lambda: len(shell.blocks) == 2 and not shell.blocks[1].running)
        assert (shell.blocks[1].pid, shell.blocks[1].told.state) == (2, "held")
        await shell.type("/commit 2", "enter")
        await shell.until(lambda: shell.blocks[1].told.state == "committed")
        assert shell.bench.files()["notes/2026/later.txt"] == "call home\n"


async def test_what_is_needed_comes_along_and_goes_along_in_sight(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(200, 60)) as shell:
        await shell.ask(TIDY)
        await shell.press("tab", "space")  # the root: nothing
        await shell.until_seen("[ ] 0 of 5 changes")
        assert card_of(shell).query_one("#yes", Button).disabled
        await shell.press("y")
        await shell.pilot.pause(approval.ALONE * 1.5)
        assert shell.blocks[-1].card is not None
        await shell.press("down", "down", "down", "space")  # one file below two new folders
        await shell.until_seen("Apply 3 of 5 [Y]")
        assert ticks(shell)[:4] == [
            "[-] 3 of 5 changes", "[-] + notes/", "[-] + 2026/", "[x] + later.txt  10 B",
        ]  # fmt: skip
        await shell.press("up", "up", "space", "space")  # the folder: all, then none
        await shell.until_seen("[ ] 0 of 5 changes")
        await shell.press("up", "space")
        await shell.until_seen("[x] 5 changes", "Apply [Y]", "Nothing in this folder has changed yet")


async def test_undo_takes_back_what_landed_and_nothing_else(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(200, 60)) as shell:
        block = await shell.ask(TIDY)
        await shell.press("tab", "down", "space", "y")
        await shell.until(lambda: block.told.state == "committed")
        assert shell.bench.files()["shop/total.py"] == AFTER
        assert "notes/2026/today.txt" not in shell.bench.files()
        await shell.type("/undo 1", "enter")
        await shell.until(lambda: block.told.state == "undone")
        assert shell.bench.files() == {"a.txt": "one\ntwo\nthree\n", "shop/total.py": BEFORE}
        await shell.type("/discard 2", "enter")
        await shell.until(lambda: shell.bench.layers() == [])


# ---------------------------------------------------------------------------------------- the diff


DIFF = """--- a/f
+++ b/f
@@ -1,3 +1,3 @@
 same
--- a/not a file
+++ b/not a file
 end
deleted file: gone (5 bytes)
--- /dev/null
+++ b/g
@@ -0,0 +1 @@
+new
\\ No newline at end of file
"""


def test_a_line_that_reads_like_a_head_is_a_line() -> None:
    lines = parse(DIFF)
    assert sections(lines) == {"f": 0, "gone": 7, "g": 8}
    assert [line.kind for line in lines[3:7]] == ["same", "removed", "added", "same"]
    assert lines[4].partner == 5


def test_two_columns_pair_what_changed() -> None:
    lines = parse(DIFF)
    rows = side_by_side(lines)
    assert [(row.left, row.right) for row in rows] == [
        (1, 1), (2, 2), (3, 3), (4, 5), (6, 6), (7, 7), (9, 9), (10, 10), (None, 11), (None, 12),
    ]  # fmt: skip


def test_the_words_that_differ() -> None:
    old, new = differing("def total(items):", "def total(items, tax):")
    assert old == ()
    assert [("def total(items, tax):")[a:b] for a, b in new] == [", tax"]
    assert differing("entirely other", "1234 + 5678") == ((), ())


async def test_side_by_side_where_there_is_room_and_by_a_key(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(200, 60)) as shell:
        await shell.ask(TIDY)
        diff = card_of(shell).query_one(DiffView)
        assert diff.side
        assert "│4 + def total(items, tax=0.2):" in shell.seen().replace("  ", " ")
        await shell.press("s")
        await shell.until(lambda: not diff.side)
        await shell.until_seen("shop/total.py  71 B", "-def total(items):", "+def total(items, tax=0.2):")
        await shell.press("s")
        await shell.until(lambda: diff.side)
        await shell.pilot.resize_terminal(80, 40)
        await shell.until(lambda: diff.size.width < 80)
        assert shell.blocks[-1].card is not None
        await shell.press("s", "s")
        await shell.pilot.resize_terminal(200, 60)
        await shell.press("y")
        await shell.until(lambda: shell.blocks[0].told.state == "committed")


async def test_sizes_before_and_after(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(200, 60)) as shell:
        await shell.ask(TIDY)
        assert f"shop/total.py  {len(BEFORE)} B → {len(AFTER)} B" in shell.seen()
        assert "notes/2026/later.txt  10 B" in shell.seen()


# ---------------------------------------------------------------------------------------- the plan


def test_the_place_of_what_is_wrong() -> None:
    text = plan_text(
        {"version": 1, "request": "r", "steps": [{"path": "a", "content": "x", "call": "file.write"}]}
    )
    assert check(text).plan is not None
    assert text.index('"call"') < text.index('"content"')
    lines = text.splitlines()

    def where(old: str, new: str) -> tuple[str, str]:
        found = check(text.replace(old, new))
        assert found.err is not None
        line = text.replace(old, new).splitlines()[found.line]
        return line[found.column :].strip(" ,"), str(found.err)

    assert where("file.write", "file.wrote")[0] == '"file.wrote"'
    assert where('"path": "a"', '"path": "../a"')[0] == '"../a"'
    assert where('"path": "a"', '"path": "/etc/a"')[0] == '"/etc/a"'
    assert where('"x"', '"$1"')[0].startswith('"$1"')
    place, said = where('"path": "a",', '"path": "a"')
    assert "comma" in said
    assert place.startswith('"content"')
    assert "stands twice" in where('"content": "x"', '"call": "file.read"')[1]
    assert "nested" in str(check("[" * 5000).err)
    assert check("").err is not None
    assert len(lines) > 5


async def test_the_edited_plan_runs_and_the_old_one_goes_only_then(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(100, 40)) as shell:
        old = await shell.ask(TIDY)
        await shell.press("p")
        await shell.until(lambda: isinstance(shell.app.screen, PlanEditor))
        await shell.until_seen("Edit the plan", "✓ 3 steps: file.write → file.write → file.write")
        first = str(shell.app.screen.query_one("#words", Static).content)
        assert first.startswith("1. put ")
        assert "notes/2026/today.txt" in first
        text = shell.app.screen.query_one(TextArea)

        text.text = text.text.replace("today.txt", "../../../up.txt")
        await shell.until_seen("✗ line", "outside the workspace")
        await shell.press("ctrl+s")
        assert isinstance(shell.app.screen, PlanEditor)
        assert text.document.get_line(text.cursor_location[0])[text.cursor_location[1] :].startswith(
            '"notes/2026/..'
        )
        await shell.press("escape")
        assert "Esc again drops your edits" in shell.notices()
        assert isinstance(shell.app.screen, PlanEditor)

        text.text = text.text.replace("../../../up.txt", "tomorrow.txt")
        await shell.until_seen("✓ 3 steps")
        assert old.card is not None
        await shell.press("ctrl+s")
        await shell.until(lambda: len(shell.blocks) == 2 and shell.blocks[1].card is not None)
        await shell.until(lambda: old.told.state == "discarded")
        assert old.card is None
        assert shell.bench.layers() == ["2"]
        await shell.press("f2", "y")
        await shell.until(lambda: shell.blocks[1].told.state == "committed")
        assert "notes/2026/tomorrow.txt" in shell.bench.files()
        assert "notes/2026/today.txt" not in shell.bench.files()


async def test_an_edited_plan_that_policy_denies_leaves_the_old_question(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(100, 40)) as shell:
        old = await shell.ask(TIDY)
        await shell.press("p")
        await shell.until(lambda: isinstance(shell.app.screen, PlanEditor))
        text = shell.app.screen.query_one(TextArea)
        text.text = text.text.replace("notes/2026/today.txt", ".git/hooks/post-commit")
        await shell.press("ctrl+s")
        await shell.until(lambda: len(shell.blocks) == 2 and not shell.blocks[1].running)
        assert shell.blocks[1].told.exit_code == 4
        await shell.until(lambda: "still waits for you" in shell.notices())
        assert old.card is not None
        assert shell.bench.layers() == ["1"]
        await shell.press("f2", "y")
        await shell.until(lambda: old.told.state == "committed")


async def test_leaving_the_editor_changes_nothing(open_shell: OpenShell) -> None:
    async with opened(open_shell) as shell:
        block = await shell.ask(TIDY)
        await shell.press("p")
        await shell.until(lambda: isinstance(shell.app.screen, PlanEditor))
        await shell.press("escape")
        await shell.until(lambda: not isinstance(shell.app.screen, PlanEditor))
        assert block.card is not None
        await shell.until(lambda: block.card is not None and block.card.has_focus)
        await shell.press("h")
        await shell.until(lambda: block.told.state == "held")
        await shell.press("shift+tab", "p")
        await shell.until(lambda: isinstance(shell.app.screen, PlanEditor))
        await shell.press("ctrl+s")
        await shell.until(lambda: len(shell.blocks) == 2 and shell.blocks[1].card is not None)
        await shell.until(lambda: block.told.state == "discarded")
        assert shell.bench.layers() == ["2"]


# ---------------------------------------------------------------------------------------- for good


async def test_always_shows_the_rule_before_it_stands(open_shell: OpenShell, answers: list[Message]) -> None:
    async with opened(open_shell, size=(200, 40)) as shell:
        rules = StandingRules(shell.bench.root / "config")
        await shell.ask(TIDY)
        await shell.press("a")
        await shell.until_seen(
            "From now on: create and change files in ~/workspace by file.write: no longer ask.",
            "[[always]]", "workspace =", f'"{shell.bench.workspace}"', "Save this rule and apply [A]",
        )  # fmt: skip
        assert not rules.path.exists()
        await shell.press("y")  # no answer to this
        await shell.pilot.pause(approval.ALONE * 1.5)
        await shell.press("escape")
        await shell.until_seen("Apply [Y]", "[x] 5 changes")
        await shell.press("a")
        await shell.until_seen("Save this rule and apply [A]")
        await shell.press("a")
        await shell.until_seen("applied: 4 added, 1 changed")
        assert [answer.answer for answer in answers if isinstance(answer, ApprovalCard.Answered)] == [ALWAYS]
        saved = rules.read()
        assert isinstance(saved, Ok)
        assert [rule.calls for rule in saved.value] == [("file.write",)]
        await shell.until_seen("Saved as standing rule 1")

        (shell.bench.workspace / "shop" / "total.py").write_text(BEFORE)
        again = await shell.done(TIDY)
        assert again.told.state == "committed"
        await shell.until_seen("Not asked, by your standing rule 1")

        await shell.type("/policy", "enter")
        await shell.until(lambda: isinstance(shell.app.screen, ViewerScreen))
        await shell.until_seen("1  here  create and change files in ~/workspace")
        await shell.press("escape")
        await shell.type("/policy remove 1", "enter")
        await shell.until(lambda: "Taken back" in shell.notices())
        assert rules.read() == Ok(value=())


async def test_a_setting_takes_it_back(open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(open_shell, size=(100, 40)) as shell:
        monkeypatch.setenv("CASAVA_HOME", str(shell.bench.root))
        rules = StandingRules(config_dir())
        mine = Standing(workspace=str(shell.bench.workspace), actions=("added",), calls=("file.write",))
        assert rules.save(mine) == Ok(value=1)
        await shell.press("f10")
        await shell.type("no longer ask")
        await shell.until_seen("always 1", "create files in ~/workspace by file.write", "takes it back.")
        await shell.press("ctrl+z")
        await shell.until_seen("Taken back; it is asked for again")
        assert rules.read() == Ok(value=())


async def test_always_is_not_offered_for_a_program_or_for_a_part(open_shell: OpenShell) -> None:
    async with opened(open_shell, size=(100, 40)) as shell:
        await shell.ask("remove")
        question = card_of(shell).event
        assert isinstance(question, ApprovalNeeded)
        assert question.always is None
        assert "Always" not in shell.seen()
        await shell.press("a")
        await shell.pilot.pause(approval.ALONE * 1.5)
        assert shell.blocks[-1].card is not None
        await shell.press("n")
        await shell.until(lambda: shell.blocks[0].told.state == "discarded")
        await shell.ask(TIDY)
        await shell.until_seen("Always [A]")
        await shell.press("tab", "down", "space")
        await shell.until_seen("Apply 1 of 5 [Y]")
        assert "Always [A]" not in shell.seen()


# ---------------------------------------------------------------------------------------- looks


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_looks(open_shell: OpenShell, theme: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "seconds_text", lambda _seconds: "")  # a slow machine shows none either
    async with opened(open_shell, theme=theme, size=SIZES[size]) as shell:
        await shell.ask(TIDY)
        await shell.press("tab", "down", "down", "down", "space")
        await shell.until_seen("Apply 4 of 5 [Y]")
        await looks(shell.pilot, f"part-{theme}-{size}")
        await shell.press("space", "escape", "f2", "p")
        await shell.until(lambda: isinstance(shell.app.screen, PlanEditor))
        text = shell.app.screen.query_one(TextArea)
        text.cursor_blink = False
        text.text = text.text.replace("file.write", "file.wrote", 1)
        await shell.until_seen("There is no syscall 'file.wrote'")
        await looks(shell.pilot, f"plan-{theme}-{size}")
