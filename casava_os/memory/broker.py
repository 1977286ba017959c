"""The broker of family `memory`: recall, remember and forget, as steps of a plan."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from casava_os.memory.ports import Filter
from casava_os.memory.secrets import redact
from casava_os.memory.service import Remembrance
from casava_syscalls.memory import Forget, Recall, Remember
from casava_syscalls.plan import parse_call
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts, Number, Table, Value


class MemoryBroker:
    """Performs memory's syscalls. What is remembered is kept when the process that says so has ended, from its record."""

    def __init__(self, memory: Remembrance) -> None:
        self._memory = memory

    def performs(self) -> frozenset[str]:
        return frozenset({"memory.recall", "memory.remember", "memory.forget"})

    async def perform(
        self,
        call: Mapping[str, object],
        *,
        seconds: float | None = None,
        errand: object = None,  # noqa: ARG002 - nothing of the process is needed
    ) -> Result[Value]:
        """One syscall from its JSON form."""
        parsed = parse_call(dict(call))
        if isinstance(parsed, Err):
            return parsed
        try:
            async with asyncio.timeout(seconds):
                match parsed.value:
                    case Recall() as recall:
                        return await asyncio.to_thread(self._recall, recall)
                    case Remember() as remember:
                        return self._remember(remember)
                    case Forget() as forget:
                        return await asyncio.to_thread(self._forget, forget)
        except TimeoutError:
            message = f"memory did not answer within {seconds:g} seconds"
            return Err(code="timeout", title=f"{parsed.value.call} did not end in time", message=message)
        return Err(
            code="unavailable",
            title=f"{parsed.value.call} is not there yet",
            message="memory does not perform it",
            hint="casava-os call --list shows what is available",
        )

    def _recall(self, call: Recall) -> Result[Value]:
        since = time.time() - call.newer_than if call.newer_than is not None else None
        wanted = Filter(("episodes", "facts", "documents"), since=since)
        found = self._memory.search(call.about, wanted, limit=call.limit)
        if isinstance(found, Err):
            return found
        rows = tuple(
            (
                one.entry.id,
                one.entry.collection.removesuffix("s"),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(one.entry.time)),
                one.entry.text,
                one.entry.source if one.entry.tainted else "",
            )
            for one in found.value
        )
        return Ok(value=Table(columns=("entry", "kind", "when", "text", "from"), rows=rows))

    def _remember(self, call: Remember) -> Result[Value]:
        kept = redact(call.text)
        if not kept.replace("[redacted]", "").strip():
            return Err(
                code="usage",
                title="That is not remembered",
                message="it looks like a secret, and secrets do not go into memory",
                hint="keep it in a password manager",
            )
        return Ok(value=Facts(items={"remembered": kept}))

    def _forget(self, call: Forget) -> Result[Value]:
        if call.entry is not None:
            ids: list[str] = [call.entry]
        else:
            found = self._memory.about(call.about or "")
            if isinstance(found, Err):
                return found
            ids = [entry.id for entry in found.value]
        done = self._memory.forget(ids)
        if isinstance(done, Err):
            return done
        if call.entry is not None and not done.value:
            return Err(
                code="not-found",
                title=f"There is no entry {call.entry}",
                message="memory has none of that id",
                hint="casava-os memory list shows them",
            )
        return Ok(value=Number(value=done.value, unit="entries"))
