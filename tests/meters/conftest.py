"""Machines as files: each `machines/*.tree` holds the procfs and sysfs files of one, and is laid down in a folder.

`## path` begins a file, `## path -> target` is a link. `vm.tree` was recorded on a real
virtual machine (`record.py`); the others are put together from the kernel's documentation of each file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

MACHINES = Path(__file__).parent / "machines"
Lay = Callable[[str], Path]


@pytest.fixture
def machine(tmp_path: Path) -> Lay:
    """Lays a tree down and gives its root; laying a second one over it is the machine a while later."""

    def lay(name: str) -> Path:
        path: Path | None = None
        lines: list[str] = []

        def write() -> None:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(lines) + "\n")

        for line in (MACHINES / f"{name}.tree").read_text().splitlines():
            if not line.startswith("## "):
                lines.append(line)
                continue
            write()
            place, arrow, target = line[3:].partition(" -> ")
            path, lines = tmp_path / place.strip(), []
            if arrow:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(target)
                path = None
        write()
        return tmp_path

    return lay


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Forbids files whose path ends so, as the kernel does: by mode they could not be, root reads them all."""

    def forbid(ending: str) -> None:
        really = os.open

        def guarded(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if str(path).endswith(ending):
                raise PermissionError(13, "Permission denied", path)
            return really(path, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", guarded)

    return forbid
