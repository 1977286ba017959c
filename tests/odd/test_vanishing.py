"""The daemon goes away, the agent is killed, the journal's disk is full: in the middle of anything, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from casava_sandbox.traces import Traces
from tests.cli.conftest import Desk
from tests.contracts.sandboxes import leftovers
from tests.hostile.test_dying import Relay

WORK = ("call", "process.run", "--yes", "--command", "rm old.tmp; echo new > n; mkdir d; mv a.txt d/")
OLD, NEW = ["a.txt", "b.txt", "old.tmp"], ["b.txt", "d", "d/a.txt", "n"]


class Counting(Relay):
    """A daemon that goes away for good when it is asked for the N-th time."""

    def __init__(self, path: Path, requests: int) -> None:
        self.left = requests
        super().__init__(path)

    def _pass(self, source: object, sink: object) -> None:
        super()._pass(_Counted(source, self), sink)  # type: ignore[arg-type]


class _Counted:
    def __init__(self, source: object, relay: Counting) -> None:
        self._source, self._relay = source, relay

    def recv(self, size: int) -> bytes:
        data: bytes = self._source.recv(size)  # type: ignore[attr-defined]
        if b" HTTP/1.1\r\n" in data:
            self._relay.left -= 1
            if self._relay.left == 0:
                self._relay.cut()
                return b""
        return data


def settled(desk: Desk, *, healthy: dict[str, str]) -> list[str]:
    """What is left after one more command, when everything answers again."""
    desk.environment = healthy
    give_up = time.monotonic() + 60
    while True:
        assert (
            desk("log", "--limit", "1").code == 0
        )  # `ps` clears nothing away: it shows what was left behind
        ran = desk("ps", "--json")
        assert ran.code == 0, ran
        state = desk.home / "state"
        held = {str(json.loads(line)["pid"]) for line in ran.lines}
        left = [f"trace {trace.name}" for trace in Traces(str(state)).all()]
        left += [f"layer {path.name}" for path in (state / "layers").glob("*") if path.name not in held]
        left += [f"transaction {path}" for path in (state / "undo").glob("*/intent.json")]
        if not left or time.monotonic() > give_up:
            return left
        time.sleep(0.2)


def state_of(desk: Desk) -> str:
    row = json.loads(desk("log", "--json", "--limit", "1").lines[0])
    return str(row["state"])


@pytest.mark.parametrize("requests", range(1, 15))
def test_a_daemon_that_vanishes_in_the_middle_of_each_phase(
    desk: Desk, tmp_path: Path, requests: int
) -> None:
    relay = Counting(tmp_path / "d.sock", requests)
    healthy = {"CASAVA_SANDBOX": "docker"}
    desk.environment = {**healthy, "DOCKER_HOST": relay.address}
    ran = desk(*WORK)
    relay.cut()
    assert "Traceback" not in ran.err, ran
    assert (ran.code, desk.names()) in ((6, OLD), (0, NEW)), ran
    if ran.code == 6:
        assert "→" in ran.err, ran
    assert settled(desk, healthy=healthy) == []
    assert state_of(desk) == ("failed" if ran.code else "committed")
    assert desk("sandbox", "sweep").out == b""


@pytest.mark.parametrize("driver", ["docker", "bubblewrap"])
def test_an_agent_that_is_killed_at_any_moment(desk: Desk, driver: str) -> None:
    chance, healthy = random.Random(driver), {"CASAVA_SANDBOX": driver}
    desk.environment = healthy
    for _ in range(6):
        command = [sys.executable, "-m", "casava_os", *WORK[:-1], "sleep 0.3; " + WORK[-1] + "; sleep 0.3"]
        with subprocess.Popen(
            command, cwd=desk.workspace, env=desk.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as run:
            agents = _agents(desk, run.pid)
            time.sleep(chance.uniform(0, 0.8))
            for pid in agents:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            _, told = run.communicate(timeout=60)
        assert b"Traceback" not in told
        assert (run.returncode, desk.names()) in ((6, OLD), (0, NEW)), told
        if run.returncode == 0:
            assert desk("undo").code == 0
        assert settled(desk, healthy=healthy) == []
        assert leftovers(run.pid, desk.home) == []


def _agents(desk: Desk, host: int) -> Iterator[int]:
    """The agent of a host's sandbox, once it runs; looked for in the whole machine, for a daemon starts its own."""
    give_up = time.monotonic() + 60
    traces = Traces(str(desk.home / "state"))
    while not [trace for trace in traces.all() if trace.owner == host and trace.pid]:
        if time.monotonic() > give_up or not psutil.pid_exists(host):
            return iter(())
        time.sleep(0.01)
    time.sleep(0.15)
    trace = next((trace for trace in traces.all() if trace.owner == host and trace.pid), None)
    if trace is None:
        return iter(())
    if trace.container:
        top = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Pid}}", trace.container],
            capture_output=True,
            check=False,
        )
        return iter([int(top.stdout)] if top.returncode == 0 and int(top.stdout) else [])
    children = psutil.Process(host).children(recursive=True)
    return iter(
        [
            child.pid
            for child in children
            if "agent.pyz" in " ".join(child.cmdline()) and "bwrap" not in child.name()
        ]
    )


FULL = """
import sys
from contextlib import contextmanager
from casava_os.kernel.journal import Journal
number, calls, begin = int(sys.argv[1]), 0, Journal._transaction
@contextmanager
def transaction(self, **how):
    global calls
    calls += 1
    if calls == 1:
        self._connection.execute("CREATE TABLE filler (x BLOB)")
    if calls == number:
        pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        self._connection.execute(f"PRAGMA max_page_count = {pages}")
    with begin(self, **how) as sql:
        if calls >= number:
            sql.execute("INSERT INTO filler VALUES (zeroblob(3900))")
        yield sql
Journal._transaction = transaction
from casava_os.cli.entry import command
sys.exit(command(sys.argv[2:]))
"""
"""From its N-th record on the journal's disk is full: SQLite itself refuses, whatever is written."""


@pytest.mark.parametrize("record", range(1, 17))
def test_a_full_disk_under_the_journal_at_any_record(desk: Desk, record: int) -> None:
    assert desk("ps").code == 0
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(record), *WORK],
        cwd=desk.workspace,
        env=desk.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    told = done.stderr.decode()
    assert "Traceback" not in told, told
    assert desk.names() in (OLD, NEW), told
    if done.returncode:
        assert done.returncode == 1, told
        assert "no space is left" in told
    assert settled(desk, healthy={}) == []
    if desk.names() == NEW:  # what landed is known to have landed, and can be taken back
        assert state_of(desk) == "committed", told
        assert desk("undo").code == 0
        assert desk.names() == OLD
    elif record > 1:
        assert state_of(desk) not in ("committed", "committing", "running", "new")
    assert desk("verify").code == 0
