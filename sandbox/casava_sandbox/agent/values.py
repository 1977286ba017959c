"""Stored values as text: the twin, in the standard library, of `Value.render` of the ABI."""

from __future__ import annotations

from typing import Dict, List

from casava_syscalls.names import text_to_name

Stored = Dict[str, object]
"""A value's JSON form: `kind` and its fields."""


def render(value: Stored) -> str:
    """Plain text of a value, without a final newline. Paths are in their text form."""
    kind = value.get("kind")
    if kind == "text":
        return _dropped_newline(str(value.get("text", "")))
    if kind == "exit":
        return _dropped_newline(str(value.get("stdout", "")))
    if kind == "files":
        return "\n".join(str(item.get("path", "")) for item in _items(value))
    if kind == "matches":
        return "\n".join(
            "%s:%s:%s" % (item.get("path"), item.get("line"), item.get("text"))
            if item.get("path")
            else str(item.get("text", ""))
            for item in _items(value)
        )
    if kind == "number":
        return str(value.get("value", ""))
    if kind == "table":
        rows = [value.get("columns"), *_list(value.get("rows"))]
        return "\n".join("\t".join("" if cell is None else str(cell) for cell in _list(row)) for row in rows)
    if kind == "facts":
        return _facts(value)
    return str(value.get("text") or value.get("reason") or "")


def as_input(value: object) -> bytes:
    """A value as bytes for a program's standard input, paths as the file system spells them, ending in a newline."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not isinstance(value, dict):
        return b""
    if value.get("kind") in ("text", "exit"):
        text = str(value.get("text" if value["kind"] == "text" else "stdout", ""))
        return text.encode("utf-8", "surrogatepass")
    text = render(value)
    data = (
        text_to_name(text)
        if value.get("kind") in ("files", "matches")
        else text.encode("utf-8", "surrogatepass")
    )
    return data + b"\n" if data else data


def _facts(value: Stored) -> str:
    items = value.get("items")
    facts = items if isinstance(items, dict) else {}
    if len(facts) == 1:
        return str(next(iter(facts.values())))
    return "\n".join("%s\t%s" % (name, "absent" if fact is None else fact) for name, fact in facts.items())


def _dropped_newline(text: str) -> str:
    return text[:-1] if text.endswith("\n") else text


def _list(value: object) -> List[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _items(value: Stored) -> List[Stored]:
    return [item for item in _list(value.get("items")) if isinstance(item, dict)]
