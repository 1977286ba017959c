"""The broker of the `infra` family: hands a syscall to the engine in a thread, and tells progress as it comes.

Every start of the kernel makes one, and few use it: what performs (`performing`) is loaded with the first syscall.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.ports import Errand as KernelErrand
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import parse_call
from casava_syscalls.results import Err, Result
from casava_syscalls.values import Value

if TYPE_CHECKING:
    from casava_os.infra.performing import Performing

_END = 30.0
"""Seconds that a cancelled apply has to take back what it began."""
_ROOM = 5.0
"""Seconds before its limit at which an apply takes back what it began."""

CALLS = frozenset(
    f"infra.{name}" for name in ("catalog", "plan", "apply", "status", "scale", "extend", "destroy")
)


class InfraBroker:
    """Stacks of this installation."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._shown: dict[tuple[int, str], str] = {}
        """Digests of the plans that were shown, by process and call: what is applied is what was approved."""

    def performs(self) -> frozenset[str]:
        return CALLS

    async def foresee(self, call: AnyCall, errand: KernelErrand) -> tuple[str, ...]:
        """What a call would do, a line each, for the question whether it may; nothing for one that need not be told."""
        if call.call not in ("infra.apply", "infra.destroy"):
            return ()
        return await asyncio.to_thread(lambda: self._performing().foresee(call, errand))

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: KernelErrand | None = None
    ) -> Result[Value]:
        """One syscall from its JSON form. Cancelled, an apply takes back what it began."""
        parsed = parse_call(dict(call))
        if isinstance(parsed, Err):
            return parsed
        stop = threading.Event()
        limit = None if seconds is None else max(1.0, seconds - _ROOM)
        syscall, mine = parsed.value, errand or KernelErrand()
        work = asyncio.ensure_future(
            asyncio.to_thread(lambda: self._performing().perform(syscall, mine, limit, stop.is_set))
        )
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait({work}, timeout=_END)
            raise
        return work.result()

    def _performing(self) -> Performing:
        """An engine for one syscall: several may run at once."""
        from casava_os.infra.performing import Performing

        return Performing(self._state, self._shown)
