"""Control groups, where this user may make them: the only limit on memory and processes that holds for a sandbox as a whole.

Root can make them under version 1 and 2; a plain user only below a group that was delegated to them (systemd does that
for a graphical login). Where there is none, the driver falls back to resource limits, and says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from casava_os.kernel.ports import Limits, Priority
from casava_sandbox.shares import SHARES, WEIGHTS

_ROOT = Path("/sys/fs/cgroup")
PREFIX = "casava-"
_PERIOD = 100_000


@dataclass(frozen=True, slots=True)
class Group:
    """One control group (version 2) or one a controller (version 1)."""

    directories: tuple[Path, ...]
    held: dict[str, object]
    """Limits in force, by the names the agent's measurements use."""

    def entries(self) -> list[str]:
        """Files that take the pid of a process which joins."""
        return [str(directory / "cgroup.procs") for directory in self.directories]

    def weigh(self, priority: Priority) -> bool:
        """Sets the group's share of the processors; False where it has none of its own."""
        for directory in self.directories:
            for file, value in (("cpu.weight", WEIGHTS[priority]), ("cpu.shares", SHARES[priority])):
                if (directory / file).exists():
                    return _set(directory / file, value) == str(value)
        return False

    def remove(self) -> None:
        """Removes the group; its last processes may take a moment to end."""
        for directory in self.directories:
            give_up = time.monotonic() + 3
            while time.monotonic() < give_up:
                try:
                    directory.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.01)
                else:
                    break


def make(name: str, limits: Limits) -> Group | None:
    """A fresh group with the limits set and read back, or None where none can be made. `name`: nobody else's."""
    own = _own_paths()
    return _unified(name, limits, own[""]) if _is_unified() else _separate(name, limits, own)


def _is_unified() -> bool:
    return (_ROOT / "cgroup.controllers").exists()


def _own_paths() -> dict[str, str]:
    """The own group by controller; the unified hierarchy's is under ""."""
    paths = {"": "/"}
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def _separate(name: str, limits: Limits, own: dict[str, str]) -> Group | None:
    """Version 1: memory, pids and cpu, each in its own hierarchy. Memory and pids are needed, cpu is taken where it is."""
    directories: list[Path] = []
    held: dict[str, object] = {}
    quota = int(limits.cpus * _PERIOD)
    settings: dict[str, list[tuple[str, int, str | None]]] = {
        "memory": [
            ("memory.limit_in_bytes", limits.memory_bytes, "memory_bytes"),
            ("memory.memsw.limit_in_bytes", limits.memory_bytes, "swap"),
        ],
        "pids": [("pids.max", limits.pids, "pids")],
        "cpu": [("cpu.cfs_period_us", _PERIOD, None), ("cpu.cfs_quota_us", quota, "quota")],
    }
    for controller, values in settings.items():
        directory = _new_directory(_ROOT / controller, own.get(controller, "/"), name)
        if directory is None:
            continue
        directories.append(directory)
        for file, value, fact in values:
            read = _set(directory / file, value)
            if fact is not None and read is not None:
                held[fact] = read
    return _finished(directories, held)


def _unified(name: str, limits: Limits, own: str) -> Group | None:
    """Version 2: below the nearest group of ours that hands memory and pids down to its children."""
    held: dict[str, object] = {}
    place = _ROOT / own.lstrip("/")
    for parent in (place, *place.parents):
        if not parent.is_relative_to(_ROOT):
            return None
        try:
            handed_down = (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
            if not {"memory", "pids"} <= set(handed_down):
                continue
            directory = parent / f"{PREFIX}{name}"
            directory.mkdir()
        except OSError:
            continue
        for file, value, fact in (
            ("memory.max", str(limits.memory_bytes), "memory_bytes"),
            ("memory.swap.max", "0", "swap"),
            ("pids.max", str(limits.pids), "pids"),
            ("cpu.max", f"{int(limits.cpus * _PERIOD)} {_PERIOD}", "quota"),
        ):
            read = _set(directory / file, value)
            if read is not None:
                held[fact] = read.split()[0]
        return _finished([directory], held)
    return None


def _finished(directories: list[Path], held: dict[str, object]) -> Group | None:
    group = Group(tuple(directories), held)
    if not {"memory_bytes", "pids"} <= set(held):
        group.remove()
        return None
    quota = held.pop("quota", None)
    if quota is not None and str(quota).isdigit():
        held["cpus"] = int(str(quota)) / _PERIOD
    return group


def _new_directory(root: Path, own: str, name: str) -> Path | None:
    for parent in (root / own.lstrip("/"), root):
        directory = parent / f"{PREFIX}{name}"
        try:
            directory.mkdir()
        except OSError:
            continue
        return directory
    return None


def _set(file: Path, value: int | str) -> str | None:
    """Writes a limit and reads it back; None when that fails."""
    try:
        file.write_text(f"{value}\n", encoding="ascii")
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return None


def named_groups(name: str) -> list[Path]:
    """The groups that `make` made under this name and that are still there."""
    own = _own_paths()
    roots = [_ROOT / own[""].lstrip("/"), _ROOT] if _is_unified() else []
    if roots:
        roots += [parent for parent in roots[0].parents if parent.is_relative_to(_ROOT)]
    for controller in ("memory", "pids", "cpu"):
        roots += [_ROOT / controller / own.get(controller, "/").lstrip("/"), _ROOT / controller]
    places = dict.fromkeys(root / f"{PREFIX}{name}" for root in roots)
    return [place for place in places if place.is_dir()]
