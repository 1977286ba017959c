"""A process as its watcher sees it: an asynchronous iterator of events that can be cancelled.

The walk runs as a task of its own, so a slow watcher never holds up a sandbox, and a watcher that goes away ends the
process: `async with kernel.run(…) as events` cancels what is still running and waits until it has cleaned up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from casava_os.kernel.events import BaseEvent, Finished

Send = Callable[[BaseEvent], None]


class Running:
    """The events of one process, in order; `Finished` is the last. It starts with the first event asked for."""

    def __init__(self, live: Callable[[Send], Awaitable[None]]) -> None:
        self._live = live
        self._events: asyncio.Queue[BaseEvent | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._over = False
        self._watch: Callable[[], Send] | None = None

    def watched(self, watch: Callable[[], Send]) -> Self:
        """Has `watch` called when it begins, and what that gives with every event."""
        self._watch = watch
        return self

    def start(self) -> None:
        """Begins now, instead of with the first event that is asked for."""
        if self._task is None:
            self._task = asyncio.create_task(self._walk())

    async def _walk(self) -> None:
        heard = None if self._watch is None else self._watch()

        def send(event: BaseEvent) -> None:
            self._events.put_nowait(event)
            if heard is not None:
                heard(event)

        try:
            await self._live(send)
        finally:
            self._events.put_nowait(None)

    def cancel(self) -> None:
        """Interrupts the process: it cleans up, tells so and finishes with exit code 130. Keep reading its events."""
        if not self._cancelled:
            self._cancelled = True
            self.start()
            if self._task is not None:
                self._task.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BaseEvent:
        if self._over:
            raise StopAsyncIteration
        self.start()
        try:
            event = await self._events.get()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if event is not None:
            return event
        self._over = True
        if self._task is not None:
            await self._task
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ends the process if it still runs, and waits until it has cleaned up."""
        self._over = True
        if self._task is not None and not self._task.done():
            self.cancel()
            await asyncio.wait({self._task})

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def finished(self) -> Finished:
        """Reads all events to the end and gives the last."""
        last: BaseEvent | None = None
        async for event in self:
            last = event
        if not isinstance(last, Finished):
            raise RuntimeError("a process ended without saying so")  # noqa: TRY004 - a fault of the kernel
        return last
