"""What was imported, in a file of its own: the journal does not have it, and a ledger that is lost is made again from both.

Lines are added and synced before the ledger has them, so a killed import loses at most the line that was being written.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from casava_os.memory.exchange import Line, lines_of
from casava_os.memory.faults import fault
from casava_os.memory.ports import Entry
from casava_os.paths import private_dir, write_private

FILE = "imported.jsonl"


class Imported:
    """The file in memory's directory. Any process; every method raises `MemoryFaultError`."""

    def __init__(self, root: Path) -> None:
        self._path = root / FILE

    def add(self, entries: Iterable[Entry]) -> None:
        """Keeps entries; on disk when it returns."""
        data = "".join(lines_of(entries)).encode("utf-8", "surrogatepass")
        with self._alone():
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
                if file.tell():
                    data = b"\n" + data  # a line that a killed program began ends here
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    def entries(self) -> list[Entry]:
        """What was imported and not forgotten, each once. What is no line of an export is passed over."""
        with self._alone():
            return list(self._read().values())

    def remove(self, ids: Sequence[str]) -> None:
        """Leaves nothing of these in the file."""
        if not self._path.exists():
            return
        with self._alone():
            there = self._read()
            left = [entry for one, entry in there.items() if one not in set(ids)]
            if len(left) == len(there):
                return
            if left:
                write_private(self._path, "".join(lines_of(left)).encode("utf-8", "surrogatepass"))
            else:
                self._path.unlink()

    def _read(self) -> dict[str, Entry]:
        try:
            lines = self._path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return {}
        found: dict[str, Entry] = {}
        for line in lines:
            with suppress(ValidationError):
                read = Line.model_validate_json(line)
                # Whatever a line says of itself: it came from a file, and so it is marked again.
                values = read.model_dump() | {"pid": 0, "provenance": "file", "tainted": True}
                found[read.id] = Entry(**values)
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            private_dir(self._path.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path.with_name("imported.lock"), flags, 0o600)
        except OSError as problem:
            raise fault(self._path, problem) from problem
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as problem:
            raise fault(self._path, problem) from problem
        finally:
            os.close(descriptor)
