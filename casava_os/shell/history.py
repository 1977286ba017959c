"""What was typed before: one JSON string a line in a file of this person's (0600), the newest last.

Several shells may append at once. A file that cannot be written costs the memory of this session, never the session.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from casava_os.paths import private_dir, write_private

MOST = 5000
"""Entries that are kept; the file is cut back to them when a shell opens it with a fifth more."""
LONGEST = 65_536
"""Characters; what is longer is used once and not remembered."""


class History:
    """Past entries, without repetitions of the one before."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: remembers within this session only."""
        self._path = path
        self.entries: list[str] = self._read()
        self.problem = ""
        """Why entries are not written, for the person; empty when they are."""

    def _read(self) -> list[str]:
        if self._path is None:
            return []
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        entries = [entry for line in lines if (entry := _entry(line))]
        if len(entries) > MOST * 1.2:
            entries = entries[-MOST:]
            try:
                write_private(self._path, "".join(_line(entry) for entry in entries).encode())
            except OSError:  # read-only: adding will say so
                return entries
        return entries

    def add(self, entry: str) -> None:
        """Remembers what was typed."""
        if not entry.strip() or (self.entries and self.entries[-1] == entry):
            return
        self.entries.append(entry)
        if self._path is None or len(entry) > LONGEST:
            return
        try:
            private_dir(self._path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, _line(entry).encode())
            finally:
                os.close(descriptor)
        except OSError as problem:
            self.problem = f"what you type is not remembered: {problem.strerror or problem}"
            self._path = None

    def search(self, words: str, most: int = 200) -> list[str]:
        """Entries that hold all of these words, the newest first, each once."""
        wanted = words.casefold().split()
        found: dict[str, None] = {}
        for entry in reversed(self.entries):
            if entry not in found and all(word in entry.casefold() for word in wanted):
                found[entry] = None
                if len(found) >= most:
                    break
        return list(found)

    def beginning(self, start: str) -> str:
        """The newest entry that goes on from `start`; empty when there is none."""
        if not start.strip():
            return ""
        return next(
            (entry for entry in reversed(self.entries) if entry.startswith(start) and entry != start), ""
        )


def _line(entry: str) -> str:
    return json.dumps(entry) + "\n"


def _entry(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    return entry if isinstance(entry, str) else ""
