"""Taking a commit back, and when that is refused."""

from __future__ import annotations

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


def test_an_altered_keepsake_is_noticed(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    os.link(workspace / "a", tmp_path / "second-name")
    committed(store, workspace)
    (tmp_path / "second-name").write_text("X\n")
    refused = store.undo(1)
    assert isinstance(refused, Err)
    assert "no longer what it was" in refused.message
    assert (workspace / "a").read_text() == "A\n"


def test_a_damaged_record_is_said_and_touches_nothing(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    committed(store, workspace)
    (tmp_path / "state/undo/1/record.json").write_text('{"pid": 1')
    refused = store.undo(1)
    assert isinstance(refused, Err)
    assert refused.title == "Damaged undo record"


def test_what_is_kept_is_private(tmp_path: Path, store: DiskLayerStore) -> None:
    committed(store, tree_of(tmp_path / "w", FILES))
    for folder in ("", "undo", "undo/1", "undo/1/old", "layers"):
        assert (tmp_path / "state" / folder).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state/undo/1/record.json").stat().st_mode & 0o777 == 0o600
