"""Blocking work in a thread, from which nobody walks away half done.

A thread cannot be cancelled. What reads or lands a layer is therefore waited for even when its process is cancelled
meanwhile: only then is it known what the workspace looks like, and only then may the layer be removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """The result of blocking work. Cancelling takes effect when the work has ended."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise
    return task.result()


async def uninterrupted(work: Callable[[], T]) -> T:
    """The result of blocking work that must be known, whoever cancels meanwhile: a cancellation comes too late."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()
