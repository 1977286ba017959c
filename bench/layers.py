"""What a layer costs: reading the changeset, landing it and taking it back, against the size of the tree and of the change.

The same work is done beside it in the same run by what a person would use instead for a way back: a copy of the tree (`cp -a`,
and `rsync` where there is one) or a commit of git. Times are this machine's, now: the ratios are what counts.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from casava_os.kernel.ports import Changeset
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Ok, Result

SIZES = (1_000, 10_000, 100_000)
CHANGES = (10, 100, 1_000)
"""Files changed, added and deleted together."""
_IN_ONE = 100
_MOUNT = 'mount -t overlay -o "lowerdir=$1,upperdir=$2,workdir=$3,userxattr" overlay "$4" && cd "$4" && sh -ec "$5"'
_GIT = ("git", "-c", "user.name=n", "-c", "user.email=e", "-c", "gc.auto=0")


def measure(sizes: tuple[int, ...] = SIZES, changes: tuple[int, ...] = CHANGES) -> dict[str, float]:
    """Milliseconds, and ratios to the other ways on the same tree and work: one round of each."""
    found: dict[str, float] = {}
    for files in sizes:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            workspace = grown(home / "workspace", files)
            others = beside(home, workspace, changes)
            store = DiskLayerStore(home / "state")
            for pid, count in enumerate(changes, 1):
                figures = one(store, pid, workspace, count)
                name = f"{files} files, {count} changes"
                found |= {f"{name}: {part}": value for part, value in figures.items()}
                ours = figures["changeset_ms"] + figures["commit_ms"]
                for other, spent in others[count].items():
                    found[f"{name}: {other}_ms"] = spent
                    found[f"{name}: changeset+commit / {other}"] = round(ours / spent, 3)
    return found


def grown(workspace: Path, files: int) -> Path:
    """A tree of so many files of 2 KiB, a hundred in each directory."""
    for number in range(files):
        folder = workspace / f"d{number // _IN_ONE}"
        if number % _IN_ONE == 0:
            folder.mkdir(parents=True)
        (folder / f"f{number % _IN_ONE}").write_bytes(b"%08d " % number * 227)
    return workspace


def work(files: int, count: int) -> str:
    """A script that changes, deletes and adds: a third each, spread over the tree."""
    third, folders = max(count // 3, 1), files // _IN_ONE
    lines = []
    for number in range(third):
        place = f"d{number % folders}"
        inside = number // folders
        lines += [
            f"echo more >> {place}/f{inside}",
            f"rm {place}/f{50 + inside}",
            f"echo new > {place}/new{inside}",
        ]
    return "\n".join(lines)


def timed(action: Callable[[], object]) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    action()
    return round((time.perf_counter() - begin) * 1000, 2)


def one(store: DiskLayerStore, pid: int, workspace: Path, count: int) -> dict[str, float]:
    """One layer from its making to its undo and redo; the workspace is left as it was."""
    files = sum(1 for _ in workspace.glob("d*/*"))
    created = store.create(pid, workspace)
    assert isinstance(created, Ok), created
    layer = created.value
    view = layer.paths.scratch / "view"
    view.mkdir()
    places = [str(path) for path in (workspace, layer.paths.upper, layer.paths.work, view)]
    subprocess.run(["unshare", "-Urm", "sh", "-c", _MOUNT, "sh", *places, work(files, count)], check=True)
    found = {"changeset_ms": timed(layer.changeset)}
    changeset = layer.changeset()
    assert len(changeset.changes) == max(count // 3, 1) * 3
    actions: dict[str, Callable[[], Result[Changeset]]] = {
        "commit_ms": lambda: layer.commit(changeset),
        "undo_ms": lambda: store.undo(pid),
        "redo_ms": lambda: store.redo(pid),
        "again": lambda: store.undo(pid),
    }
    for name, action in actions.items():
        begin = time.perf_counter()
        result = action()
        found[name] = round((time.perf_counter() - begin) * 1000, 2)
        assert isinstance(result, Ok), result
    del found["again"]
    layer.discard()
    return found


def beside(home: Path, workspace: Path, changes: tuple[int, ...]) -> dict[int, dict[str, float]]:
    """What keeping a way back costs otherwise, before each change: a copy, or a commit of the changed tree."""
    found: dict[int, dict[str, float]] = {}
    files = sum(1 for _ in workspace.glob("d*/*"))
    repository = home / "repository"
    shutil.copytree(workspace, repository)
    subprocess.run([*_GIT, "init", "-q", "."], cwd=repository, check=True)
    _commit(repository)
    mirror = home / "mirror"
    for count in changes:
        figures = {"cp -a": timed(lambda: subprocess.run(["cp", "-a", workspace, mirror], check=True))}
        shutil.rmtree(mirror)
        figures["cp -a, on disk"] = timed(
            lambda: subprocess.run(
                ["sh", "-c", 'cp -a "$1" "$2" && sync -f "$2"', "sh", workspace, mirror], check=True
            )
        )
        shutil.rmtree(mirror)
        subprocess.run(["sh", "-ec", work(files, count)], cwd=repository, check=True)
        figures["git add+commit"] = timed(lambda: _commit(repository))
        subprocess.run([*_GIT, "reset", "-q", "--hard", "HEAD~1"], cwd=repository, check=True)
        if shutil.which("rsync"):
            subprocess.run(["rsync", "-a", f"{workspace}/", mirror], check=True)
            changed = home / "changed"
            shutil.copytree(workspace, changed, symlinks=True)
            subprocess.run(["sh", "-ec", work(files, count)], cwd=changed, check=True)
            figures["rsync -a --delete"] = timed(
                lambda changed=changed: subprocess.run(
                    ["rsync", "-a", "--delete", f"{changed}/", mirror], check=True
                )  # type: ignore[misc]
            )
            shutil.rmtree(changed)
            shutil.rmtree(mirror)
        found[count] = figures
    shutil.rmtree(repository)
    return found


def _commit(repository: Path) -> None:
    subprocess.run([*_GIT, "add", "-A"], cwd=repository, check=True)
    subprocess.run([*_GIT, "commit", "-q", "-m", "work"], cwd=repository, check=True)


def main() -> None:
    """Prints a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    options = parser.parse_args()
    for size in options.sizes:
        for name, value in measure((size,)).items():
            print(f"{name:56} {value}", flush=True)


if __name__ == "__main__":
    main()
