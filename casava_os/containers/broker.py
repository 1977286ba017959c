"""The broker of the `container` family: from a syscall to the function that performs it, in a thread that can be let go."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from casava_os.containers import (
    acting,
    building,
    cargo,
    foreseeing,
    images,
    looking,
    measuring,
    printing,
    running,
)
from casava_os.containers.daemon import explained
from casava_os.containers.desk import Desk
from casava_os.containers.leases import LeaseBook
from casava_os.containers.reins import Reins
from casava_os.kernel.ports import Errand
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import parse_call
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Text, Value

_LOG = logging.getLogger(__name__)

_LOOK = 5.0
"""Seconds that looking ahead may take."""
_END = 4.0
"""Seconds that a cancelled syscall has to clean up after itself."""

Performer = Callable[[Desk, AnyCall], "Result[Value]"]

PERFORMERS: Mapping[str, Callable[[Desk, AnyCall], object]] = {
    "container.list": looking.list_containers,
    "container.run": running.run,
    "container.start": acting.start,
    "container.stop": acting.stop,
    "container.restart": acting.restart,
    "container.remove": acting.remove,
    "container.logs": printing.logs,
    "container.exec": printing.execute,
    "container.inspect": looking.inspect,
    "container.stats": measuring.stats,
    "container.images": images.list_images,
    "container.pull": images.pull,
    "container.build": building.build,
    "container.copy_out": cargo.copy_out,
    "container.copy_in": cargo.copy_in,
}
"""Who performs what. Each blocks; what docker raises rises from it."""


def _in_own_thread(work: Callable[[], Result[Value]]) -> asyncio.Future[Result[Value]]:
    """The result of blocking work, in a thread of its own: logs that are followed must not keep others waiting for one.

    A daemon: a cut connection ends it, and what does not end must not keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result[Value]] = loop.create_future()

    def tell(result: Result[Value]) -> None:
        if not done.done():
            done.set_result(result)

    def run() -> None:
        result = work()
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result)

    here = contextvars.copy_context()
    threading.Thread(target=lambda: here.run(run), name="casava-container", daemon=True).start()
    return done


class ContainerBroker:
    """Containers and images of this machine's Docker daemon."""

    def __init__(self, state: Path) -> None:
        """`state`: the state directory, where the book of leases lies."""
        self._book = LeaseBook(state)

    def performs(self) -> frozenset[str]:
        return frozenset(PERFORMERS)

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        """One syscall from its JSON form. Cancelled or out of time, what it waits for is cut off, and it cleans up."""
        parsed = parse_call(dict(call))
        if isinstance(parsed, Err):
            return parsed
        syscall = parsed.value
        reins = Reins()
        limit = seconds if seconds is not None else 600.0
        work = _in_own_thread(lambda: self._perform(syscall, reins, errand or Errand(), limit))
        try:
            done, _ = await asyncio.wait({work}, timeout=limit)
        except asyncio.CancelledError:
            reins.cut()
            await asyncio.wait({work}, timeout=_END)
            raise
        if done:
            return work.result()
        reins.cut()
        await asyncio.wait({work}, timeout=_END)
        return Err(
            code="timeout",
            title=f"{syscall.call} did not end in time",
            message=f"it was given {limit:g} seconds, and was let go",
            hint="give it more with --budget seconds=N",
        )

    async def foresee(self, call: AnyCall, errand: Errand) -> tuple[str, ...]:
        """What the call would act upon that it does not say itself. Nothing when no daemon answers: performing says so."""
        reins = Reins()

        def look() -> Result[Value]:
            api = reins.take(timeout=int(_LOOK))
            if isinstance(api, Err):
                return api
            try:
                desk = Desk(api.value, reins, errand, self._book)
                return Ok(value=Text(text="\n".join(foreseeing.foresee(desk, call))))
            except Exception as problem:  # noqa: BLE001 - the worker's edge; a look that fails is no reason to stop
                _LOG.debug("cannot look ahead", exc_info=problem)
                return explained(problem)
            finally:
                reins.close()

        work = _in_own_thread(look)
        done, _ = await asyncio.wait({work}, timeout=_LOOK)
        if not done:
            reins.cut()
            return ()
        result = work.result()
        said = result.value.render() if isinstance(result, Ok) else ""
        return tuple(said.splitlines())

    def _perform(self, syscall: AnyCall, reins: Reins, errand: Errand, seconds: float) -> Result[Value]:
        api = reins.take()
        if isinstance(api, Err):
            return api
        from docker.errors import DockerException
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        desk = Desk(api.value, reins, errand, self._book, seconds)
        performer: Performer = PERFORMERS[syscall.call]  # type: ignore[assignment]  # each gives the value of its syscall
        try:
            return performer(desk, syscall)
        except (DockerException, RequestException, HTTPError, OSError) as problem:
            return images.INTERRUPTED if desk.stopped else explained(problem)
        except Exception as problem:  # noqa: BLE001 - the worker's edge
            if desk.stopped:
                return images.INTERRUPTED
            _LOG.exception("%s failed", syscall.call)
            message = f"{type(problem).__name__}: {problem}"
            hint = "this is a fault in Casava OS"
            return Err(code="failed", title=f"{syscall.call} failed", message=message, hint=hint)
        finally:
            reins.close()
