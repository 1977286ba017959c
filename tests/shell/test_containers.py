"""The list of containers: on the real daemon from opening to removing, with hostile text, without a daemon, and how it looks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.containers import following, labels
from casava_os.containers.broker import ContainerBroker
from casava_os.containers.leases import LeaseBook, now
from casava_os.containers.watching import ContainerWatch, Seen
from casava_os.kernel.ports import Errand
from casava_os.shell.screens import containers
from casava_os.shell.screens.containers import ContainersScreen
from casava_os.shell.screens.conversation import ConversationScreen
from casava_os.shell.screens.memory import MemoryScreen
from casava_os.shell.screens.panelquestion import QuestionScreen
from casava_os.shell.screens.processes import ProcessesScreen
from casava_os.shell.screens.stacks import StacksScreen
from casava_os.shell.widgets import logpane
from casava_os.shell.widgets.logview import LogLines, shown
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts
from tests.shell.conftest import OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.panels import answer, api, home, image, performs, read, yard
from tests.shell.test_looks import SIZES, painted

if TYPE_CHECKING:
    from docker import APIClient

__all__ = ["api", "home", "image", "yard"]


def screen(shell: Shell) -> ContainersScreen:
    assert isinstance(shell.app.screen, ContainersScreen)
    return shell.app.screen


async def started(state: Path, image: str, command: str, **fields: object) -> str:
    """The name of a container that Casava started."""
    name = f"casava-panel-{secrets.token_hex(4)}"
    call = {
        "call": "container.run",
        "image": image,
        "name": name,
        "command": command,
        "network": "none",
        **fields,
    }
    made = await ContainerBroker(state).perform(call, errand=Errand(pid=7, request="run it for me"))
    assert isinstance(made, Ok), made
    return name


def status(api: APIClient, name: str) -> str:
    return str(api.inspect_container(name)["State"]["Status"])


# ------------------------------------------------------------------------------------------ the real daemon

TICKS = "trap 'exit 0' TERM; echo first words; while true; do sleep 0.1; done"


async def test_from_opening_to_removing(
    open_shell: OpenShell, api: APIClient, image: str, yard: Path
) -> None:
    name = await started(yard, image, TICKS, lease=3600, memory=33_554_432)
    async with open_shell(size=(100, 30)) as shell:
        performs(shell, yard)
        await shell.press("f7")
        await shell.until_seen(name, "running", "59 min", "34 MB", "1 running", "process 7: run it for me")
        await shell.press("enter")
        await shell.until_seen("first words", "memory limit", "follows")
        await shell.press("e")
        await shell.until_seen(f"How long should {name} stay, from now on?", "2 hours")
        await shell.press("ctrl+u")
        await shell.type("3 days", "enter")
        await answer(shell, "y", "infra.extend", "3 days")
        await shell.until(lambda: f"keep {name} for 3 days" in shell.notices())
        entry = LeaseBook(yard).find("container", name)
        assert entry is not None
        assert entry.lease is not None
        assert 3 * 86_400 - 60 < entry.lease.left(now()) <= 3 * 86_400
        await shell.press("s")
        await answer(shell, "y", f"Stop {name}")
        await shell.until(lambda: status(api, name) == "exited")
        await shell.until_seen("Start", "it prints no more")
        await shell.press("t")
        await answer(shell, "y", f"Start {name}")
        await shell.until(lambda: status(api, name) == "running")
        await shell.until_seen("Stop", "follows")
        await shell.press("x")
        await answer(shell, "y", f"Remove {name}, running or not")
        await shell.until(lambda: not any(f"/{name}" in one["Names"] for one in api.containers(all=True)))
        await shell.until_seen("Casava has started no container here.")
        asked = [row.request for row in shell.bench.kernel.journal.processes()]
        assert asked == [f"remove {name}", f"start {name}", f"stop {name}", f"keep {name} for 3 days"]
        assert [block.told.state for block in shell.blocks] == ["done"] * 4


async def test_a_foreign_one_is_told_as_such_and_a_no_leaves_it_alone(
    open_shell: OpenShell, api: APIClient, image: str, yard: Path
) -> None:
    name = f"casava-panel-{secrets.token_hex(4)}"
    made = api.create_container(
        image, ["sleep", "600"], name=name, host_config=api.create_host_config(network_mode="none")
    )
    try:
        api.start(made["Id"])
        async with open_shell(size=(100, 30)) as shell:
            performs(shell, yard)
            await shell.press("f7")
            await shell.until_seen("Casava has started no container here.", "of others")
            assert name not in shell.seen()
            await shell.press("a", "slash", *name, "enter")
            await shell.until_seen(
                name, "others", "not started by Casava: it is acted upon only because you name it"
            )
            assert "Extend" not in shell.seen(), "what others started has no lease"
            await shell.press("s")
            await answer(shell, "n", f"{name} is not started by Casava")
            await shell.until(lambda: "not approved" in shell.notices())
            assert status(api, name) == "running"
    finally:
        api.remove_container(made["Id"], force=True)


FLOOD = 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo "line $i of many"; done; echo over; sleep 600'


async def test_a_flood_of_lines_leaves_the_keys_alive_and_the_screen_takes_its_threads_along(
    open_shell: OpenShell, image: str, yard: Path
) -> None:
    name = await started(yard, image, FLOOD)
    async with open_shell(size=(100, 30)) as shell:
        await shell.type(f"/containers {name}", "enter")
        await shell.until_seen("line ", "of many")
        pane = screen(shell).logs
        (follower,) = pane.followers
        await shell.press("f")
        await shell.until_seen("stands still")
        seen = shell.seen()
        before = pane.view.lines.total
        await shell.until(
            lambda: pane.view.lines.total > before or "over" in shown(pane.view.lines.now()[1][-1][1])
        )
        assert [line for line in shell.seen().splitlines() if line.strip().startswith("line ")] == [
            line for line in seen.splitlines() if line.strip().startswith("line ")
        ], "what stands still does not move"
        await shell.press("f")
        await shell.until_seen("over", "follows")
        await shell.press("escape", "escape")
        assert isinstance(shell.app.screen, ConversationScreen)
        assert follower.join(20), "closing the screen ends who follows"


async def test_a_question_that_is_left_waits_in_the_conversation(
    open_shell: OpenShell, api: APIClient, image: str, yard: Path
) -> None:
    name = await started(yard, image, TICKS)
    async with open_shell(size=(100, 30)) as shell:
        performs(shell, yard)
        await shell.press("f7")
        await shell.until_seen(name)
        await shell.press("s")
        await shell.until(lambda: isinstance(shell.app.screen, QuestionScreen))
        await shell.press("q", "escape")
        await shell.until(lambda: "The question waits in the conversation." in shell.notices())
        await shell.press("escape")
        await shell.until_seen(f"Stop {name}", "1 waits for you")
        assert status(api, name) == "running"
        await shell.press("f2", "y")
        await shell.until(lambda: status(api, name) == "exited")


async def test_a_restarted_one_is_counted_again(image: str, yard: Path, api: APIClient) -> None:
    name = await started(yard, image, TICKS)
    watch = ContainerWatch(yard)

    def one() -> Seen:
        found = watch.look()
        assert isinstance(found, Ok), found
        return next(row for row in found.value if row.name == name)

    first = one()
    assert first.memory
    assert first.cpu is None, "one reading tells nothing"
    assert one().cpu is not None
    api.restart(name, timeout=0)
    again = one()
    assert again.memory, "the process is another one, and is found"
    watch.cut()
    cut = watch.look()
    assert isinstance(cut, Err)
    assert cut.code == "interrupted"


# ------------------------------------------------------------------------------------------ what can go wrong


async def test_without_a_daemon_it_says_what_to_do(
    open_shell: OpenShell, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{home}/none.sock")
    async with open_shell() as shell:
        await shell.press("f7")
        await shell.until_seen("There is no Docker daemon", "does not exist", "install Docker, or start it")
        await shell.press("f8")
        await shell.until_seen("No stack is set up here.")
        await shell.press("f7", "escape")
        assert shell.prompt.has_focus


HOSTILE = b"\x1b]0;owned\x07\x1b[2Jwiped \xe2\x80\xaegnp.exe [red]not markup[/red] \xff"


def test_a_hostile_line_is_spelled() -> None:
    assert shown(HOSTILE) == (
        "\\x1b]0;owned\\x07\\x1b[2Jwiped \\u202egnp.exe [red]not markup[/red] \N{REPLACEMENT CHARACTER}"
    )
    assert shown(b"\x1b[1;32mok\x1b[0m\tdone\r") == "ok      done"
    assert shown(b" 10%\r 50%\r100%") == "100%"


def test_lines_are_bounded_in_number_and_length() -> None:
    lines = LogLines(most=10)
    for number in range(100_000):
        lines.feed("a", b"%d\n" % number)
    lines.feed("a", b"x" * 1_000_000)
    total, kept = lines.now()
    assert total == 100_000 + 499
    assert len(kept) == 10
    assert {len(line) for _, line in kept} == {2_000}
    lines.feed("b", b"half")
    lines.feed("a", b"\n")
    lines.feed("b", b" and half\n")
    assert lines.now()[1][-1] == ("b", b"half and half")


# ------------------------------------------------------------------------------------------ how it looks

ROWS = [
    Seen("a" * 64, "redis", "redis:7", "running", running=True, maker="casava", created=0, ports=("127.0.0.1:6379->6379/tcp",),
         lease=7140, tags={labels.REASON: "run redis and keep it private", labels.PID: "12"}, cpu=3.2, memory=8_300_000, limit=67_108_864),
    Seen("b" * 64, "api", "api:2", "running (unhealthy)", running=True, maker="casava", created=0, lease=95,
         tags={labels.REASON: "bring up the api", labels.PID: "14"}, cpu=97.5, memory=730_000_000),
    Seen("c" * 64, "job", "api:2", "exited (1)", running=False, maker="casava", created=0, tags={labels.REASON: "run the job"}),
    Seen("d" * 64, "their-db", "postgres:16", "running (healthy)", running=True, maker="other", created=0, cpu=0.1, memory=52_000_000),
    Seen("e" * 64, "casava-12", "casava-os-sandbox", "running", running=True, maker="sandbox", created=0, cpu=0.0, memory=12_000_000),
    Seen("f" * 64, "evil\x1b[2J\u202egnp", "x\x07y [red]", "running", running=True, maker="other", created=0),
]  # fmt: skip
FACTS = Facts(
    items={
        "name": "redis", "id": "a" * 12, "image": "redis:7", "state": "running", "created": "2026-11-21T10:00:00Z",
        "command": "redis-server\x1b[2J", "networks": "casava", "memory_limit": 67_108_864, "by": "casava",
        "env REDIS_PASSWORD": labels.MASK,
    }
)  # fmt: skip
LINES = b"1:M Ready to accept connections\n\x1b[32m1:M coloured\x1b[0m\nhostile \x1b[2J\xe2\x80\xaegnp\n"


class Told:
    """A follower of what is written here."""

    def __init__(
        self, state: Path, ident: str, feed: Callable[[bytes], None], ended: Callable[[Err | None], None]
    ) -> None:
        feed(LINES)

    def stop(self) -> None:
        pass


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """The same containers in every run."""

    def look(_watch: ContainerWatch) -> Result[list[Seen]]:
        return Ok(value=ROWS)

    def facts(_watch: ContainerWatch, _ident: str) -> Result[Facts]:
        return Ok(value=FACTS)

    monkeypatch.setattr(ContainerWatch, "look", look)
    monkeypatch.setattr(ContainerWatch, "facts", facts)
    monkeypatch.setattr(logpane, "LogFollower", Told)
    monkeypatch.setattr(containers, "clock_text", lambda seconds, now: "12:34:56")
    return home


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.usefixtures("written")
async def test_it_looks_like_this(open_shell: OpenShell, theme: str, size: str) -> None:
    async with open_shell(theme=theme, size=SIZES[size]) as shell:
        await shell.press("f7")
        await read(shell)
        await shell.press("a", "down", "down")
        await shell.until_seen("their-db", "redis")
        if size == "200x60":
            await shell.until_seen("memory limit", "Ready to accept")
        await looks(shell.pilot, f"containers-{theme}-{size}")
        await shell.press("enter")
        await shell.until_seen("memory limit", "Ready to accept", "3 lines")
        await looks(shell.pilot, f"containers-open-{theme}-{size}")


@pytest.mark.usefixtures("written")
async def test_hostile_names_stand_there_harmless(open_shell: OpenShell) -> None:
    async with open_shell(size=(120, 24)) as shell:
        await shell.press("f7")
        await read(shell)
        await shell.press("a")
        await shell.until_seen(r"evil\x1b[2J\u202egnp", r"x\x07y [red]")
        await shell.press("end", "enter")
        await shell.until_seen(r"redis-server\x1b[2J", r"hostile \x1b[2J\u202egnp")
        text = "".join(segment.text for strip in painted(shell) for segment in strip)
        assert not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("size", [(20, 24), (40, 10), (300, 100)])
async def test_any_size_and_ascii(
    open_shell: OpenShell, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_shell(size=size, ascii_only=True) as shell:
        await shell.press("f7")
        await read(shell)
        await shell.until_seen("redis")
        await shell.press("enter")
        await shell.until_seen("Ready")
        for wide, high in ((1, 1), (200, 60), (30, 6), size):
            await shell.pilot.resize_terminal(wide, high)
        assert all(segment.text.isascii() for strip in painted(shell) for segment in strip)
        await shell.press("escape", "escape")
        assert isinstance(shell.app.screen, ConversationScreen)


@pytest.mark.usefixtures("written")
async def test_from_one_list_to_another_and_back(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        for key, there in (
            ("f7", ContainersScreen),
            ("f8", StacksScreen),
            ("f9", MemoryScreen),
            ("f4", ProcessesScreen),
            ("f7", ContainersScreen),
        ):
            await shell.press(key)
            await shell.until(lambda: isinstance(shell.app.screen, there))  # noqa: B023
            assert len(shell.app.screen_stack) == 3, "one at a time"
        await shell.press("f7")
        assert isinstance(shell.app.screen, ConversationScreen)
        await shell.type("/containers nobody", "enter")
        await shell.until(lambda: "There is no nobody here." in shell.notices())


def test_a_window_of_bytes_is_what_is_taken_at_once() -> None:
    assert following.MOST / following.WINDOW >= 10_000 * 100, (
        "ten thousand lines of a hundred bytes a second are kept up with"
    )
