"""A part of a changeset lands alone, the rest lands later, and both come back: random trees, operations and choices."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from casava_os.kernel.ports import Changeset, Layer
from casava_os.kernel.selection import Selection, needs, part
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.names import fs_path
from casava_syscalls.results import Err, Ok
from tests.layer.merged import leftovers, made, operated, shell, tree_of
from tests.layer.test_exactness import FULL, node, operation
from tests.layer.tree import Operation, build, snapshot, without_times


def chosen(whole: Changeset, *paths: str) -> Changeset:
    found = part(whole, Selection(paths=paths))
    assert isinstance(found, Ok), found
    return found.value


def landed(layer: Layer, changeset: Changeset, whole: Changeset | None = None) -> None:
    assert layer.commit(changeset, of=whole) == Ok(value=changeset)


def split(store: DiskLayerStore, part_: Changeset, rest: int = 2) -> Layer:
    made_ = store.split(1, rest, part_)
    assert isinstance(made_, Ok), made_
    return made_.value


def plain(changeset: Changeset) -> set[str]:
    return {f"{change.action} {change.path}" for change in changeset.changes}


def check(
    base: Path,
    workspace: Path,
    nodes: list[tuple[str, str, str, int]],
    operations: list[Operation],
    picks: list[int],
    *,
    undo_between: bool,
) -> None:
    build(str(workspace), sorted(nodes + FULL))
    original = snapshot(str(workspace))
    store = DiskLayerStore(base / "state")
    layer = made(store, workspace)
    wanted = operated(layer.paths, operations)
    time.sleep(0.01)  # the coarse clock that stamps files moves on
    whole = layer.changeset()
    if len(whole.changes) < 2:
        return
    seeds = {whole.changes[pick % len(whole.changes)].path for pick in picks}
    paths = needs(whole.changes).with_needed(seeds)
    if len(paths) == len(whole.changes):
        return
    first = chosen(whole, *paths)
    landed(layer, first, whole)
    between = snapshot(str(workspace))
    for change in first.changes:
        assert (fs_path(change.path) in between) is (change.action != "deleted") or change.path == "."
    untouched = {c.path for c in whole.changes if c.path not in paths}
    moved = {fs_path(c.source) for c in first.changes if c.source is not None}
    for path in {fs_path(path) for path in untouched} & set(original) - moved:
        assert between[path][:3] == original[path][:3]

    rest = split(store, first)
    left = rest.changeset()
    assert {c.path for c in left.changes} == untouched
    assert left.digest == Changeset.made(2, whole.workspace, left.changes).digest
    assert left.changes == tuple(c for c in whole.changes if c.path in untouched)
    if undo_between:
        assert isinstance(store.undo(1), Ok)
        assert without_times(snapshot(str(workspace))) == without_times(original)
        assert rest.changeset().changes == left.changes
        alone = rest.commit(left)
        if needs(whole.changes).lacking(untouched):
            assert isinstance(alone, Err), alone
            assert without_times(snapshot(str(workspace))) == without_times(original)
        elif isinstance(alone, Ok):
            assert isinstance(store.undo(2), Ok)
        else:  # undo gave directories and files new times: nothing is overwritten
            assert alone.code == "conflict"
        assert without_times(snapshot(str(workspace))) == without_times(original)
        return
    landed(rest, left)
    assert without_times(snapshot(str(workspace))) == without_times(wanted)
    for pid in (2, 1):
        back = store.undo(pid)
        assert isinstance(back, Ok), back
    assert without_times(snapshot(str(workspace))) == without_times(original)
    assert leftovers(workspace) == []


SLOW = settings(
    phases=(Phase.explicit, Phase.generate),
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.mark.parametrize("undo_between", [False, True])
@SLOW
@given(
    nodes=st.lists(node, max_size=8),
    operations=st.lists(operation, min_size=2, max_size=8),
    picks=st.lists(st.integers(0, 1000), min_size=1, max_size=4),
)
def test_any_part_that_stands_alone(
    undo_between: bool,
    nodes: list[tuple[str, str, str, int]],
    operations: list[Operation],
    picks: list[int],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), Path(folder) / "w", nodes, operations, picks, undo_between=undo_between)


def test_on_another_mount_too(tmp_path: Path) -> None:
    """The state lies elsewhere than the workspace: what goes is copied first."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        operations: list[Operation] = [
            ["rename", 3, 0, "a"],
            ["recreate", 4],
            ["remove", 6],
            ["make_file", 1, 0, "b"],
        ]
        check(tmp_path, Path(folder) / "w", [], operations, [1, 2], undo_between=False)


FILES = {"a": "a\n", "d/x": "x\n", "d/y": "y\n", "keep": "k\n"}


def test_a_part_that_needs_more_is_refused_and_nothing_happens(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = made(store, workspace)
    shell(layer.paths, "rm -r d; mkdir -p n/m; echo f > n/m/f")
    before, whole = snapshot(str(workspace)), layer.changeset()
    for paths in (["d"], ["d", "d/x"], ["n/m/f"], ["n/m", "n/m/f"]):
        alone = Changeset.made(1, whole.workspace, [c for c in whole.changes if c.path in paths])
        refused = layer.commit(alone, of=whole)
        assert isinstance(refused, Err)
        assert refused.title == "These changes cannot be applied alone"
    assert snapshot(str(workspace)) == before


def test_a_changed_layer_lands_no_part(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = made(store, workspace)
    shell(layer.paths, "echo A > a; echo new > n")
    whole = layer.changeset()
    first = chosen(whole, "n")
    shell(layer.paths, "echo more > later")
    refused = layer.commit(first, of=whole)
    assert isinstance(refused, Err)
    assert refused.code == "conflict"
    assert not (workspace / "n").exists()


def test_what_the_person_changes_meanwhile_is_never_overwritten_by_the_rest(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = made(store, workspace)
    shell(layer.paths, "echo A > a; rm -r d; echo new > n")
    whole = layer.changeset()
    first = chosen(whole, "n", "d/x")
    landed(layer, first, whole)
    rest = split(store, first)
    left = rest.changeset()
    assert plain(left) == {"changed a", "deleted d", "deleted d/y"}
    time.sleep(0.02)
    (workspace / "a").write_text("mine\n")
    refused = rest.commit(left)
    assert isinstance(refused, Err)
    assert (workspace / "a").read_text() == "mine\n"
    assert (workspace / "d/y").exists()


def test_names_of_one_file_land_apart(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    (workspace / "a2").hardlink_to(workspace / "a")
    layer = made(store, workspace)
    shell(layer.paths, "rm a a2; echo one > h1; ln h1 h2")
    whole = layer.changeset()
    first = chosen(whole, "a", "h1")
    landed(layer, first, whole)
    assert sorted(p.name for p in workspace.iterdir()) == ["a2", "d", "h1", "keep"]
    rest = split(store, first)
    landed(rest, rest.changeset())
    assert sorted(p.name for p in workspace.iterdir()) == ["d", "h1", "h2", "keep"]
    assert isinstance(store.undo(2), Ok)
    assert isinstance(store.undo(1), Ok)
    assert {p.name: p.read_text() for p in workspace.iterdir() if p.is_file()} == {
        "a": "a\n", "a2": "a\n", "keep": "k\n",
    }  # fmt: skip
