"""`casava-os commit` on a workspace that has moved on: told by name, and `--merge` lands what is not concerned."""

from __future__ import annotations

import json

from casava_os.kernel.events import Committed, Conflicted
from tests.cli.conftest import Desk


def clear(desk: Desk) -> None:
    for path in desk.workspace.iterdir():
        path.unlink()


def held(desk: Desk) -> None:
    clear(desk)
    for name in ("a", "b", "c"):
        (desk.workspace / name).write_text(f"{name}\n")
    (desk.workspace / "old").mkdir()
    (desk.workspace / "old" / "x").write_text("x\n")
    ran = desk("call", "process.run", "--command", "echo A > a; rm b; rm -r old; echo new > n")
    assert ran.code == 3, ran
    (desk.workspace / "a").write_text("mine\n")
    (desk.workspace / "old" / "y").write_text("mine\n")


def test_a_conflict_names_every_file_and_the_layer_is_kept(desk: Desk) -> None:
    held(desk)
    ran = desk("commit")
    assert ran.code == 8, ran
    assert "! a changed in the workspace" in ran.err
    assert "! old/y changed in the workspace" in ran.err
    assert "casava-os commit 1 --merge" in ran.err
    assert desk.names() == ["a", "b", "c", "old", "old/x", "old/y"]
    assert [json.loads(line)["state"] for line in desk("ps", "--json").lines] == ["held"]


def test_merge_asks_first_and_then_lands_the_rest(desk: Desk) -> None:
    held(desk)
    asked = desk("commit", "--merge")
    assert asked.code == 3, asked
    assert "could be applied" in asked.err
    assert desk.names() == ["a", "b", "c", "old", "old/x", "old/y"]
    ran = desk("commit", "--merge", "--yes", "--json")
    assert ran.code == 0, ran
    (conflict,) = [event for event in ran.events if isinstance(event, Conflicted)]
    (committed,) = [event for event in ran.events if isinstance(event, Committed)]
    assert conflict.paths == ("a", "old/y")
    assert conflict.lands == ("b", "n", "old/x")
    assert committed.rest == 2
    assert desk.names() == ["a", "c", "n", "old", "old/y"]
    assert (desk.workspace / "a").read_text() == "mine\n"
    (left,) = [json.loads(line) for line in desk("ps", "--json").lines]
    assert (left["pid"], left["state"]) == (2, "held")
    assert "+A" in desk("diff", "2").out.decode()
    assert desk("undo", "1").code == 0
    assert desk.names() == ["a", "b", "c", "old", "old/x", "old/y"]


def test_merge_without_a_conflict_is_a_commit(desk: Desk) -> None:
    clear(desk)
    ran = desk("call", "file.write", "--path", "new", "--content", "x")
    assert ran.code == 3, ran
    assert desk("commit", "--merge").code == 0
    assert desk.names() == ["new"]


def test_nothing_is_left_to_merge(desk: Desk) -> None:
    (desk.workspace / "a").write_text("a\n")
    assert desk("call", "process.run", "--command", "echo A > a").code == 3
    (desk.workspace / "a").write_text("mine\n")
    ran = desk("commit", "--merge", "--yes")
    assert ran.code == 8, ran
    assert (desk.workspace / "a").read_text() == "mine\n"
    assert desk("discard").code == 0
