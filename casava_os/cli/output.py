"""Standard output: the result of a request, or one JSON event per line, and nothing else.

The one place that writes there. For a pipe a value is written as the bytes it is (file names included); for a terminal
it is aligned and made harmless. A reader that goes away (`| head -1`) is no error: `gone` becomes true.
"""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

from casava_sandbox.layer.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import BaseModel

    from casava_syscalls.values import Value


class Output:
    """Standard output with its one owner."""

    def __init__(
        self, stream: IO[bytes] | None = None, *, tty: bool | None = None, null: bool = False
    ) -> None:
        """`stream` and `tty` are found out when not given; `null` ends file names with NUL instead of newline."""
        if stream is None and sys.stdout is not None:
            stream = sys.stdout.buffer
        self._stream = stream
        self.tty = (stream is not None and stream.isatty()) if tty is None else tty
        self._null = null
        self.gone = False
        """Whether the reader went away."""

    def _write(self, data: bytes) -> None:
        if self.gone or self._stream is None or not data:
            return
        try:
            self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError:
            self.gone = True
            # What is left in the buffer would raise again when the interpreter closes the stream.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def text(self, text: str) -> None:
        """Text, ended by a newline."""
        self.exact(text if text.endswith("\n") or not text else text + "\n")

    def exact(self, text: str) -> None:
        """Text as it is; a terminal gets a newline at its end."""
        from casava_syscalls.names import text_to_name

        if not self.tty:
            self._write(text_to_name(text))
        elif text:
            self._write(visible(text if text.endswith("\n") else text + "\n", keep="\n\t").encode())

    def stream(self, text: str) -> None:
        """A piece of text as it comes."""
        from casava_syscalls.names import text_to_name

        self._write(visible(text, keep="\n\t\r").encode() if self.tty else text_to_name(text))

    def json(self, event: BaseModel) -> None:
        """One event as one line of JSON. Bytes that are no UTF-8 stand as `casava_syscalls.names` maps them."""
        self._write(event.model_dump_json().encode() + b"\n")

    def names(self, names: Iterable[str]) -> None:
        """File names in their text form, one a line (or ended by NUL)."""
        from casava_syscalls.names import text_to_name

        if self._null:
            self._write(b"".join(text_to_name(name) + b"\0" for name in names))
        elif self.tty:
            self._write("".join(f"{visible(name)}\n" for name in names).encode())
        else:
            self._write(b"".join(text_to_name(name) + b"\n" for name in names))

    def rows(self, rows: Sequence[Sequence[object]], *, header: bool = False) -> None:
        """A table: aligned for a terminal, tab-separated for a pipe."""
        cells = [[_cell(value) for value in row] for row in rows]
        if not cells:
            return
        if not self.tty:
            self.text("\n".join("\t".join(row) for row in cells))
            return
        from rich.cells import cell_len

        shown = [[visible(cell) for cell in row] for row in cells]
        widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
        numeric = [
            any(isinstance(row[n], int | float) and not isinstance(row[n], bool) for row in rows)
            for n in range(len(widths))
        ]
        lines: list[str] = []
        for number, row in enumerate(shown):
            padded = [
                " " * (width - cell_len(cell)) + cell if right else cell + " " * (width - cell_len(cell))
                for cell, width, right in zip(row, widths, numeric, strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
            if header and number == 0:
                lines.append("  ".join("─" * width for width in widths))
        self._write(("\n".join(lines) + "\n").encode())

    def value(self, value: Value) -> None:
        """The result of a request, by its type. What a program wrote to stderr is not for here."""
        from casava_syscalls.values import Exit, Facts, Files, Table, Text

        if isinstance(value, Files):
            self.names(item.path for item in value.items)
        elif isinstance(value, Text):
            self.exact(value.text)
        elif isinstance(value, Exit):
            self.exact(value.stdout)
        elif isinstance(value, Table):
            self.rows([value.columns, *value.rows], header=True)
        elif isinstance(value, Facts) and len(value.items) > 1:
            self.rows([(name, "absent" if fact is None else fact) for name, fact in value.items.items()])
        else:
            self.text(value.render())


def _cell(value: object) -> str:
    """A cell on one line: what would end the cell or the row is escaped."""
    text = "" if value is None else str(value)
    return text.replace("\t", "\\t").replace("\n", "\\n") if "\t" in text or "\n" in text else text
