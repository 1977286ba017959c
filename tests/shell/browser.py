"""A headless chromium for tests, driven over its own debugging protocol: pages, keys, requests and websocket frames."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

SECONDS = 90
"""Longest wait for one thing, on a machine that is busy with other tests."""
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][0-9A-Z]|[=>78cDEHM])")
_MOVES = re.compile(r"\x1b\[\d+;\d+H")
_KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


Said = dict[str, Any]
"""A message of the protocol, or a part of one."""


class Tab:
    """One tab: what it asked of the network, what the shell drew in it, and a person's hands."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._session = session
        self.target = target
        self.urls: list[str] = []
        """Every address that was asked for, by whatever part of the page."""
        self.drawn = ""
        """What the shell drew, as text: a moved cursor is a new line, colours are gone."""
        self.complaints: list[str] = []
        """Errors of the page, those of its content security policy among them."""

    async def send(self, method: str, **parameters: object) -> Said:
        return await self._browser.send(method, session=self._session, **parameters)

    def heard(self, method: str, what: Said) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.urls.append(what["request"]["url"])
            case "Network.webSocketCreated":
                self.urls.append(what["url"])
            case "Network.webSocketFrameReceived" if what["response"]["opcode"] == 2:
                text = base64.b64decode(what["response"]["payloadData"]).decode()
                self.drawn += _ESCAPES.sub("", _MOVES.sub("\n", text))
            case "Log.entryAdded" if what["entry"]["level"] == "error":
                self.complaints.append(what["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(
                    json.dumps(what["exceptionDetails"].get("exception", what["exceptionDetails"]))
                )

    async def open(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def evaluate(self, script: str) -> object:
        answer = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def text(self) -> str:
        """The words of the page itself, outside of the terminal."""
        return str(await self.evaluate("document.body ? document.body.innerText : ''"))

    async def type(self, text: str) -> None:
        for letter in text:
            await self.send("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            await self.send("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def press(self, key: str) -> None:
        code, text = _KEYS[key]
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )  # fmt: skip

    async def until(self, holds: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, f"{self.drawn[-3000:]}\n{await self.text()}\n{self.complaints}"
            await asyncio.sleep(0.05)

    async def until_drawn(self, text: str) -> None:
        """Waits until the shell has drawn this since the last look, and looks."""
        await self.until(lambda: text in self.drawn)

    async def until_page(self, text: str) -> None:
        """Waits until the page itself says this."""
        end = time.monotonic() + SECONDS
        while text not in (said := await self.text()):
            assert time.monotonic() < end, said
            await asyncio.sleep(0.05)

    async def picture(self) -> bytes:
        """What a person sees, as PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        await self._browser.send("Target.closeTarget", targetId=self.target)


class Browser:
    """A running chromium with a profile of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[Said]] = {}
        self._tabs: dict[str, Tab] = {}
        self._reader = asyncio.create_task(self._read())

    async def send(self, method: str, session: str | None = None, **parameters: object) -> Said:
        self._number += 1
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        message = {"id": self._number, "method": method, "params": parameters}
        await self._socket.send_json(message | ({"sessionId": session} if session else {}))
        return await asyncio.wait_for(answer, SECONDS)

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                answer = self._answers.pop(said["id"])
                if answer.done():
                    continue
                if "error" in said:
                    answer.set_exception(RuntimeError(said["error"]["message"]))
                else:
                    answer.set_result(said["result"])
            elif tab := self._tabs.get(said.get("sessionId", "")):
                tab.heard(said["method"], said["params"])

    async def tab(self) -> Tab:
        """A new tab, empty."""
        target = (await self.send("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        tab = self._tabs[session] = Tab(self, target, session)
        for part in ("Page", "Network", "Runtime", "Log"):
            await tab.send(f"{part}.enable")
        return tab

    async def end(self) -> None:
        await self.send("Browser.close")
        await self._reader


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """A browser for the time of the block. That none is installed is a failure: `make test` brings it."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is not installed: scripts/bootstrap docker brings what the tests need")
    process = await asyncio.create_subprocess_exec(
        program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}", "--no-first-run",
        "--disable-background-networking", "--disable-dev-shm-usage", "--window-size=1000,600",
        *(["--no-sandbox"] if os.getuid() == 0 else []), "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "HOME": str(profile)},
    )  # fmt: skip
    try:
        end = time.monotonic() + SECONDS
        told = profile / "DevToolsActivePort"
        while not told.exists() or len(lines := told.read_text().splitlines()) < 2:
            assert time.monotonic() < end, "chromium did not start"
            assert process.returncode is None, f"chromium ended with {process.returncode}"
            await asyncio.sleep(0.05)
        async with (
            aiohttp.ClientSession() as web,
            web.ws_connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}", max_msg_size=0) as socket,
        ):
            browser = Browser(socket)
            yield browser
            await browser.end()
        await asyncio.wait_for(process.wait(), SECONDS)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            await process.wait()
