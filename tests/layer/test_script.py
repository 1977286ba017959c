"""A changeset as a script: on a copy of the old tree it gives the new one, and on any other tree it does nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from casava_os.kernel.ports import Layer
from casava_sandbox.layer.export import export_held
from casava_sandbox.layer.script import Story
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok
from tests.layer.merged import made, operated, tree_of
from tests.layer.test_commit import FILES, changed
from tests.layer.tree import OPERATIONS, build, snapshot, without_times

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
NAMES = (
    "a",
    "b c",
    "-rf",
    "it's",
    "$(x)",
    "d/e",
    "d/-x",
    "d/e/f",
    "new\nline",
    "byte\udcff\udc81",
    "tab\t*",
    "ü",
    "EOF",
)
TEXTS = (
    "",
    "text\n",
    "no newline",
    "EOF\nEOF_\n$(rm -rf /)`x`\n",
    "\udc80\udcff\n",
    "x" * 300 + "\n",
    "\n\n",
    "cr\r\n",
    "bell\a\n",
)


def run(shell: str, script: bytes, tree: Path) -> subprocess.CompletedProcess[bytes]:
    command = [shell, "sh"] if shell == "busybox" else [shell]
    return subprocess.run([*command, "/dev/stdin", str(tree)], input=script, capture_output=True, check=False)


def of(layer: Layer, request: str = "as asked") -> bytes:
    made_of = export_held(layer, layer.changeset(), Story(1, request, "0" * 64, ("process.run command=x",)))
    assert isinstance(made_of, Ok), made_of
    return made_of.value


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_gives_exactly_the_new_tree(tmp_path: Path, store: DiskLayerStore, shell: str) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    script = of(layer)
    copy = tmp_path / "copy"
    shutil.copytree(workspace, copy, symlinks=True)
    done = run(shell, script, copy)
    assert (done.returncode, done.stderr) == (0, b""), done
    assert isinstance(layer.commit(layer.changeset()), Ok)
    assert without_times(snapshot(str(copy))) == without_times(snapshot(str(workspace)))
    again = run(shell, script, copy)
    assert again.returncode == 8


nodes = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(("file", "directory", "link")),
        st.sampled_from(TEXTS),
        st.sampled_from((0o644, 0o755, 0o600, 0o4755)),
    ),
    max_size=10,
).map(
    lambda found: [
        (path, kind, text or ("t" if kind == "link" else ""), mode) for path, kind, text, mode in found
    ]
)
operations = st.lists(
    st.tuples(
        st.sampled_from(sorted(OPERATIONS)),
        st.integers(0, 30),
        st.integers(0, 30),
        st.sampled_from([name.rpartition("/")[2] for name in NAMES]),
    ).map(list),
    min_size=1,
    max_size=6,
)


@given(tree=nodes, what=operations, shell=st.sampled_from(SHELLS))
@example(tree=[("-rf", "directory", "", 0o644)], what=[["link", 1, 0, "new\nline"]], shell="dash")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tree_and_any_changes(
    tree: list[tuple[str, str, str, int]], what: list[list[str | int]], shell: str
) -> None:
    with tempfile.TemporaryDirectory() as place:
        workspace, copy = Path(place) / "w", Path(place) / "copy"
        build(str(workspace), tree)
        store = DiskLayerStore(Path(place) / "state")
        layer = made(store, workspace)
        operated(layer.paths, what)
        changeset = layer.changeset()
        if not changeset.changes:
            return
        shutil.copytree(workspace, copy, symlinks=True)
        done = run(shell, of(layer), copy)
        assert (done.returncode, done.stderr) == (0, b""), (done, changeset)
        assert isinstance(layer.commit(changeset), Ok)
        assert without_times(snapshot(str(copy))) == without_times(snapshot(str(workspace)))


@pytest.mark.parametrize(
    "otherwise",
    [
        "echo x > a",
        "rm b",
        "chmod 600 a",
        "touch gone/new",
        "ln -sf elsewhere a",
        "echo x > d/one",
        "mkdir n",
        "echo x > l",
        "ln -s nowhere d/moved",
        "rm -r gone; touch gone",
    ],
)
def test_a_tree_that_differs_is_left_alone(tmp_path: Path, store: DiskLayerStore, otherwise: str) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    script = of(changed(store, workspace))
    subprocess.run(["sh", "-ec", otherwise], cwd=workspace, check=True)
    before = snapshot(str(workspace))
    done = run("sh", script, workspace)
    assert done.returncode == 8, done
    assert b"Nothing was changed" in done.stderr
    assert snapshot(str(workspace)) == before


def test_no_request_becomes_a_line_of_the_script(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    hostile = "hi\ntouch owned1\rtouch owned2\x0btouch owned3\u2028touch owned4\x85touch owned5\x1b[2K\u202e"
    script = of(layer, hostile)
    shutil.copytree(workspace, tmp_path / "copy", symlinks=True)
    assert run("sh", script, tmp_path / "copy").returncode == 0
    assert not [name for name in os.listdir(tmp_path / "copy") if name.startswith("owned")]
    for line in script.decode().split("\n"):
        assert line.isprintable() or "\t" in line
        assert not line.lstrip().startswith("touch")


def test_there_is_no_script_when_the_workspace_has_moved_on(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    shown = layer.changeset()
    (workspace / "a").write_text("mine\n")
    refused = export_held(layer, shown, Story(1, "x"))
    assert isinstance(refused, Err)
    assert refused.code == "conflict"
