"""Questions of the kernel that are not about approval: plans to choose from, and a request that lacks something."""

from __future__ import annotations

import pytest

from casava_os.kernel.ports import Draft
from casava_os.shell.screens import conversation
from casava_os.shell.widgets.approval import ApprovalCard
from casava_os.shell.widgets.offer import Offer
from tests.shell.conftest import OpenShell, Shell

BEFORE = {"a.txt": "one\ntwo\nthree\n"}
WRITE = {"call": "file.write", "path": "b.txt", "content": "new\n"}
UNSURE = Draft(steps=({"call": "file.find"},), confidence=0.01, others=((WRITE,),))
ASKS = Draft(steps=({"call": "ask", "about": "target"},), confidence=0.9)
SCRIPT = {"huh": UNSURE, "delete old stuff": ASKS, "list": [{"call": "file.find"}]}


async def test_the_next_best_plans_are_offered_as_sentences(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        seen = shell.seen()
        for text in ("Did you mean one of these?", "1  find all files", '2  put "new " into b.txt'):
            assert text in seen
        assert "file.find" not in seen
        assert "a question for you; nothing ran" in seen
        assert shell.bench.files() == BEFORE


async def _second_asks(shell: Shell) -> None:
    """The second plan waits for approval, and changes what it says once it is given."""
    await shell.until(lambda: len(shell.blocks) == 2 and shell.blocks[1].card is not None)
    assert shell.bench.files() == BEFORE
    assert shell.blocks[1].request == "huh"
    await shell.press("y")
    await shell.until(lambda: shell.blocks[1].told.state == "committed")
    assert shell.bench.files() == {**BEFORE, "b.txt": "new\n"}


async def test_a_number_alone_takes_a_plan_that_is_approved_like_any(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        await shell.type("2")
        await _second_asks(shell)
        assert shell.prompt.text == ""


async def test_a_number_and_enter(open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "ALONE", 3600.0)
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        await shell.type("2", "enter")
        await _second_asks(shell)


async def test_f2_and_enter(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        await shell.press("f2", "down", "enter")
        await _second_asks(shell)


async def test_a_click(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        await shell.pilot.click(Offer, offset=(6, 1))
        await _second_asks(shell)


async def test_a_plan_is_taken_once_and_only_of_the_newest_question(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        block = await shell.done("huh")
        await shell.type("1")
        await shell.until(lambda: len(shell.blocks) == 2 and not shell.blocks[1].running)
        assert shell.blocks[1].told.state == "done"
        assert block.offer is not None
        assert block.offer.count == 0
        await shell.done("1")
        assert len(shell.blocks) == 3
        assert shell.blocks[2].request == "1"
        assert not shell.app.conversation.query(ApprovalCard)


async def test_a_request_that_begins_with_a_number_is_a_request(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        block = await shell.done("1 more thing")
        assert block.request == "1 more thing"
        assert len(shell.blocks) == 2


async def test_a_question_is_no_fault_of_the_person_and_says_how_to_answer(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("delete old stuff")
        seen = shell.seen()
        assert "a question for you; nothing ran" in seen
        assert "not understood" not in seen
        assert "Ask again in full; Up brings back what you typed." in seen
        await shell.press("up")
        assert shell.prompt.text == "delete old stuff"
        assert shell.bench.files() == BEFORE


async def test_a_number_that_is_none_of_the_choices_keeps_the_question(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        await shell.done("huh")
        count = shell.blocks[-1].offer.count if shell.blocks[-1].offer else 0
        assert count
        await shell.type("9", "enter")
        await shell.until_seen("or say what you want in other words")
        assert len(shell.blocks) == 1
        assert shell.blocks[-1].offer is not None
        assert shell.blocks[-1].offer.count == count
