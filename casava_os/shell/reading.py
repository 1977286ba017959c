"""Lines from a person or a pipe, for the plain mode: editing and history where there is a terminal, and no escape codes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

_QUIET = (
    "set enable-bracketed-paste off",
    "set enable-meta-key off",
    "set colored-stats off",
    "tab: self-insert",
)
"""What makes GNU Readline write nothing but the letters."""


class Lines:
    """Standard input, line by line."""

    def __init__(self, past: Sequence[str] = ()) -> None:
        """`past`: what was typed before; the up key brings it."""
        self.terminal = sys.stdin.isatty()
        if self.terminal:
            with suppress(ImportError):  # a Python without it: the terminal's own line editing
                import readline

                for line in _QUIET:
                    readline.parse_and_bind(line)
                for entry in past[-500:]:
                    if "\n" not in entry:
                        readline.add_history(entry)

    def next(self, prompt: str) -> str | None:
        """The next line without its end; None at the end of input. The prompt is for a person only."""
        if not self.terminal:
            line = sys.stdin.buffer.readline()
            return line.decode(errors="replace").rstrip("\r\n") if line else None
        try:
            return input(prompt)
        except EOFError:
            return None

    async def answer(self) -> str | None:
        """One line while a process runs, without the blanks at its ends; None at the end of input."""
        typed = await typed_line()
        return None if typed is None else typed.strip()


async def typed_line() -> str | None:
    """One line of standard input; None at its end. Cancelling it leaves no thread and nothing waiting."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def typed() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(0, typed)
    try:
        await ready
    finally:
        loop.remove_reader(0)
    return os.read(0, 4096).decode(errors="replace") or None
