"""The shell in a browser: who may come in, what a person can do there, and that nothing stays when it ends."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from casava_os.shell.serve import gate, peers, server
from casava_os.shell.serve import tab as tabs_module
from casava_os.shell.serve.server import MOST_TABS, Tabs
from tests.shell.browser import SECONDS, chromium

Answer = tuple[int, Mapping[str, str], str]


@dataclass
class Served:
    """A `casava-os serve` of its own, its workspace, and the link that it printed."""

    process: subprocess.Popen[str]
    url: str
    workspace: Path
    home: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, *, host: str | None = None, **headers: str) -> Answer:
        """One request with exactly these headers; `_` in a name stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        seen = answer.status, dict(answer.getheaders()), answer.read().decode("utf-8", "replace")
        connection.close()
        return seen

    @property
    def link(self) -> str:
        """The link without its host."""
        return self.url.removeprefix(self.origin)

    def enter(self) -> str:
        """The session's cookie, for the token."""
        status, headers, _ = self.get(self.link)
        assert status == 200
        return headers["Set-Cookie"].partition(";")[0]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.workspace.iterdir())

    def programs(self) -> list[int]:
        """Processes on this machine that belong to this server or to what runs in its tabs."""
        return [pid for pid in _processes(str(self.workspace).encode()) if pid != self.process.pid]

    def held(self) -> list[str]:
        """The requests that wait for an answer."""
        command = [sys.executable, "-m", "casava_os", "ps", "--json"]
        listed = subprocess.run(
            command, env=_settings(self.home), cwd=self.workspace, capture_output=True, check=True
        )
        return [
            line["request"] for line in map(json.loads, listed.stdout.splitlines()) if line["state"] == "held"
        ]


def _settings(home: Path, sandbox: str = "bubblewrap") -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("CASAVA_")}
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**given, "CASAVA_HOME": str(home), "CASAVA_SANDBOX": sandbox, "PYTHONPATH": paths}


def _processes(word: bytes) -> Iterator[int]:
    """The processes that have this word in their command line."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in file.read_bytes() and int(file.parent.name) != os.getpid():
                yield int(file.parent.name)
        except OSError:
            continue


def begin(place: Path, *arguments: str, sandbox: str = "bubblewrap") -> Served:
    workspace, home = place / "workspace", place / "home"
    workspace.mkdir()
    for name in ("a.txt", "b.tmp", "c.tmp"):
        (workspace / name).write_text("hello\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "casava_os", "serve", "--json", "--workspace", str(workspace), *arguments],
        env=_settings(home, sandbox), cwd=workspace, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    return Served(process, json.loads(process.stdout.readline())["url"], workspace, home)


def end(served: Served) -> None:
    if served.process.poll() is None:
        served.process.send_signal(signal.SIGINT)
    served.process.communicate(timeout=SECONDS)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = begin(tmp_path)
    yield made
    end(made)


def until(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.1)


# ------------------------------------------------------------------------------------------------ a person


async def test_type_a_request_approve_and_undo_in_a_browser(served: Served, tmp_path: Path) -> None:
    async with chromium(tmp_path / "profile") as browser:
        tab = await browser.tab()
        await tab.open(served.url)
        await tab.until_drawn("Say in plain words")
        blank = await tab.picture()

        await tab.type("delete the tmp files")
        await tab.press("Enter")
        await tab.until_drawn("Apply?")
        assert "b.tmp" in tab.drawn
        assert served.names() == ["a.txt", "b.tmp", "c.tmp"]
        assert await tab.picture() != blank
        await asyncio.sleep(1)  # the card takes no answer that comes too soon to be meant

        await tab.type("y")
        await tab.until_drawn("applied: 2 deleted")
        assert served.names() == ["a.txt"]

        await tab.type("/undo")
        await tab.press("Enter")
        await tab.until_drawn("undone: 2 added")
        assert served.names() == ["a.txt", "b.tmp", "c.tmp"]

        assert {urlsplit(url).netloc for url in tab.urls} == {f"127.0.0.1:{served.port}"}
        assert tab.complaints == []


async def test_a_closed_tab_holds_its_question_and_the_next_one_shows_it(
    served: Served, tmp_path: Path
) -> None:
    async with chromium(tmp_path / "profile") as browser:
        tab = await browser.tab()
        await tab.open(served.url)
        await tab.until_drawn("Say in plain words")
        await tab.type("delete the tmp files")
        await tab.press("Enter")
        await tab.until_drawn("Apply?")
        await tab.type("!sleep 4321")
        await tab.press("Enter")
        await tab.until_drawn("sleep 4321")
        first = served.programs()
        assert first
        await tab.close()
        await asyncio.to_thread(until, lambda: not set(first) & set(served.programs()))
        assert not list(_processes(b"sleep\0004321"))
        assert await asyncio.to_thread(served.held) == ["delete the tmp files"]
        assert served.names() == ["a.txt", "b.tmp", "c.tmp"]

        again = await browser.tab()
        await again.open(served.origin)  # the session is known; the link is not needed
        await again.until_drawn("delete the tmp files")


async def test_a_page_of_another_origin_opens_nothing_although_the_browser_sends_the_cookie(
    served: Served, tmp_path: Path
) -> None:
    with another_site() as site:
        async with chromium(tmp_path / "profile") as browser:
            own = await browser.tab()
            await own.open(served.url)
            await own.until_drawn("Say in plain words")
            before = served.programs()

            other = await browser.tab()
            await other.open(f"http://127.0.0.1:{site}/")
            attempt = (
                "new Promise(done => { const s = new WebSocket('ws://127.0.0.1:PORT/ws?width=80&height=24');"
                "s.onopen = () => done('open'); s.onerror = () => done('refused'); })"
            ).replace("PORT", str(served.port))
            assert await other.evaluate(attempt) == "refused"
            read = (
                f"fetch('{served.origin}/', {{credentials: 'include'}}).then(() => 'read', () => 'refused')"
            )
            assert await other.evaluate(read) == "refused"
            framed = (
                f"new Promise(done => {{ const f = document.createElement('iframe'); f.src = '{served.origin}/';"
                "f.onload = () => done('loaded'); document.body.append(f); })"
            )
            await other.evaluate(framed)
            assert any("frame" in complaint for complaint in other.complaints), other.complaints
            assert served.programs() == before

            stranger = await browser.tab()
            await stranger.open(f"http://localhost:{served.port}/")
            await stranger.until_page("This shell needs its link")


class another_site:  # noqa: N801 - reads like a function
    """A page on another port of this machine: another origin, but the same site."""

    def __enter__(self) -> int:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!DOCTYPE html><title>other</title><body>other")

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        return self._server.server_port

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


# ------------------------------------------------------------------------------------------------ the gate


def said(answer: Answer) -> str:
    """The title of a page that refuses, after looking that it has a sentence and a next step, too."""
    status, _, text = answer
    assert status == 403, text
    (title,) = re.findall("<h1>(.+)</h1>", text)
    sentence, hint = re.findall("<p>(.+)</p>", text)
    assert sentence.endswith(".")
    assert hint.endswith(".")
    return str(title)


def test_without_token_or_with_a_wrong_or_a_used_one_there_is_no_shell(served: Served) -> None:
    assert said(served.get("/")) == "This shell needs its link"
    assert said(served.get("/?token=")) == "This link does not work"
    assert said(served.get(f"/?token={'A' * 43}")) == "This link does not work"
    assert said(served.get("/?token=%ff%00")) == "This link does not work"
    status, headers, text = served.get(served.link)
    assert status == 200
    name, *attributes = headers["Set-Cookie"].split("; ")
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=Strict"}
    assert 'content="0; url=/"' in text
    assert said(served.get(served.link)) == "This link was used"
    assert served.get(served.link, Cookie=name)[0] == 200  # whoever has the session may click it again
    assert served.get("/", Cookie=name)[0] == 200
    assert said(served.get("/", Cookie=name[:-1])) == "This shell needs its link"


def test_the_token_is_not_in_the_page_and_stays_dead_for_all_who_come_at_once(served: Served) -> None:
    answers: list[int] = []
    threads = [Thread(target=lambda: answers.append(served.get(served.link)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [403] * 7


@pytest.mark.parametrize("path", ["/", "/ws", "/page.js", "/static/js/textual.js", "/nothing"])
def test_every_route_stands_behind_the_gate(served: Served, path: str) -> None:
    cookie = served.enter()
    origin = served.origin
    assert said(served.get(path, Origin=origin)) == "This shell needs its link"
    for host in (
        "evil.example",
        f"evil.example:{served.port}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"[::1]:{served.port}",
    ):
        title = said(served.get(path, host=host, Origin=f"http://{host}", Cookie=cookie))
        assert title == "This is not the address of the shell"
    for foreign in (
        "http://evil.example",
        "null",
        f"https://127.0.0.1:{served.port}",
        "http://127.0.0.1:1",
        origin + "0",
    ):
        assert said(served.get(path, Origin=foreign, Cookie=cookie)) == "Another page asked for the shell"
    if path != "/":
        title = said(served.get(path, Origin=origin, Cookie=cookie, Sec_Fetch_Site="same-site"))
        assert title == "Another page asked for a part of the shell"
    assert served.programs() == []


def test_a_websocket_without_an_origin_is_refused(served: Served) -> None:
    assert said(served.get("/ws", Cookie=served.enter())) == "Another page asked for the shell"


def test_every_answer_carries_the_headers_that_keep_other_pages_out(served: Served) -> None:
    cookie = served.enter()
    wanted = {"/": 200, "/static/css/xterm.css": 200, "/page.js": 200, "/static/images/background.png": 404}
    wanted |= {"/static/../server.py": 404, "/static/": 404, "/download/x": 404, "/ws": 403}
    for path, status in wanted.items():
        got, headers, _ = served.get(path, Cookie=cookie)
        assert got == status, path
        assert headers.items() >= gate.HEADERS.items(), path
        assert "Server" not in headers
    policy = gate.HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "script-src 'self';" in policy


def test_the_page_names_no_other_host(served: Served) -> None:
    _, _, text = served.get("/", Cookie=served.enter())
    assert set(re.findall(r"(?:https?|wss?)://[^/\"']+", text)) == {f"ws://127.0.0.1:{served.port}"}


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:C350 0100007F:0016 06 00000000:00000000 03:000017C6 00000000     0        0 0 3 0
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1 0 20 4 30 10 -1
   3: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
"""


def test_the_owner_of_a_connection_is_read_from_the_kernels_table(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    here = ("127.0.0.1", 8080)
    assert peers.owner_of(("127.0.0.1", 50_000), here, table) == 1001
    assert peers.owner_of(here, ("127.0.0.1", 50_000), table) == 1000
    assert peers.owner_of(("127.0.0.1", 50_001), here, table) is None
    assert peers.owner_of(("127.0.0.1", 50_000), here, tmp_path / "nothing") is None


def test_the_owner_of_a_real_connection_is_this_person() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with socket.create_connection(listening.getsockname()) as client:
            assert peers.owner_of(client.getsockname(), client.getpeername()) == os.getuid()
            assert peers.is_ours(client.getsockname(), client.getpeername())
        assert not peers.is_ours(None, None)


def test_another_person_of_this_machine_is_turned_away(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: a second person is not to be had everywhere, the kernel's answer is."""
    monkeypatch.setattr(peers, "owner_of", lambda *_: os.getuid() + 1)
    assert not peers.is_ours(("127.0.0.1", 1), ("127.0.0.1", 2))


# ----------------------------------------------------------------------------------------------- the end


async def drawn(websocket: aiohttp.ClientWebSocketResponse, text: str) -> str:
    """Waits until the shell has drawn this."""
    seen, limit = "", time.monotonic() + SECONDS
    while text not in seen:
        assert time.monotonic() < limit, seen[-2000:]
        message = await asyncio.wait_for(websocket.receive(), SECONDS)
        assert message.type is aiohttp.WSMsgType.BINARY, (message, seen[-2000:])
        seen += re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", message.data.decode())
    return seen


@asynccontextmanager
async def entered(served: Served) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """What a browser does, without one: a websocket with the session's cookie."""
    headers = {"Cookie": served.enter(), "Origin": served.origin}
    address = f"ws://127.0.0.1:{served.port}/ws?width=100&height=30"
    async with (
        aiohttp.ClientSession() as web,
        web.ws_connect(address, headers=headers, max_msg_size=0) as socket,
    ):
        yield socket


def keys(*words: str) -> Sequence[list[str]]:
    return [["stdin", word] for word in words]


@pytest.mark.parametrize(
    ("number", "sandbox"),
    [
        (signal.SIGINT, "bubblewrap"),
        (signal.SIGTERM, "docker"),
        (signal.SIGKILL, "bubblewrap"),
        (signal.SIGKILL, "docker"),
    ],
)
async def test_however_the_server_ends_nothing_stays_and_what_waited_is_held(
    tmp_path: Path, number: signal.Signals, sandbox: str
) -> None:
    served = begin(tmp_path, sandbox=sandbox)
    try:
        async with entered(served) as websocket:
            await drawn(websocket, "Say in plain words")
            for message in keys("delete the tmp files", "\r"):
                await websocket.send_json(message)
            await drawn(websocket, "Apply?")
            for message in keys("!sleep 4321", "\r"):
                await websocket.send_json(message)
            await drawn(websocket, "running step 1")
            served.process.send_signal(number)
            code = await asyncio.to_thread(served.process.wait, SECONDS)
        assert code == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        await asyncio.to_thread(until, lambda: not served.programs())
        await asyncio.to_thread(until, lambda: not list(_processes(b"sleep\0004321")))
        await asyncio.to_thread(until, lambda: not _containers(served))
        assert await asyncio.to_thread(served.held) == ["delete the tmp files"]
        assert served.names() == ["a.txt", "b.tmp", "c.tmp"]
    finally:
        end(served)


def _containers(served: Served) -> list[str]:
    """Containers that mount something of this server's home."""
    listed = subprocess.run(
        ["docker", "ps", "-aq"], capture_output=True, text=True, check=True
    ).stdout.split()
    told = (
        subprocess.run(["docker", "inspect", *listed], capture_output=True, text=True, check=False).stdout
        if listed
        else ""
    )
    return [one["Id"] for one in json.loads(told or "[]") if str(served.home) in json.dumps(one)]


async def test_a_shell_that_cannot_open_says_why_in_the_tab(tmp_path: Path) -> None:
    served = begin(tmp_path)
    try:
        (served.home / "config").mkdir(parents=True, exist_ok=True)
        (served.home / "config" / "config.toml").write_text("this is no TOML\n")
        async with entered(served) as websocket:
            seen = await drawn(websocket, "The shell ended with 2")
        assert "config.toml" in seen
    finally:
        end(served)


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "casava_os", "serve", "--port", port, "--workspace", str(tmp_path)],
            env=_settings(tmp_path / "home"), cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"Port {port} is taken" in done.stderr
    assert "--port" in done.stderr


# ------------------------------------------------------------------------------------------ bounds of tabs

QUIET = "import sys; sys.stdout.write('__GANGLION__\\n'); sys.stdout.flush(); sys.stdin.read()"
DEAF = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.stdout.write('__GANGLION__\\n'); sys.stdout.flush(); time.sleep(4321)"
LOUD = "import os, sys; os.write(1, b'__GANGLION__\\n')\nwhile True: os.write(1, b'D\\0\\1\\0\\0' + bytes(65536))"


@asynccontextmanager
async def serving(
    program: str,
) -> AsyncIterator[tuple[Tabs, Callable[[], Awaitable[aiohttp.ClientWebSocketResponse]]]]:
    """The server in this process, with another program in its tabs."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        tabs = Tabs([sys.executable, "-c", program], bound.getsockname()[1])
        runner = web.AppRunner(await tabs.make_app(), access_log=None)
        await runner.setup()
        await web.SockSite(runner, bound).start()
        async with aiohttp.ClientSession() as session:
            async with session.get(tabs.link) as entered:
                assert entered.status == 200
                cookie = entered.headers["Set-Cookie"].partition(";")[0]
            headers = {"Origin": tabs.public_url, "Cookie": cookie}

            async def open_one() -> aiohttp.ClientWebSocketResponse:
                return await session.ws_connect(f"{tabs.public_url}/ws", headers=headers)

            yield tabs, open_one
            await runner.cleanup()


async def test_shells_at_once_are_bounded_and_a_closed_one_makes_room() -> None:
    async with serving(QUIET) as (tabs, open_one):
        sockets = list(await asyncio.gather(*(open_one() for _ in range(MOST_TABS))))
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await open_one()
        await sockets.pop().close()
        await asyncio.to_thread(until, lambda: len(tabs._open) < MOST_TABS)
        sockets.append(await open_one())


async def test_a_shell_that_does_not_listen_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs_module, "LEAVE_SECONDS", 0.5)
    monkeypatch.setattr(tabs_module, "TERM_SECONDS", 0.5)
    async with serving(DEAF) as (tabs, open_one):
        websocket = await open_one()
        (tab,) = tabs._open
        await asyncio.to_thread(until, lambda: tab._process is not None)
        assert tab._process is not None
        await asyncio.sleep(0.3)
        await websocket.close()
        assert await asyncio.wait_for(tab._process.wait(), 20) == -signal.SIGKILL


async def test_a_shell_that_draws_without_end_into_a_closed_tab_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tabs_module, "LEAVE_SECONDS", 0.5)
    async with serving(LOUD) as (tabs, open_one):
        websocket = await open_one()
        (tab,) = tabs._open
        await asyncio.to_thread(until, lambda: tab._process is not None)
        assert tab._process is not None
        await websocket.receive()
        await websocket.close()
        assert await asyncio.wait_for(tab._process.wait(), 20) == -signal.SIGTERM


@pytest.mark.parametrize(
    "message", ["no json", "{}", "[]", '["stdin"]', '["stdin", 7]', '["resize", {"width": "x", "height": 1}]']
)
async def test_a_message_that_is_none_ends_its_tab_only(message: str) -> None:
    async with serving(QUIET) as (tabs, open_one):
        other = await open_one()
        websocket = await open_one()
        await websocket.send_str(message)
        answer = await asyncio.wait_for(websocket.receive(), 20)
        assert answer.type is aiohttp.WSMsgType.CLOSE
        await asyncio.to_thread(until, lambda: len(tabs._open) == 1)
        assert not other.closed


def test_only_files_that_the_page_uses_are_handed_out() -> None:
    assert all((Tabs(["x"], 1).statics_path / name).is_file() for name in server.ASSETS)
