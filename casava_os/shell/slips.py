"""Letters that were meant for a question and landed in the prompt: found before they change what is asked for.

So are the words for leaving, help and undo that other shells take without a slash.
"""

from __future__ import annotations

import re
from collections.abc import Collection

ANSWERS = frozenset({"y", "n", "h", "a", "p", "s", "yes", "no", "hold"})
"""Lines that answer a question and ask for nothing."""

_VERBS = (
    "copy", "count", "create", "delete", "find", "list", "make", "move", "remove", "rename", "replace", "search",
    "show", "sort", "undo", "unzip", "write", "zip",
)  # fmt: skip
_STUCK = re.compile(rf"[ynhaps]+(?P<meant>(?:{'|'.join(_VERBS)})\b.*)", re.IGNORECASE | re.DOTALL)
_COMMAND = re.compile(r"[ynhaps]{1,3}\s*(?P<meant>/(?P<name>[a-z]+)(?:\s.*)?)", re.IGNORECASE | re.DOTALL)


_OWN = {
    "undo": "/undo", "undo it": "/undo", "undo that": "/undo", "redo": "/redo", "redo it": "/redo", "redo that": "/redo",
    "help": "/help", "?": "/help", "exit": "/quit", "quit": "/quit", ":q": "/quit", "logout": "/quit", "history": "/log",
}  # fmt: skip


def own_command(text: str) -> str | None:
    """The shell's own command for a line that is the whole name of one as other shells have it; None for a request."""
    return _OWN.get(" ".join(text.casefold().split()))


def meant(text: str, commands: Collection[str]) -> str | None:
    """The line without the letters of an answer stuck before it; None when none are."""
    if (found := _COMMAND.fullmatch(text)) is not None:
        return found["meant"] if found["name"] in commands else None
    return found["meant"] if (found := _STUCK.fullmatch(text)) is not None else None
