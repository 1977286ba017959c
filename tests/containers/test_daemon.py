"""The daemon that is not there, refuses, goes away in the middle of a call, or does not answer: an `Err`, soon, with a next step."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from casava_os.containers import labels
from casava_os.containers.expiry import end_leases
from casava_os.containers.leases import LeaseBook
from casava_os.daemon import local_socket
from tests.containers.conftest import Casava


class Proxy:
    """Stands between a client and the daemon, until it is cut: then it is as if the daemon had been stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._open: list[socket.socket] = []
        self.requests = bytearray()
        self.cut_at = b""
        self.silent = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(str(local_socket()))
            self._open += [client, daemon]
            for source, target, watched in ((client, daemon, True), (daemon, client, False)):
                threading.Thread(target=self._copy, args=(source, target, watched), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, watched: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if watched:
                    self.requests += data
                    if self.cut_at and self.cut_at in self.requests:
                        if self.silent:
                            continue
                        self.cut()
                        return
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Ends every connection and takes no more."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    made = Proxy(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{made.path}")
    yield made
    made.cut()


async def test_no_daemon(casava: Casava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    err = await casava.err("container.list")
    assert (err.code, err.title) == ("unavailable", "There is no Docker daemon")
    assert err.hint
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "none.sock"))
    err = await casava.err("container.list")
    assert (err.code, "nobody answers" in err.message) == ("unavailable", True)


async def test_a_daemon_elsewhere(casava: Casava, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    assert (await casava.err("container.list")).code == "unsupported"


@pytest.mark.parametrize(
    ("call", "fields", "at"),
    [
        ("container.list", {}, b"/containers/json"),
        ("container.run", {"image": None}, b"/containers/create"),
        ("container.run", {"image": None}, b"/start"),
        ("container.images", {}, b"/images/json"),
        ("container.stats", {}, b"/containers/json"),
    ],
)
async def test_a_daemon_that_goes_in_the_middle(
    casava: Casava, proxy: Proxy, call: str, fields: dict[str, object], at: bytes
) -> None:
    name = casava.others()
    proxy.cut_at = at
    given = {key: casava.image if value is None else value for key, value in fields.items()}
    async with asyncio.timeout(30):
        err = await casava.err(call, **given)
    assert err.code == "unavailable", err
    assert err.hint
    assert casava.state_of(name) == "running"


async def test_what_could_not_be_taken_back_goes_with_the_next_start(
    casava: Casava, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.cut_at = b"/start"
    err = await casava.err("container.run", image=casava.image)
    assert err.code == "unavailable"
    (left,) = casava.api.containers(all=True, filters=labels.filters())
    (entry,) = LeaseBook(casava.state).entries()
    assert (entry.id, entry.phase) == (left["Id"], "followed")
    monkeypatch.delenv("DOCKER_HOST")
    assert end_leases(casava.state) == (), "this program is still there"
    LeaseBook(casava.state).write(entry.model_copy(update={"born": "gone/1"}))
    (told,) = end_leases(casava.state)
    assert "was removed" in told
    assert casava.api.containers(all=True, filters=labels.filters()) == []


async def test_a_daemon_that_goes_while_a_log_is_followed(casava: Casava, proxy: Proxy) -> None:
    name = await casava.started(command="echo one; sleep 600")
    work = asyncio.create_task(casava("container.logs", container=name, follow=True))
    await casava.heard.says(b"one")
    proxy.cut()
    async with asyncio.timeout(20):
        await work
    assert casava.state_of(name) == "running"


async def test_a_daemon_that_does_not_answer(casava: Casava, proxy: Proxy) -> None:
    proxy.cut_at, proxy.silent = b"/containers/json", True
    casava.seconds = 2
    async with asyncio.timeout(20):
        err = await casava.err("container.list")
    assert err.code == "timeout"
