"""Landing a changeset: all of it or nothing, and only what was previewed on what it was made from."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from casava_os.kernel.ports import Layer
from casava_sandbox.layer import transaction
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok
from tests.layer.merged import leftovers, made, shell, tree_of
from tests.layer.tree import snapshot, without_times

FILES = {
    "a": "a\n",
    "b": "b\n",
    "d/one": "1\n",
    "d/two": "2\n",
    "d/e/three": "3\n",
    "gone/x": "x\n",
    "gone/y/z": "z\n",
}
SCRIPT = "echo A > a; rm b; mv d/one d/moved; rm -r gone; mkdir -p n/m; echo f > n/m/f; chmod 750 d; ln -s a l; chmod 600 d/two"


def changed(store: DiskLayerStore, workspace: Path, script: str = SCRIPT) -> Layer:
    layer = made(store, workspace)
    shell(layer.paths, script)
    time.sleep(0.02)  # the coarse clock that stamps files moves on
    return layer


def refusal(result: object, code: str) -> Err:
    assert isinstance(result, Err), result
    assert result.code == code
    return result


def test_committing_twice_is_refused(tmp_path: Path, store: DiskLayerStore) -> None:
    layer = changed(store, tree_of(tmp_path / "w", FILES))
    changeset = layer.changeset()
    assert layer.commit(changeset) == Ok(value=changeset)
    refusal(layer.commit(changeset), "exists")


def test_a_held_layer_lands_from_another_process(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    changeset = changed(store, workspace).changeset()
    assert DiskLayerStore(tmp_path / "state").held() == (1,)
    opened = DiskLayerStore(tmp_path / "state").open(1)
    assert isinstance(opened, Ok)
    assert opened.value.commit(changeset).ok
    assert (workspace / "d/moved").read_text() == "1\n"


@pytest.mark.parametrize(
    ("meddle", "named"),
    [
        ("echo mine > a", "a"),
        ("rm a", "a"),
        ("rm a; mkdir a", "a"),
        ("echo mine > l", "l"),
        ("echo mine > gone/new", "gone"),
        ("echo mine > gone/y/z", "gone/y/z"),
        ("echo mine > d/one", "d/one"),
        ("echo mine > n", "n"),
        ("chmod 640 d/two", "d/two"),
        ("rm -r d", "d"),
        ("touch b", "b"),
    ],
)
@pytest.mark.parametrize("when", ["before-preview", "after-preview"])
def test_what_changed_underneath_stops_the_commit(
    tmp_path: Path, store: DiskLayerStore, meddle: str, named: str, when: str
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    if when == "before-preview":
        subprocess.run(["sh", "-ec", meddle], cwd=workspace, check=True)
        changeset = layer.changeset()
    else:
        changeset = layer.changeset()
        subprocess.run(["sh", "-ec", meddle], cwd=workspace, check=True)
    before = snapshot(str(workspace))
    result = layer.commit(changeset)
    if when == "before-preview" and meddle in ("rm a", "rm -r d"):
        # What is gone from the workspace was previewed as an addition: it lands as that.
        assert isinstance(result, Ok)
        assert [c for c in result.value.changes if c.action == "added" and c.path.startswith(named)]
        return
    assert named in refusal(result, "conflict").message
    assert snapshot(str(workspace)) == before
    assert leftovers(workspace) == []


def test_work_beside_the_changeset_is_no_conflict_and_stays(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    (workspace / "mine").write_text("mine")
    (workspace / "d/mine").write_text("mine")
    assert layer.commit(layer.changeset()).ok
    (workspace / "d/later").write_text("later")
    assert store.undo(1).ok
    assert sorted(os.listdir(workspace)) == ["a", "b", "d", "gone", "mine"]
    assert sorted(os.listdir(workspace / "d")) == ["e", "later", "mine", "one", "two"]


def test_a_layer_that_changed_after_the_preview_does_not_land(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    changeset = layer.changeset()
    shell(layer.paths, "echo B > a")
    before = snapshot(str(workspace))
    assert "a changed after the preview" in refusal(layer.commit(changeset), "conflict").message
    assert snapshot(str(workspace)) == before


def test_bytes_that_change_while_they_are_copied_do_not_land(
    tmp_path: Path, store: DiskLayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    changeset = layer.changeset()
    before = snapshot(str(workspace))
    run = transaction.run

    def meddling(*arguments: object) -> object:
        (layer.paths.upper / "a").write_text("B\n")
        return run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("casava_sandbox.layer.commit.run", meddling)
    refusal(layer.commit(changeset), "conflict")
    assert snapshot(str(workspace)) == before


def test_another_directory_in_the_place_of_the_workspace(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    changeset = layer.changeset()
    workspace.rename(tmp_path / "aside")
    tree_of(workspace, FILES)
    refusal(layer.commit(changeset), "conflict")


def fill(path: Path) -> None:
    """Writes until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"z" * 4096):
            pass


@pytest.mark.parametrize("full", ["workspace", "state"])
def test_a_full_disk_applies_nothing_and_can_be_tried_again(
    tmp_path: Path, small_mount: Callable[[str, str], Path], full: str
) -> None:
    mount = small_mount("small", "4m")
    workspace = tree_of(
        mount / "w" if full == "workspace" else tmp_path / "w", {"old": "x" * 1_500_000, "b": "b"}
    )
    store = DiskLayerStore(mount / "state" if full == "state" else tmp_path / "state")
    layer = made(store, workspace)
    # With the state on the small disk, what is deleted has to fit there; else what is added has to fit in the workspace.
    shell(
        layer.paths,
        "rm old" if full == "state" else "head -c 1000000 /dev/zero | tr '\\0' y > new; echo c > b",
    )
    changeset = layer.changeset()
    ballast = mount / "ballast"
    fill(ballast)
    before = snapshot(str(workspace))
    for _ in range(2):
        refusal(layer.commit(changeset), "disk-full")
        assert snapshot(str(workspace)) == before
        assert leftovers(workspace) == []
    ballast.unlink()
    assert layer.commit(changeset).ok
    assert store.undo(1).ok
    assert without_times(snapshot(str(workspace))) == without_times(before)


def test_a_read_only_workspace_can_be_read_and_not_landed_in(
    tmp_path: Path, small_mount: Callable[[str, str], Path]
) -> None:
    mount = small_mount("small", "2m")
    workspace = tree_of(mount, FILES)
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    layer = made(DiskLayerStore(tmp_path / "state"), workspace)
    shell(layer.paths, SCRIPT)
    assert refusal(layer.commit(layer.changeset()), "permission").title == "Not permitted"


def test_a_mount_inside_the_workspace_is_refused(
    tmp_path: Path, store: DiskLayerStore, small_mount: Callable[[str, str], Path]
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    mount = small_mount("w/inner", "1m")
    (mount / "precious").write_text("p")
    layer = made(store, workspace)
    shell(layer.paths, "rm -rf inner; echo A > a", by_root=True)
    assert "another filesystem" in refusal(layer.commit(layer.changeset()), "unsupported").message
    assert (mount / "precious").read_text() == "p"


def test_any_step_that_fails_rolls_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.rename
    for failing in range(1, 40):
        workspace = tree_of(tmp_path / f"w{failing}", FILES)
        store = DiskLayerStore(tmp_path / f"state{failing}")
        layer = changed(store, workspace)
        changeset = layer.changeset()
        before = snapshot(str(workspace))
        count = 0

        def rename(source: str, target: str, failing: int = failing) -> None:
            nonlocal count
            count += 1
            if count == failing:
                raise OSError(errno.EIO, "Input/output error", source)
            real(source, target)

        monkeypatch.setattr(os, "rename", rename)
        result = layer.commit(changeset)
        monkeypatch.setattr(os, "rename", real)
        if count < failing:
            assert isinstance(result, Ok)
            assert failing > 10
            return
        if isinstance(result, Ok):  # a file that cannot be replaced in one instant was taken and put
            assert store.undo(1).ok
            assert snapshot(str(workspace)) == before
            continue
        assert snapshot(str(workspace)) == before
        assert layer.commit(changeset).ok, "the same changeset lands when the trouble is over"
        assert store.undo(1).ok
        assert snapshot(str(workspace)) == before
    pytest.fail("the commit never got through")


def test_ctrl_c_in_the_middle_leaves_nothing_half_done(
    tmp_path: Path, store: DiskLayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    before = snapshot(str(workspace))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(transaction, "lock", interrupted)
    with pytest.raises(KeyboardInterrupt):
        layer.commit(layer.changeset())
    monkeypatch.undo()
    assert store.recover().ok
    assert snapshot(str(workspace)) == before


@pytest.mark.parametrize("action", ["commit", "undo"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["one-mount", "two-mounts"])
def test_a_kill_at_any_step_leaves_the_old_tree_or_the_new_one(
    tmp_path: Path, small_mount: Callable[[str, str], Path], action: str, elsewhere: bool
) -> None:
    home = small_mount("elsewhere", "16m") if elsewhere else tmp_path
    ended_as: set[str] = set()
    for instant in range(1, 200):
        workspace = tree_of(home / f"w{instant}", FILES)
        store = DiskLayerStore(tmp_path / f"state{instant}")
        layer = changed(store, workspace)
        changeset = layer.changeset()
        original = snapshot(str(workspace))
        if action == "undo":
            assert layer.commit(changeset).ok
        started = snapshot(str(workspace))
        died = killed_at(
            instant, partial(layer.commit, changeset) if action == "commit" else partial(store.undo, 1)
        )
        assert DiskLayerStore(tmp_path / f"state{instant}").recover().ok
        assert leftovers(workspace) == []
        now = snapshot(str(workspace))
        if now == started:
            ended_as.add("old")
            again = layer.commit(changeset) if action == "commit" else store.undo(1)
            assert again.ok, again
            now = snapshot(str(workspace))
        else:
            ended_as.add("new")
        if action == "undo":
            assert now == original
        else:
            assert (workspace / "n/m/f").read_text() == "f\n"
            assert store.undo(1).ok
            assert snapshot(str(workspace)) == original
        if not died:
            assert instant > 20
            assert ended_as == {"old", "new"}
            return
    pytest.fail("the action never got through")


def killed_at(instant: int, action: Callable[[], object]) -> bool:
    """Runs the action in a child that dies at its n-th system call that changes a directory; whether it died."""
    child = os.fork()
    if child == 0:
        count = 0

        def counting(real: Callable[..., None]) -> Callable[..., None]:
            def call(*arguments: object, **options: object) -> None:
                nonlocal count
                count += 1
                if count == instant:
                    os._exit(137)
                real(*arguments, **options)

            return call

        for name in ("rename", "link", "unlink", "rmdir", "mkdir", "chmod", "utime", "fsync"):
            setattr(os, name, counting(getattr(os, name)))
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 137


def test_hard_links_sparse_files_attributes_and_times(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a", "other": "o"})
    os.setxattr(workspace / "other", "user.note", b"kept")
    layer = changed(
        store,
        workspace,
        "ln a b; truncate -s 200M sparse; echo end >> sparse; cp -a other copy; echo more >> copy; touch -d 2001-02-03T04:05:06.789Z a2",
    )
    (layer.paths.upper / "a2").write_text("x")
    os.utime(layer.paths.upper / "a2", ns=(1, 123_456_789))
    assert layer.commit(layer.changeset()).ok
    assert (workspace / "b").stat().st_nlink == 1
    assert (workspace / "sparse").stat().st_size == 200 * 2**20 + 4
    assert (workspace / "sparse").stat().st_blocks < 1000
    assert os.getxattr(workspace / "copy", "user.note") == b"kept"
    assert not [name for name in os.listxattr(workspace / "copy") if "overlay" in name]
    assert (workspace / "a2").stat().st_mtime_ns == 123_456_789


def test_two_commits_at_once_exclude_each_other(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a"})
    layers = [made(store, workspace, pid) for pid in (1, 2)]
    for layer in layers:
        shell(layer.paths, f"echo {layer.paths.pid} > a")
    changesets = [layer.changeset() for layer in layers]
    children = []
    for layer, changeset in zip(layers, changesets, strict=True):
        child = os.fork()
        if child == 0:
            os._exit(0 if layer.commit(changeset).ok else 8)
        children.append(child)
    assert sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children) == [0, 8]
