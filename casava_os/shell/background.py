"""Blocking work beside the screen, from which the screen may walk away: whoever closes it waits for no daemon.

The pool of `asyncio.to_thread` is waited for when the program ends; what waits for a daemon that does not answer must not
keep the person from leaving. It only looks, so nothing is half done when nobody wants it any more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def beside(work: Callable[[], T]) -> T:
    """The result of work that only looks, in a thread of its own. Cancelled, it is left to itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, problem: BaseException | None) -> None:
        if done.done():
            return
        if problem is not None:
            done.set_exception(problem)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # there is one where there was no problem

    def run() -> None:
        result: T | None = None
        problem: BaseException | None = None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - it rises where it is waited for
            problem = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, problem)

    threading.Thread(target=run, name="casava-look", daemon=True).start()
    return await done


def aside(work: Callable[[], None]) -> None:
    """Does the last of something where nobody waits for it."""
    threading.Thread(target=work, name="casava-close", daemon=True).start()
