"""All containers of the daemon, counted; those that this installation started, looked at one by one."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from casava_os.containers import labels
from casava_os.containers.daemon import connected, guarded
from casava_os.containers.known import Known, Maker, find, maker
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

SECONDS = 5
"""How long one request to the daemon may take."""
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")


@dataclass(frozen=True, slots=True)
class Census:
    """What there is."""

    counts: Mapping[tuple[str, Maker], int]
    """How many of each state and maker."""
    mine: tuple[Known, ...]
    """The youngest that this installation started."""


def census(most: int) -> Result[Census]:
    """Counts all, and looks at `most` of our own. `Err` as in `connect`. Blocking."""

    @guarded
    def look(api: APIClient) -> Result[Census]:
        counts: Counter[tuple[str, Maker]] = Counter()
        mine: list[str] = []
        for one in api.containers(all=True):
            tags = one.get("Labels") or {}
            state = str(one.get("State", ""))
            counts[state if state in STATES else "dead", maker(tags)] += 1
            if labels.mine(tags):
                mine.append(str(one["Id"]))
        looked = (find(api, ident) for ident in mine[:most])
        return Ok(value=Census(counts, tuple(one.value for one in looked if isinstance(one, Ok))))

    with connected(timeout=SECONDS) as found:
        return found if isinstance(found, Err) else look(found.value)


def gateway() -> Result[str]:
    """The address at which containers reach this machine: that of Docker's own bridge, `host-gateway` in a spec. Blocking."""

    @guarded
    def look(api: APIClient) -> Result[str]:
        bridge = api.inspect_network("bridge")
        for one in (bridge.get("IPAM") or {}).get("Config") or []:
            if address := str(one.get("Gateway") or ""):
                return Ok(value=address)
        # A daemon that was never started again since its first start names none; its bridge has it.
        interface = (bridge.get("Options") or {}).get("com.docker.network.bridge.name", "")
        for held in psutil.net_if_addrs().get(interface, ()):
            if held.family == socket.AF_INET:
                return Ok(value=held.address)
        message = "the network `bridge` has no gateway"
        return Err(code="unavailable", title="Containers have no way to this machine", message=message)

    with connected(timeout=SECONDS) as found:
        return found if isinstance(found, Err) else look(found.value)
