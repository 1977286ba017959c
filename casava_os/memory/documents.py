"""Documents: passages of the folders that the person asked to index, kept as the files are now.

Every look compares the files with what was read of them (a stamp each), so a changed, new or removed file is noticed by the
next search, an interrupted reading goes on where it was, and a lost ledger is filled again. What files say is untrusted text:
it is found and shown, always marked as tainted, and no plan or example is ever made of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from casava_os.memory.folders import FolderList, mark_of
from casava_os.memory.ports import Entry, Filter
from casava_os.memory.reading import MOST_FILES, Found, look, passages, read
from casava_os.memory.secrets import redact
from casava_os.memory.store import MemoryStore
from casava_os.memory.tables import document_id
from casava_syscalls.names import path_text
from casava_syscalls.results import Err, Ok, Result

PASSAGE = 900
"""Characters of a passage: about what the embedding model reads at once."""
MOST_PASSAGES = 100_000
"""Of all folders together."""
NO_TEXT = "-"
"""Before the stamp of a file of which nothing is remembered, because it is no text."""

Told = Callable[[int, int], None]
"""Is told (files read, of so many)."""


@dataclass(slots=True)
class Indexed:
    """What came of a look at a folder."""

    folder: str
    files: int = 0
    """That something is remembered of now."""
    read: int = 0
    """That were read now: new or changed ones."""
    removed: int = 0
    """That are there no more, or are ignored now."""
    huge: int = 0
    """Larger than what is read."""
    waiting: int = 0
    """That there was no time for."""
    notes: list[str] = field(default_factory=list)
    """What the person should hear, a sentence each."""


class Documents:
    """The indexed folders of a store. Methods but `index` raise `MemoryFaultError`. Blocking; any thread."""

    def __init__(self, store: MemoryStore, besides: Sequence[Path] = ()) -> None:
        """`besides`: folders that are never read: our own."""
        self.store = store
        self.list = FolderList(store.root)
        self._besides = tuple(besides)

    def folders(self) -> tuple[str, ...]:
        """Those that the person asked for, in text form."""
        return self.list.read().folders

    def index(self, folder: Path, told: Told | None = None) -> Result[Indexed]:
        """Adds a folder, and reads what of it is new. `Err("usage")` for what is none that can be read."""
        real = Path(os.path.realpath(folder))
        if not real.is_dir():
            what = "is not a folder" if real.exists() else "does not exist"
            return Err(
                code="usage", title=f"{path_text(str(folder))} cannot be indexed", message=f"it {what}"
            )
        if not os.access(real, os.R_OK | os.X_OK):
            message = "you may not read it"
            return Err(
                code="permission", title=f"{path_text(str(folder))} cannot be indexed", message=message
            )
        if any(real == one or one in real.parents for one in self._besides):
            message = "Casava OS keeps its own files there"
            return Err(code="usage", title=f"{path_text(str(folder))} is not indexed", message=message)
        name = path_text(str(real))
        with self.list.turn(wait=True):
            if self.list.add(name):  # what was forgotten of it when it was on the list before is wanted again
                self.list.welcome(path_text(one.path) for one in look(real, self._besides).files)
            return Ok(value=self._bring_up(name, None, told))

    def refresh(
        self, *, seconds: float | None = None, wait: bool = True, told: Told | None = None
    ) -> list[Indexed]:
        """Brings all folders up to date.

        `seconds`: no file is begun after so long. Without `wait`, nothing is done while another program does it.
        """
        folders = self.folders()
        if not folders:
            return []
        until = None if seconds is None else time.monotonic() + seconds
        with self.list.turn(wait=wait) as ours:
            return [self._bring_up(folder, until, told) for folder in folders] if ours else []

    def unindex(self, folder: Path) -> Result[int]:
        """Takes a folder off the list and removes all that is remembered of it, without a trace; how many passages it had."""
        names = (path_text(os.path.realpath(folder)), path_text(str(folder.absolute())))
        name = next((one for one in names if one in self.folders()), None)
        if name is None:
            listed = ", ".join(self.folders()) or "none"
            message = f"indexed folders: {listed}"
            return Err(
                code="usage", title=f"{path_text(str(folder))} is not an indexed folder", message=message
            )
        with self.list.turn(wait=True):
            removed = self.store.drop((), files=self._known(name))
            self.list.remove(name)
            return Ok(value=removed)

    def forgotten(self, entries: Sequence[Entry]) -> list[str]:
        """Leaves the files out that these passages are of; their paths."""
        paths = list(dict.fromkeys(entry.source for entry in entries if entry.collection == "documents"))
        if paths:
            self.list.leave_out(paths)
        return paths

    # ------------------------------------------------------------------------------------------ inside

    def _known(self, folder: str) -> dict[str, str]:
        """The files that were read of a folder, and not for a folder on the list that is inside it."""
        inner = [one.rstrip("/") + "/" for one in self._inside(folder)]
        return {
            path: stamp
            for path, stamp in self.store.stamps(folder).items()
            if not any(path.startswith(one) for one in inner)
        }

    def _inside(self, folder: str) -> list[str]:
        below = folder.rstrip("/") + "/"
        return [one for one in self.folders() if one.startswith(below)]

    def _bring_up(self, folder: str, until: float | None, told: Told | None) -> Indexed:
        from casava_syscalls.names import fs_path

        done = Indexed(folder)
        known = self._known(folder)
        where = Path(fs_path(folder))
        if not where.is_dir():
            done.files = sum(not stamp.startswith(NO_TEXT) for stamp in known.values())
            done.notes.append(
                f"{folder} is not there now: what was read of it stays until casava-os memory unindex."
            )
            return done
        left_out = set(self.list.read().left_out)
        seen = look(where, (*self._besides, *(Path(fs_path(one)) for one in self._inside(folder))))
        files = {path_text(one.path): one for one in seen.files}
        files = {path: one for path, one in files.items() if mark_of(path) not in left_out}
        self._remove(done, known, files, [path_text(one) for one in seen.unread], seen.full)
        todo = [
            (path, one)
            for path, one in files.items()
            if known.get(path, "").removeprefix(NO_TEXT) != one.stamp
        ]
        texts = sum(not known.get(path, NO_TEXT).startswith(NO_TEXT) for path in files)
        texts -= sum(not known.get(path, NO_TEXT).startswith(NO_TEXT) for path, _ in todo)
        room = MOST_PASSAGES - (self.store.count(Filter(("documents",))) if todo else 0)
        for number, (path, one) in enumerate(todo):
            if (until is not None and time.monotonic() > until) or room <= 0:
                done.waiting = len(todo) - number
                break
            entries = self._entries(folder, path, one)
            self.store.put_document(path, entries, one.stamp if entries else NO_TEXT + one.stamp)
            texts += bool(entries)
            room -= len(entries)
            done.read += 1
            if told is not None:
                told(number + 1, len(todo))
        done.huge = seen.huge
        done.files = texts
        self._tell(done, full=seen.full, crowded=room <= 0)
        return done

    def _remove(
        self, done: Indexed, known: dict[str, str], files: dict[str, Found], unread: list[str], full: bool
    ) -> None:
        """Removes what is of files that are not there any more; of what could not be looked at, nothing."""
        from casava_syscalls.names import fs_path

        gone = [path for path in known if path not in files]
        gone = [path for path in gone if not any(path.startswith(f"{one}/") for one in unread)]
        if full:
            gone = [path for path in gone if not os.path.lexists(fs_path(path))]
        if gone:
            self.store.drop_documents(gone)
            done.removed = len(gone)

    def _entries(self, folder: str, path: str, found: Found) -> list[Entry]:
        text = read(found)
        if text is None:
            return []
        name = path.removeprefix(folder).lstrip("/")
        return [
            Entry(
                id=document_id(path, number),
                collection="documents",
                text=f"{name}\n{passage}",
                workspace=folder,
                time=found.time,
                provenance="file",
                source=path,
                tainted=True,
                payload={"line": line},
            )
            for number, (line, passage) in enumerate(passages(redact(text), PASSAGE), 1)
        ]

    @staticmethod
    def _tell(done: Indexed, *, full: bool, crowded: bool) -> None:
        if full:
            done.notes.append(f"{done.folder} has more than {MOST_FILES:,} files: the rest is not read.")
        if done.waiting and crowded:
            done.notes.append(
                f"{MOST_PASSAGES:,} passages are remembered, which is the most: {done.waiting} files are not read."
            )
        elif done.waiting:
            done.notes.append(
                f"{done.waiting} files of {done.folder} are not read yet: casava-os memory index reads them."
            )
