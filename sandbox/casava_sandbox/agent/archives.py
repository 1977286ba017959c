"""`file.archive`: the same files give the same archive, byte for byte."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import time
from typing import BinaryIO, ContextManager, Dict, List, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, listed, shown, topmost
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.writing import make_parents, need_writable, temporary_beside
from casava_syscalls.names import fs_path

FORMATS: Dict[str, str] = {
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
"""How a name's end tells the format."""

Item = Tuple[str, str, os.stat_result]
"""Name in the archive (text form), path, status."""


def archive(context: Context, fields: Fields) -> Stored:
    """`file.archive`. Names are relative to the workspace; links are kept as links; the archive never holds itself."""
    workspace = Workspace(context)
    to = fields.text("to")
    form = next(
        (FORMATS[end] for end in sorted(FORMATS, key=len, reverse=True) if to.lower().endswith(end)), None
    )
    if form is None:
        raise Fault(
            "usage",
            "%s names no known archive format" % shown(to),
            "",
            "use .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz",
        )
    path = workspace.locate(to)
    if os.path.lexists(path):
        raise Fault(
            "exists",
            "%s is already there" % shown(to),
            "nothing was packed",
            "delete it first, or choose another name",
        )
    names = given_paths(fields.get("paths"))
    if not names:
        raise Fault("not-found", "There is nothing to pack", "no file was found", "no archive was made")
    items = items_of(workspace, names, path)
    need_writable(workspace, path)
    make_parents(workspace, path)
    temporary = temporary_beside(path)
    try:
        with open(temporary, "xb") as raw:
            if form == "zip":
                _pack_zip(context, raw, items)
            else:
                with compressor(form, raw) as stream:
                    pack_tar(context, stream, items)
        os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    return workspace.entries([path])


def items_of(workspace: Workspace, names: List[str], target: str) -> List[Item]:
    """All that goes in but the `target`, by name, directories before what is in them."""
    found: Dict[str, Tuple[str, os.stat_result]] = {}
    strange, closed = [], []
    real_target = os.path.join(os.path.realpath(os.path.dirname(target)), os.path.basename(target))

    def add(path: str, info: os.stat_result) -> None:
        text = workspace.text(path)
        if (
            path == workspace.root
            or os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)) == real_target
        ):
            return
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode) or stat.S_ISLNK(info.st_mode)):
            strange.append(text)
        elif not stat.S_ISLNK(info.st_mode) and not os.access(path, os.R_OK):
            closed.append(text)
        found[text] = (path, info)

    for name in topmost(names):
        path = workspace.entry_path(name)
        add(path, os.lstat(path))
        if os.path.isdir(path) and not os.path.islink(path):
            for item in Walk(workspace.context, path, forgiving=True):
                add(item.entry.path, item.entry.stat(follow_symlinks=False))
    if closed:
        raise Fault(
            "permission", "That may not be read", listed(closed), "change its permissions, or leave it out"
        )
    if strange:
        raise Fault(
            "unsupported",
            "That cannot be packed",
            "%s: pipes, sockets and devices" % listed(strange),
            "leave it out",
        )
    return [(name, *found[name]) for name in sorted(found, key=lambda name: name.split("/"))]


class Checked(io.RawIOBase):
    """A file whose reading stops when the call is to stop."""

    def __init__(self, context: Context, file: BinaryIO) -> None:
        super().__init__()
        self._context = context
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        self._context.check()
        return self._file.read(size)


def pack_tar(context: Context, stream: BinaryIO, items: List[Item]) -> None:
    """Writes the items one after another; the last block is filled up as tar wants it."""
    import tarfile

    with tarfile.open(
        fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for name, path, status in items:
            context.check()
            info = tarfile.TarInfo(fs_path(name))
            info.mode, info.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
            if stat.S_ISDIR(status.st_mode):
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif stat.S_ISLNK(status.st_mode):
                info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
                tar.addfile(info)
            else:
                with open(path, "rb") as file:
                    info.size = os.fstat(file.fileno()).st_size
                    tar.addfile(info, Checked(context, file))


def compressor(form: str, raw: BinaryIO) -> ContextManager[BinaryIO]:
    """A stream that compresses into `raw`, which stays open ("tar" does not compress)."""
    if form == "gz":
        import gzip

        return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)  # type: ignore[return-value]
    if form == "bz2":
        import bz2

        return bz2.BZ2File(raw, "wb")  # type: ignore[return-value]
    if form == "xz":
        import lzma

        return lzma.LZMAFile(raw, "wb")  # type: ignore[return-value]
    return contextlib.nullcontext(raw)


def _pack_zip(context: Context, raw: BinaryIO, items: List[Item]) -> None:
    import zipfile

    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path, status in items:
            context.check()
            is_directory = stat.S_ISDIR(status.st_mode)
            moment = time.localtime(min(max(status.st_mtime, 315619200), 4354819198))[:6]
            info = zipfile.ZipInfo(name + "/" if is_directory else name, moment)
            info.create_system = 3  # Unix: the upper half of external_attr is st_mode
            info.external_attr = (status.st_mode & 0xFFFF) << 16 | (0x10 if is_directory else 0)
            if is_directory:
                packed.writestr(info, b"")
            elif stat.S_ISLNK(status.st_mode):
                packed.writestr(info, os.fsencode(os.readlink(path)))
            else:
                info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, status.st_size
                with open(path, "rb") as file, packed.open(info, "w") as member:
                    while True:
                        context.check()
                        chunk = file.read(2**20)
                        if not chunk:
                            break
                        member.write(chunk)
