"""Says that something is still being worked at, once it takes longer than a person likes to wait in silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casava_os.kernel.events import Progress
from casava_os.kernel.process import Process

SILENCE_SECONDS = 1.0


@asynccontextmanager
async def telling(p: Process, doing: str) -> AsyncIterator[None]:
    """Sends `Progress` each second of the block, from the second one on. Nothing of it is recorded."""
    began = time.monotonic()

    async def tell() -> None:
        while True:
            await asyncio.sleep(SILENCE_SECONDS)
            p.send(Progress(pid=p.pid, doing=doing, seconds=round(time.monotonic() - began, 1)))

    telling_it = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling_it.cancel()
