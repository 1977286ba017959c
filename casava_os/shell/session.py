"""What a session leaves behind: which processes stood in the conversation, where it was scrolled to, the half-typed prompt.

The blocks themselves are made again from the journal. For each workspace there is a directory with two small files a
session: `N.pids` (a number a line, only appended to) and `N.json` (prompt and scroll position, replaced whole). A shell
holds a lock on its session while it is open: a second one in the same folder gets a session of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from casava_os.paths import private_dir, write_private

KEPT = 8
"""Sessions that are kept for a workspace."""
LONGEST = 1_000_000
"""Characters of a half-typed prompt that are kept."""


class Place(BaseModel):
    """Where the person was."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    draft: str = ""
    """What was typed and not sent."""
    at: int | None = None
    """The process whose block stood at the top of the screen; None: at the end."""
    offset: int = 0
    """Lines between the top of the screen and that of the block."""


class Session:
    """One session. Nothing here fails: what cannot be written is a `problem`, and the shell goes on without."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` None: nothing is kept."""
        self.pids: list[int] = []
        """The processes of the conversation, the oldest first, each once."""
        self.place = Place()
        self.problem = ""
        """Why the session is not kept, for the person; empty when it is."""
        self._folder = folder
        self._number = 0
        self._descriptor: int | None = None
        self._known: set[int] = set()

    @classmethod
    def open(cls, root: Path, workspace: Path, *, new: bool = False) -> Session:
        """The last session in this workspace, if no shell has it open; else (or with `new`) an empty one."""
        name = hashlib.sha256(os.fsencode(os.path.realpath(workspace))).hexdigest()[:16]
        session = cls(root / name)
        try:
            session._take(new=new)
        except OSError as problem:
            session._give_up(problem)
        return session

    @classmethod
    def bring(cls, root: Path, workspace: Path, pids: Sequence[int]) -> None:
        """Makes a conversation of these processes the last one in this workspace: the next shell goes on with it."""
        session = cls.open(root, workspace, new=True)
        for pid in pids:
            session.add(pid)
        session.close()

    def _take(self, *, new: bool) -> None:
        folder = self._folder
        assert folder is not None
        private_dir(folder)
        newest = max(self._numbers(folder), default=0)
        last = self._last_used(folder)
        if not new and last and self._lock(last):
            self._read()
        else:
            while not self._lock(newest + 1, new=True):
                newest += 1
        self._prune(folder)

    @staticmethod
    def _numbers(folder: Path) -> list[int]:
        return [int(path.stem) for path in folder.glob("*.pids") if path.stem.isdigit()]

    def _last_used(self, folder: Path) -> int:
        """The session that was written last and holds something; 0 when there is none."""
        used: list[tuple[float, int]] = []
        for number in self._numbers(folder):
            pids, place = folder / f"{number}.pids", folder / f"{number}.json"
            with suppress(OSError):
                times = [path.stat().st_mtime for path in (pids, place) if path.exists()]
                if pids.stat().st_size or place.exists():
                    used.append((max(times), number))
        return max(used, default=(0.0, 0))[1]

    def _lock(self, number: int, *, new: bool = False) -> bool:
        """Takes a session; False when another shell has it (or, for a `new` one, had it)."""
        assert self._folder is not None
        flags = (
            os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_EXCL if new else 0)
        )
        try:
            descriptor = os.open(self._folder / f"{number}.pids", flags, 0o600)
        except FileExistsError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor, self._number = descriptor, number
        return True

    def _read(self) -> None:
        assert self._descriptor is not None
        assert self._folder is not None
        size = os.fstat(self._descriptor).st_size
        data = os.pread(self._descriptor, size, 0)
        if data and not data.endswith(b"\n"):  # the shell died while it wrote
            os.write(self._descriptor, b"\n")
        numbers = (int(line) for line in data.split(b"\n") if line.isdigit())
        self._known = set(found := dict.fromkeys(numbers))
        self.pids = list(found)
        with suppress(OSError, ValidationError):
            self.place = Place.model_validate_json((self._folder / f"{self._number}.json").read_bytes())

    def _prune(self, folder: Path) -> None:
        """Removes old sessions, and empty ones, that no shell has open."""
        others = sorted(number for number in self._numbers(folder) if number != self._number)
        for number in others:
            path = folder / f"{number}.pids"
            old = others.index(number) < len(others) - KEPT
            with suppress(OSError):
                empty = not path.stat().st_size and not path.with_suffix(".json").exists()
                if (old or empty) and _free(path):
                    path.with_suffix(".json").unlink(missing_ok=True)
                    path.unlink()

    # ------------------------------------------------------------------------------------------ keeping

    def add(self, pid: int) -> None:
        """A process stands in the conversation."""
        if not pid or pid in self._known:
            return
        self._known.add(pid)
        self.pids.append(pid)
        if self._descriptor is not None:
            try:
                os.write(self._descriptor, b"%d\n" % pid)
            except OSError as problem:
                self._give_up(problem)

    def keep(self, place: Place) -> None:
        """Remembers where the person is; costs nothing when that is where they were."""
        if place == self.place:
            return
        self.place = place
        if self._descriptor is None or self._folder is None:
            return
        cut = place.model_copy(update={"draft": place.draft[:LONGEST].encode("utf-8", "replace").decode()})
        try:
            write_private(self._folder / f"{self._number}.json", cut.model_dump_json().encode())
        except OSError as problem:
            self._give_up(problem)

    def close(self) -> None:
        """Lets go of it. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _give_up(self, problem: OSError) -> None:
        self.problem = f"this conversation is not kept for the next time: {problem.strerror or problem}"
        self.close()


def _free(path: Path) -> bool:
    """Whether no shell has this session open."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
