"""`file.extract`: archives of other people's, unpacked aside first, so that a bad one leaves nothing behind.

Refused: entries outside the target, links that lead out of it, devices, and archives that swell beyond reason.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import time
import zlib
from typing import BinaryIO, Dict, List, Optional, Tuple

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.paths import Walk, Workspace, given_paths, is_reference, listed, shown, text_of
from casava_sandbox.agent.values import Stored
from casava_sandbox.agent.writing import need_writable, temporary_beside
from casava_syscalls.names import fs_path

MOST_ENTRIES = 200_000
SWELLING_BYTES, SWELLING_RATIO = 2**28, 250
"""More bytes than the first, and more than the second times the archive's size, is no honest archive."""

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"(\xb5/\xfd", "zst"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
)


def extract(context: Context, fields: Fields) -> Stored:
    """`file.extract`. Nothing that exists is overwritten. The result is all that came out."""
    workspace = Workspace(context)
    value, to = fields.get("paths"), fields.text("to")
    found = [(name, workspace.followed(name)) for name in given_paths(value)]
    if is_reference(value):
        found = [(name, path) for name, path in found if not os.path.isdir(path)]
    archives = [(name, workspace.file(name)) for name, _ in found]
    target = workspace.writing_path(to)
    if os.path.lexists(target) and not os.path.isdir(target):
        raise Fault(
            "not-a-directory", "%s is not a directory" % shown(to), "nothing was unpacked", "name a directory"
        )
    if not archives:
        return {"kind": "files", "items": []}
    need_writable(workspace, os.path.join(target, "any"))
    above = target
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    staging = temporary_beside(os.path.join(above, "any"))
    os.mkdir(staging, 0o700)
    try:
        stages = []
        for number, (name, path) in enumerate(archives):
            stages.append(os.path.join(staging, str(number)))
            Unpacking(context, name, path, stages[-1]).run()
        names = rule_out_collisions(workspace, stages, target)
        os.makedirs(target, exist_ok=True)
        for stage in stages:
            settle(stage, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return workspace.entries(os.path.join(target, name) for name in names)


def rule_out_collisions(workspace: Workspace, stages: List[str], target: str) -> List[str]:
    """The relative paths of all that came out, once nothing stands in their way."""
    names: Dict[str, bool] = {}
    taken = []
    for stage in stages:
        for item in Walk(workspace.context, stage):
            is_directory = item.entry.is_dir(follow_symlinks=False)
            place = os.path.join(target, item.relative)
            both = is_directory and names.get(item.relative, True)
            if (
                os.path.lexists(place)
                and not (is_directory and os.path.isdir(place) and not os.path.islink(place))
            ) or (item.relative in names and not both):
                taken.append(workspace.text(place))
            names[item.relative] = is_directory
    if taken:
        hint = "choose another directory, or move these away first"
        raise Fault(
            "exists", "Something is already there", "%s; nothing was unpacked" % listed(sorted(taken)), hint
        )
    return sorted(names, key=text_of)


def settle(stage: str, target: str) -> None:
    """Moves what was unpacked to its place, into directories that are there."""
    for name in sorted(os.listdir(stage)):
        source, place = os.path.join(stage, name), os.path.join(target, name)
        if os.path.lexists(place):
            settle(source, place)
        else:
            os.rename(source, place)


class Unpacking:
    """One archive on its way into a fresh directory, into which nothing but this writes."""

    def __init__(self, context: Context, name: str, path: str, stage: str) -> None:
        self._context = context
        self._name = name
        self._path = path
        self._stage = stage
        self._packed = os.stat(path).st_size
        self._bytes = self._entries = 0
        self._links: List[Tuple[str, str]] = []
        self._directories: List[Tuple[str, int, float]] = []

    def run(self) -> None:
        """Unpacks, or raises a `Fault`."""
        import tarfile
        import zipfile

        os.mkdir(self._stage, 0o700)
        try:
            form = self._format()
            if form == "zip":
                self._zip()
            elif not self._tar(form):
                self._single(form)
        except (
            tarfile.TarError,
            zipfile.BadZipFile,
            EOFError,
            zlib.error,
            UnicodeError,
            ValueError,
        ) as error:
            raise self._damaged(str(error)) from None
        except (NotImplementedError, RuntimeError) as error:
            raise self._refused("unsupported", "cannot be unpacked", str(error)) from None
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise self._damaged("it holds a file and a directory of the same name") from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise self._damaged(str(error)) from None
        self._finish()

    def _damaged(self, why: str) -> Fault:
        return Fault(
            "failed", "%s is damaged" % shown(self._name), "%s; nothing was unpacked" % why, "get it again"
        )

    def _refused(self, code: str, what: str, why: str, hint: str = "") -> Fault:
        return Fault(code, "%s %s" % (shown(self._name), what), "%s; nothing was unpacked" % why, hint)

    def _format(self) -> str:
        """The format that the content shows: zip, gz, bz2, xz, or tar for what shows none."""
        with open(self._path, "rb") as file:
            start = file.read(8)
        form = next((form for magic, form in _MAGIC if start.startswith(magic)), "tar")
        if form in ("zst", "7z", "rar"):
            hint = "run a program that knows it (process.run), if the sandbox has one"
            raise self._refused("unsupported", "cannot be unpacked", "it is a %s archive" % form, hint)
        return form

    # ------------------------------------------------------------------------------------------ entries

    def _place(self, name: str) -> Optional[str]:
        """Where an entry goes; None for the top itself."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts:
            message = "its entry %s would land outside the target" % shown(text_of(name))
            raise self._refused("outside-workspace", "is not safe", message, "do not trust this archive")
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            raise self._refused("limit", "holds too much", "it has more than %d entries" % MOST_ENTRIES)
        if not parts:
            return None
        place = os.path.join(self._stage, *parts)
        os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
        return place

    def _take(self, count: int) -> None:
        """Counts unpacked bytes; called before they are written."""
        self._context.check()
        self._bytes += count
        most = self._context.limits.file_bytes
        if self._bytes > most or (
            self._bytes > SWELLING_BYTES and self._bytes > SWELLING_RATIO * self._packed
        ):
            message = "its %d bytes become more than %d" % (self._packed, self._bytes - count)
            raise self._refused("limit", "swells beyond reason", message, "do not trust this archive")

    def _file(self, place: str, stream: BinaryIO, mode: int, mtime: float) -> None:
        if os.path.lexists(place) and not os.path.isdir(place):
            os.unlink(place)  # the last entry of a name counts
        with open(place, "xb") as file:
            while True:
                chunk = stream.read(2**18)
                if not chunk:
                    break
                self._take(len(chunk))
                file.write(chunk)
        os.chmod(place, mode & 0o777)
        os.utime(place, (mtime, mtime))

    def _directory(self, place: str, mode: int, mtime: float) -> None:
        os.makedirs(place, mode=0o700, exist_ok=True)
        self._directories.append((place, mode, mtime))

    def _link(self, place: str, target: str) -> None:
        """Notes a link. Its target stays below the top whatever the other links are: it climbs first, then descends."""
        parts = [part for part in target.split("/") if part not in ("", ".")]
        climbs = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
        depth = os.path.relpath(place, self._stage).count("/")
        if target.startswith("/") or climbs > depth or ".." in parts[climbs:] or not target:
            message = "its link %s points to %s" % (
                shown(text_of(os.path.relpath(place, self._stage))),
                shown(text_of(target)),
            )
            raise self._refused("outside-workspace", "is not safe", message, "do not trust this archive")
        self._links.append((place, target))

    def _finish(self) -> None:
        """Makes the links, when nothing can be written through them any more, and closes the directories."""
        for place, target in self._links:
            if os.path.lexists(place):
                raise self._damaged("it holds a link and a file of the same name")
            os.symlink(target, place)
        for place, mode, mtime in reversed(self._directories):
            os.chmod(place, mode & 0o777 | 0o700)
            os.utime(place, (mtime, mtime))

    # ------------------------------------------------------------------------------------------ formats

    def _zip(self) -> None:
        import zipfile

        with zipfile.ZipFile(self._path) as packed:
            for info in packed.infolist():
                self._context.check()
                if info.flag_bits & 1:
                    raise self._refused(
                        "unsupported", "is locked", "it needs a password", "run a program that can ask for it"
                    )
                place = self._place(fs_path(info.filename))
                if place is None:
                    continue
                mode = info.external_attr >> 16 if info.create_system == 3 else 0
                mtime = _zip_time(info.date_time)
                if info.is_dir():
                    self._directory(place, stat.S_IMODE(mode) or 0o755, mtime)
                elif stat.S_ISLNK(mode):
                    if info.file_size > 4096:
                        raise self._damaged("a link's target is too long")
                    self._link(place, os.fsdecode(packed.read(info)))
                elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                    raise self._refused(
                        "unsupported", "is not safe", "it holds a device or pipe", "do not trust this archive"
                    )
                else:
                    with packed.open(info) as stream:
                        self._file(place, stream, stat.S_IMODE(mode) or 0o644, mtime)  # type: ignore[arg-type]

    def _tar(self, form: str) -> bool:
        """Unpacks a tar archive; False when a compressed file holds none."""
        import tarfile

        with self._stream(form) as stream:
            try:
                tar = tarfile.open(  # noqa: SIM115 - closed below, once it is known to be one
                    fileobj=stream, mode="r|", bufsize=2**18, encoding="utf-8", errors="surrogateescape"
                )
            except tarfile.ReadError:
                name = self._name.lower()
                if form == "tar" and not name.endswith(".tar"):
                    hint = "zip, tar, gz, bz2 and xz can be unpacked"
                    raise self._refused(
                        "unsupported", "is no archive", "its content is of no known format", hint
                    ) from None
                if form == "tar" or name.endswith(
                    (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
                ):
                    raise
                return False
            with tar:
                for info in tar:
                    self._context.check()
                    place = self._place(info.name)
                    if place is None:
                        continue
                    if info.isdir():
                        self._directory(place, info.mode, info.mtime)
                    elif info.issym():
                        self._link(place, info.linkname)
                    elif info.islnk():
                        self._hard_link(place, info.linkname)
                    elif info.isreg():
                        content = tar.extractfile(info)
                        assert content is not None
                        self._file(place, content, info.mode, info.mtime)  # type: ignore[arg-type]
                    else:
                        raise self._refused(
                            "unsupported",
                            "is not safe",
                            "it holds a device or pipe",
                            "do not trust this archive",
                        )
        return True

    def _hard_link(self, place: str, linkname: str) -> None:
        original = self._place(linkname)
        if original is None or not os.path.isfile(original):
            raise self._damaged("a hard link leads to nothing")
        os.link(original, place)

    def _single(self, form: str) -> None:
        """Unpacks one compressed file, named like it without its ending."""
        base = os.path.basename(self._path)
        name = base[: -len(form) - 1] if base.lower().endswith("." + form) else base + ".out"
        place = self._place(name)
        if place is None:
            raise self._damaged("it gives no name to unpack to")
        with self._stream(form) as stream:
            self._file(place, stream, stat.S_IMODE(os.stat(self._path).st_mode), os.stat(self._path).st_mtime)

    def _stream(self, form: str) -> BinaryIO:
        if form == "gz":
            import gzip

            return gzip.open(self._path, "rb")  # type: ignore[return-value]
        if form == "bz2":
            import bz2

            return bz2.open(self._path, "rb")  # type: ignore[return-value]
        if form == "xz":
            import lzma

            return _Unlzma(lzma.open(self._path, "rb"))  # type: ignore[arg-type, return-value]
        return open(self._path, "rb")


class _Unlzma(io.RawIOBase):
    """An xz stream whose errors are those of the other formats."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        import lzma

        try:
            return self._stream.read(size)
        except lzma.LZMAError as error:
            raise EOFError(str(error)) from None

    def close(self) -> None:
        """Closes the file below too."""
        self._stream.close()
        super().close()


def _zip_time(date: "tuple[int, int, int, int, int, int]") -> float:
    try:
        return time.mktime((*date, 0, 0, -1))
    except (OverflowError, ValueError):
        return 315619200.0
