"""What a killed program would leave behind is written down before it is made, and forgotten when it is gone.

A trace is a small file in the state directory: the names of a container, a control group, temporary files, and the program
that makes them, by its number and its birth. So the next start knows from its own records what to clear away, and nothing of
anybody else can be taken for it; where there is no record there is nothing to ask a daemon about.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from casava_os.kernel.owners import alive, born
from casava_os.paths import private_dir, write_private
from casava_syscalls.names import path_text

_FOLDER = "traces"


class Trace(BaseModel):
    """What one sandbox, or one command, makes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    """Nobody else's: it stands in the names of what is made."""
    owner: int
    """Number of the program of the operating system that makes it."""
    born: str
    pid: int = 0
    """The process, when it is one's."""
    home: str = ""
    """What the container's label says."""
    container: str = ""
    image: str = ""
    """That can clear away what belongs to root."""
    group: str = ""
    """Name of the control groups."""
    work: str = ""
    """The overlay's work directory, text form."""
    paths: tuple[str, ...] = ()
    """Temporary files and folders, text form."""

    @property
    def left(self) -> bool:
        """Whether the program that made it is gone."""
        return not alive(self.owner, self.born)


@dataclass(frozen=True, slots=True)
class Traces:
    """The traces of one installation."""

    home: str
    """Directory that holds them: the state directory."""

    def begin(self, name: str = "", **facts: str | int | tuple[str, ...]) -> Trace:
        """Writes a trace down. Raises `OSError`: what cannot be written down is not made."""
        owner = os.getpid()
        trace = Trace.model_validate({"name": name or fresh(), "owner": owner, "born": born(owner), **facts})
        folder = private_dir(Path(self.home, _FOLDER))
        write_private(folder / f"{trace.name}.json", trace.model_dump_json(exclude_defaults=True).encode())
        return trace

    def end(self, trace: Trace) -> None:
        """Forgets it: all of it is gone. Safe to call twice."""
        with suppress(OSError):
            Path(self.home, _FOLDER, f"{trace.name}.json").unlink()

    def all(self) -> list[Trace]:
        """Every trace that can be read, also of programs that still run."""
        found = []
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in sorted(Path(self.home, _FOLDER).iterdir()):
                with suppress(OSError, ValidationError):
                    trace = Trace.model_validate_json(path.read_bytes())
                    if path.name == f"{trace.name}.json":
                        found.append(trace)
        return found

    @contextmanager
    def temporary(self, prefix: str) -> Iterator[Path]:
        """A path for a private temporary file or folder that goes at the next start, if not before. It is not made."""
        path = Path(tempfile.gettempdir(), f"{prefix}{fresh()}")
        trace = self.begin(paths=(path_text(str(path)),))
        try:
            yield path
        finally:
            if not path.exists():
                self.end(trace)


def fresh() -> str:
    """A name that nobody else has."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"
