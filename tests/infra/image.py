"""A small image of busybox alone: a shell, a web server, nothing else. Imported, never pulled."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, NotFound

if TYPE_CHECKING:
    from docker import APIClient

APPLETS = (
    "sh", "httpd", "sleep", "cat", "ls", "wget", "nc", "true", "false", "echo", "touch", "rm", "test", "mkdir", "id", "kill",
    "hostname", "date", "tail", "sed", "stat",
)  # fmt: skip


def busybox() -> Path:
    """A static busybox of this machine, or of the package of its distribution."""
    found = shutil.which("busybox")
    if (
        found is not None
        and "dynamic"
        not in subprocess.run(["file", "-L", found], capture_output=True, text=True, check=False).stdout
    ):
        return Path(found)
    kept = Path(tempfile.gettempdir()) / "casava-tests-busybox"
    if not (kept / "bin/busybox").exists():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["apt-get", "download", "-q", "busybox-static"], cwd=folder, check=True, capture_output=True
            )
            (package,) = Path(folder).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", package, Path(folder) / "x"], check=True)
            kept.mkdir(exist_ok=True)
            shutil.move(str(Path(folder) / "x/bin"), kept / "bin")
    return kept / "bin/busybox"


def rootfs(motd: str = "one") -> bytes:
    """The image's files; `motd` makes another image of it."""
    packed = io.BytesIO()
    program = busybox().read_bytes()
    with tarfile.open(fileobj=packed, mode="w") as tar:

        def add(name: str, content: bytes, mode: int = 0o644) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))

        for folder in ("bin", "tmp", "etc", "proc", "sys", "dev", "srv", "root", "run", "data"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        add("bin/busybox", program, 0o755)
        for applet in APPLETS:
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
        add("srv/index.html", f"{motd}\n".encode())
        add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    return packed.getvalue()


LABEL = "os.casava.tests"
"""Its value: the repository that an image was imported for. What is built from the image inherits it."""


def imported(api: APIClient, name: str, motd: str = "one") -> str:
    """Imports the image under a name; its ID."""
    return taken_in(api, rootfs(motd), name)


def taken_in(api: APIClient, files: bytes, name: str, changes: Iterable[str] = ()) -> str:
    """Imports a tar archive as an image of this name; its ID. `changes`: lines of a Dockerfile."""
    repository, _, tag = name.rpartition(":")
    api.import_image_from_data(
        files, repository=repository, tag=tag, changes=[*changes, f"LABEL {LABEL}={repository}"]
    )
    return str(api.inspect_image(name)["Id"])  # type: ignore[no-untyped-call]


def discard(api: APIClient, name: str) -> None:
    """Removes what was imported for this name's repository and what was built from it, whatever it is called by now.

    An image is refused while another is built upon it, and the daemon lists those of one second in any order.
    """
    repository = name.partition(":")[0]
    while images := api.images(all=True, filters={"label": f"{LABEL}={repository}"}):
        refused: list[APIError] = []
        for one in images:
            try:
                api.remove_image(one["Id"], force=True)
            except NotFound:  # it went with the one before
                continue
            except APIError as error:
                refused.append(error)
        if len(refused) == len(images):
            raise refused[0]
