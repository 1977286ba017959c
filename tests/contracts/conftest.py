"""One sandbox after another, each over a layer of its own; every test ends with the proof that nothing is left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from casava_os.kernel.ports import LayerPaths, Limits, SandboxSession
from casava_sandbox.bubblewrap.driver import BubblewrapSandbox
from casava_sandbox.docker.driver import DockerSandbox
from casava_syscalls.results import Ok
from tests.contracts.sandboxes import SMALL, Closable, Open, leftovers, make_layer


@pytest.fixture(scope="session")
def docker_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closable]:
    sandbox = DockerSandbox(tmp_path_factory.mktemp("cache"))
    yield sandbox
    asyncio.run(sandbox.close())


@pytest.fixture(params=["docker", "bubblewrap"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Closable:
    if request.param == "docker":
        return cast("Closable", request.getfixturevalue("docker_sandbox"))
    return BubblewrapSandbox(tmp_path / "cache")


@pytest.fixture
def layer(tmp_path: Path) -> LayerPaths:
    return make_layer(tmp_path)


@pytest.fixture
async def open_session(sandbox: Closable, layer: LayerPaths) -> AsyncIterator[Open]:
    """Opens a session that is closed at the end of the test."""
    opened: list[SandboxSession] = []

    async def open_one(limits: Limits = SMALL, over: LayerPaths | None = None) -> SandboxSession:
        result = await sandbox.open(over or layer, limits)
        assert isinstance(result, Ok), str(result)
        opened.append(result.value)
        return result.value

    yield open_one
    for session in opened:
        await session.close()


@pytest.fixture
async def session(open_session: Open) -> SandboxSession:
    return await open_session()


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert leftovers(os.getpid(), tmp_path) == []
