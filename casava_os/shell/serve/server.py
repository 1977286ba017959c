"""The page and its websocket: textual-serve behind our gate, with a program for each tab and a bound on their number."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSCloseCode, WSMessageTypeError, web
from textual_serve.server import Server, to_int

from casava_os.shell.serve.gate import HOST, SOCKET, Gate
from casava_os.shell.serve.pages import PAGES, page
from casava_os.shell.serve.tab import Tab

MOST_TABS = 8
"""Shells at once: each is a process with a kernel of its own."""
MOST_PASTED = 64 * 1024 * 1024
"""Bytes of one message from the browser; a longer one ends the tab."""
ASSETS = (
    "css/xterm.css",
    "fonts/RobotoMono-Italic-VariableFont_wght.ttf",
    "fonts/RobotoMono-VariableFont_wght.ttf",
    "js/textual.js",
)
"""Files of textual-serve that the page uses; no others are handed out."""

log = logging.getLogger(__name__)


class Tabs(Server):
    """Serves the shell's page, and a shell for each of its websockets."""

    def __init__(self, program: Sequence[str], port: int) -> None:
        """`program` is what runs in each tab."""
        super().__init__(program[0], host=HOST, port=port, title="Casava OS")
        self.gate = Gate(port)
        self._program = program
        self._open: dict[Tab, web.WebSocketResponse] = {}
        self._ending = False

    @property
    def link(self) -> str:
        """The address that opens the shell, once."""
        return f"{self.public_url}/?token={self.gate.token}"

    async def _make_app(self) -> web.Application:
        """Our routes only, all of them behind the gate."""
        app = web.Application(middlewares=[self.gate.guard], client_max_size=0)
        app.on_response_prepare.append(self.gate.headers)
        app.on_shutdown.append(self.on_shutdown)
        app.router.add_get("/", self.handle_index)
        app.router.add_get(SOCKET, self.handle_websocket)
        app.router.add_get("/page.js", self.handle_script)
        app.router.add_get("/static/{name:.+}", self.handle_asset)
        return app

    async def make_app(self) -> web.Application:
        """What is served."""
        return await self._make_app()

    async def handle_script(self, _request: web.Request) -> web.StreamResponse:
        """The page's own script."""
        return web.FileResponse(PAGES / "page.js")

    async def handle_asset(self, request: web.Request) -> web.StreamResponse:
        """One of the files that the page uses."""
        name = request.match_info["name"]
        if name not in ASSETS:
            raise web.HTTPNotFound
        return web.FileResponse(self.statics_path / name)

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page with the terminal in it."""
        if len(self._open) >= MOST_TABS:
            return _full()
        size = max(6, min(to_int(request.query.get("fontsize", "16"), 16), 48))
        return page("shell.html", socket=f"ws://{request.host}{SOCKET}", font_size=size)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A shell for as long as this websocket is open."""
        if len(self._open) >= MOST_TABS or self._ending:
            raise web.HTTPServiceUnavailable
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=MOST_PASTED, compress=False)
        tab = Tab(self._program, websocket)
        self._open[tab] = websocket
        try:
            await websocket.prepare(request)
            await tab.start(
                to_int(request.query.get("width", "80"), 80), to_int(request.query.get("height", "24"), 24)
            )
            await self._process_messages(websocket, tab)
        except (
            AssertionError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            WSMessageTypeError,
        ) as problem:
            log.warning("the page sent what is no message: %r", problem)
            await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA)
        except ConnectionError:
            pass  # the tab was closed while something was sent
        finally:
            try:
                await tab.stop()
            finally:
                del self._open[tab]
            with suppress(ConnectionError):
                await websocket.close()
        return websocket

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002 - as aiohttp calls it
        """Tells every tab to go, and waits until all have."""
        self._ending = True
        tabs = list(self._open.items())
        await asyncio.gather(*(tab.stop() for tab, _ in tabs))
        for _, websocket in tabs:
            with suppress(ConnectionError):
                await websocket.close(code=WSCloseCode.GOING_AWAY)

    def hurry(self) -> None:
        """Ends every tab at once: somebody asked twice."""
        for tab in self._open:
            tab.signal(signal.SIGKILL)


def _full() -> web.Response:
    return page(
        "sorry.html",
        status=503,
        title="No more tabs",
        message=f"{MOST_TABS} shells are open in this browser.",
        hint="Close one of them, then load this page again.",
    )
