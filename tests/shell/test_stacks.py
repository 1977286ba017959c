"""The list of stacks: on the real daemon from looking to taking down, what can go wrong, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.containers.extending import extend
from casava_os.containers.leases import Lease, LeaseBook, Leased, now
from casava_os.containers.watching import ContainerWatch, Seen
from casava_os.infra.docker.marks import REPLICA, RESOURCE
from casava_os.infra.docker.observe import observe
from casava_os.infra.drivers import ServiceState, StackState
from casava_os.infra.engine import Engine
from casava_os.infra.performing import engine_of
from casava_os.infra.reading import read_spec
from casava_os.infra.wishes import Errand, Told, Wish
from casava_os.shell.screens import stacks
from casava_os.shell.screens.conversation import ConversationScreen
from casava_os.shell.screens.stacks import StacksScreen
from casava_os.shell.widgets import logpane
from casava_syscalls.results import Err, Ok, Result
from tests.shell.conftest import OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.panels import answer, api, home, image, performs, read, yard
from tests.shell.test_containers import Told as ToldLines
from tests.shell.test_looks import SIZES, painted

if TYPE_CHECKING:
    from docker import APIClient

__all__ = ["api", "home", "image", "yard"]

SHOP = """
services:
  web:
    image: IMAGE
    command: [sh, -c, "echo web is up; exec sleep 1000"]
    stop_signal: SIGKILL
    deploy: {replicas: 1, resources: {limits: {memory: 32m}}}
  db:
    image: IMAGE
    command: [sh, -c, "echo db is up; exec sleep 1000"]
    stop_signal: SIGKILL
    volumes: ["data:/data"]
volumes: {data: }
x-casava: {lease: 2 hours}
"""


@pytest.fixture
def engine(yard: Path) -> Iterator[Engine]:
    made = engine_of(yard)
    yield made
    made.close()


@pytest.fixture
def shop(engine: Engine, image: str, tmp_path: Path) -> Engine:
    """The shop, up."""
    spec = read_spec(SHOP.replace("IMAGE", image), "compose.yaml", {})
    assert isinstance(spec, Ok), spec
    wish = Wish("shop", spec.value, tmp_path, "compose.yaml")
    applied = engine.apply(wish, Errand(pid=3, reason="set up the shop", seconds=60))
    assert isinstance(applied, Ok), applied
    return engine


def screen(shell: Shell) -> StacksScreen:
    assert isinstance(shell.app.screen, StacksScreen)
    return shell.app.screen


def running(engine: Engine, api: APIClient) -> dict[str, int]:
    """Containers that run, by service."""
    found: dict[str, int] = {}
    key = engine.key("shop")
    for one in api.containers(filters={"label": [f"casava-os.owner={key.owner}", "casava-os.stack=shop"]}):
        service = one["Labels"][RESOURCE]
        found[service] = found.get(service, 0) + 1
    return found


async def test_from_looking_to_taking_down(
    open_shell: OpenShell, api: APIClient, shop: Engine, yard: Path
) -> None:
    async with open_shell(size=(100, 30)) as shell:
        performs(shell, yard)
        await shell.press("f8")
        await shell.until_seen("shop", "running", "2/2", "1 h 59 min", "set up the shop", "1 well")
        await shell.press("enter")
        await shell.until_seen("web is up", "1/1", "34 MB", "proposed", "follows")
        await shell.press("down")
        await shell.until_seen("db is up")
        await shell.press("up", "s")
        await shell.until_seen("How many replicas in shop? A service and a number", "web 1")
        await shell.press("ctrl+u")
        await shell.type("web 2", "enter")
        await answer(shell, "y", "Run 2 of web in shop")
        await shell.until_seen("2/2", "web-1 web is up", "web-2 web is up")
        assert running(shop, api) == {"web": 2, "db": 1}
        await shell.press("escape", "e", "ctrl+u")
        await shell.type("3 days", "enter")
        await answer(shell, "y", "Take shop down after 3 days from now")
        await shell.until_seen("2 d 23 h")
        await shell.press("x")
        await answer(shell, "y", "volume data stays, with its data")
        await shell.until_seen("down, data kept", "kept: data")
        assert running(shop, api) == {}
        await shell.press("delete")
        await answer(shell, "y", "their volumes too")
        await shell.until_seen("No stack is set up here.")
        assert LeaseBook(yard).find("stack", "shop") is None
        assert [block.told.state for block in shell.blocks] == ["done"] * 4


def test_a_lease_is_that_of_the_whole_stack(api: APIClient, shop: Engine, yard: Path) -> None:
    (one,) = observe(api, shop.key("shop")).slot("db", 1)
    refused = extend(yard, one.name, 60)
    assert isinstance(refused, Err)
    assert refused.hint == "extend shop"
    missing = extend(yard, "casava-panel-nobody", 60)
    assert isinstance(missing, Err)
    assert missing.code == "not-found"


async def test_no_number_and_no_time_are_told(open_shell: OpenShell, written: Path) -> None:
    async with open_shell(size=(100, 30)) as shell:
        performs(shell, written)
        await shell.press("f8")
        await read(shell)
        await shell.press("s", "ctrl+u")
        await shell.type("web many", "enter")
        await shell.until(lambda: "'many' is no number of replicas. write it like web 3." in shell.notices())
        await shell.press("e", "ctrl+u")
        await shell.type("soon", "enter")
        await shell.until(lambda: "'soon' is no time" in shell.notices())
        assert not shell.blocks, "nothing was asked for"


# ------------------------------------------------------------------------------------------ how it looks

STATES: dict[str, Result[StackState]] = {
    "rag": Ok(
        value=StackState(
            (
                ServiceState("chroma", "running", 1, 1, "healthy", ("127.0.0.1:8000→8000/tcp",), 210_000_000, 380_000_000, 536_870_912, 486_539_264, 1.25),
                ServiceState("llm", "unhealthy", 1, 2, "unhealthy", (), 1_900_000_000, 2_400_000_000, None, 3_019_898_880, 11.5, ("llm-2 is missing",)),
            ),
            ("rag.old is there and not wanted",),
        )
    ),
    "shop": Ok(value=StackState((ServiceState("web\x1b[2J", "running", 3, 3, "", (), 8_000_000),))),
    "zoo": Err(code="unavailable", title="There is no terraform here", message="neither tofu nor terraform is on the PATH", hint="install one of them"),
}  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """The same stacks in every run."""

    def status(_engine: Engine, _stack: str | None = None) -> Result[list[Told]]:
        found = []
        for name, state in STATES.items():
            lease = Lease.beginning(7140, now()) if name == "rag" else None
            reason = "set up the rag for my notes" if name == "rag" else "run \u202eit"
            found.append(
                Told(
                    name,
                    "docker",
                    None,
                    None,
                    state,
                    Leased(kind="stack", name=name, reason=reason, lease=lease),
                )
            )
        return Ok(value=found)

    def look(_watch: ContainerWatch) -> Result[list[Seen]]:
        labels = {"casava-os.stack": "rag", RESOURCE: "chroma", REPLICA: "1"}
        return Ok(
            value=[
                Seen(
                    "a" * 64,
                    "rag.chroma-1",
                    "chroma",
                    "running",
                    running=True,
                    maker="casava",
                    created=0,
                    tags=labels,
                )
            ]
        )

    monkeypatch.setattr(Engine, "status", status)
    monkeypatch.setattr(ContainerWatch, "look", look)
    monkeypatch.setattr(logpane, "LogFollower", ToldLines)
    monkeypatch.setattr(stacks, "clock_text", lambda seconds, now: "12:34:56")
    return home


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.usefixtures("written")
async def test_it_looks_like_this(open_shell: OpenShell, theme: str, size: str) -> None:
    async with open_shell(theme=theme, size=SIZES[size]) as shell:
        await shell.press("f8")
        await read(shell)
        if size == "200x60":
            await shell.until_seen("Ready to accept")
        await looks(shell.pilot, f"stacks-{theme}-{size}")
        await shell.press("enter")
        await shell.until_seen("chroma", "Ready to accept", "3 lines")
        await looks(shell.pilot, f"stacks-open-{theme}-{size}")


@pytest.mark.usefixtures("written")
async def test_what_is_wrong_stands_there_harmless(open_shell: OpenShell) -> None:
    async with open_shell(size=(120, 30), ascii_only=True) as shell:
        await shell.press("f8")
        await read(shell)
        await shell.until_seen(
            "1 well", "2 not well", "not as the spec says: llm-2 is missing; rag.old is there"
        )
        await shell.press("down", "enter")
        await shell.until_seen(r"web\x1b[2J", r"run \u202eit")
        await shell.press("escape", "down", "enter")
        await shell.until_seen("There is no terraform here", "install one of them")
        text = "".join(segment.text for strip in painted(shell) for segment in strip)
        assert text.isascii()
        await shell.press("escape", "escape")
        assert isinstance(shell.app.screen, ConversationScreen)
