"""Stacks on the real daemon: an installation of its own for each test, a small image, and nothing left behind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from casava_os.containers import labels
from casava_os.containers.daemon import connect
from casava_os.infra.docker.observe import Actual, Container, observe
from casava_os.infra.drivers import StackPlan, StackState
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.wishes import Applied, Errand, Wish
from casava_os.paths import private_dir, state_dir
from casava_syscalls.results import Err, Ok, Result
from tests.infra.image import discard, imported
from tests.infra.kubernetes_world import Cluster, namespace

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")


def good(result: Result[T]) -> T:
    assert isinstance(result, Ok), result
    return result.value


def bad(result: Result[T]) -> Err:
    assert isinstance(result, Err), result
    return result


@pytest.fixture(scope="session")
def api() -> Iterator[APIClient]:
    found = connect(timeout=60)
    assert isinstance(found, Ok), f"these tests need a Docker daemon: {found}"
    yield found.value
    found.value.close()


@pytest.fixture(scope="session")
def image(api: APIClient) -> Iterator[str]:
    """busybox, under a name that nobody else has."""
    name = f"casava-stack-test-{secrets.token_hex(4)}:1"
    imported(api, name)
    yield name
    discard(api, name)


@dataclass
class Yard:
    """One installation with its stacks."""

    api: APIClient
    image: str
    workspace: Path
    state: Path
    told: list[str] = field(default_factory=list)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = engine_of(self.state)

    def errand(self, seconds: float = 60) -> Errand:
        return Errand(pid=3, reason="the test asks for it", seconds=seconds, tell=self.told.append)

    def wish(self, text: str, name: str = "shop", **settings: str) -> Wish:
        spec = good(read_spec(text.replace("IMAGE", self.image), "compose.yaml", settings))
        return Wish(name, spec, self.workspace, "compose.yaml")

    def plan(self, text: str, name: str = "shop") -> StackPlan:
        return good(self.engine.plan(self.wish(text, name), self.errand()))

    def up(self, text: str, name: str = "shop", seconds: float = 60) -> Result[Applied]:
        return self.engine.apply(self.wish(text, name), self.errand(seconds))

    def down(self, name: str = "shop", *, volumes: bool = True) -> None:
        good(self.engine.destroy(name, volumes=volumes, errand=self.errand()))

    def state_of(self, name: str = "shop") -> StackState:
        (told,) = good(self.engine.status(name))
        return good(told.state)

    def there(self, name: str = "shop") -> Actual:
        return observe(self.api, self.engine.key(name))

    def container(self, service: str, replica: int = 1, name: str = "shop") -> Container:
        (one,) = self.there(name).slot(service, replica)
        return one

    def run(self, container: Container, *command: str) -> tuple[int, str]:
        """The exit code and output of a command in a container."""
        made = self.api.exec_create(container.id, list(command))
        output = self.api.exec_start(made["Id"]).decode()
        return int(self.api.exec_inspect(made["Id"])["ExitCode"]), output

    def another(self) -> Yard:
        """The same installation in another program."""
        return Yard(self.api, self.image, self.workspace, self.state)


@pytest.fixture
def yard(api: APIClient, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    made = Yard(api, image, workspace, private_dir(state_dir()))
    owner = labels.owner()
    yield made
    wanted = {"label": [f"{labels.OWNER}={owner}"]}
    for one in api.containers(all=True, filters=wanted):
        api.remove_container(one["Id"], force=True, v=True)
    for one in api.networks(filters=wanted):
        api.remove_network(one["Id"])
    for one in api.volumes(filters=wanted)["Volumes"] or []:
        api.remove_volume(one["Name"], force=True)
    made.engine.close()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """An installation and a cluster: the tests' own small API server, or the one that CASAVA_TEST_KUBECONFIG names."""
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with namespace(tmp_path) as (config, other):
        monkeypatch.setenv("KUBECONFIG", str(config))
        made = Cluster.make(workspace, other)
        yield made
        made.engine.close()


SHOP = """
services:
  web:
    image: IMAGE
    command: [httpd, -f, -p, "80", -h, /srv]
    ports: ["80"]
    stop_signal: SIGKILL
    secrets: [word]
    volumes: ["data:/data"]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: wget -q -O /dev/null http://127.0.0.1/index.html, interval: 20s, timeout: 3s}
    deploy: {replicas: 1, resources: {limits: {memory: 32m}}}
  db:
    image: IMAGE
    command: [sh, -c, "sleep 0.3; touch /tmp/up; exec sleep 1000"]
    stop_signal: SIGKILL
    networks: [default, back]
    healthcheck: {test: [CMD, test, -e, /tmp/up], interval: 20s}
networks: {back: {internal: true}}
volumes: {data: }
secrets: {word: {file: word.txt}}
"""
"""Two services with all that a stack can have."""


@pytest.fixture
def shop(yard: Yard) -> Yard:
    """The shop, up."""
    (yard.workspace / "word.txt").write_text("open sesame")
    good(yard.up(SHOP))
    return yard
