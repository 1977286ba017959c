"""Where the containers of a monitoring stack reach this machine, and the token that their stack made up for it.

A container cannot reach loopback. `host.docker.internal` in a blueprint is the gateway of Docker's own bridge: that address is
listened on, for whoever shows the secret `metrics` of that stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from casava_os.containers.census import gateway
from casava_os.infra.store import Store
from casava_os.telemetry.guard import token_in
from casava_syscalls.results import Err, Ok, Result

SECRET = "metrics"  # noqa: S105 - its name


@dataclass(frozen=True, slots=True)
class Way:
    """How a stack gets here."""

    host: str
    token: str


def way_of(stack: str, state: Path) -> Result[Way]:
    """For a stack that was applied. `Err("not-found")` for one that is not there or has no such secret. Blocking."""
    store = Store(state)
    path = store.place(stack) / "secrets" / SECRET
    if stack not in store.names() or not path.is_file():
        return Err(
            code="not-found",
            title=f"No stack {stack!r} waits for metrics",
            message="it is not there, or has no secret `metrics`",
            hint="casava-os stack apply monitoring, then ask again",
        )
    token = token_in(path)
    if isinstance(token, Err):
        return token
    host = gateway()
    return host if isinstance(host, Err) else Ok(value=Way(host.value, token.value))
