"""Which workspaces a layer can be taken of, and what a layer leaves on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os.kernel.ports import LayerStore
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok
from tests.layer.merged import made, shell, tree_of
from tests.layer.people import as_nobody


def refused(store: DiskLayerStore, workspace: Path, code: str) -> Err:
    result = store.create(1, workspace)
    assert isinstance(result, Err)
    assert result.code == code
    assert result.title
    assert result.hint
    return result


def test_it_is_a_layer_store(tmp_path: Path) -> None:
    store: LayerStore = DiskLayerStore(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    assert isinstance(store.open(1), Err)


def test_workspaces_that_cannot_be_used(tmp_path: Path, store: DiskLayerStore) -> None:
    assert "No such file" in refused(store, tmp_path / "missing", "usage").message
    (tmp_path / "file").write_text("")
    refused(store, tmp_path / "file", "usage")
    os.symlink("loop", tmp_path / "loop")
    refused(store, tmp_path / "loop", "usage")
    refused(store, Path("a\0b"), "usage")
    assert "whole machine" in refused(store, Path("/"), "usage").message
    assert "CASAVA_HOME" in refused(store, tmp_path, "usage").hint
    (tmp_path / "state").mkdir(exist_ok=True)
    os.symlink(tmp_path, tmp_path / "state" / "around")
    refused(store, tmp_path / "state/around", "usage")
    refused(store, tmp_path / "state", "usage")
    (tmp_path / "state/inside").mkdir()
    refused(store, tmp_path / "state/inside", "usage")
    assert not (tmp_path / "state/layers").exists()


def test_an_unreadable_workspace(public: Path) -> None:
    closed = tree_of(public / "closed", {"a": "a"})
    closed.chmod(0o000)

    def attempt(home: Path) -> None:
        refused(DiskLayerStore(home / "state"), closed, "permission")

    as_nobody(attempt)
    closed.chmod(0o755)


def test_a_state_directory_that_cannot_hold_a_layer(
    small_mount: Callable[[str, str], Path], tmp_path: Path
) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a"})
    (tmp_path / "file").write_text("")
    refused(DiskLayerStore(tmp_path / "file/state"), workspace, "failed")
    tiny = small_mount("tiny", "4k")
    (tiny / "filler").write_bytes(b"x" * 4096)
    refused(DiskLayerStore(tiny / "state"), workspace, "disk-full")


def test_one_layer_a_process_and_discarding_is_complete_and_repeatable(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a", "d/b": "b"})
    layer = made(store, workspace)
    refused_twice = store.create(1, workspace)
    assert isinstance(refused_twice, Err)
    assert refused_twice.code == "exists"
    shell(layer.paths, "rm -r d; mkdir -m 000 dark; echo x > y; rm a")
    layer.discard()
    layer.discard()
    assert os.listdir(tmp_path / "state/layers") == []
    assert store.held() == ()
    assert isinstance(store.create(1, workspace), Ok)


def test_the_scratch_space_is_no_part_of_the_changeset(tmp_path: Path, store: DiskLayerStore) -> None:
    layer = made(store, tree_of(tmp_path / "w", {"a": "a"}))
    (layer.paths.scratch / "stdin").write_text("piped")
    assert layer.changeset().empty


def test_a_workspace_that_went_away(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a"})
    made(store, workspace)
    workspace.rename(tmp_path / "moved")
    gone = store.open(1)
    assert isinstance(gone, Err)
    assert gone.title == "The workspace is gone"


def test_a_person_without_root_can_do_it_all(tmp_path: Path) -> None:
    def walk(home: Path) -> None:
        workspace = tree_of(home / "w", {"a": "a", "d/b": "b", "closed/c": "c", "ro": "r"})
        (workspace / "closed").chmod(0o555)
        store = DiskLayerStore(home / "state")
        layer = made(store, workspace)
        shell(
            layer.paths,
            "echo A > a; rm -r d; mkdir -m 000 dark; echo s > secret; chmod 000 secret; echo n > closed/n; chmod 400 ro;"
            "mkdir t; echo u > t/u; chmod 000 t/u; chmod 100 t",
        )
        changeset = layer.changeset()
        assert "+s" in layer.diff(changeset)
        landed = layer.commit(changeset)
        assert isinstance(landed, Ok), landed
        assert (workspace / "secret").stat().st_mode & 0o777 == 0
        assert (workspace / "dark").stat().st_mode & 0o777 == 0
        assert (workspace / "t").stat().st_mode & 0o777 == 0o100
        assert (workspace / "closed").stat().st_mode & 0o777 == 0o555
        assert (workspace / "closed/n").read_text() == "n\n"
        undone = store.undo(1)
        assert isinstance(undone, Ok), undone
        assert sorted(os.listdir(workspace)) == ["a", "closed", "d", "ro"]
        assert os.listdir(workspace / "closed") == ["c"]
        layer.discard()
        assert os.listdir(home / "state/layers") == []

    as_nobody(walk)


@pytest.mark.parametrize("mode", [0o555, 0o500])
def test_a_directory_of_somebody_else_is_refused_and_nothing_is_applied(public: Path, mode: int) -> None:
    theirs = tree_of(public / "theirs", {"d/a": "a", "b": "b"})
    (theirs / "d").chmod(0o755)
    theirs.chmod(mode | 0o055)

    def attempt(home: Path) -> None:
        layer = made(DiskLayerStore(home / "state"), theirs)
        shell(layer.paths, f"chmod 755 .; echo new > new; chmod {theirs.stat().st_mode & 0o777:o} .")
        result = layer.commit(layer.changeset())
        assert isinstance(result, Err)
        assert result.code == "permission"

    as_nobody(attempt)
    assert sorted(os.listdir(theirs)) == ["b", "d"]
