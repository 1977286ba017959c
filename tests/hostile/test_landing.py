"""Between the preview and the landing: a tampered layer, a swapped directory, a swapped link, two who land at once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.hostile.attack import Desk, snapshot


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Somebody else's directory, which must never be touched."""
    place = tmp_path / "outside"
    (place / "sub").mkdir(parents=True)
    (place / "c.txt").write_text("mine\n")
    (place / "sub" / "c.txt").write_text("mine\n")
    return place


def _held(desk: Desk, command: str) -> Path:
    """The upper directory of a process that holds what a command changed."""
    ran = desk("call", "process.run", "--command", command)
    assert ran.code == 3, ran
    (pid,) = desk.held()
    return desk.home / "state" / "layers" / pid / "upper"


SWAPS = ("parent", "parent before a new file", "file", "root", "grandparent")


@pytest.mark.parametrize("swapped", SWAPS)
def test_a_directory_swapped_for_a_link_is_8_and_leads_nowhere(
    any_desk: Desk, outside: Path, swapped: str
) -> None:
    """What the commit would write into is replaced by a link to somebody else's directory."""
    work = any_desk.workspace
    (work / "sub" / "in").mkdir()
    (work / "sub" / "in" / "d.txt").write_text("d\n")
    commands = {
        "parent": "echo x > sub/c.txt; rm sub/run.sh; chmod 600 sub/c.txt",
        "parent before a new file": "echo x > sub/new.txt",
        "file": "echo x >> sub/c.txt",
        "root": "echo x > new.txt; rm a.txt",
        "grandparent": "echo x > sub/in/new.txt; chmod 600 sub/in/d.txt",
    }
    _held(any_desk, commands[swapped])
    theirs = snapshot(outside)
    if swapped == "root":
        work.rename(work.with_name("moved"))
        work.symlink_to(outside)
    elif swapped == "file":
        (work / "sub" / "c.txt").unlink()
        (work / "sub" / "c.txt").symlink_to(outside / "c.txt")
    else:
        (work / "sub").rename(work / "moved")
        (work / "sub").symlink_to(outside)
        if swapped == "grandparent":
            (outside / "in").mkdir()
            (outside / "in" / "d.txt").write_text("mine\n")
            theirs = snapshot(outside)
    with any_desk.unchanged():
        any_desk("commit", *sorted(any_desk.held()), cwd=work.parent).explained(8)
    assert snapshot(outside) == theirs
    any_desk("discard", *sorted(any_desk.held()), cwd=work.parent)


def test_a_layer_changed_after_the_preview_is_8(any_desk: Desk, outside: Path) -> None:
    upper = _held(any_desk, "echo harmless > new.txt; mkdir made; echo y > made/y")
    tampering = (
        "echo 'evil ssh-rsa' > new.txt",
        "echo evil > more.txt",
        "chmod 4777 new.txt",
        f"rm -r made; ln -s {outside} made",
        "ln -sf /etc/shadow new.txt",
    )
    theirs = snapshot(outside)
    for tamper in tampering:
        kept = upper.parent / "kept"
        shutil.copytree(upper, kept, symlinks=True)
        subprocess.run(["sh", "-c", tamper], cwd=upper, check=True)
        with any_desk.unchanged():
            any_desk("commit").explained(8)
        shutil.rmtree(upper)
        kept.rename(upper)
    assert snapshot(outside) == theirs
    assert any_desk("discard").code == 0


def test_a_workspace_changed_meanwhile_is_8_and_loses_nothing(any_desk: Desk) -> None:
    _held(any_desk, "echo ours >> a.txt; rm b.txt")
    (any_desk.workspace / "b.txt").write_text("worked on meanwhile\n")
    with any_desk.unchanged():
        any_desk("commit").explained(8)
    assert any_desk("discard").code == 0


def test_two_who_land_at_once_land_once(any_desk: Desk) -> None:
    _held(any_desk, "echo more >> a.txt")
    (pid,) = any_desk.held()
    both = [any_desk.start("commit", pid) for _ in range(3)]
    ran = [any_desk.ended(process) for process in both]
    codes = sorted(one.code for one in ran)
    assert codes[0] == 0, ran
    assert set(codes[1:]) <= {1, 2}, ran
    assert (any_desk.workspace / "a.txt").read_text() == "alpha\nbeta\nmore\n"


def test_conflicting_requests_at_once_land_one(desk: Desk) -> None:
    """Both read the same file before either lands: the second must not overwrite the first.

    Neither can see the other, so each waits longer than the other can be late.
    """
    command = "cat a.txt >/dev/null; sleep 5; echo $$-NAME >> a.txt"
    both = [
        desk.start("call", "process.run", "--yes", "--command", command.replace("NAME", name))
        for name in ("first", "second")
    ]
    ran = [desk.ended(process) for process in both]
    assert sorted(one.code for one in ran) == [0, 8], ran
    lines = (desk.workspace / "a.txt").read_text().splitlines()
    assert lines[:2] == ["alpha", "beta"]
    assert len(lines) == 3
    assert len(desk.held()) == 1  # nothing is lost: the other's changes wait
    assert desk("discard").code == 0


def test_undo_follows_no_link_and_throws_away_no_work(any_desk: Desk, outside: Path) -> None:
    assert any_desk("call", "process.run", "--command", "rm sub/c.txt; echo x > sub/new", "--yes").code == 0
    work, theirs = any_desk.workspace, snapshot(outside)
    (work / "sub").rename(work / "moved")
    (work / "sub").symlink_to(outside)
    with any_desk.unchanged():
        any_desk("undo").explained(8)
    assert snapshot(outside) == theirs
    (work / "sub").unlink()
    (work / "moved").rename(work / "sub")
    (work / "sub" / "new").write_text("the person's own by now\n")
    with any_desk.unchanged():
        any_desk("undo").explained(8, "new")


def test_a_damaged_undo_store_touches_nothing(any_desk: Desk) -> None:
    assert any_desk("call", "file.delete", "--paths", "a.txt", "--yes").code == 0
    (store,) = (any_desk.home / "state" / "undo").glob("[0-9]*")
    damages = [path for path in store.rglob("*") if path.is_file()]
    assert damages
    for path in damages:
        content = path.read_bytes()
        path.write_bytes(b"\xff{not what it was")
        with any_desk.unchanged():
            ran = any_desk("undo")
            assert ran.failed(ran.code).code in (1, 8), (path, ran)
        path.write_bytes(content)


def test_a_planted_undo_record_cannot_name_paths_outside(any_desk: Desk, outside: Path) -> None:
    """Whoever can write the state may as well write the files; but a stray record must still not climb."""
    assert any_desk("call", "file.delete", "--paths", "a.txt", "--yes").code == 0
    (store,) = (any_desk.home / "state" / "undo").glob("[0-9]*")
    theirs = snapshot(outside)
    for record in store.glob("*.json"):
        text = record.read_text()
        record.write_text(text.replace('"a.txt"', '"../outside/planted"'))
    with any_desk.unchanged():
        ran = any_desk("undo")
        assert ran.code != 0, ran
    assert snapshot(outside) == theirs


def test_a_journal_is_append_only_and_private(any_desk: Desk) -> None:
    assert any_desk("call", "file.delete", "--paths", "a.txt", "--yes").code == 0
    path = any_desk.home / "state" / "journal.sqlite"
    connection = sqlite3.connect(path)
    for statement in (
        "DELETE FROM records",
        "UPDATE records SET body = '{}'",
        "INSERT OR REPLACE INTO records SELECT * FROM records",
    ):
        with contextlib.suppress(sqlite3.Error):
            connection.execute(statement)
            connection.commit()
    kinds = {row[0] for row in connection.execute("SELECT kind FROM records")}
    bodies = {row[0] for row in connection.execute("SELECT body FROM records")}
    connection.close()
    assert {"started", "compiled", "committed"} <= kinds
    assert bodies != {"{}"}
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_held_changes_are_judged_again(any_desk: Desk) -> None:
    """A rule that came after the preview counts at the landing."""
    _held(any_desk, "echo x > secret.key")
    any_desk.configure(
        "policy.toml",
        '[[rule]]\ndecision = "deny"\neffects = ["write"]\npaths = ["**/*.key", "*.key"]\nreason = "keys stay"\n',
    )
    with any_desk.unchanged():
        any_desk("commit").failed(4, "keys stay")
    assert any_desk("discard").code == 0


def test_a_policy_that_cannot_be_read_stops_everything(any_desk: Desk) -> None:
    for text in (
        "decision = [",
        '[[rule]]\ndecision = "perhaps"\neffects = ["write"]\n',
        "\x00",
        "rule = 7\n",
    ):
        any_desk.configure("policy.toml", text)
        with any_desk.unchanged():
            any_desk("call", "file.delete", "--paths", "a.txt", "--yes").failed(2, "policy.toml")


def test_git_records_are_denied_however_they_are_reached(any_desk: Desk) -> None:
    hooks = any_desk.workspace / ".git" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "pre-commit").write_text("#!/bin/sh\n")
    (any_desk.workspace / "way").symlink_to(".git")
    scripts = (
        "echo evil >> way/hooks/pre-commit",
        "mv .g* elsewhere",
        "rm -r .g*",
        "mkdir -p sub/.gi''t/hooks; echo evil > sub/.gi''t/hooks/post-checkout",
        "chmod 777 .g*/hooks/pre-commit",
    )
    with any_desk.unchanged():
        for script in scripts:
            ran = any_desk("call", "process.run", "--command", script, "--yes")
            assert ran.failed(4).code == 4, (script, ran)


def test_json_stays_json_whatever_the_names(any_desk: Desk) -> None:
    with open(os.path.join(os.fsencode(any_desk.workspace), b'\xff\n\x1b[2J"}'), "wb"):
        pass
    ran = any_desk(
        "call", "process.run", "--json", "--command", "printf '\\377\\000\\033[2J\\n}{'; ls; rm *J*"
    )
    for line in ran.out.splitlines():
        assert isinstance(json.loads(line), dict)
    assert b"\x1b" not in ran.out
    assert ran.err == "", ran.err
    assert any_desk("discard").code == 0
