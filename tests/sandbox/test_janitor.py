"""Whatever kills casava-os, the next start finds what it left and takes it away; and nothing that is anybody else's."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casava_os.kernel.control import Control
from casava_os.kernel.journal import Journal, State
from casava_os.kernel.owners import born
from casava_sandbox.bubblewrap.groups import named_groups
from casava_sandbox.docker.client import connect
from casava_sandbox.docker.container import BORN_LABEL, HOME_LABEL, HOST_LABEL, OWNER_LABEL, PID_LABEL
from casava_sandbox.docker.images import get_image
from casava_sandbox.janitor import left_behind, sweep, tidy
from casava_sandbox.layer.files import remove_tree
from casava_sandbox.layer.store import DiskLayerStore
from casava_sandbox.traces import Traces, fresh
from casava_syscalls.results import Ok
from tests.contracts.sandboxes import leftovers

if TYPE_CHECKING:
    from docker import APIClient

HOST = Path(__file__).parent.parent / "contracts" / "host.py"
DRIVERS = ("docker", "bubblewrap")
PATIENCE = 60.0


@pytest.fixture
def api() -> Iterator[APIClient]:
    connected = connect()
    assert isinstance(connected, Ok), connected
    yield connected.value
    connected.value.close()


def ended() -> int:
    """The number of a program that has ended."""
    with subprocess.Popen(["true"]) as done:
        done.wait()
    return done.pid


def until(true: Callable[[], object], what: str | Callable[[], str]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, what if isinstance(what, str) else what()
        time.sleep(0.05)


def test_with_nothing_left_it_costs_microseconds_and_asks_no_daemon(tmp_path: Path) -> None:
    (tmp_path / "layers" / "7").mkdir(parents=True)
    tidy(str(tmp_path))
    best = min(_timed(tmp_path) for _ in range(50))
    assert best < 500e-6
    script = f"import sys; from casava_sandbox.janitor import tidy; tidy({str(tmp_path)!r}); print('docker' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"
    )


def _timed(home: Path) -> float:
    start = time.perf_counter()
    tidy(str(home))
    return time.perf_counter() - start


def test_a_program_that_lives_keeps_what_it_made(tmp_path: Path) -> None:
    traces = Traces(str(tmp_path))
    trace = traces.begin(group=fresh(), container="casava-0-none")
    assert (tidy(str(tmp_path)), traces.all()) == ([], [trace])
    traces.end(trace)
    assert traces.all() == []


def test_a_number_that_was_given_again_is_not_taken_for_the_maker(tmp_path: Path) -> None:
    path = Path(tempfile.gettempdir(), f"casava-stdin-{fresh()}")
    path.write_text("secret")
    trace = Traces(str(tmp_path)).begin(paths=(str(path),))
    file = tmp_path / "traces" / f"{trace.name}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "born": "another start/17"}))
    assert tidy(str(tmp_path)) == [f"temporary {path}"]
    assert not path.exists()
    assert Traces(str(tmp_path)).all() == []


def test_a_forged_trace_removes_nothing_of_anybody(tmp_path: Path) -> None:
    mine = tmp_path / "work" / "casava-stdin-x"
    mine.parent.mkdir()
    mine.write_text("mine")
    home = tmp_path / "home"
    trace = Traces(str(home)).begin(
        paths=(str(mine), "/etc/casava-x", str(tmp_path / "work")), group="../../x"
    )
    file = home / "traces" / f"{trace.name}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "born": "gone", "owner": ended()}))
    assert tidy(str(home)) == []
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_killed_program_whose_agent_hangs_too(driver: str, tmp_path: Path, api: APIClient) -> None:
    with subprocess.Popen(
        [sys.executable, str(HOST), driver, str(tmp_path), "sleep 99999"], stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        assert b"verified" in host.stdout.readline()
        home = str(tmp_path / "cache")
        (trace,) = Traces(home).all()
        if driver == "docker":
            api.kill(trace.container, signal="STOP")
        else:
            for group in named_groups(trace.group):
                for member in (group / "cgroup.procs").read_text().split():
                    os.kill(int(member), signal.SIGSTOP)
        assert tidy(home) == []
        host.kill()
    if driver == "docker":
        assert [line.split()[0] for line in left_behind(home)] == ["container", "volume"]
    assert tidy(home)
    until(lambda: not tidy(home) and not _alive(host.pid, tmp_path), "something stayed")
    assert Traces(home).all() == []


def _alive(maker: int, place: Path) -> list[str]:
    return [line for line in leftovers(maker, place) if not line.startswith("token")]


def test_a_container_that_was_made_and_never_started(tmp_path: Path, api: APIClient) -> None:
    script = (
        "import os, signal, sys; from docker import APIClient; "
        "APIClient.start = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL); "
        f"sys.argv = ['host', 'docker', {str(tmp_path)!r}, 'true']; "
        f"import runpy; runpy.run_path({str(HOST)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done
    home = str(tmp_path / "cache")
    (trace,) = Traces(home).all()
    assert api.containers(all=True, filters={"name": trace.container})
    assert f"container {trace.container}" in tidy(home)
    assert api.containers(all=True, filters={"name": trace.container}) == []
    assert [line for line in leftovers(trace.owner, tmp_path) if "volume" in line] == []


def test_nothing_foreign_is_touched(tmp_path: Path, api: APIClient) -> None:
    """Of another home, of a living program, of another user, without labels: containers and volumes stay."""
    image, home, gone = get_image(api, None, lambda _: None), str(tmp_path), str(ended())
    assert isinstance(image, Ok), image
    ours = {
        PID_LABEL: "1",
        OWNER_LABEL: str(os.getuid()),
        HOME_LABEL: home,
        HOST_LABEL: gone,
        BORN_LABEL: "x",
    }
    foreign = [
        {**ours, HOME_LABEL: home + "/other"},
        {**ours, HOST_LABEL: str(os.getpid()), BORN_LABEL: born(os.getpid())},
        {**ours, OWNER_LABEL: "12345"},
        {},
    ]
    made = [api.create_container(image.value, ["true"], labels=labels)["Id"] for labels in [ours, *foreign]]
    volumes = [
        api.create_volume(f"casava-test-{fresh()}", labels=labels)["Name"] for labels in [ours, *foreign]
    ]
    try:
        assert tidy(home) == []
        removed = sweep(home)
        assert len(removed) == 2, removed
        there = {one["Id"] for one in api.containers(all=True)}
        assert [one in there for one in made] == [False, True, True, True, True]
        stay = {one["Name"] for one in api.volumes()["Volumes"]}
        assert [one in stay for one in volumes] == [False, True, True, True, True]
    finally:
        for one in made[1:]:
            api.remove_container(one, force=True)
        for name in volumes[1:]:
            api.remove_volume(name)


def test_a_daemon_that_is_away_is_asked_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = Traces(str(tmp_path))
    trace = traces.begin(container=f"casava-1-{fresh()}", home=str(tmp_path))
    file = tmp_path / "traces" / f"{trace.name}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "born": "gone"}))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert tidy(str(tmp_path)) == []
    assert len(traces.all()) == 1
    monkeypatch.delenv("DOCKER_HOST")
    assert tidy(str(tmp_path)) == []
    assert traces.all() == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_killed_at_any_moment_leaves_nothing_after_the_next_start(driver: str, tmp_path: Path) -> None:
    """kill -9 of the whole command at random instants of a run; then one more command, and nothing is left of any.

    But the layers of those that were killed while they landed: rolled back, they hold what they changed.
    """
    workspace, chance = tmp_path / "desk", random.Random(driver)
    workspace.mkdir()
    (workspace / "a").write_text("a\n")
    environment = {**os.environ, "CASAVA_HOME": str(tmp_path / "home"), "CASAVA_SANDBOX": driver}
    work = [
        sys.executable,
        "-m",
        "casava_os",
        "call",
        "process.run",
        "--yes",
        "--command",
        "echo x >> a; rm a; echo y > a",
    ]
    makers = []
    for _ in range(12):
        with subprocess.Popen(
            work,
            cwd=workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as command:
            time.sleep(chance.uniform(0.2, 2.0))
            command.kill()
        makers.append(command.pid)
        text = (workspace / "a").read_text()
        assert text in ("a\n", "y\n"), text

    def clean() -> bool:
        # Not `ps`: that tells what was left behind, and clears nothing away.
        subprocess.run(
            [sys.executable, "-m", "casava_os", "log"],
            cwd=workspace,
            env=environment,
            check=True,
            capture_output=True,
        )
        opened = Journal.open(state / "journal.sqlite")
        assert isinstance(opened, Ok), opened
        held = {str(row.pid) for row in opened.value.processes(states=("held",))}
        opened.value.close()
        layers = (path for path in (state / "layers").glob("*") if path.name not in held)
        there[:] = [*Traces(str(state)).all(), *layers]
        return not there and not any(leftovers(maker, tmp_path) for maker in makers)

    state, there = tmp_path / "home" / "state", list[object]()
    until(clean, lambda: f"{there} {[leftovers(maker, tmp_path) for maker in makers]} {tidy(str(state))}")
    assert list(workspace.iterdir()) == [workspace / "a"]


@pytest.mark.parametrize("state", ["committed", "discarded", "failed", "cancelled", "done", "held"])
def test_the_layer_of_a_process_that_has_ended_goes_and_a_held_one_stays(
    tmp_path: Path, state: State
) -> None:
    """Killed after its last state was written down and before its layer was removed."""
    home, workspace = tmp_path / "state", tmp_path / "w"
    workspace.mkdir()
    opened, layers = Journal.open(home / "journal.sqlite"), DiskLayerStore(home)
    assert isinstance(opened, Ok)
    journal, control = opened.value, Control(opened.value, layers)
    pid = journal.new("as asked", str(workspace))
    assert isinstance(layers.create(pid, workspace), Ok)
    assert journal.move(pid, "new", state)
    control.sweep()
    assert layers.held() == (pid,), "its owner, this program, lives"
    with sqlite3.connect(home / "journal.sqlite") as sql:
        sql.execute("UPDATE processes SET born = 'gone'")
    control.sweep()
    assert layers.held() == ((pid,) if state == "held" else ())
    journal.close()


@pytest.mark.parametrize("left", ["no description", "only an empty folder", "a workspace that is gone"])
def test_half_of_a_layer_goes_too(tmp_path: Path, left: str) -> None:
    """Its owner was killed in the middle of making or removing it: what tells whose it was may be gone first."""
    home, workspace = tmp_path / "state", tmp_path / "w"
    workspace.mkdir()
    opened, layers = Journal.open(home / "journal.sqlite"), DiskLayerStore(home)
    assert isinstance(opened, Ok)
    journal, control = opened.value, Control(opened.value, layers)
    pid = journal.new("as asked", str(workspace))
    made = layers.create(pid, workspace)
    assert isinstance(made, Ok)
    folder = made.value.paths.upper.parent
    (made.value.paths.scratch / "token").write_text("token")
    if left == "a workspace that is gone":
        workspace.rmdir()
    else:
        (folder / "layer.json").unlink()
    if left == "only an empty folder":
        remove_tree(str(folder))
        folder.mkdir()
    assert journal.move(pid, "new", "cancelled")
    with sqlite3.connect(home / "journal.sqlite") as sql:
        sql.execute("UPDATE processes SET born = 'gone'")
    assert layers.held() == (pid,)
    control.sweep()
    assert layers.held() == ()
    assert not folder.exists()
    journal.close()
