"""Full disks, failing ones, clocks that go backwards, two at once, and people who move directories about: nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from casava_os.kernel.ports import Layer
from casava_sandbox.layer import beneath, objects
from casava_sandbox.layer.locks import overlap
from casava_sandbox.layer.points import EVENT
from casava_sandbox.layer.prune import Budget, prune
from casava_sandbox.layer.record import next_sequence
from casava_sandbox.layer.store import DiskLayerStore
from casava_sandbox.layer.transaction import exclusive
from casava_syscalls.results import Err, Ok
from tests.crash.kill import killed_at_point
from tests.crash.world import exact
from tests.layer.merged import leftovers, made, shell, tree_of

FILES = {
    "a": "a\n",
    "b": "b\n",
    "d/one": "1\n",
    "d/two": "2\n",
    "gone/x": "x\n",
    "gone/y/z": "z\n",
    "big": "x" * 200_000,
}
SCRIPT = "echo A > a; rm b; mv d/one d/moved; rm -r gone; mkdir -p n/m; echo f > n/m/f; chmod 750 d; head -c 150000 /dev/urandom > big"


def changed(store: DiskLayerStore, workspace: Path, script: str = SCRIPT, pid: int = 1) -> Layer:
    layer = made(store, workspace, pid)
    shell(layer.paths, script)
    time.sleep(0.02)  # the coarse clock that stamps files moves on
    return layer


def fill(path: Path, leave: int) -> None:
    """Writes until so many bytes are left on the disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            left = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_bsize
            if left <= leave:
                break
            file.write(b"z" * min(65536, max(4096, left - leave)))


# ------------------------------------------------------------------------------------------------ full disks


@pytest.mark.parametrize("full", ["workspace", "state"])
@pytest.mark.parametrize("action", ["commit", "undo", "redo"])
def test_a_full_disk_at_any_moment_changes_nothing_and_says_so(
    tmp_path: Path, small_mount: Callable[[str, str], Path], full: str, action: str
) -> None:
    mount = small_mount("small", "8m")
    workspace = tree_of((mount if full == "workspace" else tmp_path) / "w", FILES)
    store = DiskLayerStore((mount if full == "state" else tmp_path) / "state")
    layer = changed(store, workspace)
    changeset = layer.changeset()
    act: Callable[[], Ok | Err] = {  # type: ignore[type-arg]
        "commit": lambda: layer.commit(changeset),
        "undo": lambda: store.undo(1),
        "redo": lambda: store.redo(1),
    }[action]
    if action != "commit":
        assert layer.commit(changeset).ok
    if action == "redo":
        assert store.undo(1).ok
    before, ballast, refused = exact(workspace), mount / "ballast", 0
    for leave in range(0, 1_000_000, 40_960):
        fill(ballast, leave)
        result = act()
        if isinstance(result, Ok):
            break
        assert result.code == "disk-full", result
        assert "full" in result.title
        refused += 1
        ballast.unlink()
        assert exact(workspace) == before, leave
        assert leftovers(workspace) == []
    else:
        pytest.fail("it never got through")
    assert refused >= 1
    assert exact(workspace) != before
    ballast.unlink()
    back = store.redo(1) if action == "undo" else store.undo(1)
    assert isinstance(back, Ok), back
    assert {p: f[4] for p, f in exact(workspace).items()} == {p: f[4] for p, f in before.items()}


# ------------------------------------------------------------------------------------------------ failing disks

CALLS = (
    "rename",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
    "symlink",
    "chmod",
    "utime",
    "fsync",
    "write",
    "pwrite",
    "pread",
)


@pytest.mark.parametrize("action", ["commit", "undo", "redo"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["one-mount", "two-mounts"])
def test_a_disk_that_fails_once_leaves_the_old_tree_or_the_new_one(
    tmp_path: Path,
    small_mount: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    elsewhere: bool,
) -> None:
    home = small_mount("elsewhere", "64m") if elsewhere else tmp_path
    ends = {"old": 0, "new": 0}
    for failing in range(1, 2000, 41):
        state = tmp_path / "state"
        workspace = tree_of(home / "w", FILES)
        store = DiskLayerStore(state)
        layer = changed(store, workspace)
        changeset = layer.changeset()
        old = exact(workspace)
        if action != "commit":
            assert layer.commit(changeset).ok
        if action == "redo":
            assert store.undo(1).ok
        before = exact(workspace)
        with monkeypatch.context() as patch:
            count = failing_once(patch, failing)
            result: object = layer.commit(changeset) if action == "commit" else getattr(store, action)(1)
        recovered = DiskLayerStore(state).recover()
        assert recovered.ok, recovered
        now = exact(workspace)
        if isinstance(result, Err):
            assert now == before, (failing, result)
            ends["old"] += 1
        else:
            assert now != before, failing
            ends["new"] += 1
        if isinstance(result, Err):
            again: object = layer.commit(changeset) if action == "commit" else getattr(store, action)(1)
            assert isinstance(again, Ok), (failing, result, again)
        if action != "undo":
            assert store.undo(1).ok
        assert exact(workspace) == old
        assert leftovers(workspace) == []
        shutil.rmtree(state)
        shutil.rmtree(workspace)
        if count() < failing:
            break
    else:
        pytest.fail("it never got through")
    assert ends["old"] > 3
    assert ends["new"] >= 1


def failing_once(patch: pytest.MonkeyPatch, failing: int) -> Callable[[], int]:
    """The n-th system call that reads or changes something fails; answers how many there were."""
    count = 0

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == failing:
                raise OSError(errno.EIO, "Input/output error")
            return real(*arguments, **options)

        return call

    for name in CALLS:
        patch.setattr(os, name, wrapped(getattr(os, name)))
    patch.setattr(beneath, "_open", wrapped(beneath._open))
    patch.setattr(beneath, "_renameat2", wrapped(beneath._renameat2))
    return lambda: count


# ------------------------------------------------------------------------------------------------ swapped directories


@pytest.mark.parametrize("action", ["commit", "undo", "redo"])
@pytest.mark.parametrize("point", ["intent written", "staged", "applying", "directories open", "item"])
def test_a_directory_swapped_for_a_link_in_the_middle_leads_nowhere(
    tmp_path: Path, store: DiskLayerStore, action: str, point: str
) -> None:
    workspace = tree_of(tmp_path / "w", {**FILES, "zoo/late": "l\n", "zoo/mode": "m\n", "zoo/gone": "g\n"})
    outside = tree_of(
        tmp_path / "outside", {"late": "mine\n", "mode": "mine\n", "gone": "mine\n", "fresh": "mine\n"}
    )
    layer = changed(
        store,
        workspace,
        f"{SCRIPT}; echo L > zoo/late; chmod 600 zoo/mode; rm zoo/gone; echo new > zoo/fresh",
    )
    changeset = layer.changeset()
    if action != "commit":
        assert layer.commit(changeset).ok
    if action == "redo":
        assert store.undo(1).ok
    before, theirs = exact(workspace), exact(outside)
    child = os.fork()
    if child == 0:
        swapped = False

        def swap(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal swapped
            if event == EVENT and arguments[0] == point and not swapped:
                swapped = True
                os.rename(workspace / "zoo", workspace / "away")
                os.symlink(outside, workspace / "zoo")

        sys.addaudithook(swap)
        result: object = layer.commit(changeset) if action == "commit" else getattr(store, action)(1)
        os._exit(8 if isinstance(result, Err) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8
    assert exact(outside) == theirs
    (workspace / "zoo").unlink()
    (workspace / "away").rename(workspace / "zoo")
    assert store.recover().ok
    contents = {path: facts[4] for path, facts in exact(workspace).items()}
    assert contents == {path: facts[4] for path, facts in before.items()}


# ------------------------------------------------------------------------------------------------ people and programs at work


def test_what_is_written_while_it_lands_is_not_lost(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    changeset = layer.changeset()
    child = os.fork()
    if child == 0:

        def write(event: str, arguments: tuple[object, ...]) -> None:
            if event == EVENT and arguments[0] == "applying":
                (workspace / "gone/y/z").write_text("a person's later work\n")

        sys.addaudithook(write)
        os._exit(8 if isinstance(layer.commit(changeset), Err) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8
    assert (workspace / "gone/y/z").read_text() == "a person's later work\n"
    assert (workspace / "a").read_text() == "a\n"


def test_work_after_a_kill_is_not_rolled_away(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    changeset = layer.changeset()
    assert killed_at_point("applied", lambda: layer.commit(changeset))[0] == -signal.SIGKILL
    (workspace / "n/m/f").write_text("worked on before the next start\n")
    recovered = store.recover()
    assert not recovered.ok
    assert "somebody worked on it" in recovered.troubles[0].message
    assert (workspace / "n/m/f").read_text() == "worked on before the next start\n"
    again = layer.commit(changeset)
    assert isinstance(again, Err)
    other = tree_of(tmp_path / "other", FILES)  # nobody else waits for it
    elsewhere = changed(store, other, pid=2)
    assert elsewhere.commit(elsewhere.changeset()).ok
    (workspace / "n").rename(tmp_path / "aside")
    assert store.recover().ok
    assert (workspace / "a").read_text() == "a\n"
    assert layer.commit(changeset).ok


def test_a_workspace_that_is_gone_stops_no_other(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    changeset, before = layer.changeset(), exact(workspace)
    assert killed_at_point("applied", lambda: layer.commit(changeset))[0] == -signal.SIGKILL
    workspace.rename(tmp_path / "unplugged")
    recovered = store.recover()
    assert [trouble.title for trouble in recovered.troubles] == ["The system refused"]
    other = tree_of(tmp_path / "other", FILES)
    elsewhere = changed(store, other, pid=2)
    assert elsewhere.commit(elsewhere.changeset()).ok
    (tmp_path / "unplugged").rename(workspace)
    assert store.recover().pids == (1,)
    assert exact(workspace) == before


@pytest.mark.parametrize("inner", ["parent", "child"])
def test_a_workspace_inside_another_waits_for_it(tmp_path: Path, store: DiskLayerStore, inner: str) -> None:
    parent = tree_of(tmp_path / "w", {"d/a": "a\n"})
    first, second = (parent, parent / "d") if inner == "child" else (parent / "d", parent)
    layer = changed(store, second, "echo new > new")
    changeset = layer.changeset()
    reading, writing = os.pipe()
    child = os.fork()  # before the lock is taken: a descriptor that is inherited holds it, too
    if child == 0:
        os.read(reading, 1)
        os._exit(0 if layer.commit(changeset).ok else 1)
    with exclusive(str(tmp_path / "state"), str(first)):
        os.write(writing, b"!")
        time.sleep(0.3)
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.close(reading)
    os.close(writing)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_workspaces_side_by_side_do_not_wait(tmp_path: Path, store: DiskLayerStore) -> None:
    first, second = tree_of(tmp_path / "w", FILES), tree_of(tmp_path / "w-2", FILES)
    assert not overlap(str(first), str(second))
    layer = changed(store, second)
    with exclusive(str(tmp_path / "state"), str(first)):
        assert layer.commit(layer.changeset()).ok


def test_two_who_run_at_once_lose_nothing(tmp_path: Path) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "a\n", "b": "b\n"})
    environment = {**os.environ, "CASAVA_HOME": str(tmp_path / "home")}

    def start(command: str) -> subprocess.Popen[bytes]:
        words = ["call", "process.run", "--yes", "--sandbox", "bubblewrap", "--command", command]
        return subprocess.Popen(
            [sys.executable, "-m", "casava_os", *words],
            cwd=workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    same = [start(f"sleep 0.5; echo {n} >> a; echo {n} > only-{n}") for n in (1, 2)]
    told = [process.communicate() for process in same]
    codes = sorted(process.returncode for process in same)
    assert codes in ([0, 8], [0, 0]), told
    landed = [n for n in (1, 2) if (workspace / f"only-{n}").exists()]
    assert (workspace / "a").read_text() == "a\n" + "".join(f"{n}\n" for n in landed) or len(landed) == 2
    if 8 in codes:
        refused = told[0 if same[0].returncode == 8 else 1][1]
        assert b"a" in refused
        assert b"casava-os" in refused
    different = [start(f"echo {n} > mine-{n}") for n in (1, 2)]
    for process in different:
        process.communicate()
    assert [process.returncode for process in different] == [0, 0]


# ------------------------------------------------------------------------------------------------ clocks


@pytest.mark.parametrize("seconds", [5, 3600])
def test_a_clock_that_is_set_back_hides_no_later_work(
    tmp_path: Path, store: DiskLayerStore, seconds: int
) -> None:
    """The layer was made when the clock was ahead: work after that has an older stamp than the layer."""
    workspace = tree_of(tmp_path / "w", FILES)
    layer = changed(store, workspace)
    facts = tmp_path / "state/layers/1/layer.json"
    known = json.loads(facts.read_text())
    facts.write_text(json.dumps(known | {"created_ns": known["created_ns"] + seconds * 10**9}))
    (workspace / "a").write_text("a person's work\n")
    reopened = store.open(1)
    assert isinstance(reopened, Ok)
    refused = reopened.value.commit(layer.changeset())
    assert isinstance(refused, Err)
    assert refused.code == "conflict"
    assert "clock" in refused.hint
    assert (workspace / "a").read_text() == "a person's work\n"


def test_order_and_age_of_what_is_kept_do_not_go_by_the_clock(
    tmp_path: Path, store: DiskLayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    for pid in (1, 2, 3):
        layer = changed(store, workspace, f"head -c 50000 /dev/urandom > big; echo {pid} > n{pid}", pid)
        assert layer.commit(layer.changeset()).ok
    numbers = []
    for pid in (1, 2, 3):
        monkeypatch.setattr(time, "time_ns", lambda pid=pid: 10**18 - pid)
        numbers.append(next_sequence(str(tmp_path / "state")))
    monkeypatch.undo()
    assert numbers == sorted(set(numbers))
    for pid, at in ((1, 3e9), (2, 2e9), (3, 1e9)):
        record = tmp_path / f"state/undo/{pid}/record.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {"at": at}))
    pruned = prune(str(tmp_path / "state"), Budget(size=1, age=1e10))
    assert pruned is not None
    assert pruned.pids == (1, 2)
    assert store.undo(3).ok


# ------------------------------------------------------------------------------------------------ budgets


def test_the_oldest_is_forgotten_first_and_the_newest_never(tmp_path: Path) -> None:
    store = DiskLayerStore(tmp_path / "state", Budget(size=1_000_000))
    workspace = tree_of(tmp_path / "w", {"big": ""})
    (workspace / "big").write_bytes(os.urandom(400_000))
    for pid in range(1, 7):
        layer = changed(store, workspace, "head -c 400000 /dev/urandom > big", pid)
        assert layer.commit(layer.changeset()).ok
        layer.discard()
    kept = [pid for pid in range(1, 7) if (tmp_path / f"state/undo/{pid}").exists()]
    assert kept == [5, 6]
    held = subprocess.run(
        ["du", "-s", "-B1", tmp_path / "state/undo/objects"], capture_output=True, text=True, check=True
    )
    assert int(held.stdout.split()[0]) < 1_500_000
    gone = store.undo(1)
    assert isinstance(gone, Err)
    assert gone.code == "not-found"
    assert "undo.bytes" in gone.hint
    assert store.undo(6).ok
    assert store.undo(5).ok


def test_what_is_equal_is_kept_once_and_what_can_be_is_compressed(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", {f"same{n}": "words and words\n" * 20_000 for n in range(10)})
    before = exact(workspace)
    layer = changed(store, workspace, "rm same*")
    assert layer.commit(layer.changeset()).ok
    found = list((tmp_path / "state/undo/objects").glob("??/*"))
    assert len(found) == 1
    layer = changed(store, workspace, "echo x > x", 2)
    assert layer.commit(layer.changeset()).ok
    prune(str(tmp_path / "state"), Budget(size=100_000))
    (squeezed,) = (tmp_path / "state/undo/objects").glob("??/*")
    assert squeezed.suffix == ".z"
    assert squeezed.stat().st_size < 10_000
    assert store.undo(2).ok
    assert store.undo(1).ok
    assert exact(workspace) == before


def test_a_commit_beyond_its_age_is_forgotten(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", FILES)
    for pid in (1, 2):
        layer = changed(store, workspace, f"echo {pid} > a", pid)
        assert layer.commit(layer.changeset()).ok
    record = tmp_path / "state/undo/1/record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"at": time.time() - 40 * 86_400}))
    pruned = prune(str(tmp_path / "state"), Budget(age=30 * 86_400))
    assert pruned is not None
    assert pruned.pids == (1,)
    assert objects.Objects(str(tmp_path / "state")).find(  # what the newest needs is there
        next(iter(json.loads((tmp_path / "state/undo/2/record.json").read_text())["before"].values()))[
            "text"
        ],
        None,
    )
