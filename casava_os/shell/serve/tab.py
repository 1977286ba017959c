"""One tab as the server sees it: a program of its own, whose drawing goes to the browser, and how it is told to go."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from casava_os.shell.serve import DRIVER
from casava_sandbox.layer.visible import visible

LEAVE_SECONDS = 20.0
"""For holding what waits and ending what runs; a commit that has begun may end."""
TERM_SECONDS = 5.0
"""For a program that did not hear the first word."""
MOST_CELLS = 1000
"""Widest and highest screen that a browser may ask for."""
LAST_WORDS = 8_192
"""Bytes of what a program said on standard error that are kept."""

READY: Final = b"__GANGLION__\n"
"""What Textual's driver says first."""


class Tab(AppService):
    """A shell for one websocket. Nothing but drawing reaches the browser: no address is opened, no file delivered."""

    def __init__(self, program: Sequence[str], websocket: web.WebSocketResponse) -> None:
        super().__init__(
            program[0],
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=self._close,
            download_manager=DownloadManager(),
        )
        self._program = program
        self._websocket = websocket
        self._leaving = False

    # ------------------------------------------------------------------------------------------ starting

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """Our driver, and a terminal that can show every sign."""
        given = super()._build_environment(width, height)
        return {**given, "TEXTUAL_DRIVER": DRIVER, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Starts the program in a session of its own: a Ctrl-C at the server's terminal is the server's alone."""
        process = await asyncio.create_subprocess_exec(
            *self._program,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        assert process.stdin is not None
        self._process, self._stdin = process, process.stdin
        return process

    async def start(self, width: int, height: int) -> None:
        """Starts the program on a screen of so many cells."""
        await super().start(_cells(width), _cells(height))

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Tells the program that its screen has another size."""
        await super().set_terminal_size(_cells(width), _cells(height))

    # ------------------------------------------------------------------------------------------- running

    async def run(self) -> None:
        """Hands on what the program draws, to its end; says in the tab why it ended, when it is not by choice."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        words = asyncio.create_task(_last_words(process.stderr))
        began = False
        with suppress(asyncio.IncompleteReadError, ValueError):
            began = await process.stdout.readline() == READY
            while began:
                head = await process.stdout.readexactly(5)
                payload = await process.stdout.readexactly(int.from_bytes(head[1:], "big"))
                if head[:1] == b"D":
                    await self.on_data(payload)
        if not began:  # what it says instead is no drawing, and may not fill the pipe
            while await process.stdout.read(65_536):
                pass
        code = await process.wait()
        if code and not self._leaving:
            await self.on_data(_farewell(code, await words))
        await words
        await self._close()

    async def on_data(self, payload: bytes) -> None:
        """Sends what is drawn; when nobody looks any more, lets it go, so that the program never waits for a reader."""
        if not self._websocket.closed:
            with suppress(ConnectionError):
                await self._websocket.send_bytes(payload)

    async def _close(self) -> None:
        if not self._leaving and not self._websocket.closed:
            with suppress(ConnectionError):
                await self._websocket.close()

    # ------------------------------------------------------------------------------------------- ending

    async def stop(self) -> None:
        """Tells the program to go, and waits until it has: held what waits, ended what runs. Firmer with each word."""
        task, process = self._task, self._process
        if task is None or process is None:
            return
        self._leaving = True
        with suppress(ConnectionError):
            await self.send_meta({"type": "quit"})
            self.stdin.close()
        for seconds, word in ((LEAVE_SECONDS, signal.SIGTERM), (TERM_SECONDS, signal.SIGKILL)):
            if await _ended(task, seconds):
                break
            self.signal(word)
        if not await _ended(task, TERM_SECONDS):
            task.cancel()
        self._task = None

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the program and to what it started in its session."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


async def _ended(task: asyncio.Task[None], seconds: float) -> bool:
    done, _ = await asyncio.wait({task}, timeout=seconds)
    return bool(done)


async def _last_words(stderr: asyncio.StreamReader) -> str:
    """The end of what the program said on standard error."""
    kept: deque[bytes] = deque(maxlen=2)
    while piece := await stderr.read(LAST_WORDS):
        kept.append(piece)
    return b"".join(kept)[-LAST_WORDS:].decode("utf-8", "replace")


def _farewell(code: int, words: str) -> bytes:
    """What stands in the tab of a program that failed: its last words, harmless, on a clean screen."""
    lines = visible(words.strip(), keep="\n").split("\n")[-24:]
    lines += ["", f"The shell ended with {code}."]
    return ("\x1b[?1049l\x1b[?1000l\x1b[?1003l\x1b[0m\x1b[2J\x1b[H" + "\r\n".join(lines)).encode()


def _cells(asked: int) -> int:
    return max(1, min(int(asked), MOST_CELLS))
