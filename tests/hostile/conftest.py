"""One desk a test, and the proof after each that nothing leaked and nobody else can read the state."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.attack import PATIENCE, Desk, leftovers, loose_permissions

DRIVERS = ("docker", "bubblewrap")


def furnish(root: Path) -> None:
    """What the person has and wants to keep."""
    root.mkdir()
    (root / "a.txt").write_text("alpha\nbeta\n")
    (root / "b.txt").write_text("gamma\n")
    (root / "sub").mkdir()
    (root / "sub" / "c.txt").write_text("delta\n")
    (root / "sub" / "run.sh").write_text("#!/bin/sh\necho hello\n")
    (root / "sub" / "run.sh").chmod(0o750)
    (root / "to-a").symlink_to("a.txt")


def _desk(tmp_path: Path, driver: str) -> Iterator[Desk]:
    furnish(tmp_path / "work")
    (tmp_path / "tmp").mkdir()
    desk = Desk(tmp_path / "work", tmp_path / "home", tmp_path / "tmp", driver)
    yield desk
    # A killed command's sandbox ends with its stream, a moment later: not at once on a machine with much to do.
    give_up = time.monotonic() + PATIENCE
    while (stayed := leftovers(desk)) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert stayed == []
    assert loose_permissions(desk) == []


@pytest.fixture(params=DRIVERS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """The desk with each of the drivers."""
    yield from _desk(tmp_path, request.param)


@pytest.fixture
def any_desk(tmp_path: Path) -> Iterator[Desk]:
    """The desk with the quicker driver, where the driver makes no difference."""
    yield from _desk(tmp_path, "bubblewrap")


@pytest.fixture
def as_root() -> None:
    """Some attacks need root to be set up; so does the continuous integration, which is root."""
    assert os.geteuid() == 0, "run the hostile tests as root: they mount small disks and become somebody else"
