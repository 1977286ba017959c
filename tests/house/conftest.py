"""What every test of the house asks for: where the checkout is, and what git tracks in it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[str]:
    """Paths of all files that git tracks and that still exist, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout
    paths = [name for name in listed.decode().split("\0") if name and (root / name).is_file()]
    assert "pyproject.toml" in paths
    return paths
