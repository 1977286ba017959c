"""The program around a sandbox is killed, is no root, loses its daemon: what holds then."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from casava_os.daemon import local_socket
from casava_os.kernel.ports import LayerPaths
from casava_sandbox.docker.driver import DockerSandbox
from casava_sandbox.janitor import left_behind, sweep
from casava_sandbox.links import clear_work
from casava_sandbox.select import choose
from casava_syscalls.results import Err, Ok
from tests.contracts.sandboxes import SMALL, failure
from tests.contracts.sandboxes import leftovers as leftovers_of

HOST = Path(__file__).with_name("host.py")
HOUSE = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("driver", ["docker", "bubblewrap"])
def test_a_killed_host_leaves_nothing_that_runs(driver: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(HOST), driver, str(tmp_path), "echo x > began; sleep 99999"],
        stdout=subprocess.PIPE,
    ) as host:
        assert host.stdout is not None
        assert b"verified" in host.stdout.readline()
        inside = [child.pid for child in psutil.Process(host.pid).children(recursive=True)]
        host.send_signal(signal.SIGKILL)
        maker = host.pid
    wait_until_nothing_runs(maker, tmp_path, inside)
    assert clear_work(tmp_path / "work")
    shutil.rmtree(tmp_path / "scratch")  # as the layer's discard does


def wait_until_nothing_runs(maker: int, place: Path, inside: list[int]) -> None:
    """Containers, volumes, processes and mounts go by themselves; `sweep` takes the control groups."""
    give_up = time.monotonic() + 15
    while True:
        found = [
            line for line in leftovers_of(maker, place) if not line.startswith(("group", "work", "token"))
        ]
        found += [f"process {pid}" for pid in inside if psutil.pid_exists(pid)]
        if not found:
            break
        assert time.monotonic() < give_up, found
        time.sleep(0.1)
    sweep(str(place / "cache"))
    assert not any("group" in line for line in leftovers_of(maker, place))
    assert left_behind(str(place / "cache")) == []


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that any user can reach; pytest's own are for its user alone."""
    place = Path(tempfile.mkdtemp(prefix="casava-user-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def as_plain_user(place: Path) -> list[str]:
    """A command prefix that runs Python as a user without privileges. For root: "nobody", in the group that may use Docker.

    The interpreter and the house may lie where nobody can look: a private mount namespace shows them elsewhere.
    """
    if os.getuid() != 0:
        return [sys.executable]
    packages = Path(sysconfig.get_path("purelib"))
    shown = {"python": Path(sys.base_prefix), "packages": packages, "house": HOUSE}
    for name in shown:
        (place / name).mkdir()
    mounts = " && ".join(f"mount --bind '{source}' '{place / name}'" for name, source in shown.items())
    os.chown(place, 65534, 65534)
    search = ":".join(str(place / part) for part in ("packages", "house", "house/sandbox", "house/syscalls"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    group = Path("/var/run/docker.sock").stat().st_gid
    script = (
        f"{mounts} && exec setpriv --reuid 65534 --regid 65534 --groups {group or 65534} --inh-caps=-all "
        f'env HOME={place} PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={search} {place}/python/bin/{version} "$@"'
    )
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "python"]


@pytest.mark.parametrize("driver", ["docker", "bubblewrap"])
def test_a_plain_user_gets_the_same_protection(driver: str, open_place: Path) -> None:
    prefix = as_plain_user(open_place)
    host = str(open_place / "house" / HOST.relative_to(HOUSE)) if len(prefix) > 1 else str(HOST)
    layer = open_place / "layer"
    layer.mkdir()
    (layer / "workspace").mkdir()
    (layer / "workspace" / "gone.txt").write_text("x")
    if os.getuid() == 0:
        os.chown(layer, 65534, 65534)
        os.chown(layer / "workspace", 65534, 65534)
    done = subprocess.run(
        [*prefix, host, driver, str(layer), "id -u; echo hi > made.txt; rm gone.txt; ls"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    started, result = (json.loads(line) for line in done.stdout.splitlines())
    user = 65534 if os.getuid() == 0 else os.getuid()
    assert result["value"]["stdout"].split() == [str(user), "made.txt"]
    assert started["verified"]["network"] == "none"
    assert started["verified"]["pids"] == "64"
    assert any(name in started["verified"] for name in ("memory_bytes", "memory_bytes_each"))
    assert (layer / "upper" / "made.txt").stat().st_uid == user
    assert not (layer / "work" / "work").exists(), "the overlay's own directory was not removed"


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # docker's client forgets to close them
async def test_a_daemon_that_goes_away_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon's stream ends, and its socket no longer answers: what its death looks like from here."""
    layer = LayerPaths(1, *(tmp_path / name for name in ("workspace", "upper", "work", "scratch")))
    for directory in (layer.workspace, layer.upper, layer.work, layer.scratch):
        directory.mkdir()
    proxy = await DaemonProxy.start(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'docker.sock'}")
    sandbox = DockerSandbox(tmp_path / "cache")
    opened = await sandbox.open(layer, SMALL)
    assert isinstance(opened, Ok), str(opened)
    pending = asyncio.create_task(opened.value.perform(1, {"call": "process.run", "command": "sleep 60"}))
    await asyncio.sleep(0.3)
    started = time.monotonic()
    await proxy.die()
    assert failure(await pending).code == "sandbox-died"
    assert time.monotonic() - started < 3
    await opened.value.close()
    assert (await sandbox.open(layer, SMALL)).ok is False
    await sandbox.close()
    monkeypatch.delenv("DOCKER_HOST")
    give_up = time.monotonic() + 10
    while leftovers_of(os.getpid(), tmp_path / "nowhere"):
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)
    shutil.rmtree(layer.work)
    del sandbox, opened, pending
    gc.collect()


class DaemonProxy:
    """Stands between the driver and the real daemon, and can be killed without ending everybody else's containers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def start(cls, path: Path) -> DaemonProxy:
        proxy = cls(path)
        proxy._server = await asyncio.start_unix_server(proxy._serve, str(path))
        return proxy

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up_reader, up_writer = await asyncio.open_unix_connection(local_socket())
        try:
            await asyncio.gather(self._copy(reader, up_writer), self._copy(up_reader, writer))
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, up_writer):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def die(self) -> None:
        assert self._server is not None
        self._server.close()
        self._path.unlink(missing_ok=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def test_the_choice_falls_to_bubblewrap_and_then_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'none.sock'}")
    chosen = await choose(None, cache=tmp_path)
    assert isinstance(chosen, Ok)
    assert chosen.value.sandbox.name == "bubblewrap"
    assert "Docker daemon" in chosen.value.notes[0]
    monkeypatch.setenv("PATH", str(tmp_path))
    nothing = await choose(None, cache=tmp_path)
    assert isinstance(nothing, Err)
    assert nothing.code == "no-sandbox"
    assert "docker:" in nothing.message
    assert "bubblewrap:" in nothing.message
    assert nothing.hint
    for wanted in ("docker", "bubblewrap"):
        assert failure(await choose(wanted, cache=tmp_path)).code == "no-sandbox"
    assert failure(await choose("host", cache=tmp_path)).code == "usage"


async def test_docker_is_the_first_choice(tmp_path: Path) -> None:
    chosen = await choose(None, cache=tmp_path)
    assert isinstance(chosen, Ok)
    assert chosen.value.sandbox.name == "docker"
    assert chosen.value.notes == ()
    assert isinstance(chosen.value.sandbox, DockerSandbox)
    await chosen.value.sandbox.close()


async def test_a_remote_daemon_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    refused = failure(await choose("docker", cache=tmp_path))
    assert "remote" in refused.title


async def test_an_image_that_is_not_here_is_named(tmp_path: Path) -> None:
    started = time.monotonic()
    missing = failure(await choose("docker", cache=tmp_path, image="no.invalid/such:image"))
    assert missing.code == "no-sandbox"
    assert "no.invalid/such:image" in missing.message
    assert time.monotonic() - started < 10
