"""The result of a request as content for the screen: files as links, tables as tables, matches with what matched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from casava_os.shell.wording import size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import text_to_name
from casava_syscalls.values import Entry, Exit, Facts, Files, Matches, Number, Question, Refusal, Table, Value

ROWS = 20
"""Rows, lines or files that a block shows; the viewer shows all."""
CELL = 60
"""Widest cell of a table in a block, in characters."""

Part = str | Content | tuple[str, str | Style]


def value_content(value: Value, workspace: Path, *, rows: int = ROWS) -> tuple[Content, int]:
    """The value as it stands in a block, and how many rows it leaves out."""
    match value:
        case Files():
            shown = value.items[:rows]
            return _files(shown, workspace), len(value.items) - len(shown)
        case Number():
            return Content.assemble((f"{value.value:,}", "bold"), f" {value.unit}".rstrip()), 0
        case Table():
            return _table(value.columns, value.rows[:rows]), max(0, len(value.rows) - rows)
        case Matches():
            parts: list[Part] = []
            for item in value.items[:rows]:
                where = f"{visible(item.path)}:{item.line}  " if item.path else ""
                parts += [(where, "$text-primary"), _line(item.text), "\n"]
            return _joined(parts), max(0, len(value.items) - rows)
        case Facts():
            facts = [(name, "absent" if fact is None else _cell(fact)) for name, fact in value.items.items()]
            wide = max((cell_len(name) for name, _ in facts), default=0)
            parts = []
            for name, fact in facts[:rows]:
                parts += [(_padded(visible(name), wide) + "  ", "$text-muted"), visible(fact), "\n"]
            return _joined(parts), max(0, len(facts) - rows)
        case Question():
            parts = [(visible(value.text, keep="\n"), "bold"), "\n"]
            for number, choice in enumerate(value.choices, 1):
                parts += [(f"  {number} ", "$text-primary"), visible(choice), "\n"]
            return _joined(parts), 0
        case Refusal():
            return Content.assemble((visible(value.reason, keep="\n"), "$text-warning")), 0
        case Exit():
            return _text("\n".join(part for part in (value.stdout, value.stderr) if part), rows)
        case _:
            return _text(value.render(), rows)


def full_text(value: Value) -> str:
    """Everything the value holds, as harmless text for the viewer and the clipboard."""
    text = value.render()
    if isinstance(value, Exit) and value.stderr:
        text = f"{text}\n{value.stderr}" if text else value.stderr
    return visible(text.expandtabs(8), keep="\n")


def _text(text: str, rows: int) -> tuple[Content, int]:
    lines = text.removesuffix("\n").split("\n")
    content = Content.assemble("\n".join(_line(line) for line in lines[:rows]), strip_control_codes=False)
    return content, max(0, len(lines) - rows)


def _line(text: str) -> str:
    cut = text[:400].removesuffix("\r").expandtabs(8)
    return visible(cut) + (" …" if len(text) > 400 else "")


def _joined(parts: Sequence[Part]) -> Content:
    return Content.assemble(*parts, strip_control_codes=False).rstrip()


def _files(items: Sequence[Entry], workspace: Path) -> Content:
    names = [visible(item.path) + ("/" if item.type == "directory" else "") for item in items]
    wide = min(max((cell_len(name) for name in names), default=0), 60)
    parts: list[Part] = []
    for item, name in zip(items, names, strict=True):
        target = f" → {visible(item.target)}" if item.target is not None else ""
        size = size_text(item.size) if item.type == "file" else ""
        when = f"{datetime.fromtimestamp(item.mtime).astimezone():%Y-%m-%d %H:%M}" if item.mtime else ""
        parts += [
            (name, Style(link=_address(workspace, item.path))),
            target + " " * max(0, wide - cell_len(name + target)),
            (f"  {size:>8}  {when}".rstrip(), "$text-muted"),
            "\n",
        ]
    return _joined(parts)


def _address(workspace: Path, path: str) -> str:
    return "file://" + quote(bytes(workspace) + b"/" + text_to_name(path))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _padded(text: str, wide: int, *, right: bool = False) -> str:
    space = " " * max(0, wide - cell_len(text))
    return space + text if right else text + space


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Content:
    cells = [[visible(_cell(value))[:CELL] for value in row] for row in rows]
    heads = [visible(column) for column in columns]
    widths = [max([cell_len(head), *(cell_len(row[n]) for row in cells)]) for n, head in enumerate(heads)]
    right = [
        any(isinstance(row[n], int | float) and not isinstance(row[n], bool) for row in rows)
        for n in range(len(heads))
    ]
    padded = [
        "  ".join(_padded(cell, wide, right=to) for cell, wide, to in zip(row, widths, right, strict=True))
        for row in cells
    ]
    head = "  ".join(
        _padded(cell, wide, right=to) for cell, wide, to in zip(heads, widths, right, strict=True)
    )
    return Content.assemble((head, "bold underline"), *(f"\n{row.rstrip()}" for row in padded))
