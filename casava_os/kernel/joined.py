"""One broker of several: each syscall goes to the part that performs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from casava_os.kernel.ports import Broker, Errand, Foresees
from casava_syscalls.base import AnyCall
from casava_syscalls.results import Err, Result
from casava_syscalls.values import Value


class JoinedBroker:
    """A `Broker` over others, one a family or several; two may not perform the same syscall."""

    def __init__(self, parts: Sequence[Broker]) -> None:
        self._performer: dict[str, Broker] = {}
        for part in parts:
            for name in part.performs():
                if name in self._performer:
                    raise ValueError(f"two brokers perform {name}")
                self._performer[name] = part

    def performs(self) -> frozenset[str]:
        return frozenset(self._performer)

    async def perform(
        self, call: Mapping[str, object], *, seconds: float | None = None, errand: Errand | None = None
    ) -> Result[Value]:
        """Hands the call to its part. `Err("unavailable")` when there is none."""
        name = str(call.get("call"))
        part = self._performer.get(name)
        if part is None:
            return Err(
                code="unavailable",
                title=f"{name} is not there yet",
                message="no broker performs it",
                hint="casava-os call --list shows what is available",
            )
        return await part.perform(call, seconds=seconds, errand=errand)

    async def foresee(self, call: AnyCall, errand: Errand) -> tuple[str, ...]:
        """What the call's part says that it would do."""
        part: object = self._performer.get(call.call)
        return await part.foresee(call, errand) if isinstance(part, Foresees) else ()
