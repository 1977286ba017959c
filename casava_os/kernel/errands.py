"""What a broker is told of the step that it performs, and how what it has to say comes back, from whatever thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from casava_os.kernel.events import BaseEvent, Note, Progress
from casava_os.kernel.ports import Errand, OutputSink
from casava_syscalls.base import AnyCall
from casava_syscalls.values import Value


@dataclass(frozen=True, slots=True)
class Errands:
    """Makes the errands of one process."""

    tell: Callable[[BaseEvent], None]
    request: str = ""
    pid: int = 0
    workspace: Path | None = None
    scratch: Path | None = None
    """The layer's scratch directory, which the sandbox sees, too; None without a sandbox."""

    def errand(self, number: int, step: AnyCall, given: Mapping[str, Value], sink: OutputSink) -> Errand:
        """The errand of one step. Called in the loop, which its callbacks come back to."""
        loop = asyncio.get_running_loop()
        began = time.monotonic()

        def later(work: Callable[[], None]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(work)

        def output(stream: Literal["stdout", "stderr"], data: bytes) -> None:
            later(lambda: sink(stream, data))

        def progress(doing: str, share: float | None = None) -> None:
            seconds = round(time.monotonic() - began, 1)
            event = Progress(pid=self.pid, doing=doing, seconds=seconds, share=share)
            later(lambda: self.tell(event))

        def note(text: str) -> None:
            later(lambda: self.tell(Note(text=text)))

        scratch = self.scratch
        cargo = scratch / f"cargo-{number}.tar" if step.cargo is not None and scratch is not None else None
        return Errand(
            pid=self.pid,
            step=number,
            request=self.request,
            workspace=self.workspace,
            given=given,
            cargo=cargo,
            output=output,
            progress=progress,
            note=note,
        )
