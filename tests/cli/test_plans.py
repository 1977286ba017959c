"""Plans as files: what was approved runs and nothing else, and a past plan runs again without a model."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from casava_os.cli.entry import command
from casava_os.cli.follow import Front, RunChoices
from casava_os.kernel.events import Replayed
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Ok
from tests.cli.conftest import Desk

STEPS: list[dict[str, object]] = [
    {"call": "file.find", "extension": ["tmp"]},
    {"call": "file.delete", "paths": "$1"},
    {"call": "file.write", "path": "log/new.txt", "content": "hello\n"},
]


def test_one_changed_byte_executes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each byte of a plan file in turn becomes other bytes: what runs is the approved plan or nothing."""
    data = {"version": 1, "request": "delete the .tmp files", "reads_stdin": False, "steps": STEPS[:2]}
    parsed = parse_plan(data)
    assert isinstance(parsed, Ok)
    sha256, text = parsed.value.sha256(), json.dumps(data, indent=1).encode()
    ran: list[Plan] = []
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))

    def keep(_front: Front, plan: Plan, _choices: RunChoices) -> int:
        ran.append(plan)
        return 0

    monkeypatch.setattr(Front, "apply", keep)
    same: set[tuple[int, int]] = set()
    path, chance = tmp_path / "plan.json", random.Random(5)
    for position, byte in enumerate(text):
        for other in {byte ^ chance.choice((1, 0x20)), chance.randrange(256)} - {byte}:
            path.write_bytes(text[:position] + bytes([other]) + text[position + 1 :])
            ran.clear()
            code = command(["apply", str(path), "--approve", f"sha256:{sha256}"])
            if (
                ran
            ):  # written otherwise (a newline for a space, TMP for tmp), and to the letter the approved plan
                assert [plan.canonical() for plan in ran] == [parsed.value.canonical()]
                same.add((byte, other))
            else:
                assert code in (2, 3), (position, byte, other)
    assert len(same) < 10
    path.write_bytes(text)
    assert command(["apply", str(path), "--approve", sha256]) == 0
    assert len(ran) == 1
    capfd.readouterr()


def test_another_plan_than_the_approved_one_changes_nothing(desk: Desk) -> None:
    sha256 = Plan.model_validate({"steps": STEPS}).sha256()
    path = Path(desk.plan(*STEPS))
    path.write_text(path.read_text().replace("tmp", "txt", 1))
    before = desk.names()
    ran = desk("apply", str(path), "--approve", sha256)
    assert ran.code == 3, ran
    assert desk.names() == before
    path.write_text(path.read_text().replace("txt", "tmp", 1))
    assert desk("apply", str(path), "--approve", f"sha256:{sha256}").code == 0
    assert desk.names() == ["a.txt", "b.txt", "log", "log/new.txt"]


def landed(desk: Desk) -> None:
    ran = desk("apply", desk.plan(*STEPS), "--yes")
    assert ran.code == 0, ran


def test_a_past_plan_runs_again_and_does_the_same(desk: Desk) -> None:
    landed(desk)
    assert desk("undo").code == 0
    before = desk.names()
    ran = desk("replay", "1", "--json")
    assert ran.code == 0, ran
    (told,) = [event for event in ran.events if isinstance(event, Replayed)]
    assert (told.of, told.same, told.differing) == (1, True, ())
    assert desk.names() == before
    assert desk("ps").lines[1:] == []
    shown = desk("replay", "1")
    assert "same: " in shown.err


def test_a_past_plan_that_does_something_else_now_says_where(desk: Desk) -> None:
    landed(desk)
    assert desk("undo").code == 0
    (desk.workspace / "more.tmp").write_text("m")
    (desk.workspace / "log").mkdir()
    ran = desk("replay", "1", "--json")
    assert ran.code == 1, ran
    (told,) = [event for event in ran.events if isinstance(event, Replayed)]
    assert (told.same, told.differing) == (False, ("log", "more.tmp"))
    assert "log" in desk.names()
    assert "log/new.txt" not in desk.names()


def test_a_replay_lands_only_when_asked_and_approved(desk: Desk) -> None:
    landed(desk)
    assert desk("undo").code == 0
    assert desk("replay", "1", "--land", "--approve", "sha256:" + "0" * 64).code == 3
    assert "old.tmp" in desk.names()
    sha256 = Plan.model_validate({"steps": STEPS}).sha256()
    ran = desk("replay", "1", "--land", "--approve", sha256)
    assert ran.code == 0, ran
    assert desk.names() == ["a.txt", "b.txt", "log", "log/new.txt"]


def test_a_plan_that_only_reads_replays_as_the_same(desk: Desk) -> None:
    assert desk("apply", desk.plan({"call": "file.read", "paths": ["a.txt"]})).code == 0
    ran = desk("replay", "1")
    assert ran.code == 0, ran
    assert ran.out == b"one\ntwo\n"


def test_there_is_nothing_to_replay(desk: Desk) -> None:
    ran = desk("replay", "7")
    assert ran.code == 1
    assert "There is no process 7" in ran.err


def test_a_tampered_journal_replays_nothing(desk: Desk) -> None:
    import sqlite3

    landed(desk)
    assert desk("undo").code == 0
    with sqlite3.connect(desk.home / "state" / "journal.sqlite") as sql:
        sql.execute("DROP TRIGGER records_stay")
        sql.execute("UPDATE records SET body = replace(body, 'tmp', 'txt') WHERE kind = 'compiled'")
    ran = desk("replay", "1", "--land", "--yes")
    assert ran.code == 1, ran
    assert "not the plan that ran" in ran.err
    assert "a.txt" in desk.names()
