"""References to an earlier step's result: `$1` is what step 1 gave, `$0` the piped standard input (a `Text`).

In JSON a reference is the string "$N"; a literal path of that spelling is written "./$1". The marker `Accepts` in a
field's annotation says which value types fit; `Plan` checks it (a wrong one is a compile error).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticSerializationUnexpectedValue, core_schema

from casava_syscalls.scalars import Content, Index, WorkspacePath
from casava_syscalls.values import Accepts, Number

_REF = re.compile(r"\$(0|[1-9][0-9]?)\Z")


class Ref:
    """The result of step `step` (counted from 1) of the same plan; step 0 is the piped standard input."""

    __slots__ = ("step",)

    def __init__(self, step: int) -> None:
        self.step = step

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and other.step == self.step

    def __hash__(self) -> int:
        return hash(("ref", self.step))

    def __repr__(self) -> str:
        return f"Ref({self.step})"

    def __str__(self) -> str:
        return f"${self.step}"

    @classmethod
    def _parse(cls, value: object) -> Ref:
        if isinstance(value, Ref):
            return value
        match = _REF.match(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError("a step reference is written $0 (standard input), $1, $2, …")
        return cls(int(match.group(1)))

    @staticmethod
    def _text(value: object) -> str:
        """The JSON form. What is no reference is left to the other members of a field's union."""
        if not isinstance(value, Ref):
            raise PydanticSerializationUnexpectedValue("no reference")
        return str(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls._text, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": r"^\$(0|[1-9][0-9]?)$",
            "description": "the result of an earlier step",
        }


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("at least one path is needed")
    return value


Paths = Annotated[tuple[WorkspacePath, ...], AfterValidator(_some)]
"""One or more workspace paths."""

FilesArg = Annotated[Ref | Paths, Accepts(*Accepts.FILES), Field(union_mode="left_to_right")]
"""Paths, or the files that an earlier step found."""

TextArg = Annotated[Ref | Content, Accepts(*Accepts.TEXT), Field(union_mode="left_to_right")]
"""Text, or what an earlier step gave, rendered as text."""

TextSource = Annotated[Ref | Paths, Accepts(*Accepts.TEXT), Field(union_mode="left_to_right")]
"""Where text is read from: files, or an earlier step's result (a `Files` result means the contents of those files)."""

JobArg = Annotated[Ref | Index, Accepts(Number), Field(union_mode="left_to_right")]
"""A background program: its job number, or the step that spawned it."""
