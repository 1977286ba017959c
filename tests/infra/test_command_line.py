"""`casava-os stack …` as a person types it: through the kernel, with policy, question, journal and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from casava_os.boot import boot_kernel
from casava_os.kernel.events import ApprovalNeeded, BaseEvent, Finished, StepFinished
from casava_os.kernel.options import RunOptions
from casava_syscalls.infra import ApplyStack
from casava_syscalls.values import Table
from tests.infra.conftest import Yard, good

COMPOSE = """
name: demo
services:
  web:
    image: IMAGE
    command: [httpd, -f, -p, "80", -h, /srv]
    ports: ["${PORT:-}:80"]
    stop_signal: SIGKILL
    healthcheck: {test: wget -q -O /dev/null http://127.0.0.1/index.html, interval: 20s}
    deploy: {resources: {limits: {memory: 32m}}}
volumes: {unused: }
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, str]]:
        """The table on standard output."""
        head, *lines = [line.split("\t") for line in self.out.splitlines()]
        return [dict(zip(head, line, strict=True)) for line in lines]


def casava(yard: Yard, *arguments: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "casava_os", *arguments],
        cwd=yard.workspace,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def written(yard: Yard) -> Yard:
    (yard.workspace / "compose.yaml").write_text(COMPOSE.replace("IMAGE", yard.image))
    return yard


def test_the_life_of_a_stack(written: Yard) -> None:
    planned = casava(written, "stack", "plan", "compose.yaml")
    assert planned.code == 0
    assert [(row["action"], row["kind"], row["name"]) for row in planned.rows()] == [
        ("create", "network", "default"),
        ("create", "container", "web-1"),
    ]
    found = re.search(r"--approve (sha256:[0-9a-f]{64})", planned.err)
    assert found is not None
    unasked = casava(written, "stack", "apply", "compose.yaml")
    assert unasked.code == 3
    assert written.there("demo").empty
    wrong = casava(written, "stack", "apply", "compose.yaml", "--approve", f"sha256:{'0' * 64}")
    assert wrong.code == 1
    assert "another one by now" in wrong.err
    up = casava(written, "stack", "apply", "compose.yaml", "--approve", found[1], "--lease", "2h")
    assert up.code == 0, up.err
    (web,) = up.rows()
    assert (web["service"], web["replicas"]) == ("web", "1/1")
    assert web["ports"].startswith("127.0.0.1:")
    (stack,) = casava(written, "stack", "list").rows()
    assert (stack["stack"], stack["services"]) == ("demo", "1/1") or stack["state"] == "starting"
    assert stack["lease_left"].startswith("1 h 59")
    assert casava(written, "stack", "scale", "demo", "2", "--yes").code == 0
    assert casava(written, "stack", "status", "demo").rows()[0]["replicas"] == "2/2"
    longer = casava(written, "stack", "extend", "demo", "3 days", "--yes")
    assert "259200" in longer.out
    again = casava(written, "stack", "plan", "compose.yaml", "--set", "PORT=")
    assert [row["action"] for row in again.rows()] == ["destroy"]
    gone = casava(written, "stack", "destroy", "demo", "--yes")
    assert gone.code == 0
    assert len(gone.rows()) == 3
    assert written.there("demo").empty
    nothing = casava(written, "stack", "destroy", "demo", "--yes")
    assert nothing.code == 1
    assert "There is no stack 'demo'" in nothing.err
    log = casava(written, "log")
    assert "infra.apply spec=compose.yaml" in log.out + log.err


def test_wrong_command_lines_and_specs_are_told(written: Yard) -> None:
    (written.workspace / "bad.yaml").write_text("services: {web: {image: n, ports: [x]}}")
    bad = casava(written, "stack", "plan", "bad.yaml")
    assert bad.code == 1
    assert "services.web.ports[0]: 'x' is not a port" in bad.err
    assert casava(written, "stack", "plan", "nowhere.yaml").code == 1
    assert "did you mean postgres?" in casava(written, "stack", "plan", "postgress").err
    assert casava(written, "stack", "apply", "compose.yaml", "--set", "x").code == 2
    assert "no setting 'NOPE'" in casava(written, "stack", "plan", "compose.yaml", "--set", "NOPE=1").err
    catalog = casava(written, "stack", "catalog")
    assert {row["blueprint"] for row in catalog.rows()} >= {"postgres", "redis", "rag"}
    told = casava(written, "call", "--list").out
    assert "infra.apply" in told
    assert "not yet" not in "".join(line for line in told.splitlines() if line.startswith("infra."))


def test_a_plan_file_tears_down_what_a_step_lists(written: Yard) -> None:
    text = COMPOSE.replace("IMAGE", written.image).partition("name: demo")[2]
    good(written.up(text, "one"))
    good(written.up(text, "two"))
    steps = [
        {"call": "infra.status", "newer_than": 3600},
        {"call": "infra.destroy", "stack": "$1", "volumes": True},
    ]
    (written.workspace / "plan.json").write_text(json.dumps({"version": 1, "steps": steps}))
    done = casava(written, "apply", "plan.json", "--yes")
    assert done.code == 0, done.err
    assert {row["stack"] for row in done.rows()} == {"one", "two"}
    assert written.there("one").empty
    assert written.there("two").empty


async def test_the_question_shows_what_would_be_done_and_that_is_what_is_done(written: Yard) -> None:
    kernel = good(boot_kernel())
    asked: list[ApprovalNeeded] = []
    call = ApplyStack(spec="compose.yaml")

    async def run(approve: object) -> list[BaseEvent]:
        options = RunOptions(interactive=True, approve=approve)  # type: ignore[arg-type]
        async with kernel.call(call, workspace=written.workspace, options=options) as events:
            return [event async for event in events]

    async def meanwhile_changed(question: ApprovalNeeded) -> bool:
        asked.append(question)
        path = written.workspace / "compose.yaml"
        await asyncio.to_thread(path.write_text, path.read_text().replace("-h, /srv]", "-h, /tmp]"))
        return True

    async def yes(question: ApprovalNeeded) -> bool:
        asked.append(question)
        return True

    try:
        events = await run(meanwhile_changed)
        assert asked[0].meaning[0].splitlines()[1:] == ["create network default", "create container web-1"]
        (finished,) = [event for event in events if isinstance(event, Finished)]
        assert finished.exit_code == 1
        (step,) = [event for event in events if isinstance(event, StepFinished)]
        assert step.err is not None
        assert step.err.title == "The plan is another one by now"
        assert written.there("demo").empty
        compose = written.workspace / "compose.yaml"
        await asyncio.to_thread(compose.write_text, COMPOSE.replace("IMAGE", written.image))
        events = await run(yes)
        (step,) = [event for event in events if isinstance(event, StepFinished)]
        assert isinstance(step.value, Table), step.err
        assert step.value.rows[0][1] == "web"
    finally:
        kernel.close()


def test_a_start_settles_what_was_killed(written: Yard, tmp_path: Path) -> None:
    slow = COMPOSE.replace("IMAGE", written.image).replace(
        "test: wget -q -O /dev/null http://127.0.0.1/index.html", "test: 'false'"
    )
    (written.workspace / "compose.yaml").write_text(slow)
    working = subprocess.Popen(
        [sys.executable, "-m", "casava_os", "stack", "apply", "compose.yaml", "--yes"],
        cwd=written.workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not written.there("demo").containers:
        assert working.poll() is None
    working.kill()
    working.wait()
    listed = casava(written, "stack", "list")
    assert listed.code == 0
    assert "was being changed when Casava was killed: what was begun is gone" in listed.err
    assert listed.rows() == []
    assert written.there("demo").empty


def test_a_start_ends_leases_and_lets_the_idle_rest(written: Yard) -> None:
    text = COMPOSE.replace("IMAGE", written.image).partition("name: demo")[2]
    good(written.engine.apply(replace(written.wish(text, "brief"), lease=3600), written.errand()))
    book = written.engine.book
    entry = book.find("stack", "brief")
    assert entry is not None
    assert entry.lease is not None
    long_ago = {"wall": entry.lease.wall - 3601, "since_boot": entry.lease.since_boot - 3601}
    book.write(entry.model_copy(update={"lease": entry.lease.model_copy(update=long_ago)}))
    idle = "services: {s: {image: IMAGE, command: [sleep, '1000'], stop_signal: SIGKILL}}\nx-casava: {idle: {after: 1s}}"
    good(written.up(idle, "lazy"))
    assert casava(written, "stack", "list").err.count("brief is over: it was taken down") == 1
    assert written.there("brief").empty
    end = time.monotonic() + 60
    while "The stack lazy was paused" not in (rested := casava(written, "stack", "list")).err:
        assert time.monotonic() < end, rested.err
        time.sleep(1)
    assert {row["stack"]: row["state"] for row in rested.rows()} == {"lazy": "asleep"}
    woken = casava(written, "stack", "scale", "lazy", "1", "--yes")
    assert woken.code == 0
    assert written.container("s", name="lazy").state == "running"
