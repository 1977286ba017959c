"""How sizes, times and changes read, on the command line and in the shell alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casava_os.kernel.control import Listed
    from casava_os.kernel.ports import Change


def size_text(size: int) -> str:
    """Bytes for people: "512 B", "1.5 kB", "20 MB" (powers of 1000, as the ABI reads them)."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 1000 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    raise AssertionError("the loop returns")


def seconds_text(seconds: float) -> str:
    """A time span for people: "40 ms", "1.2 s", "3:05"."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def sizes_text(change: Change) -> str:
    """What a change does to a file's size or mode: "12 B → 1.5 kB"; empty where there is nothing to say."""
    if change.action == "mode":
        return f"{change.mode_before} → {change.mode}"
    if change.type != "file" or change.action == "renamed":
        return ""
    if change.action == "changed" and change.size_before is not None and change.size is not None:
        return f"{size_text(change.size_before)} → {size_text(change.size)}"
    size = change.size if change.size is not None else change.size_before
    return "" if size is None else size_text(size)


def privileges_text(change: Change) -> str:
    """The setuid, setgid and sticky bits that a change brings: with them a file runs as its owner, whoever starts it."""
    brought = int(change.mode or "0", 8) & ~int(change.mode_before or "0", 8) & 0o7000
    names = [
        name for bit, name in ((0o4000, "setuid"), (0o2000, "setgid"), (0o1000, "sticky")) if brought & bit
    ]
    return f"{' '.join(names)} {change.mode}" if names else ""


def home_path(path: str) -> str:
    """A path with the home directory as `~`."""
    home = str(Path.home()).rstrip("/")
    return "~" + path[len(home) :] if home and (path == home or path.startswith(home + "/")) else path


_OF_CALL = {"file.move": "move", "file.rename": "rename"}
"""What these do to files; that it is writing at one place and deleting at another is for policy."""


def effect_words(call: object, effects: Sequence[str]) -> list[tuple[str, str]]:
    """What can happen to the person's files, in a word each, with the effect whose colour it has.

    The typed effects are for policy: a move writes and deletes, and a program may do everything that its layer holds.
    """
    if (word := _OF_CALL.get(str(call))) is not None and {"write", "delete"} <= set(effects):
        rest = [(effect, effect) for effect in effects if effect not in ("read", "write", "delete")]
        return [(word, "write"), *rest]
    if {"write", "delete", "execute"} <= set(effects):
        rest = [
            (effect, effect) for effect in effects if effect not in ("read", "write", "delete", "execute")
        ]
        return [("run", "execute"), *rest]
    return [(effect, effect) for effect in effects]


def killed_text(row: Listed) -> str:
    """What came of a kill."""
    if row.left_behind:
        return f"process {row.pid} was left behind by a casava-os that is gone; it is cleared away"
    if row.state == "cancelled":
        return f"process {row.pid} was cancelled; nothing was changed"
    return f"process {row.pid} ended by itself meanwhile: {row.state}"


def held_text(row: Listed) -> str:
    """What came of a hold."""
    if row.state == "held":
        return f"process {row.pid} holds its changes; commit applies them, discard discards them"
    return f"what process {row.pid} changes will be held"


BAR = 16
"""Characters of a bar that shows how much is done."""


def progress_text(doing: str, share: float | None) -> str:
    """What is being done and how much of it is: `Fetching redis:7: 12 of 43 MB [####------------] 28%`."""
    if share is None:
        return doing
    share = min(1.0, max(0.0, share))
    full = int(share * BAR)
    return f"{doing} [{'#' * full}{'-' * (BAR - full)}] {share:.0%}"
