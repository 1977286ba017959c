"""Stages the agent: one deterministic zip archive, named by its digest, that a sandbox mounts read-only."""

from __future__ import annotations

import hashlib
import io
import os
import py_compile
import sys
import tempfile
import zipfile
from pathlib import Path

import casava_syscalls

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAIN = b"from casava_sandbox.agent.__main__ import main\n\nmain()\n"


def agent_sources() -> dict[str, bytes]:
    """The archive's sources by their names in it."""
    here = Path(__file__).parent
    return {
        "__main__.py": _MAIN,
        "casava_sandbox/__init__.py": b"",
        "casava_syscalls/__init__.py": b"",
        "casava_syscalls/names.py": (Path(casava_syscalls.__file__).parent / "names.py").read_bytes(),
        **{f"casava_sandbox/agent/{path.name}": path.read_bytes() for path in (here / "agent").glob("*.py")},
    }


def agent_archive(sources: dict[str, bytes]) -> bytes:
    """The archive's bytes: the same for the same sources and Python version, on every machine.

    Beside each source lies its bytecode for this Python, which halves the agent's start; another version ignores it.
    """
    members = dict(sources)
    with tempfile.TemporaryDirectory(prefix="casava-agent-") as place:
        for name, source in sources.items():
            original, compiled = Path(place) / "source.py", Path(place) / "code.pyc"
            original.write_bytes(source)
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(original), str(compiled), dfile=name, doraise=True, invalidation_mode=mode)
            members[f"{name}c"] = compiled.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def stage(cache: Path) -> Path:
    """The archive's path under `cache`, written there when it is not yet. Raises `OSError`."""
    sources = agent_sources()
    digest = hashlib.sha256(sys.version.encode())
    for name in sorted(sources):
        digest.update(b"%s %d\n" % (name.encode(), len(sources[name])) + sources[name])
    path = cache / f"agent-{digest.hexdigest()[:16]}.pyz"
    if path.is_file():
        return path
    data = agent_archive(sources)
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
