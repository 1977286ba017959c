"""Which folders the person wants indexed, in a small file of its own: with it, a ledger that is lost finds its documents again.

A file that was forgotten is left out of its folder from then on. It is known by a hash of its path, so that no word of what
was forgotten stays.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from casava_os.memory.faults import MemoryFaultError, fault
from casava_os.paths import private_dir, write_private
from casava_syscalls.results import Err

FILE = "folders.json"


class Folders(BaseModel):
    """The contents of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    folders: tuple[str, ...] = ()
    """Absolute, links resolved, in text form (`casava_syscalls.names`), in the order in which they were asked for."""
    left_out: tuple[str, ...] = ()
    """`mark_of` the files that were forgotten."""


def mark_of(path: str) -> str:
    """What a file is known by that is left out."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class FolderList:
    """The file in memory's directory. Any process; every method raises `MemoryFaultError`."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE

    def read(self) -> Folders:
        """What is wanted now; nothing where there is no file."""
        try:
            return Folders.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return Folders()
        except OSError as problem:
            raise fault(self._path, problem) from problem
        except ValidationError as problem:
            message = f"{self._path} is not what was written there"
            hint = f"remove {self._path}, then name your folders again: casava-os memory index FOLDER"
            raise MemoryFaultError(
                Err(
                    code="failed",
                    title="The list of indexed folders is damaged",
                    message=message,
                    hint=hint,
                )
            ) from problem

    def add(self, folder: str) -> bool:
        """A folder is wanted; whether it was not on the list."""
        with self._alone() as now:
            if folder in now.folders:
                return False
            self._write(now.model_copy(update={"folders": (*now.folders, folder)}))
            return True

    def remove(self, folder: str) -> None:
        """A folder is not wanted any more."""
        with self._alone() as now:
            left = tuple(one for one in now.folders if one != folder)
            # Marks do not tell their folder; with the last folder gone, none means anything.
            self._write(now.model_copy(update={"folders": left, "left_out": now.left_out if left else ()}))

    def welcome(self, paths: Iterable[str]) -> None:
        """These files are not left out any more."""
        marks = {mark_of(path) for path in paths}
        with self._alone() as now:
            if marks & set(now.left_out):
                kept = tuple(mark for mark in now.left_out if mark not in marks)
                self._write(now.model_copy(update={"left_out": kept}))

    def leave_out(self, paths: Iterable[str]) -> None:
        """These files are left out from now on."""
        with self._alone() as now:
            marks = dict.fromkeys((*now.left_out, *map(mark_of, paths)))
            if len(marks) > len(now.left_out):
                self._write(now.model_copy(update={"left_out": tuple(marks)}))

    def clear(self) -> None:
        """No folder is wanted."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as problem:
            raise fault(self._path, problem) from problem

    @contextmanager
    def turn(self, *, wait: bool) -> Iterator[bool]:
        """Has the indexing of documents to itself; gives False when another program has it and there is no waiting."""
        private_dir(self._path.parent)
        descriptor = self._lock("documents.lock")
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)

    @contextmanager
    def _alone(self) -> Iterator[Folders]:
        descriptor = self._lock("folders.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield self.read()
        finally:
            os.close(descriptor)

    def _lock(self, name: str) -> int:
        try:
            private_dir(self._path.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            return os.open(self._path.with_name(name), flags, 0o600)
        except OSError as problem:
            raise fault(self._path, problem) from problem

    def _write(self, folders: Folders) -> None:
        try:
            write_private(self._path, folders.model_dump_json().encode())
        except OSError as problem:
            raise fault(self._path, problem) from problem
