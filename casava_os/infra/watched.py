"""A driver whose work is told: each thing that it does is an operation that a listener hears (`casava_os.operations`)."""

from __future__ import annotations

from typing import Literal

from casava_os.infra.drivers import (
    Deployment,
    Found,
    InfraDriver,
    Landed,
    Row,
    StackKey,
    StackPlan,
    StackState,
    Tell,
)
from casava_os.operations import listener, operation
from casava_syscalls.infra import Driver
from casava_syscalls.results import Result


def watched(driver: InfraDriver) -> InfraDriver:
    """The driver, telling; the driver itself where nobody listens."""
    return driver if listener() is None else WatchedDriver(driver)


class WatchedDriver:
    """An `InfraDriver` over another."""

    def __init__(self, inner: InfraDriver) -> None:
        self._inner = inner

    @property
    def name(self) -> Driver:
        return self._inner.name

    def plan(self, wanted: Deployment) -> Result[StackPlan]:
        return operation(f"{self.name}.plan", lambda: self._inner.plan(wanted))

    def apply(self, wanted: Deployment, plan: StackPlan, tell: Tell, landed: Landed) -> Result[StackState]:
        return operation(f"{self.name}.apply", lambda: self._inner.apply(wanted, plan, tell, landed))

    def converge(self, wanted: Deployment, *, undone: str, tell: Tell) -> Result[None]:
        return operation(
            f"{self.name}.converge", lambda: self._inner.converge(wanted, undone=undone, tell=tell)
        )

    def retreat(self, key: StackKey, *, undone: str, tell: Tell) -> Result[None]:
        return operation(f"{self.name}.retreat", lambda: self._inner.retreat(key, undone=undone, tell=tell))

    def status(self, key: StackKey, wanted: Deployment | None) -> Result[StackState]:
        return operation(f"{self.name}.status", lambda: self._inner.status(key, wanted))

    def destroy(self, key: StackKey, *, volumes: bool, tell: Tell) -> Result[tuple[Row, ...]]:
        return operation(f"{self.name}.destroy", lambda: self._inner.destroy(key, volumes=volumes, tell=tell))

    def found(self, owner: str) -> Result[tuple[Found, ...]]:
        return operation(f"{self.name}.found", lambda: self._inner.found(owner))

    def rest(self, key: StackKey, action: Literal["pause", "stop"]) -> Result[int]:
        return operation(f"{self.name}.rest", lambda: self._inner.rest(key, action))

    def activity(self, key: StackKey) -> Result[float | None]:
        return self._inner.activity(key)

    def close(self) -> None:
        self._inner.close()
