"""What each sandbox uses, as its control group counts it: version 1 and 2 (kernel docs, admin-guide/cgroup-v2, cgroup-v1).

Sandboxes are found without asking a daemon or a driver: among the groups that Docker and bubblewrap sandboxes lie in, those
whose processes have the scratch directory of a layer mounted. Others' containers are looked at a few times, then left alone.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from casava_os.meters.files import keyed_numbers, names_in, read_amount, read_text, whole
from casava_os.meters.rates import Rates
from casava_os.meters.readings import SandboxReading

_SCRATCH = re.compile(r"^\d+ \d+ \S+ (\S*)/(\d+)/scratch /casava/scratch ", re.MULTILINE)
_LOOKS = 5
"""A container that starts has its mounts only after a moment; so often it is looked at before it is taken for another's."""
_TASKS_ASKED = 64
"""Most processes whose times are added up where no controller does it."""
_TELLING = 5
"""So many last parts of a path tell one person's directory from another's: ann/.local/state/casava-os/layers."""
_UNLIMITED = 2**60
"""Version 1 writes "no limit" as a number near 2**63."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Directories of one group: all the same in version 2, one a controller in version 1. None: not there."""

    key: str
    driver: Literal["docker", "bubblewrap"]
    memory: str
    cpu: str | None
    tasks: str | None


class SandboxMeter:
    """All sandboxes of this user, or, with `layers` (the directory of the layers), those of one installation."""

    def __init__(self, proc: Path, cgroup: Path, layers: Path | None = None) -> None:
        self._proc, self._root = str(proc), str(cgroup)
        self._layers = None if layers is None else str(layers.resolve())
        self._unified = os.path.exists(f"{self._root}/cgroup.controllers")  # noqa: PTH110
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._pids: dict[str, int] = {}
        self._foreign: dict[str, int] = {}
        self._rates: dict[str, Rates] = {}

    def read(self, now: float) -> tuple[SandboxReading, ...]:
        """One reading a sandbox, in the order of their processes."""
        groups = self._groups()
        here = {group.key for group in groups}
        for kept in (self._pids, self._foreign, self._rates):
            for gone in kept.keys() - here:
                del kept[gone]
        readings = [self._reading(group, now) for group in groups if self._is_ours(group)]
        return tuple(sorted(readings, key=lambda reading: (reading.pid or 0, reading.key)))

    def _reading(self, group: _Group, now: float) -> SandboxReading:
        if self._unified:
            memory = read_amount(f"{group.memory}/memory.current")
            limit = read_amount(f"{group.memory}/memory.max")
            cache = "inactive_file"
        else:
            memory = read_amount(f"{group.memory}/memory.usage_in_bytes")
            limit = read_amount(f"{group.memory}/memory.limit_in_bytes")
            cache = "total_inactive_file"
        droppable = keyed_numbers(read_text(f"{group.memory}/memory.stat") or "").get(cache, 0)
        return SandboxReading(
            key=group.key,
            driver=group.driver,
            pid=self._pids.get(group.key),
            cpu_percent=self._cpu(group, now),
            memory=None if memory is None else max(0, memory - droppable),
            memory_limit=limit if limit is not None and limit < _UNLIMITED else None,
            tasks=read_amount(f"{group.tasks}/pids.current") if group.tasks else None,
        )

    # -- processor time

    def _cpu(self, group: _Group, now: float) -> float | None:
        rate = self._rates.setdefault(group.key, Rates(from_zero=group.cpu is None))
        if group.cpu is None:
            return _percent(rate.per_second(self._ticks_of(group), now), self._ticks)
        if self._unified:
            used = keyed_numbers(read_text(f"{group.cpu}/cpu.stat") or "").get("usage_usec")
            unit = 1_000_000
        else:
            used, unit = read_amount(f"{group.cpu}/cpuacct.usage"), 1_000_000_000
        return _percent(rate.per_second(None if used is None else {"cpu": used}, now), unit)

    def _ticks_of(self, group: _Group) -> dict[str, int]:
        """Processor time of the processes that live now, in clock ticks; short-lived ones are missed."""
        found: dict[str, int] = {}
        for pid in self._members(group)[:_TASKS_ASKED]:
            fields = (read_text(f"{self._proc}/{pid}/stat") or "").rpartition(")")[2].split()
            times = [number for field in fields[11:13] if (number := whole(field)) is not None]
            if len(times) == 2:
                found[pid] = sum(times)
        return found

    # -- whose it is

    def _members(self, group: _Group) -> list[str]:
        return (read_text(f"{group.memory}/cgroup.procs") or "").split()

    def _is_ours(self, group: _Group) -> bool:
        if group.key in self._pids:
            return True
        if self._foreign.get(group.key, 0) >= _LOOKS:
            return False
        for pid in self._members(group)[:4]:
            mounts = read_text(f"{self._proc}/{pid}/mountinfo") or ""
            if (found := _SCRATCH.search(mounts)) and self._holds(found[1]):
                self._pids[group.key] = int(found[2])
                return True
        self._foreign[group.key] = self._foreign.get(group.key, 0) + 1
        return False

    def _holds(self, directory: str) -> bool:
        """Whether a directory is that of our layers.

        A mount tells its path within its file system: without what that is mounted on, and with the subvolumes it lies in.
        """
        if self._layers is None:
            return True
        parts = directory.split("/")[1:]
        endings = (parts[skip:] for skip in range(3) if skip == 0 or len(parts) - skip >= _TELLING)
        return any(self._layers.endswith("/" + "/".join(ending)) for ending in endings)

    # -- where groups lie

    def _groups(self) -> list[_Group]:
        own = self._own_paths()
        return self._unified_groups(own.get("", "/")) if self._unified else self._separate_groups(own)

    def _own_paths(self) -> dict[str, str]:
        """The group of this program by controller; that of the unified hierarchy is under ""."""
        paths: dict[str, str] = {}
        for line in (read_text(f"{self._proc}/self/cgroup") or "").splitlines():
            _, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            for controller in controllers.split(","):
                paths[controller] = path
        return paths

    def _unified_groups(self, own: str) -> list[_Group]:
        user = f"user.slice/user-{os.getuid()}.slice/user@{os.getuid()}.service"
        scopes = ("system.slice", f"{user}/user.slice", f"{user}/app.slice")
        found = self._docker(self._root, ("docker",), scopes)
        place = own.strip("/")
        while True:
            found |= self._bubblewrap(f"{self._root}/{place}".rstrip("/"))
            if not place:
                break
            place = place.rpartition("/")[0]
        return [_Group(key, driver, path, path, path) for key, (driver, path) in found.items()]

    def _separate_groups(self, own: dict[str, str]) -> list[_Group]:
        by_controller: dict[str, dict[str, tuple[Literal["docker", "bubblewrap"], str]]] = {}
        for controller in ("memory", "cpuacct", "pids"):
            root = f"{self._root}/{controller}"
            found = self._docker(root, ("docker",), ("system.slice",))
            for place in {own.get(controller, "/").strip("/"), ""}:
                found |= self._bubblewrap(f"{root}/{place}".rstrip("/"))
            by_controller[controller] = found

        def path(controller: str, key: str) -> str | None:
            placed = by_controller[controller].get(key)
            return placed[1] if placed else None

        return [
            _Group(key, driver, place, path("cpuacct", key), path("pids", key))
            for key, (driver, place) in by_controller["memory"].items()
        ]

    def _docker(
        self, root: str, plain: tuple[str, ...], scopes: tuple[str, ...]
    ) -> dict[str, tuple[Literal["docker", "bubblewrap"], str]]:
        """Containers by their ID: `docker/ID` (cgroupfs), `system.slice/docker-ID.scope` (systemd)."""
        found: dict[str, tuple[Literal["docker", "bubblewrap"], str]] = {}
        for parent in plain:
            for name in names_in(f"{root}/{parent}"):
                if re.fullmatch(r"[0-9a-f]{64}", name):
                    found[name] = ("docker", f"{root}/{parent}/{name}")
        for parent in scopes:
            for name in names_in(f"{root}/{parent}"):
                if scope := re.fullmatch(r"docker-([0-9a-f]{64})\.scope", name):
                    found[scope[1]] = ("docker", f"{root}/{parent}/{name}")
        return found

    def _bubblewrap(self, parent: str) -> dict[str, tuple[Literal["docker", "bubblewrap"], str]]:
        """Groups that the bubblewrap driver made: `casava-MAKER-…`."""
        return {
            name: ("bubblewrap", f"{parent}/{name}")
            for name in names_in(parent)
            if re.match(r"casava-\d+-", name)
        }


def _percent(rate: float | None, unit: int) -> float | None:
    return None if rate is None else 100.0 * rate / unit
