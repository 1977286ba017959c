"""Serving from beginning to end: an address on loopback, the link, the tabs, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from casava_os.shell.serve.gate import HOST
from casava_os.shell.serve.server import Tabs
from casava_syscalls.results import Err, Ok, Result

Told = Callable[[str], None]
"""Takes the link, when it can be opened."""


def serve(
    workspace: Path,
    told: Told,
    ending: Callable[[], None],
    *,
    port: int = 0,
    model: str | None = None,
    sandbox: str | None = None,
) -> Result[int]:
    """Serves the shell until a signal ends it. Port 0 is any free one. `ending` is called when the tabs are told to go.

    `Err`: `exists` for a port that is taken, `permission` for one that may not be used.
    """
    bound = _bind(port)
    if isinstance(bound, Err):
        return bound
    # -P: nothing that lies in the current directory is imported.
    program = [sys.executable, "-P", "-m", "casava_os.shell.serve.program", "--workspace", str(workspace)]
    program += ["--model", model] if model else []
    program += ["--sandbox", sandbox] if sandbox else []
    with bound.value:
        asyncio.run(_serve(Tabs(program, bound.value.getsockname()[1]), bound.value, told, ending))
    return Ok(value=0)


def _bind(port: int) -> Result[socket.socket]:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
    except OSError as problem:
        made.close()
        hint = "name another one with --port, or leave --port out for a free one"
        if problem.errno == errno.EADDRINUSE:
            return Err(
                code="exists",
                title=f"Port {port} is taken",
                message="another program listens there",
                hint=hint,
            )
        return Err(
            code="permission", title=f"Port {port} cannot be used", message=problem.strerror or "", hint=hint
        )
    return Ok(value=made)


async def _serve(tabs: Tabs, bound: socket.socket, told: Told, ending: Callable[[], None]) -> None:
    from aiohttp import web

    end = asyncio.Event()

    def asked() -> None:
        if end.is_set():
            tabs.hurry()
        end.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, asked)
    runner = web.AppRunner(await tabs.make_app(), access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.SockSite(runner, bound).start()
        told(tabs.link)
        await end.wait()
    finally:
        ending()
        await runner.cleanup()
