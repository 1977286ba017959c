"""What the sessions of all drivers share: an agent over a stream, and an orderly end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from casava_os.kernel.ports import LayerPaths, Limits, OutputSink, Priority, SandboxInfo, SandboxSession
from casava_sandbox.channel import AgentChannel
from casava_sandbox.promises import judge
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value

_TOKEN = "token"  # noqa: S105 - a proof of seeing the same files, no secret
_START_SECONDS = 20.0


Renice = Callable[[Priority], "Awaitable[Err | None]"]
"""How a driver gives its sandbox another share of the processors."""


class AgentSession:
    """A running sandbox: a `SandboxSession`. `tear_down` ends it, waits for its end, and removes what it left."""

    def __init__(
        self,
        channel: AgentChannel,
        layer: LayerPaths,
        info: SandboxInfo,
        renice: Renice,
        tear_down: Callable[[], Awaitable[None]],
    ) -> None:
        self._channel = channel
        self._layer = layer
        self._info = info
        self._renice = renice
        self._tear_down = tear_down
        self._closing: asyncio.Task[None] | None = None

    @property
    def info(self) -> SandboxInfo:
        return self._info

    async def perform(
        self,
        step: int,
        call: Mapping[str, object],
        *,
        on_output: OutputSink | None = None,
        seconds: float | None = None,
    ) -> Result[Value]:
        return await self._channel.perform(step, call, on_output=on_output, seconds=seconds)

    async def put(self, step: int, value: Value) -> None:
        await self._channel.put(step, value)

    async def renice(self, priority: Priority) -> Err | None:
        return None if self._closing is not None else await self._renice(priority)

    async def close(self) -> None:
        """Goes on to its end even when the caller is cancelled: a half-removed sandbox would be a leftover."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._channel.bye()
        await self._channel.close()
        await self._tear_down()
        remove_token(self._layer.scratch)


def remove_token(scratch: Path) -> None:
    """Takes the token back; what is left of a layer's scratch directory holds results only."""
    (scratch / _TOKEN).unlink(missing_ok=True)


def write_token(scratch: Path) -> str:
    """Puts a fresh token into the scratch directory, for the agent to read back."""
    token = secrets.token_hex(16)
    path = scratch / _TOKEN
    remove_token(scratch)
    path.write_text(token, encoding="ascii")
    return token


async def greet(
    channel: AgentChannel,
    driver: SandboxInfo,
    layer: LayerPaths,
    limits: Limits,
    *,
    token: str,
    uid: int,
    rlimits: bool,
    known: Mapping[str, object],
    renice: Renice,
    tear_down: Callable[[], Awaitable[None]],
) -> Result[SandboxSession]:
    """Greets the agent and judges what it measured, with what is `known` from outside; ends the sandbox if it falls short."""
    answer: Result[dict[str, object]]
    try:
        answer = await channel.hello(rlimits=rlimits, seconds=_START_SECONDS)
        if isinstance(answer, Ok):
            facts = answer.value.get("facts")
            judged = judge(
                {**facts, **known} if isinstance(facts, dict) else {}, limits, token=token, uid=uid
            )
            if not isinstance(judged, Err):
                said = answer.value.get("warnings")
                warnings = [
                    *driver.warnings,
                    *judged.warnings,
                    *map(str, said if isinstance(said, list) else []),
                ]
                info = SandboxInfo(driver.driver, {**driver.verified, **judged.verified}, tuple(warnings))
                session: SandboxSession = AgentSession(channel, layer, info, renice, tear_down)
                return Ok(value=session)
            answer = judged
        else:
            last_words = channel.last_words.decode("utf-8", "replace").strip()
            answer = Err(
                code="no-sandbox",
                title="The sandbox did not start",
                message=last_words or answer.message,
                hint="run casava-os doctor, or use the other driver with --sandbox",
            )
    except BaseException:
        await _abandon(channel, layer, tear_down)
        raise
    await _abandon(channel, layer, tear_down)
    return answer


async def _abandon(
    channel: AgentChannel, layer: LayerPaths, tear_down: Callable[[], Awaitable[None]]
) -> None:
    async def work() -> None:
        await channel.close()
        await tear_down()
        remove_token(layer.scratch)

    await asyncio.shield(asyncio.create_task(work()))
