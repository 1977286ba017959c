"""What of this machine a blueprint may be sized to, as the text of a setting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

Asked = Literal["memory", "cpus", "gpus"]


def sized(asked: Asked, share: float) -> str:
    """A share of the memory (`4096m`), of the processors (`2`), or how many graphics processors (empty: none)."""
    if asked == "memory":
        import psutil

        return f"{max(64, int(psutil.virtual_memory().total * share) // 2**20)}m"
    if asked == "cpus":
        return str(max(1, int((os.cpu_count() or 1) * share)))
    cards = _cards()
    return str(cards) if cards else ""


def _cards() -> int:
    """NVIDIA graphics processors: those that containers can be given."""
    try:
        return len(list(Path("/proc/driver/nvidia/gpus").iterdir()))
    except OSError:
        return 0
