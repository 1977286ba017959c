"""Stages the agent: one deterministic zip archive, named by its digest, that a sandbox mounts read-only."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path

import casava_syscalls

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAIN = b"from casava_sandbox.agent.__main__ import main\n\nmain()\n"


def agent_archive() -> bytes:
    """The archive's bytes: the same for the same sources, on every machine."""
    here = Path(__file__).parent
    members = {
        "__main__.py": _MAIN,
        "casava_sandbox/__init__.py": b"",
        "casava_syscalls/__init__.py": b"",
        "casava_syscalls/names.py": (Path(casava_syscalls.__file__).parent / "names.py").read_bytes(),
        **{f"casava_sandbox/agent/{path.name}": path.read_bytes() for path in (here / "agent").glob("*.py")},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def stage(cache: Path) -> Path:
    """The archive's path under `cache`, written there when it is not yet. Raises `OSError`."""
    data = agent_archive()
    path = cache / f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz"
    if path.is_file() and path.stat().st_size == len(data):
        return path
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=cache, prefix=".agent-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o444)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
