"""Whatever programs do to the merged view lands exactly, and comes back exactly: random trees, random operations."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.names import fs_path
from casava_syscalls.results import Ok
from tests.crash.world import exact
from tests.layer.merged import leftovers, made, operated
from tests.layer.tree import OPERATIONS, Operation, build, snapshot, without_times

NAMES = ["a", "b", "c", "d.txt", "-rf", "x y", "new\nline", "quo'te\"", "\udcff\udcfe", "é", ".hidden"]

name = st.sampled_from(NAMES)
path = st.lists(name, min_size=1, max_size=3).map("/".join)
contents = st.sampled_from(["", "one\n", "two\n", "same size 1", "same size 2", "x" * 5000])
mode = st.sampled_from([0o644, 0o600, 0o755, 0o444, 0o775])
node = st.one_of(
    st.tuples(path, st.sampled_from(["file", "directory"]), contents, mode),
    st.tuples(path, st.just("link"), name, mode),
)
# Always there, so that whole directories with contents are removed, moved and made again.
FULL = [
    (f"full/{d}/{f}", "file", f"{d} {f}\n", 0o644) for d in ("x", "a", "b/c") for f in ("a", "b", "c", "-rf")
]
OFTEN = ["recreate", "swap", "rename"]
operation = st.tuples(
    st.sampled_from([*sorted(OPERATIONS), *OFTEN]), st.integers(0, 40), st.integers(0, 0o777), name
).map(list)


def check_round_trip(
    base: Path,
    workspace: Path,
    nodes: list[tuple[str, str, str, int]],
    operations: list[Operation],
    *,
    by_root: bool,
) -> None:
    build(str(workspace), sorted(nodes + FULL))
    original = snapshot(str(workspace))
    before = exact(workspace)
    store = DiskLayerStore(base / "state")
    layer = made(store, workspace)
    wanted = operated(layer.paths, operations, by_root=by_root)
    assert snapshot(str(workspace)) == original

    changeset = layer.changeset()
    layer.diff(changeset)
    landed = layer.commit(changeset)
    assert landed == Ok(value=changeset)
    after = snapshot(str(workspace))
    assert without_times(after) == without_times(wanted)
    for change in changeset.changes:
        if change.action in ("added", "changed", "renamed") and change.type != "directory":
            assert after[fs_path(change.path)][3] == wanted[fs_path(change.path)][3]
    assert leftovers(workspace) == []

    if changeset.empty:
        assert without_times(original) == without_times(wanted)
        return
    committed = exact(workspace)
    undone = store.undo(1)
    assert isinstance(undone, Ok), undone
    assert exact(workspace) == before
    assert store.redo(1) == Ok(value=changeset)
    assert exact(workspace) == committed
    assert store.undo(1).ok
    assert exact(workspace) == before
    assert leftovers(workspace) == []
    assert len(undone.value.changes) == len(changeset.changes)


@pytest.mark.parametrize("by_root", [False, True], ids=["user-namespace", "root"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nodes=st.lists(node, max_size=14), operations=st.lists(operation, min_size=1, max_size=8))
def test_commit_equals_the_merged_view_and_undo_the_original(
    nodes: list[tuple[str, str, str, int]], operations: list[Operation], by_root: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_round_trip(Path(folder), Path(folder) / "workspace", nodes, operations, by_root=by_root)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nodes=st.lists(node, max_size=14), operations=st.lists(operation, min_size=1, max_size=8))
def test_so_it_is_when_workspace_and_state_lie_on_different_filesystems(
    nodes: list[tuple[str, str, str, int]], operations: list[Operation]
) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        check_round_trip(Path(folder), Path(elsewhere) / "workspace", nodes, operations, by_root=False)
