"""What acts on the machine itself: the question says what will happen, how far it is is shown, and leases end while the shell is open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from casava_os.broker import HostBroker
from casava_os.kernel.joined import JoinedBroker
from casava_os.kernel.ports import Errand
from casava_os.shell.wording import progress_text
from casava_syscalls.results import Ok, Result
from casava_syscalls.values import Facts, Value
from tests.shell.conftest import OpenShell

SCRIPT = {"start redis": [{"call": "container.run", "image": "redis:7", "name": "cache", "ports": ["6379"]}]}


class Docks:
    """A broker that starts what it is told to, after a pull that goes on until it is let go."""

    def __init__(self) -> None:
        self.called: list[Mapping[str, object]] = []
        self.fetched = asyncio.Event()

    def performs(self) -> frozenset[str]:
        return frozenset({"container.run"})

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        assert errand is not None
        self.called.append(call)
        errand.progress("Fetching redis:7: 12 of 48 MB", 0.25)
        await self.fetched.wait()
        errand.note("Not undoable: cache runs outside the workspace.")
        return Ok(value=Facts(items={"name": "cache", "state": "running"}))


async def test_the_card_says_what_will_happen_and_the_wait_how_far_it_is(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        docks = Docks()
        shell.bench.kernel.broker = JoinedBroker((HostBroker(), docks))
        block = await shell.ask("start redis")
        await shell.until_seen("container.run image=redis:7 name=cache ports=6379")
        await shell.until_seen("Start redis:7 as cache, reachable from this machine only on port")
        assert not docks.called
        await shell.press("y")
        await shell.until(lambda: docks.called)
        await shell.until_seen("Fetching redis:7: 12 of 48 MB [####------------] 25%")
        docks.fetched.set()
        await shell.until(lambda: not block.running)
        await shell.until_seen("Not undoable: cache runs outside the workspace.")


async def test_a_no_starts_nothing(open_shell: OpenShell) -> None:
    async with open_shell(script=SCRIPT) as shell:
        docks = Docks()
        shell.bench.kernel.broker = JoinedBroker((HostBroker(), docks))
        block = await shell.ask("start redis")
        await shell.press("n")
        await shell.until(lambda: not block.running)
        assert not docks.called


async def test_a_lease_that_ends_while_the_shell_is_open_is_told_once(open_shell: OpenShell) -> None:
    async with open_shell() as shell:
        shell.app.leases_over = lambda: ("The lease of web is over: [b]gone[/b]",)
        for _ in range(2):
            shell.app._end_leases()
            await shell.until(lambda: "The lease of web is over: [b]gone[/b]" in shell.notices())
        assert shell.notices().count("The lease of web") == 1


def test_how_far_something_is() -> None:
    assert progress_text("Building", None) == "Building"
    assert progress_text("Fetching", 0.5) == "Fetching [########--------] 50%"
    assert progress_text("Fetching", 1.7).endswith("100%")
