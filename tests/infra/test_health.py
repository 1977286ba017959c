"""When a container counts as ready, by what the daemon says of it from look to look."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from casava_os.infra.docker.health import Patience, ready

if TYPE_CHECKING:
    from docker import APIClient


class Daemon:
    """One that says these states, one after the other, the last again and again."""

    def __init__(self, *states: dict[str, object]) -> None:
        self.states, self.looks = states, 0

    def inspect_container(self, identity: str) -> dict[str, object]:
        assert identity == "abc"
        self.looks += 1
        return {"State": self.states[min(self.looks, len(self.states)) - 1], "RestartCount": 0, "Config": {}}


def running(seconds: float) -> dict[str, object]:
    """Since so long ago."""
    began = datetime.now(UTC) - timedelta(seconds=seconds)
    return {"Status": "running", "StartedAt": began.isoformat().replace("+00:00", "Z")}


def looked(*states: dict[str, object]) -> int:
    """How often it is looked at, until it counts as ready."""
    daemon = Daemon(*states)
    patience = Patience(time.monotonic() + 30, lambda: False)
    assert ready(cast("APIClient", daemon), "abc", "web-1", patience) is None
    return daemon.looks


def test_what_runs_without_a_check_is_ready_when_it_has_run_for_a_while() -> None:
    assert looked(running(5)) == 1
    assert looked(running(0)) > 1, "one that fails at once runs for a moment as well"
    assert looked(running(0), {"Status": "exited", "ExitCode": 0}) == 2, "that it ended is seen"
    assert looked({"Status": "created"}, running(5)) == 2


def test_where_the_daemons_clock_is_behind_it_is_watched() -> None:
    assert looked(running(-3600)) > 1


def test_what_is_healthy_is_ready_at_once() -> None:
    assert looked({**running(0), "Health": {"Status": "healthy"}}) == 1
