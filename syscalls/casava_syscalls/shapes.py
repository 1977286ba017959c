"""The shape of each syscall's fields, read from their annotations.

Grammar, command-line options, help and the generated table all need to know the same thing of a field: what is
written there (a path, a size, one of these words), whether several fit, and which step results it takes.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from casava_syscalls import container, infra, net, scalars
from casava_syscalls.base import AnyCall
from casava_syscalls.docstrings import field_docs
from casava_syscalls.refs import Ref
from casava_syscalls.values import Accepts, Value

Lexeme = Literal[
    "path", "glob", "extension", "size", "duration", "count", "index", "mode", "moment", "needle", "content", "command",
    "word", "port", "choice", "flag", "number", "mapping", "object", "image", "container", "stack", "url",
    "publish", "mount",
]  # fmt: skip
"""What is written in a field."""

_SCALARS: tuple[tuple[object, Lexeme], ...] = (
    (scalars.WorkspacePath, "path"),
    (scalars.Glob, "glob"),
    (scalars.Extension, "extension"),
    (scalars.ByteSize, "size"),
    (scalars.Duration, "duration"),
    (scalars.Count, "count"),
    (scalars.Index, "index"),
    (scalars.FileMode, "mode"),
    (scalars.Moment, "moment"),
    (scalars.Needle, "needle"),
    (scalars.Content, "content"),
    (scalars.CommandLine, "command"),
    (scalars.Word, "word"),
    (scalars.Port, "port"),
    (container.ImageName, "image"),
    (container.ContainerName, "container"),
    (container.Publish, "publish"),
    (container.Mount, "mount"),
    (infra.StackName, "stack"),
    (net.Url, "url"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One field: what is written there, how many, which references it takes, and its place in the signature."""

    name: str
    lexeme: Lexeme
    many: bool = False
    choices: tuple[str, ...] = ()
    refs: tuple[type[Value], ...] = ()
    required: bool = False
    default: object = None
    help: str = ""


def _lexeme(annotation: object) -> tuple[Lexeme, bool, tuple[str, ...]]:
    """(what is written, several?, choices) of an annotation without its references and its None."""
    for known, lexeme in _SCALARS:
        if annotation == known:
            return lexeme, False, ()
    origin = get_origin(annotation)
    if origin is Annotated:
        return _lexeme(get_args(annotation)[0])
    if origin is Literal:
        return "choice", False, tuple(str(choice) for choice in get_args(annotation))
    if origin is tuple:
        lexeme, _, choices = _lexeme(get_args(annotation)[0])
        return lexeme, True, choices
    if origin in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part not in (type(None), Ref)]
        if len(rest) == 1:
            return _lexeme(rest[0])
    if annotation is bool:
        return "flag", False, ()
    if annotation in (int, float):
        return "number", False, ()
    if origin is dict:
        return "mapping", True, ()
    if isinstance(annotation, type):
        return "object", False, ()
    raise TypeError(f"no lexeme for {annotation!r}")


def _refs(annotation: object) -> tuple[type[Value], ...]:
    if get_origin(annotation) is Annotated:
        for mark in get_args(annotation)[1:]:
            if isinstance(mark, Accepts):
                return mark.types
        return _refs(get_args(annotation)[0])
    for part in get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ():
        if found := _refs(part):
            return found
    return ()


@cache
def shapes(syscall: type[AnyCall]) -> Mapping[str, Shape]:
    """The fields of a syscall by name, in order of declaration, without `call`."""
    hints = get_type_hints(syscall, include_extras=True)
    docs = field_docs(syscall)
    found: dict[str, Shape] = {}
    for name, field in syscall.model_fields.items():
        if name == "call":
            continue
        lexeme, many, choices = _lexeme(hints[name])
        found[name] = Shape(
            name=name,
            lexeme=lexeme,
            many=many,
            choices=choices,
            refs=_refs(hints[name]),
            required=field.is_required(),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            help=docs.get(name, ""),
        )
    return types.MappingProxyType(found)
