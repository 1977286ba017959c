"""What people ask for of containers, from the words to the daemon: the real command line, the shipped model, real containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.containers import labels
from casava_os.containers.broker import ContainerBroker
from casava_os.containers.daemon import connect
from casava_os.containers.network import tidy_network
from casava_os.errors import ExitCode
from casava_os.kernel.ports import Errand
from casava_os.paths import private_dir, state_dir
from casava_syscalls.results import Ok
from tests.containers.rootfs import rootfs
from tests.infra.image import LABEL, discard, taken_in
from tests.journeys.conftest import Desk, Ran, furnish

if TYPE_CHECKING:
    from docker import APIClient


@dataclass
class Harbour:
    """A person's desk with two containers of theirs (`web` runs and prints, `db` has ended) and one of somebody else's."""

    desk: Desk
    api: APIClient
    image: str
    web: str
    db: str
    foreign: str
    made: list[str] = field(default_factory=list)

    def say(self, words: str) -> str:
        return words.format(image=self.image, web=self.web, db=self.db, foreign=self.foreign)

    def state(self, name: str) -> str:
        """running, exited, … or gone."""
        for one in self.api.containers(all=True):
            if f"/{name}" in one["Names"]:
                return str(one["State"])
        return "gone"

    def mine(self) -> list[dict[str, object]]:
        """All that bears this installation's labels, but the two that were there."""
        found = self.api.containers(all=True, filters=labels.filters())
        return [
            self.api.inspect_container(one["Id"])
            for one in found
            if one["Names"][0].lstrip("/") not in (self.web, self.db)
        ]


@pytest.fixture(scope="module")
def docker_api() -> Iterator[APIClient]:
    found = connect()
    assert isinstance(found, Ok), found
    yield found.value
    found.value.close()


@pytest.fixture(scope="module")
def tiny(docker_api: APIClient) -> Iterator[str]:
    name = "tiny"
    taken_in(docker_api, rootfs(), f"{name}:one", ['CMD ["sleep", "600"]', "EXPOSE 80/tcp"])
    yield f"{name}:one"
    discard(docker_api, name)


@pytest.fixture
async def harbour(
    docker_api: APIClient,
    tiny: str,
    tmp_path: Path,
    casava_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Harbour:
    monkeypatch.setenv("CASAVA_HOME", str(casava_home))
    workspace = tmp_path / "project"
    workspace.mkdir()
    furnish(workspace)
    (workspace / "Dockerfile").write_text(f"FROM {tiny}\nCOPY notes.txt /srv/notes.txt\n")
    # The same names in every run: a model may understand a request of one name and ask about another.
    made = Harbour(
        Desk(workspace, casava_home, "docker"),
        docker_api,
        tiny,
        "site-dev",
        "store-dev",
        "foreign-dev",
    )
    of_a_killed_run = {"name": "^/(site|store|foreign)-dev", "label": f"{LABEL}={tiny.partition(':')[0]}"}
    for one in docker_api.containers(all=True, filters=of_a_killed_run):
        docker_api.remove_container(one["Id"], force=True, v=True)
    broker = ContainerBroker(private_dir(state_dir()))
    for name, command in ((made.web, "echo hello; echo ERROR one; sleep 600"), (made.db, "echo done")):
        call = {"call": "container.run", "image": tiny, "name": name, "command": command}
        assert isinstance(await broker.perform(call, errand=Errand(pid=1, workspace=workspace)), Ok)
    docker_api.wait(made.db)
    config = docker_api.create_host_config(network_mode="none")
    theirs = docker_api.create_container(tiny, name=made.foreign, host_config=config)
    docker_api.start(theirs["Id"])
    return made


@pytest.fixture(autouse=True)
def swept(harbour: Harbour) -> Iterator[None]:
    """Nothing is left behind."""
    yield
    for one in harbour.api.containers(all=True, filters=labels.filters()):
        harbour.api.remove_container(one["Id"], force=True, v=True)
    if harbour.state(harbour.foreign) != "gone":
        harbour.api.remove_container(harbour.foreign, force=True)
    tidy_network(harbour.api)


@dataclass(frozen=True)
class Journey:
    """A request, and what must come of it. `out`: parts of standard output; `holds`: what is true afterwards."""

    request: str
    out: tuple[str, ...] = ()
    holds: Callable[[Harbour], bool] = lambda harbour: harbour.state(harbour.web) == "running"
    code: int = 0
    theirs: str = "running"
    """What becomes of the container that somebody else started."""


def one_like(**wanted: str) -> Callable[[Harbour], bool]:
    """Whether exactly one container was started, with this in what the daemon knows of it."""

    def holds(harbour: Harbour) -> bool:
        found = harbour.mine()
        return len(found) == 1 and all(text in str(found[0][part]) for part, text in wanted.items())

    return holds


JOURNEYS = [
    Journey("start a {image} container called {web}-2", holds=lambda h: h.state(f"{h.web}-2") == "running"),
    Journey(
        "run {image} as {web}-2 on port 18473",
        holds=one_like(HostConfig="'HostIp': '127.0.0.1', 'HostPort': '18473'"),
    ),
    Journey("which containers are running?", out=("{web}", "{foreign}")),
    Journey("list all containers, also the stopped ones", out=("{web}", "{db}", "{foreign}")),
    Journey("docker ps -a", out=("{web}", "{db}")),
    Journey("which containers did I start?", out=("{web}",)),
    Journey("stop the container {web}", holds=lambda h: h.state(h.web) == "exited"),
    Journey("stop all my containers", holds=lambda h: h.state(h.web) == "exited"),
    Journey("stop everything I started today", holds=lambda h: h.state(h.web) == "exited"),
    Journey("stop the container {foreign}", holds=lambda h: h.state(h.web) == "running", theirs="exited"),
    Journey("restart the {web} container"),
    Journey("start the container {db}", out=("{db}",)),
    Journey("remove the container {db}", holds=lambda h: h.state(h.db) == "gone"),
    Journey("remove the container {web}", holds=lambda h: h.state(h.web) == "running", code=1),
    Journey(
        "remove all stopped containers",
        holds=lambda h: h.state(h.db) == "gone" and h.state(h.web) == "running",
    ),
    Journey("stop and remove {web}", holds=lambda h: h.state(h.web) == "gone"),
    Journey("what did the {web} container print?", out=("hello\nERROR one",)),
    Journey("show the last 1 lines of container {web}", out=("ERROR one",)),
    Journey("search the logs of container {web} for ERROR", out=("ERROR one",)),
    Journey(
        "save the logs of container {web} to out.txt",
        holds=lambda h: h.desk.text("out.txt") == "hello\nERROR one\n",
    ),
    Journey("run `cat /etc/motd` inside the container {web}", out=("hello from the image",)),
    Journey("inspect the container {web}", out=("image\t{image}", "by\tcasava")),
    Journey("how is the container {web} configured?", out=("state\trunning",)),
    Journey("how much memory does the {web} container use?", out=("memory", "{web}")),
    Journey("show the stats of all containers", out=("cpu_percent", "{web}", "{foreign}")),
    Journey("which docker images do I have?", out=("{image}",)),
    Journey("docker images", out=("{image}",)),
    Journey(
        "copy /etc/motd out of the container {web}",
        holds=lambda h: h.desk.text("motd") == "hello from the image\n",
    ),
    Journey(
        "list the containers with {web} in the name and stop them", holds=lambda h: h.state(h.web) == "exited"
    ),
    Journey("show the logs of the container no-such-{web}", code=1),
    Journey("docker exec {web} ls /etc", out=("motd",)),
]


NOT_YET = [
    Journey("run {image}", holds=one_like(State="running")),
    Journey("docker rm -f {web}", holds=lambda h: h.state(h.web) == "gone"),
]
"""What the shipped model asks about, where a better one would know."""


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.request.replace(" ", "-")[:60])
def test_journey(harbour: Harbour, journey: Journey) -> None:
    ran: Ran = harbour.desk.run(harbour.say(journey.request))
    story = f"exit {ran.code}\n--- stdout\n{ran.out}\n--- stderr\n{ran.err}"
    assert ran.code == journey.code, story
    for part in journey.out:
        assert harbour.say(part) in ran.out, story
    assert journey.holds(harbour), story
    assert harbour.state(harbour.foreign) == journey.theirs, story


@pytest.mark.parametrize("journey", NOT_YET, ids=lambda journey: journey.request.replace(" ", "-")[:60])
def test_what_is_not_understood_is_asked_and_nothing_is_touched(harbour: Harbour, journey: Journey) -> None:
    ran: Ran = harbour.desk.run(harbour.say(journey.request))
    story = f"exit {ran.code}\n--- stdout\n{ran.out}\n--- stderr\n{ran.err}"
    if ran.code == ExitCode.NOT_UNDERSTOOD:
        assert harbour.state(harbour.web) == "running", story
        assert harbour.mine() == [], story
    else:
        assert ran.code == 0, story
        assert all(harbour.say(part) in ran.out for part in journey.out), story
        assert journey.holds(harbour), story
    assert harbour.state(harbour.foreign) == journey.theirs, story
