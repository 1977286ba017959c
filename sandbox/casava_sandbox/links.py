"""Short, plain names for paths that an overlay's mount options cannot spell.

Mount options are separated by commas and colons, hold at most a page, and travel as JSON: a workspace named "a:b,c", one
with a newline or bytes that are no UTF-8, or a very deep one cannot be named in them. A link can. The kernel follows the
links at mount time, so they are needed only while a sandbox starts.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from casava_os.kernel.ports import LayerPaths

_PLAIN = re.compile(r"[A-Za-z0-9/._+@=-]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Links:
    """Links to what a sandbox mounts."""

    lower: Path
    upper: Path
    work: Path
    scratch: Path
    agent: Path

    @property
    def options(self) -> str:
        """The overlay's mount options. `userxattr`: its markers must be visible to a plain user."""
        return f"lowerdir={self.lower},upperdir={self.upper},workdir={self.work},userxattr"


def place_of_links(layer: LayerPaths, name: str) -> Path:
    """The folder that will hold the links: beside the layer, or, where its path is not plain, among temporary files."""
    beside = layer.upper.parent
    place = beside if _PLAIN.match(str(beside)) else Path(tempfile.gettempdir())
    return place / f".casava-{name}"


@contextmanager
def links(layer: LayerPaths, agent: Path, name: str) -> Iterator[Links]:
    """Links to the layer's directories and the agent, gone at the end of the block. `name`: nobody else's."""
    directory = place_of_links(layer, name)
    directory.mkdir(mode=0o700)
    targets = {
        "l": layer.workspace,
        "u": layer.upper,
        "k": layer.work,
        "s": layer.scratch,
        "a": agent,
    }
    try:
        for letter, target in targets.items():
            (directory / letter).symlink_to(target.absolute())
        yield Links(*(directory / letter for letter in targets))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def clear_work(work: Path) -> bool:
    """Removes the directory that the overlay made in its work directory; whether it is gone.

    Nobody may look into it (mode 0), and what a daemon mounted belongs to root: then it can only be removed when empty.
    """
    inner = work / "work"
    try:
        inner.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        try:
            inner.chmod(0o700)
        except OSError:
            return False
        shutil.rmtree(inner, ignore_errors=True)
    return not inner.exists()
