"""The removal of a sandbox's container, where the daemon removes it too, is slow, or fails at it."""

from __future__ import annotations

from typing import cast

import pytest
from docker import APIClient
from docker.errors import APIError, NotFound
from requests.exceptions import ReadTimeout

from casava_sandbox.docker import container

GONE = NotFound("No such container: casava-1-x")
UNDER_WAY = APIError("409: removal of container casava-1-x is already in progress")
BUSY = APIError("500: unable to remove filesystem: device or resource busy")


class Daemon:
    """Answers removals and waits as written down, in this order; the last answer of each is its last word."""

    def __init__(self, removals: list[Exception | None], waits: list[Exception | None]) -> None:
        self._answers = {"remove": removals, "wait": waits}
        self.asked: list[str] = []

    def remove_container(self, _name: str, *, v: bool, force: bool) -> None:
        assert v
        assert force
        self._answer("remove")

    def wait(self, _name: str, *, condition: str, timeout: float) -> None:
        assert condition == "removed"
        assert timeout == container.TRY_AGAIN
        self._answer("wait")

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        answers = self._answers[what]
        if (answer := answers.pop(0) if len(answers) > 1 else answers[0]) is not None:
            raise answer


def _remove(daemon: Daemon) -> None:
    container.remove(cast("APIClient", daemon), "casava-1-x")


@pytest.mark.parametrize(
    ("removals", "waits", "asked"),
    [
        ([None], [GONE], ["remove"]),
        ([GONE], [GONE], ["remove"]),
        ([UNDER_WAY, GONE], [None], ["remove", "wait", "remove"]),
        ([UNDER_WAY], [GONE], ["remove", "wait"]),
        # The daemon's own removal fails, the wait for it ends, and the container is there still.
        ([UNDER_WAY, BUSY, None], [None], ["remove", "wait", "remove", "wait", "remove"]),
        # It could not be killed, for it had ended: nobody removes it, and the wait has no end.
        ([BUSY, None], [ReadTimeout("read timed out")], ["remove", "wait", "remove"]),
    ],
    ids=[
        "at once",
        "not there",
        "by the daemon",
        "by the daemon, before the wait",
        "left by the daemon",
        "by nobody",
    ],
)
def test_it_returns_when_the_container_is_gone(
    removals: list[Exception | None], waits: list[Exception | None], asked: list[str]
) -> None:
    daemon = Daemon(removals, waits)
    _remove(daemon)
    assert daemon.asked == asked


@pytest.mark.parametrize("problem", [BUSY, ReadTimeout("read timed out")], ids=["stays", "no end"])
def test_it_raises_when_the_container_stays(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the trace stays as well, and the next start tries again."""
    monkeypatch.setattr(container, "REMOVAL_SECONDS", 0.2)
    daemon = Daemon([BUSY], [None if problem is BUSY else problem])
    with pytest.raises(APIError):
        _remove(daemon)
