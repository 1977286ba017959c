"""`casava-os sandbox build`: makes the Docker image from what this machine has, without a registry.

From the host's own Debian packages in seconds; else with mmdebstrap from the machine's package sources.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from casava_sandbox.environment import PATH
from casava_sandbox.image.packages import WANTED, files_of, installed_closure, write_archive
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

Progress = Callable[[str], None]

LABEL = "casava-os.sandbox"
"""Label of images made here; its value says from what."""

_ENVIRONMENT = f"ENV PATH={PATH}"


def build(progress: Progress, api: APIClient | None = None) -> Result[str]:
    """Builds the image and gives its ID. Blocking: seconds from packages, a minute or two with mmdebstrap.

    `Err("no-sandbox")` when the daemon does not answer or this machine has nothing to build from.
    """
    from casava_sandbox.docker.client import connect

    if api is None:
        connected = connect()
        if isinstance(connected, Err):
            return connected
        try:
            return build(progress, connected.value)
        finally:
            connected.value.close()
    packages = installed_closure()
    if packages:
        progress(f"Building the sandbox image from {len(packages)} packages of this machine")
        return _import(api, lambda stream: write_archive(stream, files_of(packages)), "packages")
    if shutil.which("mmdebstrap"):
        progress("Building the sandbox image with mmdebstrap (a minute or two)")
        return _import(api, _mmdebstrap, "mmdebstrap")
    return Err(
        code="no-sandbox",
        title="The sandbox image cannot be built here",
        message="This machine has neither Debian's python3 package nor mmdebstrap to make one from",
        hint="connect to a registry once, name an image in the setting `image`, or use --sandbox bubblewrap",
    )


def _import(api: APIClient, write: Callable[[IO[bytes]], None], source: str) -> Result[str]:
    """Streams an archive into the daemon; the value is the image's ID."""
    from docker.errors import DockerException

    read_end, write_end = os.pipe()
    failures: list[BaseException] = []

    def feed() -> None:
        with os.fdopen(write_end, "wb") as stream:
            try:
                write(stream)
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                failures.append(error)

    writer = threading.Thread(target=feed, name="sandbox-image")
    writer.start()
    failure: Exception | None = None
    with os.fdopen(read_end, "rb") as archive:
        try:
            api.import_image_from_stream(
                archive,
                repository="casava-os-sandbox",
                tag="local",
                changes=[f"LABEL {LABEL}={source}", _ENVIRONMENT],
            )
        except (DockerException, OSError) as error:
            failure = error
    writer.join()
    if failures or failure is not None:
        _remove(api)
        return Err(
            code="no-sandbox",
            title="The sandbox image could not be built",
            message=str(failure or failures[0]),
            hint="check the free disk space of the Docker daemon, then run casava-os sandbox build again",
        )
    (image,) = api.images("casava-os-sandbox:local", quiet=True)
    _remove_older(api, str(image))
    return Ok(value=str(image))


def _remove_older(api: APIClient, newest: str) -> None:
    """Earlier builds are 190 MB each; one that a container still uses stays until the next build."""
    from docker.errors import DockerException

    for image in api.images(filters={"label": LABEL}, quiet=True):
        if image != newest:
            with suppress(DockerException):
                api.remove_image(image)


def _remove(api: APIClient) -> None:
    from docker.errors import DockerException

    with suppress(DockerException):  # there may be none
        api.remove_image("casava-os-sandbox:local")


def _package_sources() -> list[Path]:
    """The files that name this machine's own package sources."""
    main, more = Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d")
    found = [main] if main.exists() else []
    return found + sorted(path for path in more.glob("*") if path.suffix in (".list", ".sources"))


def _mmdebstrap(stream: IO[bytes]) -> None:
    """A minimal Debian from the machine's own package sources."""
    wanted = [name for name in WANTED if name not in ("base-files", "libc-bin")]
    command = [
        "mmdebstrap",
        "--variant=essential",
        f"--include={','.join(wanted)}",
        "--customize-hook=mkdir -p $1/workspace $1/casava/scratch",
        "--customize-hook=test -e $1/usr/bin/python || ln -s python3 $1/usr/bin/python",
        "--quiet",
        "",
        "-",
        *map(str, _package_sources()),
    ]
    subprocess.run(command, stdout=stream, check=True, timeout=600)
