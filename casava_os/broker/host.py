"""The broker's switchboard: from a syscall's name to the function that performs it, in a thread, never raising."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from casava_os.broker import gpu, machine, people
from casava_os.kernel.ports import Errand
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import parse_call
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value

_LOG = logging.getLogger(__name__)

PERFORMERS: Mapping[str, Callable[[AnyCall], Value]] = {
    "system.host": machine.host,
    "system.kernel": machine.kernel,
    "system.cpu": machine.cpu,
    "system.memory": machine.memory,
    "system.disk": machine.disk,
    "system.gpu": gpu.gpus,
    "system.uptime": machine.uptime,
    "system.users": people.users,
    "system.environment": people.environment,
    "system.time": people.clock,
    "system.processes": machine.processes,
}
"""Who performs what. Each function blocks, and may raise `OSError` or what psutil raises."""


class HostBroker:
    """Facts of the host that Casava OS runs on."""

    def performs(self) -> frozenset[str]:
        return frozenset(PERFORMERS)

    async def perform(
        self,
        call: Mapping[str, object],
        *,
        seconds: float | None = None,
        errand: Errand | None = None,  # noqa: ARG002 - the host's facts depend on nothing
    ) -> Result[Value]:
        """One syscall from its JSON form. `Err`: `usage`, `unavailable`, `timeout`, `permission`, `failed`."""
        parsed = parse_call(dict(call))
        if isinstance(parsed, Err):
            return parsed
        syscall = parsed.value
        performer = PERFORMERS.get(syscall.call)
        if performer is None:
            return Err(
                code="unavailable",
                title=f"{syscall.call} is not there yet",
                message="the broker does not perform it",
                hint="casava-os call --list shows what is available",
            )
        try:
            async with asyncio.timeout(seconds):
                return Ok(value=await asyncio.to_thread(performer, syscall))
        except TimeoutError:
            message = f"the host did not answer within {seconds:g} seconds"
            return Err(code="timeout", title=f"{syscall.call} did not end in time", message=message)
        except PermissionError as problem:
            message = problem.strerror or str(problem)
            return Err(code="permission", title=f"{syscall.call} may not look there", message=message)
        except Exception as problem:  # noqa: BLE001 - the worker's edge: a host can lack anything psutil reads
            _LOG.exception("%s failed", syscall.call)
            message = f"{type(problem).__name__}: {problem}"
            return Err(code="failed", title=f"{syscall.call} cannot be told on this host", message=message)
