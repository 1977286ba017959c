"""A state directory, a store and a workspace, on one mount or on two."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from casava_sandbox.layer.store import DiskLayerStore


@pytest.fixture
def store(tmp_path: Path) -> DiskLayerStore:
    return DiskLayerStore(tmp_path / "state")


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that everybody may read, unlike the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="casava-public-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def small_mount(tmp_path: Path) -> Iterator[Callable[[str, str], Path]]:
    """Mounts a tmpfs of a size ("2m") at a new directory below the test's own."""
    mounted: list[Path] = []

    def mount(name: str, size: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(place)], check=True
        )
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)
