"""A small image made of this machine's own programs: a shell and a few tools, with the libraries that they need.

No registry is needed, and an image of ten megabytes is imported in less than a second.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

PROGRAMS = (
    "sh", "cat", "ls", "sleep", "echo", "env", "mkdir", "rm", "touch", "head", "tail", "seq", "date", "id", "ps", "kill", "dd",
)  # fmt: skip


def rootfs() -> bytes:
    """The image's files as a tar archive."""
    found: dict[str, Path] = {}
    for name in PROGRAMS:
        program = shutil.which(name)
        assert program is not None, f"{name} is not on this machine"
        found[f"bin/{name}"] = Path(program).resolve()
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/[^\s:()]+)", said):
            found[library.lstrip("/")] = Path(library).resolve()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in ("tmp", "etc", "proc", "sys", "dev", "srv", "root"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        for name, path in sorted(found.items()):
            info = tarfile.TarInfo(name)
            info.mode, info.size = 0o755, path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(info, file)
        content = b"hello from the image\n"
        info = tarfile.TarInfo("etc/motd")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()
