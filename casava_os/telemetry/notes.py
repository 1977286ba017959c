"""Failures of exporting: each is noted once, in a file of the state directory, and never on the person's screen."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

FILE = "telemetry.log"
_LONGEST = 256 * 1024
_LIBRARY = "opentelemetry"
_LIMIT = 400


class Notes(logging.Handler):
    """Takes what OpenTelemetry's library logs as a warning or worse, each kind of it once."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self._path = path
        self._seen: set[str] = set()
        self.trouble = threading.Event()
        """Set when there is any, noted or not."""

    def emit(self, record: logging.LogRecord) -> None:
        """Notes a record; one of a template that was noted before is passed over."""
        self.trouble.set()
        self.once(f"{record.name} {record.msg}", record.getMessage())

    def once(self, kind: str, sentence: str) -> None:
        """Notes a sentence, unless one of its kind was noted before."""
        if kind not in self._seen:
            self._seen.add(kind)
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """Notes a sentence. What cannot be written is lost: it is no reason to disturb anybody."""
        line = " ".join(sentence.split())[:_LIMIT]
        at = datetime.now(UTC).isoformat(" ", "seconds")
        with suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > _LONGEST:
                self._path.replace(self._path.with_name(f"{FILE}.1"))
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(f"{at} {os.getpid()} {line}\n")


def listen(state: Path) -> Notes:
    """Leads what the library logs into the file, and away from standard error."""
    notes, library = Notes(state / FILE), logging.getLogger(_LIBRARY)
    library.addHandler(notes)
    library.propagate = False
    return notes


def leave(notes: Notes) -> None:
    """Stops taking; what is logged after this is nobody's."""
    library = logging.getLogger(_LIBRARY)
    library.removeHandler(notes)
    if not library.handlers:
        library.addHandler(logging.NullHandler())
