"""Where Casava OS keeps what: the one module that knows the XDG directories and `CASAVA_HOME`.

Nothing is created by asking for a path; who writes calls `private_dir` first. Directories are 0700, files 0600: a journal
and the pre-images of a person's files are nobody else's business. Source: XDG Base Directory Specification 0.8.
"""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "casava-os"


def config_dir() -> Path:
    """Settings that the person writes: `~/.config/casava-os`."""
    return _dir("config", "XDG_CONFIG_HOME", ".config")


def state_dir() -> Path:
    """Journal, layers and undo store: `~/.local/state/casava-os`."""
    return _dir("state", "XDG_STATE_HOME", ".local/state")


def data_dir() -> Path:
    """Memory and models: `~/.local/share/casava-os`."""
    return _dir("data", "XDG_DATA_HOME", ".local/share")


def cache_dir() -> Path:
    """What can be made again (built images, staged agents): `~/.cache/casava-os`."""
    return _dir("cache", "XDG_CACHE_HOME", ".cache")


def _dir(kind: str, variable: str, fallback: str) -> Path:
    """`$CASAVA_HOME/<kind>`, else the XDG directory; a relative XDG value is ignored, as its specification says."""
    home = os.environ.get("CASAVA_HOME", "")
    if home:
        return Path(home).expanduser().absolute() / kind
    base = os.environ.get(variable, "")
    return (Path(base) if base.startswith("/") else Path.home() / fallback) / _NAME


def private_dir(path: Path) -> Path:
    """Makes a directory, and those of its parents that are missing, readable for this person alone; gives it back."""
    for directory in reversed([path, *path.parents]):
        if not directory.exists():
            directory.mkdir(mode=0o700, exist_ok=True)
    return path


def write_private(path: Path, data: bytes) -> None:
    """Writes a file (0600) in one step: readers see the old or the new contents, never a part."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)
