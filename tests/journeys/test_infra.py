"""What people ask for of stacks, from the words to the daemon: the real command line, the shipped model, real containers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest

from casava_os.containers import labels
from casava_os.containers.daemon import connect
from casava_os.containers.network import tidy_network
from casava_os.errors import ExitCode
from casava_syscalls.results import Ok
from tests.infra.image import discard, imported
from tests.journeys.conftest import Desk, Ran, furnish
from tests.journeys.test_containers import JOURNEYS

if TYPE_CHECKING:
    from docker import APIClient

COMPOSE = """
name: demo
services:
  web:
    image: IMAGE
    command: [httpd, -f, -p, "80", -h, /srv]
    ports: ["80"]
    stop_signal: SIGKILL
    volumes: ["data:/data"]
    depends_on: [db]
    healthcheck: {test: wget -q -O /dev/null http://127.0.0.1/index.html, interval: 1s}
  db:
    image: IMAGE
    command: [sleep, "600"]
    stop_signal: SIGKILL
volumes: {data: }
"""


@dataclass
class Dock:
    """A person's desk with a Compose file on it, and what the daemon runs of it."""

    desk: Desk
    api: APIClient

    def running(self, stack: str = "demo") -> dict[str, int]:
        """How many containers of each service run."""
        wanted = {"label": [f"{labels.OWNER}={labels.owner()}", f"{labels.STACK}={stack}"]}
        found: dict[str, int] = {}
        for one in self.api.containers(filters=wanted):
            service = one["Names"][0].rpartition(".")[2].rpartition("-")[0]
            found[service] = found.get(service, 0) + 1
        return found

    def volumes(self) -> int:
        return len(self.api.volumes(filters=labels.filters())["Volumes"] or [])

    def sweep(self) -> None:
        """Takes away whatever this installation has on the daemon."""
        for one in self.api.containers(all=True, filters=labels.filters()):
            self.api.remove_container(one["Id"], force=True, v=True)
        for one in self.api.networks(filters=labels.filters()):
            self.api.remove_network(one["Id"])
        for one in self.api.volumes(filters=labels.filters())["Volumes"] or []:
            self.api.remove_volume(one["Name"], force=True)
        tidy_network(self.api)


@pytest.fixture(scope="module")
def dock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dock]:
    found = connect(timeout=60)
    assert isinstance(found, Ok), f"these tests need a Docker daemon: {found}"
    name = f"casava-journey-{secrets.token_hex(4)}:1"
    imported(found.value, name)
    workspace = tmp_path_factory.mktemp("stacks") / "project"
    workspace.mkdir()
    furnish(workspace)
    (workspace / "compose.yaml").write_text(COMPOSE.replace("IMAGE", name))
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("casava-home")
        patch.setenv("CASAVA_HOME", str(home))
        made = Dock(Desk(workspace, home, "docker"), found.value)
        yield made
        made.sweep()
    discard(found.value, name)
    found.value.close()


Before = Literal["up", "down", "as it is"]


@dataclass(frozen=True)
class Journey:
    """A request, and what must come of it. `out`: parts of standard output; `holds`: what is true afterwards."""

    request: str
    before: Before = "up"
    out: tuple[str, ...] = ()
    err: tuple[str, ...] = ()
    holds: Callable[[Dock], bool] = lambda dock: dock.running() == {"web": 1, "db": 1}
    code: int = 0


def up(dock: Dock) -> bool:
    return dock.running() == {"web": 1, "db": 1}


def down(dock: Dock) -> bool:
    return not dock.running()


READS = [
    Journey("show the blueprints", "as it is", out=("postgres", "llm-server"), holds=lambda dock: True),
    Journey("what can I deploy?", "as it is", out=("postgres", "redis"), holds=lambda dock: True),
    Journey("which blueprints are there to deploy?", "as it is", out=("rag",), holds=lambda dock: True),
    Journey("list my stacks", out=("demo", "2/2")),
    Journey("which stacks are running?", out=("demo",)),
    Journey("are all stacks healthy?", out=("demo",)),
    Journey("show the status of stack demo", out=("web", "1/1", "127.0.0.1:")),
    Journey("is the stack demo up?", out=("web", "db")),
    Journey("how is the stack demo doing?", out=("web", "db")),
    Journey("list stacks started in the last 2 hours", out=("demo",)),
]

PLANS = [
    Journey("what would deploying compose.yaml change?", "down", out=("create", "web-1", "db-1"), holds=down),
    Journey("plan compose.yaml", "down", out=("create", "volume"), holds=down),
    Journey("preview the compose file compose.yaml", "down", out=("create",), holds=down),
    Journey("show me what bringing up compose.yaml would create", "down", out=("network",), holds=down),
    Journey(
        "what would happen if i deployed the redis blueprint?",
        "down",
        out=("cache-1", "redis:7.4.0"),
        holds=down,
    ),
]

CHANGES = [
    Journey("deploy compose.yaml", "down", holds=up),
    Journey("bring up compose.yaml", "down", holds=up),
    Journey("deploy compose.yaml for 2 hours", "down", holds=up),
    Journey("spin up the services in compose.yaml", "down", holds=up),
    Journey("docker compose -f compose.yaml up", "down", holds=up),
    Journey("scale web in demo to 3", holds=lambda dock: dock.running() == {"web": 3, "db": 1}),
    Journey("run 3 replicas of web in demo", holds=lambda dock: dock.running() == {"web": 3, "db": 1}),
    Journey("keep the stack demo for another 4 hours", out=("14400",)),
    Journey("extend the lease of demo by 2 hours", out=("7200",)),
    Journey("renew the stack demo for 3 days", out=("259200",)),
    Journey("tear down the stack demo", holds=lambda dock: down(dock) and dock.volumes() == 1),
    Journey("tear down the demo stack", holds=down),
    Journey("destroy the stack demo", holds=down),
    Journey("destroy the demo stack and its data", holds=lambda dock: down(dock) and dock.volumes() == 0),
    Journey(
        "tear down the stack demo with its volumes", holds=lambda dock: down(dock) and dock.volumes() == 0
    ),
    Journey("i no longer need the stack demo, get rid of it", holds=down),
    Journey("tear down all my stacks", holds=down),
    Journey("tear down everything i deployed", holds=down),
    Journey("tear down all stacks i deployed in the last 2 hours", holds=down),
]


@pytest.mark.parametrize(
    "journey", [*READS, *PLANS, *CHANGES], ids=lambda journey: journey.request.replace(" ", "-")[:60]
)
def test_journey(dock: Dock, journey: Journey) -> None:
    if journey.before == "up" and not up(dock):
        dock.sweep()
    if journey.before == "up":
        ready = dock.desk("stack", "apply", "compose.yaml", "--yes")
        assert ready.code == 0, ready.err
    elif journey.before == "down":
        dock.desk("stack", "destroy", "demo", "--volumes", "--yes")
        dock.sweep()
    ran: Ran = dock.desk.run(journey.request)
    story = f"exit {ran.code}\n--- stdout\n{ran.out}\n--- stderr\n{ran.err}"
    assert ran.code == journey.code, story
    for part in journey.out:
        assert part in ran.out, story
    for part in journey.err:
        assert part in ran.err, story
    assert journey.holds(dock), story


def test_what_is_not_understood_is_asked_and_nothing_is_touched(dock: Dock) -> None:
    dock.sweep()
    ran = dock.desk.run("start the stack in compose.yaml")
    assert (ran.code, dock.running()) in ((ExitCode.NOT_UNDERSTOOD, {}), (0, {"web": 1, "db": 1})), (
        ran.out,
        ran.err,
    )


def test_there_are_at_least_fifty_journeys_of_containers_and_stacks() -> None:
    stacks = {journey.request for journey in (*READS, *PLANS, *CHANGES)}
    assert len(stacks | {journey.request for journey in JOURNEYS}) >= 50
