"""File systems mounted inside the workspace: an overlay does not see them, and the person should know."""

from __future__ import annotations

import os
import re
from pathlib import Path

from casava_syscalls.names import name_to_text


def submount_warnings(workspace: Path) -> tuple[str, ...]:
    """A sentence for each mount point below the workspace; its contents look empty in the sandbox."""
    root = os.fsencode(os.path.realpath(workspace)).rstrip(b"/") + b"/"
    found = []
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        point = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal.group(1), 8)]), line.split()[4])
        if point.startswith(root) and len(point) > len(root):
            found.append(name_to_text(point[len(root) :]))
    if len(found) > 5:
        found[5:] = [f"{len(found) - 5} more"]
    return tuple(
        f"Another file system is mounted at {point}: it looks empty in the sandbox." for point in found
    )
