"""Contents of files by their sha256: what undo and redo put back. Equal contents are kept once.

`<state>/undo/objects/ab/cd….z` is a zlib stream, `….raw` the bytes themselves. What is being added lies in `adding/` until
all of it is on disk, so a name stands for whole contents, also after a power cut. A file that is about to leave the workspace,
and that nobody has open for writing, is not copied: it becomes the object by a second name. Large ones are cloned where the
file system clones. What was not compressed for that reason is compressed before anything is forgotten for want of space.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from casava_sandbox.layer.files import next_data, next_hole, sync, sync_filesystem, write_all

_CHUNK = 1 << 20
_LARGE = 4 << 20  # bytes from which contents are read in blocks
_LEVEL = 1
_WORTH = 0.9  # compressed only when a sample gets smaller than this share
_BLOCK = 4096
_FICLONE = 0x40049409
_FORMS = (".z", ".raw")
_FEW = 16


class DamagedError(Exception):
    """Contents that are missing, or no longer what they were; the argument is their digest."""

    @property
    def digest(self) -> str:
        return str(self.args[0])


class Objects:
    """The contents kept under one state directory. `add` and `flush` want the caller to hold `reading`."""

    def __init__(self, state: str, pid: int = 0) -> None:
        self.folder = os.path.join(state, "undo", "objects")
        self._added: dict[str, tuple[str, str]] = {}
        self.linked: list[str] = []
        """Digests of what was added by a second name and is not flushed."""
        self._number = 0
        self._batch = os.path.join(self.folder, "adding", str(pid))

    # ------------------------------------------------------------------------------------------ adding

    def add(self, descriptor: int, *, leaving: bool = False) -> str:
        """Keeps the contents of an open file; answers their sha256. `leaving`: the file is about to be removed.

        It lies in the store under that name only after `flush`.
        """
        status = os.fstat(descriptor)
        if leaving and status.st_size and status.st_nlink == 1 and _unwritten(descriptor):
            digest = _digest(descriptor)
            if digest in self._added or self.find(digest, status.st_size) is not None:
                return digest
            temporary = self._temporary()
            if _linked(descriptor, temporary):
                self.linked.append(digest)
                return self._added_as(digest, temporary, ".raw")
        if status.st_size < _LARGE:
            return self._add_small(_read_all(descriptor, status.st_size))
        temporary = self._temporary()
        if _cloned(descriptor, temporary):
            return self._added_as(_digest(descriptor), temporary, ".raw")
        return self._add_large(descriptor, status, temporary)

    def _add_small(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if digest in self._added or self.find(digest, len(data)) is not None:
            return digest
        packed = zlib.compress(data, _LEVEL)
        form = ".z" if len(packed) < _WORTH * len(data) else ".raw"
        temporary = self._temporary()
        with open(_new(temporary), "wb", buffering=0) as file:
            write_all(file.fileno(), packed if form == ".z" else data)
        return self._added_as(digest, temporary, form)

    def _add_large(self, descriptor: int, status: os.stat_result, temporary: str) -> str:
        sample = os.pread(descriptor, 1 << 16, 0)
        sparse = is_sparse(status)
        squeeze = not sparse and len(zlib.compress(sample, _LEVEL)) < _WORTH * len(sample)
        packer, digest = zlib.compressobj(_LEVEL), hashlib.sha256()
        with open(_new(temporary), "wb", buffering=0) as file:
            for block in _blocks(descriptor, file.fileno() if sparse else None):
                digest.update(block)
                if not sparse:
                    write_all(file.fileno(), packer.compress(block) if squeeze else block)
            if squeeze:
                write_all(file.fileno(), packer.flush())
        return self._added_as(digest.hexdigest(), temporary, ".z" if squeeze else ".raw")

    def _added_as(self, digest: str, temporary: str, form: str) -> str:
        if digest in self._added or self.find(digest, None) is not None:
            os.unlink(temporary)
        else:
            self._added[digest] = (temporary, form)
        return digest

    def flush(self) -> int:
        """Puts what was added on disk, then under its name; answers how many bytes that are."""
        placed: dict[str, None] = {}
        size = 0
        if self._added:
            _sync_some([path for path, _ in self._added.values()], self.folder)
        for digest, (path, form) in self._added.items():
            target = self._path(digest) + form
            folder = os.path.dirname(target)
            if folder not in placed:
                os.makedirs(folder, mode=0o700, exist_ok=True)
                placed[folder] = None
            size += os.lstat(path).st_blocks * 512
            os.rename(path, target)
        if placed:
            sync([self.folder])
            _sync_some(list(placed), self.folder)
        self.drop()
        return size

    def drop(self) -> None:
        """Forgets what was added and not flushed, also by an earlier program for the same process."""
        self._added.clear()
        self.linked.clear()
        self._number = 0
        with suppress(FileNotFoundError):
            for name in os.listdir(self._batch):
                os.unlink(os.path.join(self._batch, name))
            os.rmdir(self._batch)

    # ------------------------------------------------------------------------------------------ finding

    def unlink_shared(self, digests: Iterable[str]) -> None:
        """Removes those that are still files of the workspace: a second name that came to nothing."""
        for digest in digests:
            path = self._path(digest) + ".raw"
            with suppress(FileNotFoundError):
                if os.lstat(path).st_nlink > 1:
                    os.unlink(path)

    def make_private(self, digests: Iterable[str]) -> None:
        """What came by a second name, and has left the workspace, is nobody else's to read."""
        for digest in digests:
            with suppress(FileNotFoundError):
                os.chmod(self._path(digest) + ".raw", 0o600)

    def find(self, digest: str, size: int | None) -> str | None:
        """Where contents lie, or None. An object of another size (bytes), or with a second name, is none."""
        for form in _FORMS:
            path = self._path(digest) + form
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            wrong = form == ".raw" and size is not None and status.st_size != size
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and not wrong:
                return path
        return None

    def restore(self, digest: str, size: int, target: int, *, sparse: bool) -> None:
        """Writes contents to an open, empty file, blocks of zeros as holes when `sparse`. Raises `DamagedError`."""
        path = self.find(digest, size)
        if path is None:
            raise DamagedError(digest)
        found, position = hashlib.sha256(), 0
        try:
            source = _readable(path)
        except OSError as problem:
            raise DamagedError(digest) from problem
        with os.fdopen(source, "rb", buffering=0):
            try:
                for block in _blocks(source, None) if path.endswith(".raw") else _unpacked(source):
                    found.update(block)
                    position += len(block)
                    if position > size:
                        raise DamagedError(digest)
                    _write(target, block, position - len(block), sparse=sparse)
            except (zlib.error, EOFError) as problem:
                raise DamagedError(digest) from problem
            except OSError as problem:
                if problem.errno == errno.EIO:
                    raise DamagedError(digest) from problem
                raise
        if found.hexdigest() != digest or position != size:
            raise DamagedError(digest)
        os.ftruncate(target, size)

    def squeeze(self, digest: str, size: int, enough: float = _WORTH) -> int:
        """Compresses an object that is not; answers the bytes that are free for it. The caller holds `alone`."""
        path = self._path(digest) + ".raw"
        if self.find(digest, size) != path:
            return 0
        before = os.lstat(path).st_blocks * 512
        source = _readable(path)
        try:
            packer, found = zlib.compressobj(_LEVEL), hashlib.sha256()
            temporary = path + ".squeezed"
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            with open(_new(temporary), "wb", buffering=0) as file:
                for block in _blocks(source, None):
                    found.update(block)
                    write_all(file.fileno(), packer.compress(block))
                write_all(file.fileno(), packer.flush())
                os.fsync(file.fileno())
            after = os.lstat(temporary).st_blocks * 512
            if after > enough * before or found.hexdigest() != digest:
                os.unlink(temporary)
                return 0
            os.rename(temporary, self._path(digest) + ".z")
            sync([os.path.dirname(path)])
            os.unlink(path)
            return before - after
        finally:
            os.close(source)

    def sweep(self, live: set[str], busy: set[int], trash: str) -> int:
        """Moves what is not in `live`, and what a killed program was adding, to the new folder `trash`.

        Answers the bytes that stay. What the processes `busy` were adding is theirs. The caller holds `alone`.
        """
        stays = moved = 0
        os.mkdir(trash, 0o700)
        theirs = {str(pid) for pid in busy}
        for folder, _, names in os.walk(self.folder):
            adding = os.path.dirname(folder) == os.path.join(self.folder, "adding")
            prefix = os.path.basename(folder)
            for name in names:
                path = os.path.join(folder, name)
                if folder == self.folder:
                    continue  # the lock
                gone = prefix not in theirs if adding else prefix + name.partition(".")[0] not in live
                if gone or name.endswith(".squeezed"):
                    os.rename(path, os.path.join(trash, str(moved)))
                    moved += 1
                else:
                    stays += os.lstat(path).st_blocks * 512
        return stays

    # ------------------------------------------------------------------------------------------ locks

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While contents are relied upon, nothing is swept."""
        with _flocked(os.path.join(self.folder, "lock"), fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else relies on contents now; if so, nobody begins to."""
        try:
            with _flocked(os.path.join(self.folder, "lock"), fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    # ------------------------------------------------------------------------------------------ parts

    def _path(self, digest: str) -> str:
        return os.path.join(self.folder, digest[:2], digest[2:])

    def _temporary(self) -> str:
        if not self._number:
            self.drop()
            for folder in (os.path.dirname(self._batch), self._batch):
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o700)
        self._number += 1
        return os.path.join(self._batch, str(self._number))


def is_sparse(status: os.stat_result) -> bool:
    """Whether a file has holes."""
    return status.st_blocks * 512 < status.st_size


@contextmanager
def _flocked(path: str, how: int) -> Iterator[None]:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _readable(path: str) -> int:
    """Opens an object; one that came as a file without read permission is ours now."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except PermissionError:
        os.chmod(path, 0o600)
        return os.open(path, flags)


def _new(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _read_all(descriptor: int, size: int) -> bytes:
    parts, position = [], 0
    while block := os.pread(descriptor, max(size - position, 1) + 1, position):
        parts.append(block)
        position += len(block)
    return b"".join(parts)


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    for block in _blocks(descriptor, None):
        digest.update(block)
    return digest.hexdigest()


def _unwritten(descriptor: int) -> bool:
    """Whether nobody has the file open for writing: the kernel gives a lease for reading only then. Source: fcntl(2)."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True


def _linked(descriptor: int, target: str) -> bool:
    """A second name for an open file, where both are on one mount."""
    try:
        # With a directory given, `os.link` is linkat(2), which can follow this link; for an absolute path it means nothing.
        os.link(f"/proc/self/fd/{descriptor}", target, src_dir_fd=descriptor, follow_symlinks=True)
    except OSError:
        return False
    return True


def _cloned(descriptor: int, target: str) -> bool:
    """A copy that shares its blocks, where the file system can."""
    out = _new(target)
    try:
        fcntl.ioctl(out, _FICLONE, descriptor)
    except OSError:
        os.unlink(target)
        return False
    finally:
        os.close(out)
    return True


def _blocks(descriptor: int, copy: int | None) -> Iterator[bytes]:
    """The contents block by block, holes as zeros; with `copy`, written there too, holes as holes."""
    size, position, zeros = os.fstat(descriptor).st_size, 0, bytes(_CHUNK)
    while position < size:
        data = next_data(descriptor, position, size)
        while position < data:
            length = min(_CHUNK, data - position)
            yield zeros[:length] if length < _CHUNK else zeros
            position += length
        end = next_hole(descriptor, position, size)
        while position < end:
            block = os.pread(descriptor, min(_CHUNK, end - position), position)
            if not block:
                return
            if copy is not None:
                _write(copy, block, position, sparse=False)
            yield block
            position += len(block)
    if copy is not None:
        os.ftruncate(copy, size)


def _unpacked(descriptor: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    while packed := os.read(descriptor, _CHUNK):
        while packed:
            yield unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise EOFError


def _write(target: int, block: bytes, position: int, *, sparse: bool) -> None:
    """Writes at a place. `sparse`: whole blocks of zeros are left out."""
    step = _BLOCK if sparse else max(len(block), 1)
    zeros = bytes(step) if sparse else b""
    view = memoryview(block)
    for start in range(0, len(block), step):
        piece = view[start : start + step]
        if sparse and piece == zeros[: len(piece)]:
            continue
        done = 0
        while done < len(piece):
            done += os.pwrite(target, piece[done:], position + start + done)


def _sync_some(paths: list[str], folder: str) -> None:
    """These, or when they are many, the file system that `folder` is on."""
    if len(paths) <= _FEW:
        sync(paths)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_filesystem(descriptor)
    finally:
        os.close(descriptor)
