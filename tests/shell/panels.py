"""What the tests of containers, stacks and memory share: a small image, a kernel that performs, clocks that stand still."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.broker import HostBroker
from casava_os.containers import labels
from casava_os.containers.broker import ContainerBroker
from casava_os.containers.daemon import connect
from casava_os.infra.broker import InfraBroker
from casava_os.kernel.joined import JoinedBroker
from casava_os.kernel.ports import Broker
from casava_os.paths import private_dir, state_dir
from casava_os.shell.screens.panel import Panel
from casava_os.shell.screens.panelquestion import QuestionScreen
from casava_syscalls.results import Ok
from tests.infra.image import discard, imported
from tests.shell.conftest import Shell

if TYPE_CHECKING:
    from docker import APIClient


@pytest.fixture(scope="module")
def api() -> Iterator[APIClient]:
    found = connect(timeout=60)
    assert isinstance(found, Ok), f"these tests need a Docker daemon: {found}"
    yield found.value
    found.value.close()


@pytest.fixture(scope="module")
def image(api: APIClient) -> Iterator[str]:
    """busybox, under a name that nobody else has."""
    name = f"casava-panel-{secrets.token_hex(4)}:1"
    imported(api, name)
    yield name
    discard(api, name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own: its state directory."""
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    return private_dir(state_dir())


@pytest.fixture
def yard(api: APIClient, home: Path) -> Iterator[Path]:
    """The same; whatever it starts is gone at the end."""
    wanted = {"label": [f"{labels.OWNER}={labels.owner()}"]}
    yield home
    for one in api.containers(all=True, filters=wanted):
        api.remove_container(one["Id"], force=True, v=True)
    for one in api.networks(filters=wanted):
        api.remove_network(one["Id"])
    for one in api.volumes(filters=wanted)["Volumes"] or []:
        api.remove_volume(one["Name"], force=True)


def performs(shell: Shell, state: Path, *more: Broker) -> None:
    """From now on the kernel performs the families container and infra, too."""
    brokers: list[Broker] = [HostBroker(), ContainerBroker(state), InfraBroker(state), *more]
    shell.bench.kernel.broker = JoinedBroker(brokers)


async def read(shell: Shell) -> None:
    """Waits until the list that is open was read."""
    await shell.until(lambda: isinstance(shell.app.screen, Panel) and shell.app.screen._read_once)


async def answer(shell: Shell, key: str, *texts: str) -> None:
    """Waits for the question, which has these texts, and answers it."""
    await shell.until(lambda: isinstance(shell.app.screen, QuestionScreen))
    await shell.until_seen(*texts, "Run it")
    await shell.press(key)
    await shell.until(lambda: not isinstance(shell.app.screen, QuestionScreen))
