"""`casava-os metrics` over a real socket: scrapes, who may not, and its end."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from casava_os.telemetry import serving
from casava_os.telemetry.guard import Guard, address, token_in
from casava_syscalls.results import Err, Ok
from tests.telemetry.conftest import Home
from tests.telemetry.test_metrics import value, values

Serve = Callable[..., "Served"]


class Served:
    """A server that runs, and what can be asked of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()
        host, _, port = self.address.removeprefix("http://").removesuffix("/metrics").rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)

    @contextmanager
    def asked(
        self, path: str = "/metrics", method: str = "GET", **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(
                method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
            )
            yield connection.getresponse()
        finally:
            connection.close()

    def status(self, path: str = "/metrics", method: str = "GET", **headers: str) -> int:
        with self.asked(path, method, **headers) as answer:
            return answer.status

    def text(self, **headers: str) -> str:
        with self.asked(**headers) as answer:
            assert answer.status == 200
            return answer.read().decode()

    def end(self, sign: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """The exit code, and what it said on standard error."""
        self.process.send_signal(sign)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@pytest.fixture
def serve(home: Home) -> Iterator[Serve]:
    begun: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Served:
        begun.append(home.start("metrics", *arguments, DOCKER_HOST="unix:///nowhere/docker.sock"))
        return Served(begun[-1])

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_is_scraped_refuses_others_and_ends_at_once(serve: Serve) -> None:
    served = serve("--port", "0")
    assert served.address == f"http://127.0.0.1:{served.port}/metrics"
    found = values(served.text())
    assert value(found, "casava_up", part="machine") == 1
    assert value(found, "casava_up", part="docker") == 0
    assert value(found, "process_resident_memory_bytes") > 0
    with served.asked(Accept="application/openmetrics-text; version=1.0.0") as answer:
        assert (answer.headers["Content-Type"] or "").startswith("application/openmetrics-text")
        text = answer.read().decode()
    assert "casava_requests" in {family.name for family in openmetrics(text)}  # type: ignore[no-untyped-call]
    with served.asked(Accept_Encoding="gzip") as answer:
        assert (answer.headers["Content-Encoding"], answer.headers["Cache-Control"]) == ("gzip", "no-store")
    with ThreadPoolExecutor(12) as pool:
        texts = list(pool.map(lambda _: served.text(), range(24)))
    assert all(value(values(text), "casava_up", part="journal") == 1 for text in texts)

    assert served.status("/") == 404
    assert served.status("/metrics?name[]=x") == 200
    assert served.status(method="HEAD") == 200
    assert served.status(method="POST") == 501
    own = f"localhost:{served.port}"
    assert served.status(Host=own) == 200
    for wrong in ({"Host": f"evil.example:{served.port}"}, {"Host": "127.0.0.1"}, {"Origin": f"http://{own}"},
                  {"Host": own, "Sec_Fetch_Site": "cross-site"}):  # fmt: skip
        assert served.status(**wrong) == 403
    for raw in (b"\x16\x03\x01\x02\x00garbage\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n", b"G" * 100_000):
        with socket.create_connection((served.host, served.port), timeout=60) as rude:
            rude.sendall(raw)
    silent = [socket.create_connection((served.host, served.port), timeout=60) for _ in range(8)]
    assert value(values(served.text()), "casava_build_info", version="0.1.0") == 1
    code, err = served.end()
    for one in silent:
        one.close()
    assert code == 0
    assert "Traceback" not in err
    assert [line for line in err.splitlines() if "No metrics of" in line] == [
        line for line in err.splitlines() if "docker" in line
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server in this program with two places and little patience."""
    monkeypatch.setattr(serving, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(serving, "PATIENCE", 0.5)
    server = serving._Server("127.0.0.1", 0, CollectorRegistry())
    host, port = "127.0.0.1", int(server.server_address[1])
    server.guard = Guard(host, port, None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield host, port
    server.shutdown()
    server.server_close()
    thread.join()


def drip(client: socket.socket) -> None:
    """Sends a byte now and then, for as long as it is listened to."""
    while True:
        client.sendall(b"y")
        time.sleep(0.05)


def test_clients_that_take_their_time_are_cut_off_and_more_than_there_is_room_for_go(
    small: tuple[str, int],
) -> None:
    with (
        socket.create_connection(small, timeout=60) as one,
        socket.create_connection(small, timeout=60) as two,
    ):
        one.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
        with socket.create_connection(small, timeout=60) as third:
            assert third.recv(10) == b""
        with pytest.raises(ConnectionError):
            drip(one)
        assert two.recv(10) == b""
    for _ in range(100):  # the places are free again, in a moment
        with suppress(ConnectionError), socket.create_connection(small, timeout=60) as polite:
            polite.sendall(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{small[1]}\r\n\r\n".encode())
            if polite.recv(12) == b"HTTP/1.0 200":
                return
        time.sleep(0.05)
    raise AssertionError("no place became free")


def test_a_token_is_asked_for_where_it_was_wanted(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "token"
    served = serve("--port", "0", "--host", "0.0.0.0", "--token-file", str(file))
    token = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    with served.asked() as answer:
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert b"casava_" not in answer.read()
    assert served.status(Authorization="Bearer wrong") == 401
    assert served.status(Authorization=f"Basic {token}") == 401
    assert served.status(Authorization=f"Bearer {token}", Origin="http://evil.example") == 403
    assert served.status(Authorization=f"Bearer {token}", Host="host.docker.internal:9464") == 200
    code, err = served.end(signal.SIGTERM)
    assert code == 0
    assert token not in err


def test_what_cannot_be_served_says_what_to_do(home: Home, free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        ran = home("metrics", "--port", str(free_port))
        assert ran.code == 1
        assert f"Port {free_port} is taken" in ran.err
        assert "--port" in ran.err
    open_to_all = home("metrics", "--host", "0.0.0.0")
    assert open_to_all.code == 4
    assert "--token-file" in open_to_all.err
    assert home("metrics", "--host", "example.org").code == 2
    elsewhere = home("metrics", "--host", "127.0.0.1", "--token-file", "/proc/self/nowhere")
    assert elsewhere.code == 1
    assert "Traceback" not in elsewhere.err
    none = home("metrics", "--stack", "monitoring")
    assert none.code == 1
    assert "casava-os stack apply monitoring" in none.err
    assert home("metrics", "--once", "--stack", "monitoring").code == 2


def test_addresses() -> None:
    for own in ("127.0.0.1", "127.8.0.1", "::1"):
        assert address(own, token=False) == Ok(value=own)
    assert address("localhost", token=False) == Ok(value="127.0.0.1")
    for others in ("0.0.0.0", "::", "192.168.1.5", "172.17.0.1"):
        refused = address(others, token=False)
        assert isinstance(refused, Err)
        assert refused.code == "denied"
        assert address(others, token=True) == Ok(value=others)


def test_tokens(tmp_path: Path) -> None:
    file = tmp_path / "token"
    made = token_in(file)
    assert isinstance(made, Ok)
    assert token_in(file) == made
    for mode in (0o644, 0o640, 0o602):
        file.chmod(mode)
        shown = token_in(file)
        assert isinstance(shown, Err)
        assert "chmod 600" in shown.hint
    file.chmod(0o600)
    for text in (b"", b"short\n", b"two words of more than enough length\n", b"\xff" * 40, b"x" * 5000):
        file.write_bytes(text)
        wrong = token_in(file)
        assert isinstance(wrong, Err)
        assert wrong.code == "usage"
    link = tmp_path / "dangling"
    link.symlink_to(tmp_path / "elsewhere" / "nowhere")
    assert isinstance(token_in(link), Err)
    assert isinstance(token_in(tmp_path), Err)


def test_the_guard_asks_every_request() -> None:
    free, closed = Guard("127.0.0.1", 9464, None), Guard("10.0.0.1", 9464, "t" * 24)
    own = ["127.0.0.1:9464"]
    assert free.refusal(own, [], "", []) is None
    assert free.refusal(["LOCALHOST:9464"], [], "none", []) is None
    for hosts in ([], [*own, *own], ["127.0.0.1:9465"], ["127.0.0.1"], ["evil.example:9464"]):
        refused = free.refusal(hosts, [], "", [])
        assert refused is not None
        assert refused.status == 403
    good = f"Bearer {'t' * 24}"
    assert closed.refusal(["anything"], [], "", [good]) is None
    for given in ([], [good, good], ["Bearer "], ["t" * 24], [f"Bearer {'t' * 25}"], ["Bearer \udcff"]):
        refused = closed.refusal(own, [], "", given)
        assert refused is not None
        assert refused.status == 401
    assert closed.refusal(own, ["null"], "", [good]) is not None
