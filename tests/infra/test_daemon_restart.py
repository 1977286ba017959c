"""A daemon that dies while a stack is made, changed or taken down: told as an error, and settled when it is back."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from casava_os.infra import settling
from casava_syscalls.results import Err, Ok
from tests.infra.crash import Tally, World, settled
from tests.infra.own_daemon import OwnDaemon


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnDaemon]:
    folder = Path(tempfile.mkdtemp(prefix="cd-"))
    made = OwnDaemon(folder)
    made.start()
    monkeypatch.setenv("DOCKER_HOST", made.address)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def interrupted(world: World, daemon: OwnDaemon, what: str, seconds: float) -> object:
    """What an operation says whose daemon is killed in the middle of it."""
    said: list[object] = []
    work = threading.Thread(target=lambda: said.append(world.act(what)))
    work.start()
    time.sleep(seconds)
    daemon.kill()
    work.join(90)
    assert said, f"{what} hangs or broke when its daemon was gone"
    return said[0]


def test_a_daemon_that_is_killed_in_the_middle(
    daemon: OwnDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(settling, "SWEEP_AFTER", 0.5)
    world, tally, dice = (
        World.make(tmp_path, f"casava-restart-{os.urandom(3).hex()}:1"),
        Tally(),
        random.Random(5),
    )
    told = []
    try:
        for what in ("a", "a", "b", "c", "destroy", "a", "destroy"):
            said = interrupted(world, daemon, what, dice.uniform(0.05, 1.2))
            assert isinstance(said, Ok | Err), said
            told.append(said)
            world.api.close()
            daemon.start()
            world.api.start(world.others["container"])  # the daemon's death stopped it, not we
            settled(world, tally, what)
        assert tally.failures == []
        for problem in (one for one in told if isinstance(one, Err)):
            assert problem.title, problem
            assert problem.hint, problem
        assert any(isinstance(one, Err) for one in told), "no kill was in the middle of anything"
        up = world.act("c")
        assert isinstance(up, Ok), up
        assert world.stands() == "c"
    finally:
        world.close()
