"""What was done, as a list, as a script, and what waits: also after everything was restarted."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from casava_os.kernel.expiry import DAY
from tests.cli.conftest import Desk
from tests.layer.tree import snapshot, without_times

SCRAMBLE = "echo new > 'a b'; rm old.tmp; mkdir -p d/e; mv b.txt d/e/; ln -s a.txt l; chmod 600 a.txt; printf 'x\\000' > d/bin"


def did(desk: Desk, command: str) -> None:
    ran = desk("call", "process.run", "--yes", "--command", command)
    assert ran.code == 0, ran


def listed(desk: Desk) -> list[dict[str, object]]:
    ran = desk("history", "--json")
    assert ran.code == 0, ran
    return [json.loads(line) for line in ran.lines]


def test_history_says_what_can_be_undone_and_redone(desk: Desk) -> None:
    assert listed(desk) == []
    did(desk, "echo 1 > one; rm old.tmp")
    did(desk, "echo 2 > two")
    rows = listed(desk)
    assert [(row["pid"], row["state"], row["way"]) for row in rows] == [
        (2, "committed", "undo (next)"),
        (1, "committed", "undo"),
    ]
    assert [row["kept_bytes"] for row in rows] == [0, 1]
    assert desk("undo").code == 0
    assert [(row["pid"], row["way"]) for row in listed(desk)] == [(2, "redo (next)"), (1, "undo (next)")]
    shown = desk("history")
    assert "1 deleted, 1 added" in shown.out.decode()
    assert desk("history", "--workspace", str(desk.home)).out.decode().count("\n") == 1


@pytest.mark.parametrize("when", ["held", "committed", "undone"])
def test_the_script_of_a_process_gives_the_same_tree(desk: Desk, tmp_path: Path, when: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(desk.workspace, copy, symlinks=True)
    ran = desk("call", "process.run", "--command", SCRAMBLE)
    assert ran.code == 3, ran
    if when != "held":
        assert desk("commit").code == 0
    if when == "undone":
        assert desk("undo").code == 0
    exported = desk("export", "1", "--sh", "-o", str(tmp_path / "do.sh"))
    assert exported.code == 0, exported
    if when == "held":
        assert desk("commit").code == 0
    if when == "undone":
        assert desk("redo").code == 0
    done = subprocess.run([tmp_path / "do.sh", copy], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert without_times(snapshot(str(copy))) == without_times(snapshot(str(desk.workspace)))


def test_a_script_needs_something_that_changed(desk: Desk) -> None:
    assert desk("call", "file.read", "--paths", "a.txt").code == 0
    assert desk("export", "1", "--sh").code == 2
    assert desk("export", "1").code == 2
    assert desk("export", "9", "--sh").code == 1


def test_what_is_held_survives_everything_and_lands_later(desk: Desk) -> None:
    assert desk("call", "process.run", "--command", "rm a.txt; echo h > held").code == 3
    assert [line.split("\t")[2] for line in desk("ps").lines[1:]] == ["held"]
    assert "deleted file: a.txt" in desk("diff").out.decode()
    assert desk("commit", "1").code == 0
    assert desk.names() == ["b.txt", "held", "old.tmp"]


def test_what_is_held_too_long_is_told_and_later_discarded(desk: Desk) -> None:
    assert desk("call", "process.run", "--command", "rm a.txt").code == 3
    desk.environment["CASAVA_HELD_DAYS"] = "30"
    assert "discarded" not in desk("ps").err
    _age(desk, 31)
    told = desk("ps")
    assert "casava-os commit 1 applies them" in told.err
    assert "held" in told.out.decode()
    _age(desk, 2)
    assert "Process 1 was discarded" in desk("ps").err
    assert desk("ps").lines[1:] == []
    assert "a.txt" in desk.names()
    assert '"reason": "it was held for 33 days' in desk("log", "1").out.decode()


def _age(desk: Desk, days: float) -> None:
    """Makes everything in the journal older."""
    with sqlite3.connect(desk.home / "state" / "journal.sqlite") as sql:
        sql.execute("DROP TRIGGER IF EXISTS records_stay")
        sql.execute("UPDATE records SET at = at - ?", (days * DAY,))
        sql.execute(
            "UPDATE records SET body = json_set(body, '$.after', json_extract(body, '$.after') - ?) WHERE kind = 'expiring'",
            (days * DAY,),
        )
