"""The host's end of the stream to the agent: one long-lived connection, many calls at once.

What comes from inside the sandbox is untrusted: frames have a largest size, values are validated, and an agent that
stops answering is given up. Nobody waits on a call that cannot be answered any more.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from functools import cache
from itertools import count
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from casava_os.kernel.ports import Limits, OutputSink
from casava_sandbox.agent.frames import MAX_FRAME, SPILL_BYTES, BadFrame, Decoder, Message, encode
from casava_syscalls.plan import references
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import AnyValue, Value

LOG = logging.getLogger("casava.sandbox.agent")

MAX_VALUE = 256 * 2**20
"""Largest value in bytes of JSON that is taken into the host's memory."""

_GRACE = 8.0
"""Seconds that the agent may be late with the answer to a call whose time is over, before it is given up."""


@cache
def _values() -> TypeAdapter[AnyValue]:
    return TypeAdapter(AnyValue)


class _Call:
    """A question on its way."""

    def __init__(self, on_output: OutputSink | None = None) -> None:
        self.answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.on_output = on_output


class AgentChannel:
    """Speaks to one agent.

    `source` gives what it writes, and hands its standard error to the callback that it is given; `give_up` ends the
    sandbox without blocking.
    """

    def __init__(
        self,
        source: Callable[[Callable[[bytes], None]], AsyncIterator[bytes]],
        writer: asyncio.StreamWriter,
        limits: Limits,
        *,
        give_up: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._limits = limits
        self._give_up = give_up
        self._numbers = count(1)
        self._calls: dict[int, _Call] = {}
        self.death: Err | None = None
        self.last_words = bytearray()
        """The end of what the agent wrote to its standard error."""
        self._pump_task = asyncio.create_task(self._pump(source(self.heard)))

    # ------------------------------------------------------------------------------------------ calls

    async def hello(self, *, rlimits: bool, seconds: float) -> Result[Message]:
        """Greets the agent; the value is its answer (`facts`, `warnings`)."""
        message: Message = {"op": "hello", "limits": asdict(self._limits), "rlimits": rlimits}
        return await self._ask(message, _Call(), seconds)

    async def perform(
        self,
        step: int,
        call: Mapping[str, object],
        *,
        on_output: OutputSink | None = None,
        seconds: float | None = None,
    ) -> Result[Value]:
        """`SandboxSession.perform`."""
        allowed = self._limits.step_seconds if seconds is None else min(seconds, self._limits.step_seconds)
        message: Message = {
            "op": "perform",
            "step": step,
            "call": dict(call),
            "seconds": allowed,
            "stream": on_output is not None,
            "references": _reference_fields(call),
        }
        answer = await self._ask(message, _Call(on_output), allowed + _GRACE)
        if isinstance(answer, Err):
            return answer
        if "spilled" in answer.value:
            return await self._fetch(step, answer.value["spilled"])
        return _validated(answer.value.get("value"))

    async def put(self, step: int, value: Value) -> None:
        """`SandboxSession.put`; large values travel in parts."""
        text = json.dumps(value.model_dump(mode="json"))
        for start in range(0, len(text), SPILL_BYTES):
            last = start + SPILL_BYTES >= len(text)
            message: Message = {
                "op": "put",
                "step": step,
                "part": text[start : start + SPILL_BYTES],
                "last": last,
            }
            if last:
                await self._ask(message, _Call(), self._limits.step_seconds)
            else:
                await self._send({"id": 0, **message})

    async def bye(self) -> None:
        """Tells the agent to end; what is still pending dies with it."""
        if self.death is None:
            await self._send({"op": "bye"})

    async def close(self) -> None:
        """Fails what is pending and lets go of the stream."""
        self._give_up = lambda: None
        self._die("The sandbox was closed", "")
        self._pump_task.cancel()
        await asyncio.gather(self._pump_task, return_exceptions=True)
        self._writer.close()

    async def _fetch(self, step: int, size: object) -> Result[Value]:
        """A value that the agent spilled to its scratch space, part by part."""
        if not isinstance(size, int) or size > MAX_VALUE:
            return Err(
                code="limit",
                title="The result is too large",
                message=f"{size} bytes",
                hint="narrow the request, or let a program write the result to a file",
            )
        parts: list[str] = []
        offset = 0
        while offset < size:
            message: Message = {"op": "read", "step": step, "offset": offset}
            answer = await self._ask(message, _Call(), self._limits.step_seconds)
            if isinstance(answer, Err):
                return answer
            part = answer.value.get("part")
            if not isinstance(part, str) or not part:
                return _nonsense("a spilled value ended early")
            parts.append(part)
            offset += len(part)
        try:
            return _validated(json.loads("".join(parts)))
        except (ValueError, RecursionError) as error:
            return _nonsense(str(error))

    # ------------------------------------------------------------------------------------------ stream

    async def _ask(self, message: Message, call: _Call, patience: float) -> Result[Message]:
        number = next(self._numbers)
        self._calls[number] = call
        try:
            await self._send({"id": number, **message})
            async with asyncio.timeout(patience):
                answer = await call.answer
        except TimeoutError:
            self._die("The sandbox stopped answering", f"no answer within {patience:g} seconds")
            return Err(
                code="timeout",
                title="The sandbox stopped answering",
                message=f"It did not answer within {patience:g} seconds and was ended",
                hint="try again; if it happens again, run casava-os doctor",
            )
        except BadFrame as error:
            return Err(code="limit", title="The call is too large", message=str(error))
        except asyncio.CancelledError:
            if self.death is None:
                self._writer.write(encode({"op": "cancel", "call": number}))
            raise
        finally:
            self._calls.pop(number, None)
        return _understood(answer)

    async def _send(self, message: Message) -> None:
        if self.death is not None:
            self._die("", "")
            return
        try:
            self._writer.write(encode(message))
            await self._writer.drain()
        except (ConnectionError, RuntimeError) as error:
            self._die("The sandbox died", str(error))

    async def _pump(self, chunks: AsyncIterator[bytes]) -> None:
        """Takes what the agent writes, to its end."""
        decoder = Decoder()
        try:
            async for data in chunks:
                for message in decoder.feed(data):
                    if isinstance(message, BadFrame):
                        self._die("The sandbox broke its protocol", str(message))
                        return
                    self._take(message)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self._die("The sandbox died", str(error))
            return
        self._die("The sandbox died", "it ended before it had answered")

    def _take(self, message: Message) -> None:
        number = message.get("id")
        call = self._calls.get(number) if isinstance(number, int) else None
        if call is None:
            return  # the answer to a call that was given up
        if "output" in message:
            stream: Literal["stdout", "stderr"] = "stderr" if message["output"] == "stderr" else "stdout"
            try:
                data = base64.b64decode(str(message.get("data", "")), validate=True)
            except (binascii.Error, ValueError):
                return
            if call.on_output is not None:
                call.on_output(stream, data)
        elif not call.answer.done():
            call.answer.set_result(message)

    def heard(self, data: bytes) -> None:
        """Takes what the agent wrote to its standard error."""
        LOG.debug("%s", data.decode("utf-8", "replace").rstrip())
        self.last_words += data
        del self.last_words[:-4096]

    def _die(self, title: str, message: str) -> None:
        """Answers every pending call, once and for all, and ends the sandbox."""
        if self.death is None:
            self.death = Err(
                code="sandbox-died",
                title=title,
                message=message,
                hint="nothing was committed; run the request again",
            )
            self._give_up()
        dead: Message = {
            "ok": False,
            "error": self.death.model_dump(include={"code", "title", "message", "hint"}),
        }
        for call in self._calls.values():
            if not call.answer.done():
                call.answer.set_result(dead)


def _reference_fields(call: Mapping[str, object]) -> list[str]:
    """Names of the fields that refer to earlier steps: a "$1" elsewhere is text and stays it."""
    if not any(isinstance(value, str) and value.startswith("$") for value in call.values()):
        return []
    try:
        return [name for name, _ in references(SYSCALLS[str(call["call"])].model_validate(dict(call)))]
    except (KeyError, ValidationError):
        return []


def _understood(answer: Message) -> Result[Message]:
    if answer.get("ok") is True:
        return Ok(value=answer)
    try:
        return Err.model_validate(answer.get("error"))
    except ValidationError:
        return _nonsense("neither a value nor an error")


def _validated(value: object) -> Result[Value]:
    try:
        valid: Value = _values().validate_python(value)
    except ValidationError as error:
        return _nonsense(f"{error.error_count()} fields of the value are wrong: {error.errors()[0]['msg']}")
    return Ok(value=valid)


def _nonsense(detail: str) -> Err:
    return Err(code="failed", title="The sandbox answered with something that is no value", message=detail)


__all__ = ["MAX_FRAME", "MAX_VALUE", "AgentChannel"]
