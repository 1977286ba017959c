"""The shipped model, loaded once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from casava_os.model import load
from casava_os.model.llama import LlamaModel
from casava_syscalls.results import Ok


@pytest.fixture(scope="session")
def smol() -> Iterator[LlamaModel]:
    loaded = load()
    assert isinstance(loaded, Ok), loaded
    assert isinstance(loaded.value, LlamaModel)
    yield loaded.value
    loaded.value.close()
