"""What a list of containers that stays open shows: who is there, whose, and what each uses, read anew with each look.

A look waits for nothing: processor use is what the kernel's counters say beside what they said at the look before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from casava_os.containers import labels
from casava_os.containers.counters import Counters, counters
from casava_os.containers.daemon import explained
from casava_os.containers.desk import Desk
from casava_os.containers.known import Maker, find, first_name, image_name, lease_now, maker
from casava_os.containers.leases import Instant, LeaseBook, now
from casava_os.containers.looking import facts, state_words
from casava_os.containers.publishing import published
from casava_os.containers.reins import Reins
from casava_os.kernel.ports import Errand
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

PATIENCE = 10
"""Seconds that the daemon has for one answer: whoever looks on sees that it is late."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One container at one look. Sizes in bytes, `cpu` in per cent of one core; None where it is not known."""

    id: str
    name: str
    image: str
    state: str
    """As `container.list` says it: running, exited (1), running (unhealthy) …"""
    running: bool
    """Not stopped: it may be paused."""
    maker: Maker
    created: float
    """In seconds since the epoch."""
    ports: tuple[str, ...] = ()
    lease: float | None = None
    """Seconds that are left of it."""
    tags: Mapping[str, str] | None = None
    """Its labels."""
    cpu: float | None = None
    memory: int | None = None
    limit: int | None = None

    @property
    def stack(self) -> str | None:
        """The stack that it belongs to, when it is Casava's."""
        return labels.stack_of(self.tags) if self.maker == "casava" else None

    @property
    def reason(self) -> str:
        """The request that it was started for."""
        return (self.tags or {}).get(labels.REASON, "") if self.maker == "casava" else ""

    @property
    def process(self) -> int | None:
        """The process that started it."""
        return labels.pid_of(self.tags) if self.maker == "casava" else None


class ContainerWatch:
    """Looks again and again, over one connection. One look at a time; `cut` from any thread."""

    def __init__(self, state: Path) -> None:
        """`state`: the state directory, where the book of leases lies."""
        self._book = LeaseBook(state)
        self._reins: Reins | None = None
        self._api: APIClient | None = None
        self._over = False
        self._first: dict[str, int] = {}
        """The first process of each container that runs."""
        self._before: dict[str, tuple[float, int]] = {}
        """When its counters were read, and what the processors' said."""

    def look(self) -> Result[list[Seen]]:
        """All containers, the youngest first. `Err` as in `connect`, or what the daemon refuses."""
        return self._asked(self._seen)

    def facts(self, ident: str) -> Result[Facts]:
        """All that is known of one. `Err("not-found")` when it is gone."""

        def read(api: APIClient) -> Result[Facts]:
            found = find(api, ident)
            if isinstance(found, Err):
                return found
            assert self._reins is not None
            return Ok(value=facts(Desk(api, self._reins, Errand(), self._book), found.value))

        return self._asked(read)

    def last_lines(self, ident: str, count: int) -> Result[list[bytes]]:
        """The last lines that one printed, as they came."""

        def read(api: APIClient) -> Result[list[bytes]]:
            return Ok(value=api.logs(ident, stdout=True, stderr=True, tail=count).splitlines())

        return self._asked(read)

    def cut(self) -> None:
        """Ends the watching: a look that waits fails at once, and so does every later one."""
        self._over = True
        if self._reins is not None:
            self._reins.cut()

    def close(self) -> None:
        """Lets go of the connection; the next look makes another one. Safe to call twice."""
        reins, self._reins, self._api = self._reins, None, None
        if reins is not None:
            reins.close()

    # ------------------------------------------------------------------------------------------ inside

    def _asked(self, read: Callable[[APIClient], Result[T]]) -> Result[T]:
        from docker.errors import DockerException
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        api = self._connected()
        if isinstance(api, Err):
            return api
        try:
            return read(api.value)
        except (DockerException, RequestException, HTTPError, OSError) as problem:
            self.close()
            return explained(problem)

    def _connected(self) -> Result[APIClient]:
        if self._over:
            return Err(code="interrupted", title="Interrupted", message="nobody looks any more")
        if self._api is None:
            self._reins = Reins()
            found = self._reins.take(timeout=PATIENCE)
            if isinstance(found, Err):
                return found
            self._api = found.value
        return Ok(value=self._api)

    def _seen(self, api: APIClient) -> Result[list[Seen]]:
        at = now()
        found = [self._one(api, one, at) for one in api.containers(all=True)]
        there = {one.id for one in found if one.running}
        self._first = {ident: pid for ident, pid in self._first.items() if ident in there}
        self._before = {ident: read for ident, read in self._before.items() if ident in there}
        return Ok(value=found)

    def _one(self, api: APIClient, one: Mapping[str, Any], at: Instant) -> Seen:
        tags: Mapping[str, str] = one.get("Labels") or {}
        ident, name = str(one["Id"]), first_name(one.get("Names"))
        running = str(one.get("State", "")) in ("running", "paused", "restarting")
        used = self._used(api, ident) if running else None
        left: float | None = None
        if labels.mine(tags):
            entry = self._book.find("container", name)
            lease = lease_now(entry.lease if entry is not None else None, labels.lease_of(tags))
            left = None if lease is None else lease.left(at)
        return Seen(
            id=ident,
            name=name,
            image=image_name(tags, str(one.get("Image", ""))),
            state=state_words(one),
            running=running,
            maker=maker(tags),
            created=float(one.get("Created") or at.wall),
            ports=tuple(published(one.get("Ports"))),
            lease=left,
            tags=tags,
            cpu=self._busy(ident, used),
            memory=used.memory if used is not None else None,
            limit=used.limit if used is not None else None,
        )

    def _used(self, api: APIClient, ident: str) -> Counters | None:
        """What the kernel counted; the first process is asked for once, and again when it is another one."""
        pid = self._first.get(ident)
        used = counters(pid, ident) if pid else None
        if used is None:
            self._first[ident] = pid = self._first_process(api, ident)
            used = counters(pid, ident) if pid else None
        return used

    @staticmethod
    def _first_process(api: APIClient, ident: str) -> int:
        from docker.errors import NotFound

        with suppress(NotFound):
            state = api.inspect_container(ident).get("State")
            pid = state.get("Pid") if isinstance(state, dict) else None
            return pid if isinstance(pid, int) else 0
        return 0

    def _busy(self, ident: str, used: Counters | None) -> float | None:
        """Per cent of one core since the look before."""
        before = self._before.pop(ident, None)
        if used is None:
            return None
        self._before[ident] = moment, spent = time.monotonic(), used.cpu
        if before is None or spent < before[1]:
            return None
        return round((spent - before[1]) / 1e9 / max(1e-3, moment - before[0]) * 100, 1)
