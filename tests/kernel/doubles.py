"""A sandbox worked by hand: it performs what a test tells it to, in the real layer's upper directory.

Writing a file into the upper directory is what an overlay does when a program adds or changes one, so layers,
changesets, commits and undo are the real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from casava_os.broker import HostBroker
from casava_os.kernel.dispatch import Budget
from casava_os.kernel.events import BaseEvent, Finished
from casava_os.kernel.journal import Journal
from casava_os.kernel.policy import load_policy
from casava_os.kernel.ports import (
    Chosen,
    LayerPaths,
    Limits,
    OutputSink,
    Priority,
    Progress,
    SandboxInfo,
    SandboxSession,
)
from casava_os.kernel.run import Kernel
from casava_os.kernel.running import Running
from casava_os.model.scripted import Script, ScriptedModel
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Entry, Exit, Files, Matches, Text, Value

E = TypeVar("E", bound=BaseEvent)


@dataclass
class Hand:
    """What performs a syscall by hand."""

    layer: LayerPaths
    call: Mapping[str, object]
    output: OutputSink | None = None

    @property
    def name(self) -> str:
        return str(self.call["call"])


Performer = Callable[[Hand], "Awaitable[Result[Value]]"]


async def by_hand(hand: Hand) -> Result[Value]:
    """A handful of syscalls, as far as the tests need them."""
    match hand.call:
        case {"call": "file.write", "path": str(path), "content": str(content)}:
            (hand.layer.upper / path).parent.mkdir(parents=True, exist_ok=True)
            (hand.layer.upper / path).write_text(content)
            return Ok(value=Files(items=(Entry(path=path, size=len(content)),)))
        case {"call": "file.read", "paths": [str(path)]}:
            source = hand.layer.workspace / path
            if not source.exists():
                return Err(code="not-found", title=f"There is no {path}")
            return Ok(value=Text(text=source.read_text()))
        case {"call": "text.count", "source": "$0"}:
            return Ok(value=Text(text=(hand.layer.scratch / "stdin").read_text()))
        case {"call": "file.find"}:
            found = sorted(path.name for path in hand.layer.workspace.iterdir())
            return Ok(value=Files(items=tuple(Entry(path=name) for name in found)))
        case {"call": "text.search"}:
            return Ok(value=Matches())
        case {"call": "process.run", "command": str(command)}:
            if hand.output is not None:
                hand.output("stdout", command.encode())
            code = int(command.partition("exit ")[2] or 0)
            (hand.layer.upper / "ran").write_text(command)
            return Ok(value=Exit(code=code, stdout=command))
        case {"call": "process.spawn"}:
            await asyncio.sleep(600)
    return Err(code="unsupported", title=f"The hand cannot {hand.name}")


@dataclass
class HandSession:
    """A session whose syscalls are performed by hand."""

    layer: LayerPaths
    performer: Performer = by_hand
    closed: int = 0
    priorities: list[Priority] = field(default_factory=list)
    put_values: dict[int, Value] = field(default_factory=dict)
    running: int = 0
    most_at_once: int = 0

    @property
    def info(self) -> SandboxInfo:
        return SandboxInfo(driver="ram", verified={"network": "none"})

    async def perform(
        self,
        step: int,
        call: Mapping[str, object],
        *,
        on_output: OutputSink | None = None,
        seconds: float | None = None,
    ) -> Result[Value]:
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            return await self.performer(Hand(self.layer, call, on_output))
        finally:
            self.running -= 1

    async def put(self, step: int, value: Value) -> None:
        self.put_values[step] = value

    async def renice(self, priority: Priority) -> Err | None:
        self.priorities.append(priority)
        return None

    async def close(self) -> None:
        self.closed += 1


@dataclass
class HandSandbox:
    """A driver of sessions worked by hand."""

    performer: Performer = by_hand
    sessions: list[HandSession] = field(default_factory=list)
    closed: int = 0

    @property
    def name(self) -> Literal["docker", "bubblewrap", "ram"]:
        return "ram"

    async def check(self) -> Err | None:
        return None

    async def open(self, layer: LayerPaths, limits: Limits) -> Result[SandboxSession]:
        self.sessions.append(HandSession(layer, self.performer))
        return Ok(value=self.sessions[-1])

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Bench:
    """A kernel with a scripted model and a sandbox worked by hand, over real layers and a real journal."""

    root: Path
    script: dict[str, Script] = field(default_factory=dict)
    sandbox: HandSandbox = field(default_factory=HandSandbox)
    no_sandbox: Err | None = None
    no_model: Err | None = None
    thinks: float = 0.0

    def __post_init__(self) -> None:
        self.workspace = self.root / "workspace"
        self.workspace.mkdir()
        journal = Journal.open(self.root / "state" / "journal.sqlite")
        policy = load_policy()
        assert isinstance(journal, Ok)
        assert isinstance(policy, Ok)
        self.model = ScriptedModel(self.script, seconds=self.thinks)
        self.kernel = Kernel(
            journal=journal.value,
            policy=policy.value,
            layers=DiskLayerStore(self.root / "state"),
            broker=HostBroker(),
            choose_sandbox=self._choose,
            load_model=lambda name: self.no_model or Ok(value=self.model),
            budget=Budget(seconds=20, step_seconds=10),
        )

    async def _choose(self, name: str | None, progress: Progress) -> Result[Chosen]:
        if self.no_sandbox is not None:
            return self.no_sandbox
        progress("Choosing.")
        return Ok(value=Chosen(self.sandbox, ("By hand.",)))

    def layers(self) -> list[str]:
        """The layers that lie on disk."""
        folder = self.root / "state" / "layers"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def files(self) -> dict[str, str]:
        """The workspace's files with their contents."""
        found = (path for path in self.workspace.rglob("*") if path.is_file())
        return {str(path.relative_to(self.workspace)): path.read_text() for path in found}


async def told(running: Running) -> list[BaseEvent]:
    """All events of a process."""
    return [event async for event in running]


def names(events: list[BaseEvent]) -> list[str]:
    return [event.event for event in events]


def of(kind: type[E], events: list[BaseEvent]) -> list[E]:
    """The events of this kind."""
    return [event for event in events if isinstance(event, kind)]


def only(kind: type[E], events: list[BaseEvent]) -> E:
    """The one event of this kind."""
    (found,) = of(kind, events)
    return found


def finished(events: list[BaseEvent]) -> Finished:
    """The last event, which every process has."""
    assert isinstance(events[-1], Finished)
    return only(Finished, events)
