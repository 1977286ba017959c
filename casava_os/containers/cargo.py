"""`container.copy_in` and `container.copy_out`: files between the layer and a container, as a tar file in the scratch space.

The agent packs and unpacks it (`casava_sandbox.agent.cargo`); here it only goes to the daemon or comes from it. The sandbox
sees the scratch space, so its names are opened without following links.
"""

from __future__ import annotations

import base64
import json
import os
import posixpath
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from casava_os.containers.desk import Desk
from casava_os.containers.images import INTERRUPTED
from casava_os.containers.known import Known, find, guarded
from casava_syscalls.base import AnyCall
from casava_syscalls.container import CopyIn, CopyOut
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts

MOST_BYTES = 16 * 2**30
_DIRECTORY = 1 << 31
"""Of Go's file modes, which the daemon tells."""


def opened(path: Path | None) -> Result[IO[bytes]]:
    """The tar file that the agent packed."""
    if path is None:
        return Err(code="no-sandbox", title="There is no sandbox to take the files from", message="")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return Err(code="failed", title="The packed files are gone", message="something else lies there")
    except OSError as problem:
        return Err(code="failed", title="The packed files cannot be read", message=str(problem))
    return Ok(value=os.fdopen(descriptor, "rb"))


def copy_in(desk: Desk, call: AnyCall) -> Result[Facts]:
    """`container.copy_in`: into `to` when that is a directory there, else as `to`."""
    assert isinstance(call, CopyIn)
    found = find(desk.api, call.container)
    if isinstance(found, Err):
        return found
    one = found.value
    if (denied := guarded(one, call.container, desk, "written to")) is not None:
        return denied
    if not call.to.startswith("/"):
        message, hint = f"{call.to!r} is none", f"write it from the top: /{call.to}"
        return Err(code="usage", title="A place in a container is a whole path", message=message, hint=hint)
    folder, name = _place(desk, one, call.to)
    if isinstance(folder, Err):
        return folder
    cargo = opened(desk.errand.cargo)
    if isinstance(cargo, Err):
        return cargo
    with cargo.value as packed, tempfile.TemporaryFile() as renamed:
        files = _renamed(packed, renamed, name)
        renamed.seek(0)
        desk.errand.progress(f"Copying into {one.name}", None)
        desk.api.put_archive(one.id, folder, renamed)
    if desk.stopped:
        return INTERRUPTED
    desk.errand.note(f"Not undoable: {call.to} in {one.name} was written.")
    return Ok(value=Facts(items={"container": one.name, "to": call.to, "files": files}))


def _place(desk: Desk, one: Known, to: str) -> tuple[str | Err, str | None]:
    """(directory in the container, name there; None keeps the name of the source)."""
    there = status(desk, one, to)
    if there is not None and int(there.get("mode", 0)) & _DIRECTORY:
        return to, None
    if to.endswith("/"):
        return _no_folder(one, to), None
    folder = posixpath.dirname(to) or "/"
    above = status(desk, one, folder)
    if above is None or not int(above.get("mode", 0)) & _DIRECTORY:
        return _no_folder(one, folder), None
    return folder, posixpath.basename(to)


def _no_folder(one: Known, folder: str) -> Err:
    hint = f"make it first: exec in {one.name} mkdir -p {folder}"
    return Err(
        code="not-found", title=f"{one.name} has no folder {folder}", message="nothing was copied", hint=hint
    )


def status(desk: Desk, one: Known, path: str) -> Mapping[str, Any] | None:
    """What lies at a path in a container (`name`, `size`, `mode`); None when nothing does."""
    address = f"{desk.api.base_url}/v{desk.api.api_version}/containers/{one.id}/archive"  # the SDK has no question for it
    answer = desk.api.head(address, params={"path": path})
    told = answer.headers.get("x-docker-container-path-stat")
    if answer.status_code != 200 or not told:
        return None
    found = json.loads(base64.b64decode(told))
    return found if isinstance(found, dict) else None


def _renamed(packed: IO[bytes], target: IO[bytes], name: str | None) -> int:
    """The same archive, its top called `name`; how many files are in it."""
    files = 0
    with (
        tarfile.open(fileobj=packed, mode="r|", errors="surrogateescape") as source,
        tarfile.open(fileobj=target, mode="w|", errors="surrogateescape") as made,
    ):
        for info in source:
            files += info.isreg()
            if name is not None:
                info.name = "/".join((name, *info.name.split("/")[1:]))
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            made.addfile(info, source.extractfile(info) if info.isreg() else None)
    return files


def copy_out(desk: Desk, call: AnyCall) -> Result[Facts]:
    """`container.copy_out`, as far as the tar file; the agent unpacks it into the layer, so the copy is shown before it lands."""
    assert isinstance(call, CopyOut)
    found = find(desk.api, call.container)
    if isinstance(found, Err):
        return found
    one = found.value
    source = call.source if call.source.startswith("/") else f"/{call.source}"
    there = status(desk, one, source)
    if there is None:
        title = f"{one.name} has no {source}"
        hint = f"look with: exec in {one.name} ls {posixpath.dirname(source)}"
        return Err(code="not-found", title=title, message="nothing was copied", hint=hint)
    if desk.errand.cargo is None:
        return Err(code="no-sandbox", title="There is no sandbox to put the files into", message="")
    chunks, _ = desk.api.get_archive(one.id, source)
    written = _write(desk, one, chunks, desk.errand.cargo)
    if isinstance(written, Err):
        return written
    if desk.stopped:
        return INTERRUPTED
    return Ok(
        value=Facts(items={"container": one.name, "source": source, "to": call.to, "bytes": written.value})
    )


def _write(desk: Desk, one: Known, chunks: Iterator[bytes], cargo: Path) -> Result[int]:
    size = 0
    descriptor = os.open(cargo, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as target:
        for chunk in chunks:
            size += len(chunk)
            if size > MOST_BYTES:
                message = f"it is more than {MOST_BYTES} bytes"
                return Err(code="limit", title=f"That is too much to copy out of {one.name}", message=message)
            target.write(chunk)
            desk.errand.progress(f"Copying from {one.name}: {size / 1e6:.0f} MB", None)
    return Ok(value=size)
