"""Taking a commit back, and when that is refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok
from tests.layer.merged import made, shell, tree_of
from tests.layer.tree import snapshot

FILES = {"a": "a\n", "b": "b\n", "d/one": "1\n", "d/two": "2\n", "gone/x": "x\n"}
SCRIPT = "echo A > a; mv b c; rm d/one; rm -r gone; mkdir n; echo f > n/f; chmod 600 d/two; ln -s a l"


def committed(store: DiskLayerStore, workspace: Path, script: str = SCRIPT, pid: int = 1) -> None:
    layer = made(store, workspace, pid)
    shell(layer.paths, script)
    assert layer.commit(layer.changeset()).ok
    layer.discard()


def test_the_reverse_changeset_says_what_came_back(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    before = snapshot(str(workspace))
    committed(store, workspace)
    undone = store.undo(1)
    assert isinstance(undone, Ok)
    assert snapshot(str(workspace)) == before
    assert [(c.action, c.source, c.path) for c in undone.value.changes] == [
        ("changed", None, "a"),
        ("renamed", "c", "b"),
        ("added", None, "d/one"),
        ("mode", None, "d/two"),
        ("added", None, "gone"),
        ("added", None, "gone/x"),
        ("deleted", None, "l"),
        ("deleted", None, "n"),
        ("deleted", None, "n/f"),
    ]
    first = undone.value.changes[0]
    assert first.digest == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"


@pytest.mark.parametrize(
    ("meddle", "named"),
    [
        ("echo mine > a", "a"),
        ("echo mine > b", "b"),
        ("rm c", "c"),
        ("echo more > n/more", "n/more"),
        ("chmod 640 d/two", "d/two"),
        ("rm -r d", "d"),
        ("ln -sfn b l", "l"),
        ("mkdir gone", "gone"),
    ],
)
def test_later_work_is_never_thrown_away(
    tmp_path: Path, store: DiskLayerStore, meddle: str, named: str
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    subprocess.run(["sh", "-ec", meddle], cwd=workspace, check=True)
    before = snapshot(str(workspace))
    refused = store.undo(1)
    assert isinstance(refused, Err)
    assert refused.code == "conflict"
    assert named in refused.message
    assert snapshot(str(workspace)) == before


def test_a_touched_file_with_the_same_bytes_is_still_taken_back(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    (workspace / "a").touch()
    assert store.undo(1).ok
    assert (workspace / "a").read_text() == "a\n"


def test_commits_on_top_of_each_other_come_off_one_by_one(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    states = [snapshot(str(workspace))]
    scripts = ["echo 2 > a; mkdir n; echo f > n/f", "echo 3 > a; rm n/f; echo g > n/g", "rm -r n; mv a d/a"]
    for pid, script in enumerate(scripts, 1):
        committed(store, workspace, script, pid)
        states.append(snapshot(str(workspace)))
    refused = store.undo(1)
    assert isinstance(refused, Err)
    for pid in (3, 2, 1):
        assert snapshot(str(workspace)) == states[pid]
        assert store.undo(pid).ok
        assert snapshot(str(workspace)) == states[pid - 1]


def test_twice_or_of_nothing_is_refused(tmp_path: Path, store: DiskLayerStore) -> None:
    unknown = store.undo(7)
    assert isinstance(unknown, Err)
    assert unknown.code == "not-found"
    assert not (tmp_path / "state").exists()
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    assert store.undo(1).ok
    again = store.undo(1)
    assert isinstance(again, Err)
    assert again.title == "Already undone"


def test_what_was_kept_is_a_file_of_its_own(tmp_path: Path, store: DiskLayerStore) -> None:
    """Another name of a file that the commit replaced is written to later: undo brings what was, not what is."""
    workspace = tree_of(tmp_path / "w", FILES)
    os.link(workspace / "a", tmp_path / "second-name")
    committed(store, workspace)
    (tmp_path / "second-name").write_text("X\n")
    assert store.undo(1).ok
    assert (workspace / "a").read_text() == "a\n"


def test_a_file_that_a_program_still_writes_to_is_kept_as_it_was(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    with (workspace / "gone/x").open("a") as still_open:
        committed(store, workspace)
        still_open.write("written after it was deleted\n")
    assert store.undo(1).ok
    assert (workspace / "gone/x").read_text() == "x\n"


@pytest.mark.parametrize("damage", ["altered", "missing", "torn"])
@pytest.mark.parametrize("action", ["undo", "redo"])
def test_what_was_kept_and_is_damaged_is_named_and_nothing_is_touched(
    tmp_path: Path, store: DiskLayerStore, damage: str, action: str
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    content = {"undo": b"x\n", "redo": b"f\n"}[action]
    if action == "redo":
        assert store.undo(1).ok
    digest = hashlib.sha256(content).hexdigest()
    (kept,) = (tmp_path / "state/undo/objects" / digest[:2]).glob(digest[2:] + "*")
    if damage == "missing":
        kept.unlink()
    else:
        kept.write_bytes(b"y\n" if damage == "altered" else b"")
    before = snapshot(str(workspace))
    refused = getattr(store, action)(1)
    assert isinstance(refused, Err)
    assert "missing or damaged" in refused.message
    assert {"undo": "gone/x", "redo": "n/f"}[action] in refused.message
    assert snapshot(str(workspace)) == before


def test_a_damaged_record_is_said_and_touches_nothing(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    (tmp_path / "state/undo/1/record.json").write_text('{"pid": 1')
    refused = store.undo(1)
    assert isinstance(refused, Err)
    assert refused.title == "Damaged undo record"


def test_what_is_kept_is_private(tmp_path: Path, store: DiskLayerStore) -> None:
    committed(store, tree_of(tmp_path / "w", FILES))
    for folder in ("", "undo", "undo/1", "undo/objects", "layers"):
        assert (tmp_path / "state" / folder).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state/undo/1/record.json").stat().st_mode & 0o777 == 0o600


def test_undo_redo_undo_is_exact(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    before = snapshot(str(workspace))
    committed(store, workspace)
    after = snapshot(str(workspace))
    for _ in range(3):
        assert store.undo(1).ok
        assert snapshot(str(workspace)) == before
        again = store.redo(1)
        assert isinstance(again, Ok)
        assert snapshot(str(workspace)) == after
    twice = store.redo(1)
    assert isinstance(twice, Err)
    assert twice.title == "Nothing to redo"


def test_redo_never_throws_later_work_away(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    assert store.undo(1).ok
    (workspace / "a").write_text("mine\n")
    before = snapshot(str(workspace))
    refused = store.redo(1)
    assert isinstance(refused, Err)
    assert refused.code == "conflict"
    assert "a changed since it was undone" in refused.message
    assert snapshot(str(workspace)) == before


def test_a_refusal_names_the_commits_that_come_off_first(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace, "echo 2 > a", 1)
    committed(store, workspace, "echo 3 > a", 2)
    committed(store, workspace, "echo other > b", 3)
    refused = store.undo(1)
    assert isinstance(refused, Err)
    assert "casava-os undo 2 first" in refused.hint
    assert store.undo(2).ok
    assert store.undo(1).ok
    assert (workspace / "b").read_text() == "other\n"
