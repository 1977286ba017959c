"""A kill at any instant leaves the old tree or the new one, bit for bit. `make crash` is the long version."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.kill import PURPOSES, Tally, every_point, random_instants
from tests.crash.world import World


@pytest.fixture(params=[None, "/dev/shm"], ids=["one-mount", "two-mounts"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with tempfile.TemporaryDirectory(dir=request.param or tmp_path) as place:
        world = World.make(tmp_path / "state", Path(place) / "workspace")
        world.arm()
        yield world


def test_a_kill_at_a_labelled_point(world: World) -> None:
    tally = Tally()
    for purpose in PURPOSES:
        every_point(world, purpose, tally, random.Random(1), step=7)
    assert tally.failures == []
    assert tally.killed["commit"] > 8
    assert tally.killed["undo"] > 8
    assert tally.killed["redo"] > 8
    assert tally.ended["old"] > 20
    assert tally.ended["new"] >= 3


def test_a_kill_at_a_random_instant(world: World) -> None:
    tally = Tally()
    random_instants(world, 20, tally, random.Random(2))
    assert tally.failures == []
    assert sum(tally.killed.values()) >= 20
