"""A workspace that has moved on: every file in the way is named, and what is not concerned may land."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casava_os.kernel.ports import Layer
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Ok
from tests.layer.merged import made, shell, tree_of
from tests.layer.test_commit import FILES, changed, refusal

PERSON = {
    "a changed file": ("echo mine > a", ["a"]),
    "a changed and a deleted file": ("echo mine > a; echo mine > b", ["a", "b"]),
    "a file deleted by both": ("rm b", ["b"]),
    "a deleted file of a deleted directory": ("rm gone/x", ["gone/x"]),
    "a new file in a deleted directory": ("echo mine > gone/y/new", ["gone/y/new"]),
    "several, deep down": (
        "echo m > gone/y/z; echo m > gone/x; echo m > gone/q; echo m > a",
        ["a", "gone/q", "gone/x", "gone/y/z"],
    ),
    "the deleted directory as a whole": ("rm -r gone", ["gone/x", "gone/y/z"]),
    "the same new file": ("mkdir -p n/m; echo f > n/m/f", ["n/m/f"]),
    "the same edit": ("echo A > a", ["a"]),
    "the source of a rename": ("echo mine > d/one", ["d/one"]),
    "the target of a rename": ("echo mine > d/moved", ["d/moved"]),
    "the mode of a file": ("chmod 640 d/two", ["d/two"]),
    "the mode of a directory": ("chmod 711 d", ["d"]),
    "a file in place of a directory": (
        "rm -r gone; echo mine > gone",
        ["gone", "gone/x", "gone/y/z"],
    ),
}


def rest_of(layer: Layer, script: str) -> tuple[tuple[str, ...], list[str]]:
    shown = layer.changeset()
    time.sleep(0.02)
    subprocess.run(["sh", "-ec", script], cwd=layer.paths.workspace, check=True)
    found = layer.conflicts(shown)
    return found.paths, [change.path for change in found.rest.changes] if found.rest else []


@pytest.mark.parametrize("case", PERSON)
def test_every_file_that_moved_on_is_named(tmp_path: Path, store: DiskLayerStore, case: str) -> None:
    script, expected = PERSON[case]
    layer = changed(store, tree_of(tmp_path / "w", FILES))
    shown = layer.changeset()
    paths, lands = rest_of(layer, script)
    assert list(paths) == expected
    assert not set(lands) & set(expected)
    refusal(layer.commit(shown), "conflict")


def test_an_unconcerned_change_of_the_person_is_no_conflict(tmp_path: Path, store: DiskLayerStore) -> None:
    layer = changed(store, tree_of(tmp_path / "w", FILES))
    shown = layer.changeset()
    paths, lands = rest_of(layer, "echo mine > d/e/three; echo mine > mine; mkdir d/more")
    assert (paths, lands) == ((), [])
    assert isinstance(layer.commit(shown), Ok)


NAMES = ("a", "b", "d/one", "d/two", "d/e/three", "gone/x", "gone/y/z", "new", "d/new", "gone/new")
LAYER = (
    *(f"echo L > {name}" for name in NAMES),
    "rm -rf gone",
    "rm -rf d/e",
    "rm -f a",
    "mv b new",
    "rm -f d/one",
)
MINE = (
    *(f"echo P > {name}" for name in NAMES),
    "rm -rf gone",
    "rm -rf d/e",
    "rm -f a",
    "rm -f b",
    "chmod 600 d/two",
)


@given(
    layer=st.lists(st.sampled_from(LAYER), min_size=1, max_size=4),
    mine=st.lists(st.sampled_from(MINE), max_size=3),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_does_not_conflict_lands_and_no_work_of_the_person_is_touched(
    tmp_path_factory: pytest.TempPathFactory, layer: list[str], mine: list[str]
) -> None:
    place = tmp_path_factory.mktemp("case")
    store = DiskLayerStore(place / "state")
    workspace = tree_of(place / "w", FILES)
    taken = made(store, workspace)
    shell(taken.paths, "\n".join(f"{line} || true" for line in layer))
    time.sleep(0.02)
    shown = taken.changeset()
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}
    subprocess.run(
        ["sh", "-c", "\n".join(f"{{ {line}; }} 2>/dev/null || true" for line in mine)],
        cwd=workspace,
        check=True,
    )
    theirs = {
        p: p.read_bytes() for p in workspace.rglob("*") if p.is_file() and before.get(p) != p.read_bytes()
    }
    gone = [path for path in before if not path.exists()]
    found = taken.conflicts(shown)
    if not found.paths:
        assert isinstance(taken.commit(found.now), Ok)
    elif found.rest is None:
        refusal(taken.commit(shown), "conflict") if shown.changes else None
    else:
        assert isinstance(taken.commit(found.rest, of=found.now), Ok)
        assert isinstance(store.split(1, 2, found.rest), Ok)
    for path, data in theirs.items():
        assert path.read_bytes() == data
    for path in gone:
        assert not path.exists()
