"""Runs programs on the merged view of a layer, as a sandbox driver would: an overlay in a mount namespace of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from casava_os.kernel.ports import Layer, LayerPaths
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Ok
from tests.layer.tree import Operation, Snapshot

_SCRIPT = 'mount -t overlay -o "lowerdir=$1,upperdir=$2,workdir=$3$4" overlay "$5" && cd "$5" && shift 5 && exec "$@"'


def merged(paths: LayerPaths, *program: str, stdin: str = "", by_root: bool = False) -> str:
    """Standard output of a program whose current directory is the merged view.

    By default the mount is made in a user namespace, with `userxattr`, as for a person; `by_root` mounts as root and
    without, so that the overlay's marks are `trusted.` attributes.
    """
    mount = [str(p) for p in (paths.workspace, paths.upper, paths.work)] + ["" if by_root else ",userxattr"]
    with tempfile.TemporaryDirectory(dir=paths.scratch) as view:
        done = subprocess.run(
            ["unshare", "-m" if by_root else "-Urm", "sh", "-c", _SCRIPT, "sh", *mount, view, *program],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return done.stdout


def shell(paths: LayerPaths, script: str, *, by_root: bool = False) -> str:
    return merged(paths, "sh", "-ec", script, by_root=by_root)


def operated(paths: LayerPaths, operations: list[Operation], *, by_root: bool = False) -> Snapshot:
    """Performs the operations on the merged view and answers what it then looks like."""
    tool = str(Path(__file__).with_name("tree.py"))
    out = merged(paths, sys.executable, tool, ".", stdin=json.dumps(operations), by_root=by_root)
    snapshot: Snapshot = json.loads(out)
    return snapshot


def made(store: DiskLayerStore, workspace: Path, pid: int = 1) -> Layer:
    created = store.create(pid, workspace)
    assert isinstance(created, Ok), created
    return created.value


def tree_of(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    root.mkdir(exist_ok=True)
    return root


def leftovers(workspace: Path) -> list[str]:
    """Hidden folders of ours that should not have stayed."""
    return [
        name
        for _, folders, files in os.walk(workspace)
        for name in folders + files
        if name.startswith(".casava-os")
    ]
