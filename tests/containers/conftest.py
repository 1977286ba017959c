"""The family on the real daemon: an installation of its own, a small image made here, and nothing left behind.

Whatever a test starts bears the labels of its own state directory; what is removed at the end is only that, and the foreign
containers that a test made itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from casava_os.containers import labels
from casava_os.containers.broker import ContainerBroker
from casava_os.containers.daemon import connect
from casava_os.containers.network import tidy_network
from casava_os.kernel.ports import Errand
from casava_os.paths import private_dir, state_dir
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts, Table, Value
from tests.containers.rootfs import rootfs
from tests.infra.image import discard, taken_in

if TYPE_CHECKING:
    from docker import APIClient

V = TypeVar("V", bound=Value)


@pytest.fixture(scope="session")
def api() -> Iterator[APIClient]:
    found = connect(timeout=60)
    assert isinstance(found, Ok), f"these tests need a Docker daemon: {found}"
    yield found.value
    found.value.close()


@pytest.fixture(scope="session")
def image(api: APIClient) -> Iterator[str]:
    """An image with a shell; it sleeps by itself and says that it listens on port 80."""
    name = f"casava-test-{secrets.token_hex(4)}:one"
    taken_in(api, rootfs(), name, ['CMD ["sleep", "600"]', "EXPOSE 80/tcp"])
    yield name
    discard(api, name)


@dataclass
class Heard:
    """What a syscall said while it was performed."""

    output: bytearray = field(default_factory=bytearray)
    progress: list[tuple[str, float | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def says(self, words: bytes) -> None:
        """Waits until a program has printed these."""
        async with asyncio.timeout(30):
            while words not in self.output:
                await self.changed.wait()
                self.changed.clear()


@dataclass
class Casava:
    """One installation's broker, and the syscalls made of it."""

    api: APIClient
    image: str
    state: Path
    workspace: Path
    broker: ContainerBroker
    heard: Heard = field(default_factory=Heard)
    request: str = "the test asks for it"
    given: dict[str, Value] = field(default_factory=dict)
    seconds: float = 60
    cargo: Path | None = None
    foreign: list[str] = field(default_factory=list)
    _names: int = 0

    def name(self) -> str:
        """A name that nobody else has."""
        self._names += 1
        return f"casava-test-{secrets.token_hex(4)}-{self._names}"

    def errand(self) -> Errand:
        loop = asyncio.get_running_loop()

        def hear(stream: str, data: bytes) -> None:
            self.heard.output += data
            loop.call_soon_threadsafe(self.heard.changed.set)

        def progress(doing: str, share: float | None = None) -> None:
            self.heard.progress.append((doing, share))

        return Errand(
            pid=7,
            request=self.request,
            workspace=self.workspace,
            given=self.given,
            cargo=self.cargo,
            output=hear,
            progress=progress,
            note=self.heard.notes.append,
        )

    async def __call__(self, call: str, **fields: object) -> Result[Value]:
        return await self.broker.perform({"call": call, **fields}, seconds=self.seconds, errand=self.errand())

    async def facts(self, call: str, **fields: object) -> dict[str, Any]:
        value = good(await self(call, **fields))
        assert isinstance(value, Facts)
        return dict(value.items)

    async def rows(self, call: str, **fields: object) -> list[dict[str, Any]]:
        value = good(await self(call, **fields))
        assert isinstance(value, Table)
        return [dict(zip(value.columns, row, strict=True)) for row in value.rows]

    async def err(self, call: str, **fields: object) -> Err:
        result = await self(call, **fields)
        assert isinstance(result, Err), result
        return result

    async def started(self, **fields: object) -> str:
        """The name of a container that Casava started and that sleeps."""
        name = self.name()
        await self.facts("container.run", **{"image": self.image, "name": name, **fields})
        return name

    def others(self, *, labelled: dict[str, str] | None = None, name: str | None = None) -> str:
        """The name of a container that somebody else started."""
        name = name or self.name()
        made = self.api.create_container(
            self.image,
            name=name,
            labels=labelled or {},
            host_config=self.api.create_host_config(network_mode="none"),
        )
        self.foreign.append(str(made["Id"]))
        self.api.start(made["Id"])
        return name

    def state_of(self, name: str) -> str:
        return str(self.api.inspect_container(name)["State"]["Status"])

    def there(self, name: str) -> bool:
        return any(f"/{name}" in one["Names"] for one in self.api.containers(all=True))

    def clean(self) -> None:
        """Removes what this installation and this test made."""
        for one in self.api.containers(all=True, filters=labels.filters()):
            self.api.remove_container(one["Id"], force=True, v=True)
        for ident in self.foreign:
            if any(one["Id"] == ident for one in self.api.containers(all=True)):
                self.api.remove_container(ident, force=True, v=True)
        tidy_network(self.api)


def good(result: Result[V]) -> V:
    assert isinstance(result, Ok), result
    return result.value


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of its own: so its owner is nobody else's."""
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    return private_dir(state_dir())


@pytest.fixture
def casava(api: APIClient, image: str, home: Path, tmp_path: Path) -> Iterator[Casava]:
    workspace = tmp_path / "project"
    workspace.mkdir()
    made = Casava(api, image, home, workspace, ContainerBroker(home))
    yield made
    made.clean()
