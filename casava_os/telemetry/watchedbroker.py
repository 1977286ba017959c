"""A broker whose syscalls are listened to: what is done for each of them becomes spans below its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from casava_os.kernel.ports import Broker, Errand, Foresees
from casava_os.operations import Listener, listening
from casava_os.telemetry.tracing import Tracing
from casava_syscalls.base import AnyCall
from casava_syscalls.results import Result
from casava_syscalls.values import Value


class WatchedBroker:
    """A `Broker` over another."""

    def __init__(self, inner: Broker, tracing: Tracing) -> None:
        self._inner = inner
        self._tracing = tracing

    def performs(self) -> frozenset[str]:
        return self._inner.performs()

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        with self._listening(errand):
            return await self._inner.perform(call, seconds=seconds, errand=errand)

    async def foresee(self, call: AnyCall, errand: Errand) -> tuple[str, ...]:
        if not isinstance(self._inner, Foresees):
            return ()
        with self._listening(errand):
            return await self._inner.foresee(call, errand)

    def _listening(self, errand: Errand | None) -> AbstractContextManager[None]:
        by: Listener | None = self._tracing.operations(errand)
        return nullcontext() if by is None else listening(by)
