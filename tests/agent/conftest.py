"""A workspace with the performers over it, one for a test or one for every example of a property."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.here import Here


@pytest.fixture
def here(tmp_path: Path) -> Here:
    root, scratch = tmp_path / "workspace", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    return Here(root, scratch)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Here]:
    """A new workspace for every example of a property."""

    def make() -> Here:
        root = tmp_path_factory.mktemp("workspace")
        return Here(root, root)

    return make
