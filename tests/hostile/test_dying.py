"""Whatever dies in the middle: the command, its sandbox, the daemon, the reader, the disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.attack import NOWHERE, Desk, Ran, containers, docker, inside, kill, until

SLOW = ("call", "process.run", "--yes", "--command")
WAIT = "echo started > mark; echo started; sleep 300"


def _underway(desk: Desk, command: str = WAIT, *options: str) -> subprocess.Popen[bytes]:
    """A command whose program has begun."""
    process = desk.start(*SLOW, command, *options)
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_request_is_130_and_leaves_nothing(desk: Desk, number: signal.Signals) -> None:
    with desk.unchanged():
        process = _underway(desk)
        kill(process.pid, number)
        ran = desk.ended(process)
    assert ran.code == 130, ran
    assert "Traceback" not in ran.err
    assert "Interrupted" in ran.err


def test_a_killed_command_leaves_nothing_for_long(desk: Desk) -> None:
    """SIGKILL cannot be caught: the sandbox ends by itself, and the next command takes away what is left."""
    with desk.unchanged():
        process = _underway(desk)
        kill(process.pid)
        desk.ended(process)
        until(lambda: not containers(desk) and not inside(desk))
        assert desk("call", "file.list").code == 0


def test_a_killed_sandbox_is_6_and_lands_nothing(desk: Desk) -> None:
    with desk.unchanged():
        process = _underway(desk)
        if desk.driver == "docker":
            docker("kill", *containers(desk))
        else:
            for pid in inside(desk):
                kill(pid)
        ran = desk.ended(process)
    assert ran.code == 6, ran
    assert "→" in ran.err
    assert "Traceback" not in ran.err


def test_a_frozen_sandbox_is_given_up(desk: Desk) -> None:
    desk.configure("config.toml", "[limits]\nstep_seconds = 2\n")
    with desk.unchanged():
        process = desk.start(*SLOW, "echo started; sleep 1")
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        frozen = inside(desk)
        for pid in frozen:
            kill(pid, signal.SIGSTOP)
        ran = desk.ended(process)
    assert ran.code in (6, 124), ran
    assert "→" in ran.err
    assert "Traceback" not in ran.err


def test_a_reader_that_goes_away_ends_the_request(desk: Desk) -> None:
    with desk.unchanged():
        process = _underway(desk, "echo started; while echo more; do sleep 0.05; done")
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        ran = desk.ended(process)
    assert "Traceback" not in ran.err
    assert ran.code != 0


def test_closed_standard_streams_are_no_crash(any_desk: Desk) -> None:
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        with any_desk.unchanged():
            line = f'exec "$@" {closed}'
            done = subprocess.run(
                [
                    "sh",
                    "-c",
                    line,
                    "sh",
                    *_command("call", "process.run", "--command", "echo x; cat; echo y >&2"),
                ],
                cwd=any_desk.workspace,
                env=any_desk.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        assert b"Traceback" not in done.stderr
        assert done.returncode == 0, (closed, done)


def _command(*arguments: str) -> list[str]:
    from tests.hostile.attack import COMMAND

    return [*COMMAND, *arguments]


# ------------------------------------------------------------------------------------------------ the daemon


class Relay:
    """A daemon's socket in front of the real one, which can be cut in the middle of a request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(32)
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self.silent = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"unix://{self._path}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect("/var/run/docker.sock")
            with self._lock:
                self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.silent.is_set():
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """The daemon is gone: every connection breaks, and no new one is taken."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()


@pytest.fixture
def daemons_desk(any_desk: Desk) -> Desk:
    any_desk.driver = "docker"
    return any_desk


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = Relay(tmp_path / "d.sock")
    yield relay
    relay.cut()


def test_a_daemon_that_dies_mid_run_is_6(daemons_desk: Desk, relay: Relay) -> None:
    daemons_desk.environment["DOCKER_HOST"] = relay.address
    with daemons_desk.unchanged():
        process = _underway(daemons_desk)
        relay.cut()
        ran = daemons_desk.ended(process)
    assert ran.code == 6, ran
    assert "→" in ran.err
    assert "Traceback" not in ran.err
    # The container's agent has lost its stream: it ends, and the container removes itself.
    until(lambda: not containers(daemons_desk))


def test_no_daemon_means_bubblewrap_and_says_so(any_desk: Desk) -> None:
    any_desk.driver = "auto"
    any_desk.environment["DOCKER_HOST"] = NOWHERE
    ran = any_desk("call", "file.list")
    assert ran.code == 0, ran
    assert "bubblewrap" in ran.err
    with any_desk.unchanged():
        any_desk("call", "file.delete", "--paths", "a.txt", "--yes", "--sandbox", "docker").explained(6)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "ssh://nobody@nowhere", "unix:///"])
def test_a_daemon_that_is_none_is_6(any_desk: Desk, address: str) -> None:
    any_desk.environment["DOCKER_HOST"] = address
    with any_desk.unchanged():
        any_desk("call", "file.delete", "--paths", "a.txt", "--yes", "--sandbox", "docker").explained(6)


def test_no_driver_at_all_is_6_and_nothing_runs(any_desk: Desk, tmp_path: Path) -> None:
    any_desk.driver = "auto"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("sh", "mount", "unshare"):
        (bin_ / name).symlink_to(str(shutil.which(name)))
    any_desk.environment |= {"DOCKER_HOST": NOWHERE, "PATH": str(bin_)}
    with any_desk.unchanged():
        ran = any_desk("call", "process.run", "--command", "touch owned", "--yes").explained(6, "bubblewrap")
        assert "install" in ran.err or "doctor" in ran.err
        any_desk("call", "file.list").explained(6)
        (bin_ / "bwrap").symlink_to("/bin/false")
        any_desk("call", "file.list", "--sandbox", "bubblewrap").explained(6)
        (bin_ / "bwrap").unlink()
        (bin_ / "bwrap").write_text("#!/bin/sh\nexit 0\n")  # one that says yes and isolates nothing
        (bin_ / "bwrap").chmod(0o755)
        any_desk("call", "process.run", "--command", "touch owned", "--yes").explained(6)


# ------------------------------------------------------------------------------------------------ the disk


@pytest.fixture
def small_home(as_root: None, desk: Desk) -> Iterator[Desk]:
    """A state directory on a disk of 24 MB."""
    desk.home.mkdir(mode=0o700)
    image = desk.home.parent / "disk"
    with image.open("wb") as file:
        file.truncate(24 * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(desk.home)], check=True)
    desk.home.chmod(0o700)
    (desk.home / "lost+found").rmdir()
    yield desk
    subprocess.run(["umount", str(desk.home)], check=True)
    image.unlink()


def test_a_full_disk_in_the_layer_is_1_and_changes_nothing(small_home: Desk) -> None:
    small = small_home
    with small.unchanged():
        write = small("call", "process.run", "--command", "head -c 100000000 /dev/zero > big", "--yes")
        assert write.code == 1, write
        assert "No space left" in write.err, write
        (small.workspace / "large").write_bytes(os.urandom(40 * 2**20))
        copied = small("call", "file.copy", "--paths", "large", "--to", "again", "--yes")
        (small.workspace / "large").unlink()
        copied.explained(1, "full")
        for layer in (small.home / "state" / "layers").iterdir():
            assert layer.name in small.held()
    if small.held():
        assert small("discard").code == 0


def test_a_disk_that_is_full_from_the_start_is_1(small_home: Desk) -> None:
    small = small_home
    small("call", "file.list")
    filler = small.home / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        filler.chmod(0o600)
        while file.write(b"x" * 4096):
            pass
    with small.unchanged():
        ran: Ran = small("call", "file.delete", "--paths", "a.txt", "--yes")
        assert ran.code == 1, ran
        assert "→" in ran.err
        assert "Traceback" not in ran.err
    filler.unlink()
    assert small("call", "file.delete", "--paths", "a.txt", "--yes").code == 0
    assert small("undo").code == 0
