"""What a layer says it changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from casava_os.kernel.ports import Change
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.names import path_text
from casava_syscalls.results import Err
from tests.layer.merged import made, shell, tree_of


def changes_of(
    store: DiskLayerStore, workspace: Path, script: str, *, by_root: bool = False
) -> dict[str, Change]:
    layer = made(store, workspace)
    shell(layer.paths, script, by_root=by_root)
    return {change.path: change for change in layer.changeset().changes}


@pytest.mark.parametrize("by_root", [False, True], ids=["user-namespace", "root"])
def test_every_kind_of_change_is_named(tmp_path: Path, store: DiskLayerStore, by_root: bool) -> None:
    workspace = tree_of(
        tmp_path / "w", {"keep": "k", "edit": "old\n", "gone": "12345", "tool": "x", "d/in": "i", "swap": "s"}
    )
    os.symlink("keep", workspace / "link")
    script = """
        echo new > fresh; echo newer > edit; rm gone; chmod 700 tool; ln -sfn edit link
        rm -r d; echo file > d; rm swap; mkdir swap; echo below > swap/below; mkdir empty
    """
    changes = changes_of(store, workspace, script, by_root=by_root)
    assert {path: (c.action, c.type_before, c.type) for path, c in changes.items()} == {
        "fresh": ("added", None, "file"),
        "edit": ("changed", "file", "file"),
        "gone": ("deleted", None, "file"),
        "tool": ("mode", "file", "file"),
        "link": ("changed", "link", "link"),
        "d": ("changed", "directory", "file"),
        "d/in": ("deleted", None, "file"),
        "swap": ("changed", "file", "directory"),
        "swap/below": ("added", None, "file"),
        "empty": ("added", None, "directory"),
    }
    assert (changes["edit"].size_before, changes["edit"].size) == (4, 6)
    assert changes["gone"].size_before == 5
    assert (changes["tool"].mode_before, changes["tool"].mode) == ("0644", "0700")
    assert changes["link"].target == "edit"
    assert changes["fresh"].digest == "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c"


@pytest.mark.parametrize("by_root", [False, True], ids=["user-namespace", "root"])
def test_a_directory_made_again_lacks_what_was_not_put_back(
    tmp_path: Path, store: DiskLayerStore, by_root: bool
) -> None:
    workspace = tree_of(tmp_path / "w", {"d/a": "a", "d/b": "b", "d/e/c": "c", "d/e/f": "f", "d/g/h": "h"})
    script = "rm -r d; mkdir -p d/e; printf a > d/a; printf changed > d/e/c"
    changes = changes_of(store, workspace, script, by_root=by_root)
    assert {path: c.action for path, c in changes.items()} == {
        "d/b": "deleted",
        "d/e/c": "changed",
        "d/e/f": "deleted",
        "d/g": "deleted",
        "d/g/h": "deleted",
    }


def test_touching_and_rewriting_with_the_same_bytes_is_no_change(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "same", "b": "same too", "d/c": "c"})
    assert (
        changes_of(
            store,
            workspace,
            "touch a d; printf 'same too' > b; cp -p d/c x; mv x d/c; rm -r d; mkdir d; printf c > d/c",
        )
        == {}
    )


def test_a_fresh_layer_is_empty_whatever_the_modes_of_the_workspace(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    for pid, mode in enumerate((0o700, 0o755, 0o2775, 0o1777, 0o555)):
        workspace = tree_of(tmp_path / f"w{pid}", {"a": "a"})
        workspace.chmod(mode)
        layer = made(store, workspace, pid)
        shell(layer.paths, "ls -la > /dev/null; cat a > /dev/null")
        assert layer.changeset().empty


def test_the_mode_of_the_workspace_itself_is_a_change(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a"})
    changes = changes_of(store, workspace, "chmod 711 .")
    assert (changes["."].action, changes["."].mode_before, changes["."].mode) == ("mode", "0755", "0711")


def test_a_moved_file_is_a_rename_and_a_copied_one_is_not(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(
        tmp_path / "w", {"a": "contents", "b": "others", "empty": "", "none": "", "d/x": "1x", "d/y": "2y"}
    )
    changes = changes_of(
        store,
        workspace,
        "mv a sub; cp b copy; mv empty void; rm none; touch -d 2001-01-01 other; mv d e; chmod 600 e/x",
    )
    assert (changes["sub"].action, changes["sub"].source) == ("renamed", "a")
    assert "a" not in changes
    assert changes["copy"].action == "added"
    assert (changes["void"].action, changes["void"].source) == ("renamed", "empty")
    assert (changes["none"].action, changes["other"].action) == ("deleted", "added")
    assert (changes["e/x"].source, changes["e/x"].mode_before, changes["e/x"].mode) == ("d/x", "0644", "0600")
    assert (changes["e/y"].source, changes["d"].action, changes["e"].action) == ("d/y", "deleted", "added")


def test_equal_files_are_paired_by_name_first(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"old/one": "equal", "old/two": "equal"})
    changes = changes_of(store, workspace, "mkdir new; mv old/two new/two; mv old/one new/one")
    assert {path: c.source for path, c in changes.items() if c.source} == {
        "new/one": "old/one",
        "new/two": "old/two",
    }


def test_names_of_any_bytes(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    names = [b"-rf", b"new\nline", b"quo\"te'", b"\xff\xfe", "\uf7ff".encode(), b" ", b"\x1b[31m"]
    for name in names:
        with open(os.path.join(os.fsencode(workspace), name), "wb") as file:
            file.write(name)
    changes = changes_of(store, workspace, "rm -f -- * && : > \"$(printf '\\377')\"")
    texts = {path_text(os.fsdecode(name)) for name in names}
    assert {path for path, c in changes.items() if c.action == "deleted"} == texts
    assert {path for path, c in changes.items() if c.action == "added"} == {"\uf7ff"}


def test_deleting_ten_thousand_files_is_quick_to_read_land_and_take_back(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tmp_path / "w"
    for folder in range(100):
        (workspace / "big" / str(folder)).mkdir(parents=True)
        for number in range(100):
            (workspace / "big" / str(folder) / str(number)).write_bytes(b"%d" % number)
    layer = made(store, workspace)
    shell(layer.paths, "rm -rf big")
    started = time.perf_counter()
    changeset = layer.changeset()
    read = time.perf_counter() - started
    assert changeset.summary() == "10101 deleted"
    assert layer.commit(changeset).ok
    assert list(workspace.iterdir()) == []
    assert store.undo(1).ok
    took = time.perf_counter() - started
    assert (workspace / "big/99/99").read_bytes() == b"99"
    assert read < 3
    assert took < 15


def test_the_digest_names_the_effects_and_not_the_process(tmp_path: Path, store: DiskLayerStore) -> None:
    digests = []
    for pid in (1, 2):
        layer = made(store, tree_of(tmp_path / f"w{pid}", {"a": "a"}), pid)
        shell(layer.paths, "echo b > b")
        digests.append(layer.changeset().digest)
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64


def test_pipes_and_sockets_are_refused_with_a_reason(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a"})
    os.mkfifo(workspace / "old-pipe")
    layer = made(store, workspace)
    shell(layer.paths, "mkfifo pipe; echo x > b; rm old-pipe")
    refused = layer.commit(layer.changeset())
    assert isinstance(refused, Err)
    assert refused.code == "unsupported"
    assert "old-pipe" in refused.message
    assert "pipe is a FIFO" in refused.message
    assert sorted(os.listdir(workspace)) == ["a", "old-pipe"]


def test_a_whiteout_written_as_an_attribute_is_a_deletion(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"d/a": "a", "d/b": "b"})
    layer = made(store, workspace)
    (layer.paths.upper / "d").mkdir()
    (layer.paths.upper / "d/a").write_bytes(b"")
    os.setxattr(layer.paths.upper / "d", "user.overlay.opaque", b"x")
    os.setxattr(layer.paths.upper / "d/a", "user.overlay.whiteout", b"")
    assert [(c.path, c.action) for c in layer.changeset().changes] == [("d/a", "deleted")]
