"""A kill at any instant leaves one whole version of a stack, or nothing. `python -m tests.infra.crash` is the long version."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from casava_os.infra import settling
from tests.infra.crash import Tally, World, random_instants


def test_kills_at_random_instants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(settling, "SWEEP_AFTER", 1.0)
    world, tally = World.make(tmp_path, f"casava-crash-{os.urandom(3).hex()}:1"), Tally()
    try:
        random_instants(world, 15, tally, random.Random(7))
    finally:
        world.close()
    assert tally.failures == []
    assert sum(tally.killed.values()) >= 15
