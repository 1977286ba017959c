"""The kernel's concrete parts, which `boot` picks, and the two questions that all of the walk asks of them.

Which syscalls may a model use here, and which model is it? The points of the walk (`compiling`, `judging`, `performing`) are
functions over these parts, so each can be read by itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from casava_os.kernel.compiler.compile import DESTRUCTIVE, Certainty
from casava_os.kernel.dispatch import Budget
from casava_os.kernel.examples import Reach
from casava_os.kernel.journal import Journal
from casava_os.kernel.landing import Landing
from casava_os.kernel.policy import Policy
from casava_os.kernel.ports import (
    Broker,
    ChooseSandbox,
    LayerStore,
    Limits,
    LoadModel,
    Measured,
    Memory,
    Model,
)
from casava_os.kernel.watching import Watcher
from casava_syscalls.base import Effect
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Err, Ok, Result


@dataclass(slots=True)
class Parts:
    """What the walk works with."""

    journal: Journal
    policy: Policy
    layers: LayerStore
    broker: Broker
    choose_sandbox: ChooseSandbox
    load_model: LoadModel
    certainty: Certainty = field(default_factory=Certainty)
    landing: Landing = field(default_factory=Landing)
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    request_bytes: int = 8192
    names: int = 500
    timeout: float | None = None
    """Longest time for a whole request, in seconds, when its options name none."""
    notices: tuple[str, ...] = ()
    """What the person should hear of what was found at the start, a sentence each."""
    memory: Memory | None = None
    """What past sessions left; None where nothing is remembered."""
    reuse: bool = True
    """Whether proven plans are used again."""
    examples: Reach = "local"
    """Which models are shown proven plans of like requests."""
    watcher: Watcher | None = None
    """Who is told what processes do, beside whoever follows one."""
    _models: dict[str | None, Model] = field(default_factory=dict)
    _loading: threading.Lock = field(default_factory=threading.Lock)
    """Held while a model is loaded: a hint, a request and a screen may ask for the same one at once, each in a thread."""

    def offered(self, granted: Effect | None = None, *, qualified: bool = True) -> frozenset[str]:
        """Syscalls that a model may use: performed by somebody here, and not denied outright.

        A model that is not `qualified` gets none that destroys or that no layer holds.
        """
        performed = self.broker.performs()
        there = {name for name in available() if SYSCALLS[name].performer != "broker" or name in performed}
        if not qualified:
            there = {name for name in there if not SYSCALLS[name].effect & DESTRUCTIVE}
        return self.policy.narrowed(granted).offered(there)

    def ready(self, name: str | None) -> Err | None:
        """Loads a model, so that the next request finds it there; why it cannot be had, or None. Blocking."""
        loaded = self.model(name)
        return loaded if isinstance(loaded, Err) else None

    def model(self, name: str | None) -> Result[Model]:
        """The model of this name, loaded once. Blocking; any thread."""
        if (there := self._models.get(name)) is not None:
            return Ok(value=there)
        with self._loading:
            if (there := self._models.get(name)) is not None:
                return Ok(value=there)
            loaded = self.load_model(name)
            if isinstance(loaded, Ok):
                self._models[name] = loaded.value
            return loaded

    def measured(self) -> tuple[Measured, ...]:
        """The models that are loaded and tell what they do, the latest last."""
        return tuple(model for model in list(self._models.values()) if isinstance(model, Measured))

    def free_models(self) -> None:
        """Safe to call twice."""
        with self._loading:
            for model in self._models.values():
                model.close()
            self._models.clear()
