"""A priority is a share of the processors, on the real drivers: read back from where the kernel of the machine keeps it."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from casava_os.kernel.ports import PRIORITIES, Priority, SandboxSession
from casava_sandbox.shares import NICE, SHARES, WEIGHTS, nice_descendants
from casava_syscalls.results import Ok
from tests.contracts.sandboxes import Open

MARK = "4711.25"


async def program(session: SandboxSession) -> int:
    """Starts a program inside; its process number out here."""
    spawned = await session.perform(1, {"call": "process.spawn", "command": f"exec sleep {MARK}"})
    assert isinstance(spawned, Ok), spawned
    while True:
        for process in psutil.process_iter(["cmdline"]):
            if process.info["cmdline"] == ["sleep", MARK]:
                return int(process.pid)


def share(pid: int) -> Priority | None:
    """The priority that the machine's kernel really gives a process; None when it is none of ours."""
    root = Path("/sys/fs/cgroup")
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            read = int((root / "cpu" / path.lstrip("/") / "cpu.shares").read_text())
            return next((name for name in PRIORITIES if SHARES[name] == read), None)
        weight = root / path.lstrip("/") / "cpu.weight"
        if not controllers and weight.exists():
            read = int(weight.read_text())
            docker = {1 + (SHARES[name] - 2) * 9999 // 262142: name for name in PRIORITIES}
            return docker.get(read) or next((name for name in PRIORITIES if WEIGHTS[name] == read), None)
    nice = os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)
    return next((name for name in PRIORITIES if NICE[name] == nice), None)


async def test_programs_get_the_share_of_their_priority(session: SandboxSession) -> None:
    pid = await program(session)
    assert share(pid) == "normal"
    for priority in ("low", "high", "normal"):
        assert await session.renice(priority) is None
        assert share(pid) == priority


async def test_a_closed_sandbox_takes_no_priority(open_session: Open) -> None:
    session = await open_session()
    await session.close()
    assert await session.renice("low") is None


@pytest.mark.parametrize("sandbox", ["bubblewrap"], indirect=True)
async def test_without_a_control_group_programs_are_niced(
    open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casava_sandbox.bubblewrap.driver.make", lambda name, limits: None)
    session = await open_session()
    pid = await program(session)
    assert await session.renice("low") is None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, pid) == own + NICE["low"]


def test_who_is_gone_is_no_error() -> None:
    assert nice_descendants(4_194_300, "low") is None
