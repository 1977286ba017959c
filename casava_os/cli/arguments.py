"""The options of `casava-os call NAME`, made from the syscall's type, and the way back: options to a syscall.

Nothing about a syscall is written here: names, choices, what is required and what may repeat all come from
`casava_syscalls.shapes`. Values stay strings on the way ("10 MB", "2 days"); the ABI parses and judges them.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from casava_syscalls.base import AnyCall
from casava_syscalls.names import path_text
from casava_syscalls.plan import Plan, parse_call, parse_plan
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.shapes import Lexeme, Shape, shapes

_METAVAR: dict[Lexeme, str] = {
    "content": "TEXT|@FILE|-",
    "mapping": "NAME=VALUE",
    "object": "JSON",
    "needle": "TEXT",
}

_EXAMPLES: dict[Lexeme, str] = {
    "size": "like 10MB or 4KiB",
    "duration": "like 90s, 2h or '3 days'",
    "moment": "like 2026-03-01 or 2026-03-01T09:30",
    "mode": "like 644 or u+x",
}


def parameters(syscall: type[AnyCall]) -> Iterator[inspect.Parameter]:
    """The command-line options of a syscall, one for each of its fields."""
    for shape in shapes(syscall).values():
        yield inspect.Parameter(
            shape.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=... if shape.required else None,
            annotation=Annotated[_annotation(shape), _option(shape)],
        )


def _annotation(shape: Shape) -> object:
    if shape.lexeme == "flag":
        return bool if shape.required else bool | None
    base: Any = str
    if shape.choices:
        base = Literal[shape.choices]
    if shape.many or shape.lexeme == "mapping":
        base = list[base]
    return base if shape.required else base | None


def _option(shape: Shape) -> object:
    flag = "--" + shape.name.replace("_", "-")
    if shape.lexeme == "flag":
        declaration = flag if shape.default is False else f"{flag}/--no-{flag[2:]}"
        return typer.Option(declaration, help=_help(shape), show_default=False)
    metavar = None if shape.choices else _METAVAR.get(shape.lexeme, shape.lexeme.upper())
    return typer.Option(flag, help=_help(shape), metavar=metavar, show_default=False)


def _help(shape: Shape) -> str:
    parts = [" ".join(shape.help.split())]
    if example := _EXAMPLES.get(shape.lexeme):
        parts.append(f"({example})")
    if shape.many or shape.lexeme == "mapping":
        parts.append("[may be given several times]")
    if shape.refs and any(kind.__name__ == "Text" for kind in shape.refs):
        parts.append("[- or '$0': standard input]")
    if shape.default not in (None, "", False, (), {}):
        default = ", ".join(shape.default) if isinstance(shape.default, tuple) else shape.default
        parts.append(f"[default: {default}]")
    return " ".join(part for part in parts if part)


def help_text(syscall: type[AnyCall]) -> str:
    """What `casava-os call NAME --help` says above the options."""
    effects = ", ".join(syscall.effect.names()) or "none"
    lines = [
        inspect.cleandoc(syscall.__doc__ or ""),
        f"Effects: {effects}. Result: {syscall.result_type().__name__}.",
    ]
    if not syscall.available:
        lines.append("Declared; not performed yet.")
    return "\n\n".join(lines)


# ------------------------------------------------------------------------------------------------ and back


def plan_of(name: str, given: Mapping[str, object], read_input: Callable[[], Result[str]]) -> Result[Plan]:
    """A plan of one step from the values of the options; None means an option was not given.

    `read_input` gives the text of standard input, for a field that wants it spelled out (`@-`).
    """
    known = shapes(SYSCALLS[name])
    data: dict[str, object] = {"call": name}
    for field, value in given.items():
        if value is None or value == []:
            continue
        made = _field(known[field], value, read_input)
        if isinstance(made, Err):
            return made
        data[field] = made.value
    reads_stdin = "$0" in data.values()
    parsed = parse_call(data)
    if isinstance(parsed, Err):
        return parsed
    return parse_plan({"version": 1, "steps": [data], "reads_stdin": reads_stdin})


def _field(shape: Shape, value: object, read_input: Callable[[], Result[str]]) -> Result[object]:
    """The JSON form of one field."""
    if isinstance(value, bool):
        return Ok(value=value)
    texts = [path_text(str(part)) for part in value] if isinstance(value, list) else [path_text(str(value))]
    if shape.lexeme == "mapping":
        return _mapping(shape, texts)
    if shape.lexeme == "object":
        return _objects(shape, texts)
    takes_stdin = any(kind.__name__ == "Text" for kind in shape.refs)
    if takes_stdin and texts in (["-"], ["$0"]):
        return Ok(value="$0")
    if shape.refs and texts == ["$0"]:
        return Ok(value="$0")  # of the wrong type: the plan's type check says so in its own words
    if shape.lexeme == "content":
        contents: list[str] = []
        for text in texts:
            read = _content(text, read_input)
            if isinstance(read, Err):
                return read
            contents.append(read.value)
        texts = contents
    return Ok(value=texts if shape.many else texts[0])


def _content(text: str, read_input: Callable[[], Result[str]]) -> Result[str]:
    """`@FILE` is the file's text, `@-` that of standard input, `@@…` a text that begins with one @."""
    if text.startswith("@@"):
        return Ok(value=text[1:])
    if text == "@-":
        return read_input()
    if not text.startswith("@"):
        return Ok(value=text)
    path = Path(text[1:]).expanduser()
    try:
        return Ok(value=path.read_bytes().decode())
    except OSError as problem:
        return Err(
            code="not-found",
            title=f"{text[1:]!r} cannot be read",
            message=problem.strerror or str(problem),
            hint="a text that begins with @ is written with two of them",
        )
    except UnicodeDecodeError:
        return Err(code="not-text", title=f"{text[1:]!r} is not text", message="its bytes are no UTF-8")


def _mapping(shape: Shape, texts: list[str]) -> Result[object]:
    pairs = [text.partition("=") for text in texts]
    if bad := ["".join(pair) for pair in pairs if not (pair[0] and pair[1])]:
        title = f"--{shape.name} takes NAME=VALUE"
        return Err(code="usage", title=title, message=f"{bad[0]!r} has no name or no `=`")
    return Ok(value={name: value for name, _, value in pairs})


def _objects(shape: Shape, texts: list[str]) -> Result[object]:
    try:
        found = [json.loads(text) for text in texts]
    except ValueError as problem:
        return Err(code="usage", title=f"--{shape.name} takes JSON", message=str(problem))
    return Ok(value=found if shape.many else found[0])
