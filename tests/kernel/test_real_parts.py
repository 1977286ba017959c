"""The kernel as it boots: real drivers, real layers, real journal; only the model is scripted or left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from casava_os.boot import boot_kernel
from casava_os.errors import ExitCode
from casava_os.kernel.events import BaseEvent, Committed, Failed, Held, SandboxReady
from casava_os.kernel.run import Kernel, RunOptions
from casava_os.model.scripted import ScriptedModel
from casava_syscalls.plan import Plan
from casava_syscalls.results import Err, Ok
from casava_syscalls.values import Exit, Files
from tests.contracts.sandboxes import leftovers
from tests.kernel.doubles import finished, only, told


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    folder.mkdir()
    for name in ("a.tmp", "b.tmp", "keep.txt"):
        (folder / name).write_text(f"{name}\n")
    return folder


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    booted = boot_kernel()
    assert isinstance(booted, Ok), booted
    yield booted.value
    booted.value.close()
    assert leftovers(os.getpid(), tmp_path) == []


@pytest.fixture(params=["bubblewrap", "docker"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_request_from_words_to_undo(kernel: Kernel, workspace: Path, driver: str) -> None:
    steps: list[dict[str, object]] = [
        {"call": "file.find", "extension": ["tmp"]},
        {"call": "file.delete", "paths": "$1"},
    ]
    kernel.load_model = lambda name: Ok(value=ScriptedModel({"delete the tmp files": steps}))
    options = RunOptions(sandbox=driver)
    held = await told(kernel.run("delete the tmp files", workspace=workspace, options=options))
    assert finished(held).exit_code == ExitCode.APPROVAL_NEEDED
    assert isinstance(finished(held).value, Files)
    assert only(SandboxReady, held).driver == driver
    assert only(SandboxReady, held).verified["network"] == "none"
    assert listed(workspace) == ["a.tmp", "b.tmp", "keep.txt"]
    landed = await told(kernel.commit(1))
    assert only(Committed, landed).summary == "2 deleted"
    assert listed(workspace) == ["keep.txt"]
    assert finished(await told(kernel.undo())).exit_code == ExitCode.DONE
    assert listed(workspace) == ["a.tmp", "b.tmp", "keep.txt"]


async def test_what_a_program_does_stays_in_the_layer(kernel: Kernel, workspace: Path, driver: str) -> None:
    plan = Plan.model_validate(
        {"steps": [{"call": "process.run", "command": "rm -r -- * && echo gone > keep.txt; exit 7"}]}
    )
    events = await told(
        kernel.run_plan(plan, workspace=workspace, options=RunOptions(yes=True, sandbox=driver))
    )
    value = finished(events).value
    assert isinstance(value, Exit)
    assert value.code == 7
    assert finished(events).exit_code == ExitCode.FAILED
    assert only(Held, events).reason.endswith("ended with code 7")
    assert (workspace / "keep.txt").read_text() == "keep.txt\n"
    assert listed(workspace) == ["a.tmp", "b.tmp", "keep.txt"]
    await told(kernel.discard(1))


async def test_interrupting_a_program_leaves_nothing_behind(
    kernel: Kernel, workspace: Path, driver: str
) -> None:
    plan = Plan.model_validate(
        {"steps": [{"call": "process.run", "command": "rm a.tmp; echo begun; sleep 600"}]}
    )
    running = kernel.run_plan(plan, workspace=workspace, options=RunOptions(yes=True, sandbox=driver))
    events: list[BaseEvent] = []
    async for event in running:
        events.append(event)
        if event.event == "output":
            running.cancel()
    assert finished(events).exit_code == ExitCode.INTERRUPTED
    assert listed(workspace) == ["a.tmp", "b.tmp", "keep.txt"]
    assert listed(workspace.parent / "home/state/layers") == []


async def test_a_sandbox_that_is_not_there_fails_closed(
    kernel: Kernel, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    plan = Plan.model_validate({"steps": [{"call": "file.touch", "paths": ["a"]}]})
    events = await told(kernel.run_plan(plan, workspace=workspace, options=RunOptions(yes=True)))
    assert finished(events).exit_code == ExitCode.NO_SANDBOX
    assert only(Failed, events).err.hint
    assert listed(workspace) == ["a.tmp", "b.tmp", "keep.txt"]
    monkeypatch.undo()


async def test_what_a_killed_command_left_is_removed_at_the_next_start(
    kernel: Kernel, workspace: Path, tmp_path: Path
) -> None:
    for owner, state in ((4_194_305, "running"), (os.getpid(), "running"), (4_194_305, "held")):
        pid = kernel.journal.new("left behind", str(workspace))
        assert isinstance(kernel.layers.create(pid, workspace), Ok)
        assert kernel.journal.move(pid, "new", "running")
        if state == "held":
            assert kernel.journal.move(pid, "running", "held")
        kernel.journal._connection.execute("UPDATE processes SET owner = ? WHERE pid = ?", (owner, pid))
    again = boot_kernel()
    assert isinstance(again, Ok)
    assert listed(tmp_path / "home/state/layers") == ["2", "3"]
    states = {row.pid: row.state for row in again.value.journal.processes()}
    assert states == {1: "cancelled", 2: "running", 3: "held"}
    again.value.close()


def test_a_damaged_journal_or_policy_stops_the_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/policy.toml").write_text("[[rule]]\n")
    assert isinstance(boot_kernel(), Err)
    (tmp_path / "config/policy.toml").unlink()
    (tmp_path / "state").mkdir()
    (tmp_path / "state/journal.sqlite").write_bytes(b"\x00not a database\x00" * 300)
    problem = boot_kernel()
    assert isinstance(problem, Err)
    assert problem.title == "The journal is damaged"
