"""Which open folders changed: told by the system where it can, else found out by looking now and then.

Only folders that somebody looks at are watched, each by itself. The system allows so many watches; a folder that gets none
is looked at every few seconds instead. What changed is collected and asked for: a program that writes a hundred thousand
files costs one look.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable

from watchdog.events import (
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

MOST_WATCHED = 48
"""Folders that the system is asked to watch at most: each costs it an inotify instance and us a thread."""

_MEANT = frozenset({"created", "deleted", "modified", "moved", "attrib", "closed"})
"""Events that change something; opening and reading do not."""


class FolderWatch:
    """Watches folders, given as `os` paths. Nothing here fails; `limited` says when the system refused."""

    def __init__(self, most: int = MOST_WATCHED) -> None:
        self._most = most
        self._watches: dict[str, ObservedWatch | None] = {}
        self._seen: dict[str, int] = {}
        self._dirty: set[str] = set()
        self._lock = threading.Lock()
        self._observer: BaseObserver | None = None
        self.limited = ""
        """Why some folders are only looked at now and then; empty when none is."""

    def watch(self, folder: str) -> None:
        """Tells of changes in this folder (not below it) from now on."""
        if folder in self._watches:
            return
        self._watches[folder] = None
        if sum(watch is not None for watch in self._watches.values()) >= self._most:
            self.limited = f"more than {self._most} folders are open"
        else:
            self._watches[folder] = self._ask(folder)
        self._seen[folder] = _stamp(folder)

    def _ask(self, folder: str) -> ObservedWatch | None:
        try:
            if self._observer is None:
                observer = Observer()
                observer.start()
                self._observer = observer
            return self._observer.schedule(_Collect(self, folder), folder, recursive=False)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None  # reading it says so
        except OSError as problem:  # no inotify, or no more of it
            self.limited = f"this machine watches no more folders ({problem.strerror or problem})"
            return None

    def unwatch(self, folder: str) -> None:
        """No longer."""
        watch = self._watches.pop(folder, None)
        self._seen.pop(folder, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def keep(self, folders: Iterable[str]) -> None:
        """Watches exactly these."""
        wanted = set(folders)
        for folder in set(self._watches) - wanted:
            self.unwatch(folder)
        for folder in sorted(wanted - set(self._watches)):
            self.watch(folder)

    def note(self, folder: str) -> None:
        """Something changed in it; called from the system's thread."""
        with self._lock:
            self._dirty.add(folder)

    def changed(self) -> set[str]:
        """Folders in which something changed since the last time."""
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        return dirty & set(self._watches)

    def look(self) -> set[str]:
        """Of the folders that the system does not watch, those whose entries changed since the last look."""
        found = set()
        for folder in [name for name, watch in list(self._watches.items()) if watch is None]:
            stamp = _stamp(folder)
            if stamp != self._seen.get(folder):
                self._seen[folder] = stamp
                found.add(folder)
        return found

    def close(self) -> None:
        """Ends the watching. Safe to call twice."""
        observer, self._observer = self._observer, None
        self._watches.clear()
        if observer is not None:
            observer.stop()
            observer.join(2)


class _Collect(FileSystemEventHandler):
    """Notes that something happened in one folder."""

    def __init__(self, owner: FolderWatch, folder: str) -> None:
        self._owner, self._folder = owner, folder

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _MEANT:
            self._owner.note(self._folder)


def _stamp(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - the name may be no UTF-8
    except OSError:
        return 0
