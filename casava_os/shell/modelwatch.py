"""What the kernel model does, for the resource panel, and what each sandbox uses, for the list of processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Protocol

from casava_os.kernel.ports import Measured, ModelLoad
from casava_os.meters import ModelReading


class Loaded(Protocol):
    """Who knows the models that are loaded; `Kernel` is one."""

    def measured(self) -> Sequence[Measured]: ...


class ModelWatch:
    """Tells of the model that worked last. `named`: what to call it before one is loaded, or where it runs elsewhere."""

    def __init__(self, kernel: Loaded, named: str) -> None:
        self._kernel, self._named = kernel, named
        self._before: dict[str, ModelLoad] = {}
        self._speed: dict[str, float] = {}
        self._last = ""

    def read(self) -> ModelReading:
        """The name, and what is known besides. The speed is that of the newest work: it stays while there is none."""
        loads = {model.name: model.load() for model in self._kernel.measured()}
        for name, load in loads.items():
            before = self._before.get(name, ModelLoad())
            tokens, seconds = load.evaluated - before.evaluated, load.seconds - before.seconds
            if tokens > 0 and seconds > 0:
                self._last, self._speed[name] = name, tokens / seconds
        self._before = loads
        if not loads:
            return ModelReading(self._named)
        name = self._last if self._last in loads else next(iter(loads))
        load = loads[name]
        return ModelReading(
            name,
            context_percent=100 * load.filled,
            tokens_per_second=self._speed.get(name),
            waiting=load.waiting,
        )


class SandboxMemory:
    """What the sandboxes of this installation use. `layers`: the directory of its layers."""

    def __init__(self, layers: Path) -> None:
        from casava_os.meters.sandboxes import SandboxMeter

        self._meter = SandboxMeter(Path("/proc"), Path("/sys/fs/cgroup"), layers)

    def read(self) -> dict[int, int]:
        """Bytes by process; a process whose sandbox is not counted has none."""
        return {
            one.pid: one.memory
            for one in self._meter.read(monotonic())
            if one.pid is not None and one.memory is not None
        }
