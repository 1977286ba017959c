"""Waiting until a container does its work, or says why it never will.

The daemon looks for the first time after a whole `interval`. So that nobody waits for that, the same test is run here,
too, soon after the start and again in growing steps; what the daemon finds counts all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING, cast

from casava_os.containers.known import seconds_of
from casava_os.infra.docker.observe import Json
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from docker import APIClient

_LOOK = 0.08
_FIRST_PROBE, _SLOWEST_PROBE = 0.15, 2.0
_NANO = 10**9
_RESTARTS = 3
"""A container that was started anew so often does not work."""
_LOG_LINES = 8
_SIGKILL = 128 + 9
"""The code of a container whose first process was killed."""
_STEADY = 0.5
"""Seconds for which a container without a check must be seen to run: one that fails at once runs for a moment as well."""
_LATE = 1.0
"""Seconds after its end in which the daemon hears why a container was killed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and whether to go on."""

    deadline: float
    """On the clock of `time.monotonic`."""
    cancelled: Callable[[], bool]

    def over(self) -> Err | None:
        """Why not to wait any longer."""
        if self.cancelled():
            return Err(code="interrupted", title="Interrupted", message="what had begun is taken back")
        if time.monotonic() > self.deadline:
            return Err(
                code="timeout",
                title="The stack was not ready in time",
                message="its services did not become healthy",
                hint="give it more time: --timeout, or --budget seconds=N",
            )
        return None


def ready(api: APIClient, identity: str, called: str, patience: Patience) -> Err | None:
    """Waits until a container runs and is healthy, if it has a check, or has done its work; else why it is not so."""
    probe: _Probe | None = None
    since = time.monotonic()
    while (over := patience.over()) is None:
        found = cast("Json", api.inspect_container(identity))
        state = cast("Json", found["State"])
        status, health = (
            str(state["Status"]),
            str(cast("Json", state.get("Health") or {}).get("Status") or "none"),
        )
        if status in ("exited", "dead"):
            return None if state.get("ExitCode") == 0 else broken(api, identity, called, state)
        if _whole(found.get("RestartCount")) >= _RESTARTS:
            return broken(api, identity, called, state)
        if status == "running":
            age = time.time() - (seconds_of(state.get("StartedAt")) or inf)
            steady = max(age, time.monotonic() - since) >= _STEADY
            if health == "healthy" or (health == "none" and steady):
                return None
            if health == "unhealthy":
                return _unhealthy(api, identity, called, state)
            if health != "none":
                probe = probe or _Probe(api, identity, cast("Json", found["Config"]))
                if probe.passed():
                    return None
        else:
            since = time.monotonic()
        time.sleep(_LOOK)
    return over


def completed(api: APIClient, identity: str, called: str, patience: Patience) -> Err | None:
    """Waits until a container has ended with code 0; else why it has not."""
    while (over := patience.over()) is None:
        state = cast("Json", cast("Json", api.inspect_container(identity))["State"])
        if state["Status"] in ("exited", "dead"):
            return None if state.get("ExitCode") == 0 else broken(api, identity, called, state)
        time.sleep(_LOOK)
    return over


def broken(api: APIClient, identity: str, called: str, state: Json) -> Err:
    """It ended, and should not have."""
    return Err(
        code="failed",
        title=f"{called} does not run",
        message=f"it ended with code {state.get('ExitCode')}{_killed(api, identity, state)}{_said(api, identity)}",
        hint="mend the service, then apply again",
    )


def _killed(api: APIClient, identity: str, state: Json) -> str:
    """What is known of who killed it.

    The daemon can hear that a container has ended before it hears why, and then its state never says so: its events do,
    a little later. A kernel's word that got lost leaves only the code and the limit, and thus a guess.
    """
    if state.get("OOMKilled"):
        return " for want of memory"
    if state.get("ExitCode") != _SIGKILL:
        return ""
    until = ceil((seconds_of(state.get("FinishedAt")) or 0.0) + _LATE)
    told = api.events(since=0, until=until, filters={"container": identity, "event": "oom"}, decode=True)
    with closing(told):
        if next(told, None) is not None:
            return " for want of memory"
    limit = _whole(cast("Json", api.inspect_container(identity)["HostConfig"]).get("Memory"))
    return (
        f": killed, perhaps for want of memory (its limit is {limit / 2**20:g} MiB)" if limit else ": killed"
    )


def _unhealthy(api: APIClient, identity: str, called: str, state: Json) -> Err:
    log = cast("list[Json]", cast("Json", state.get("Health") or {}).get("Log") or [])
    last = " ".join(str(log[-1].get("Output") or "").split())[:200] if log else ""
    told = f"the last check said: {last}" if last else "its check fails"
    return Err(
        code="failed",
        title=f"{called} is unhealthy",
        message=f"{told}{_said(api, identity)}",
        hint="mend the service or its healthcheck, then apply again",
    )


def _said(api: APIClient, identity: str) -> str:
    """The last lines that it printed."""
    from docker.errors import APIError

    try:
        lines = api.logs(identity, tail=_LOG_LINES).decode("utf-8", "replace").strip()
    except APIError:
        return ""
    return f"; it printed last:\n{lines[-1500:]}" if lines else ""


class _Probe:
    """Runs a container's own test, less and less often."""

    def __init__(self, api: APIClient, identity: str, config: Json) -> None:
        check = cast("Json", config.get("Healthcheck") or {})
        test = [str(word) for word in cast("list[object]", check.get("Test") or [])]
        shell = [str(word) for word in cast("list[object]", config.get("Shell") or ["/bin/sh", "-c"])]
        self._command = [*shell, *test[1:]] if test[:1] == ["CMD-SHELL"] else test[1:]
        self._limit = _whole(check.get("Timeout")) / _NANO or 30.0
        self._api, self._identity = api, identity
        self._pause, self._next = _FIRST_PROBE, time.monotonic() + _FIRST_PROBE
        self._running: str | None = None
        self._began = 0.0

    def passed(self) -> bool:
        """Whether a run of the test has just ended well; begins one when it is time. Never waits for it."""
        from docker.errors import APIError

        try:
            if self._running is not None:
                told = self._api.exec_inspect(self._running)
                if told["Running"]:
                    if time.monotonic() - self._began > self._limit:
                        self._running = None  # the daemon kills its own; this one is left to end by itself
                    return False
                self._running = None
                return bool(told["ExitCode"] == 0)
            if self._command and time.monotonic() >= self._next:
                self._pause = min(self._pause * 1.5, _SLOWEST_PROBE)
                self._began = time.monotonic()
                self._next = self._began + self._pause
                begun = self._api.exec_create(self._identity, self._command, stdout=False, stderr=False)
                self._api.exec_start(begun["Id"], detach=True)
                self._running = str(begun["Id"])
        except APIError:  # it is just ending, which the next look tells
            self._running = None
        return False


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
