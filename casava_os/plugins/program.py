"""An app's `main`, run beside the kernel: a thread of its own, whose syscalls the kernel performs.

`main` is ordinary blocking code; the kernel is asynchronous. Each `os(call)` hands the call to the kernel's loop and waits.
When the process is interrupted or out of time, the next thing `main` asks for ends it; a `main` that never asks again is
left behind in its thread, which does not keep the program alive and can no longer change anything.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn, TypeVar, cast

from casava_syscalls.base import AnyCall, Syscall
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value

_LOG = logging.getLogger(__name__)

V = TypeVar("V", bound=Value)

Perform = Callable[[AnyCall], Awaitable[Result[Value]]]
"""Performs one syscall of the program."""


class _Ended(BaseException):
    """Unwinds `main` when it cannot go on; `err` says why. Not an `Exception`, so that no app swallows it by accident."""

    def __init__(self, err: Err) -> None:
        super().__init__(str(err))
        self.err = err


class RunningOs:
    """The `casava_apps.api.Os` that `main` is called with."""

    def __init__(
        self,
        perform: Perform,
        loop: asyncio.AbstractEventLoop,
        parameters: Mapping[str, str],
        settings: Mapping[str, object],
    ) -> None:
        self._perform = perform
        self._loop = loop
        self.parameters = parameters
        self.settings = settings
        self.over = threading.Event()
        """The process has ended; nothing more is performed."""

    def __call__(self, call: Syscall[V]) -> V:
        """Performs a syscall and gives its value; its failure ends the app."""
        result = self.attempt(call)
        if isinstance(result, Err):
            raise _Ended(result)
        return result.value

    def attempt(self, call: Syscall[V]) -> Result[V]:
        """Performs a syscall that may fail."""
        if self.over.is_set():
            raise _Ended(Err(code="interrupted", title="The process has ended"))

        async def perform() -> Result[Value]:
            return await self._perform(call)

        try:
            result = asyncio.run_coroutine_threadsafe(perform(), self._loop).result()
        except (concurrent.futures.CancelledError, RuntimeError) as problem:
            raise _Ended(
                Err(code="interrupted", title="The process has ended", message=str(problem))
            ) from problem
        return result if isinstance(result, Err) else Ok(value=cast("V", result.value))

    def fail(self, title: str, message: str = "", hint: str = "") -> NoReturn:
        """Ends the app with an error."""
        raise _Ended(Err(code="failed", title=title, message=message, hint=hint))


async def run_main(
    name: str,
    entry: Callable[[], Result[Callable[..., object]]],
    perform: Perform,
    parameters: Mapping[str, str],
    settings: Mapping[str, object],
) -> Result[Value | None]:
    """Loads and runs the `main` of the app `name`; its value, or why it ended."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result[Value | None]] = loop.create_future()
    os = RunningOs(perform, loop, parameters, settings)

    def finish(result: Result[Value | None]) -> None:
        if not done.done():
            done.set_result(result)

    def work() -> None:
        result = _outcome(name, entry, os)
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, result)

    threading.Thread(target=work, name=f"app-{name}", daemon=True).start()
    try:
        return await done
    finally:
        os.over.set()


def _outcome(
    name: str, entry: Callable[[], Result[Callable[..., object]]], os: RunningOs
) -> Result[Value | None]:
    """What `main` gave, or why it ended: whatever an app does, its process hears of it."""
    try:
        loaded = entry()
        if isinstance(loaded, Err):
            return loaded
        value = loaded.value(os)
    except _Ended as ended:
        return ended.err
    except Exception as problem:  # noqa: BLE001 - an app's edge: its fault ends its process, not the kernel
        _LOG.exception("the app %s failed", name)
        fault = f"{type(problem).__name__}: {problem}"
        return Err(
            code="failed",
            title=f"The app {name} failed",
            message=fault,
            hint="this is a fault in the app; nothing was changed",
        )
    if value is None or isinstance(value, Value):
        return Ok(value=value)
    return Err(
        code="failed",
        title=f"The app {name} gave no value",
        message=f"its main returned {type(value).__name__}",
    )
