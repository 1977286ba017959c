"""A plan as text that a person edits: the JSON of a plan file, checked as it is typed, with the place of what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from casava_syscalls.plan import Plan, parse_call, parse_plan
from casava_syscalls.results import Err

_SPACE = re.compile(r"[ \t\n\r]*")
_STEP = re.compile(r"step (?P<number>\d+)[: (]")
_FIELD = re.compile(r"(?:^|[:)] )(?P<field>[a-z_]+)(?::| refers| takes)")
_DEEPEST = 64
"""Levels of nesting that a plan may have."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a text is: a plan, or what is wrong with it and where (line and column from 0)."""

    plan: Plan | None = None
    err: Err | None = None
    line: int = 0
    column: int = 0


class _Wrong(Exception):  # noqa: N818 - not an error of the program
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def plan_text(plan: Mapping[str, JsonValue]) -> str:
    """The plan's document as a person reads it: each step with its call first."""
    document = dict(plan)
    steps = document.get("steps")
    if isinstance(steps, list):
        document["steps"] = [
            {"call": step["call"], **{k: v for k, v in step.items() if k != "call"}}
            if isinstance(step, dict) and "call" in step
            else step
            for step in steps
        ]
    order = ("version", "request", "reads_stdin", "steps")
    ordered = {key: document[key] for key in order if key in document} | document
    return json.dumps(ordered, indent=2, ensure_ascii=False)


def check(text: str) -> Checked:
    """Reads and type-checks the text."""
    reader = _Reader(text)
    try:
        data = reader.whole()
    except _Wrong as problem:
        err = Err(code="usage", title="This is not JSON", message=str(problem))
        return Checked(None, err, *_place(text, problem.offset))
    parsed = parse_plan(data)
    if isinstance(parsed, Err):
        return Checked(None, parsed, *_place(text, _offset(parsed, data, reader.offsets)))
    return Checked(parsed.value)


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)


def _offset(err: Err, data: object, offsets: Mapping[Path, int]) -> int:
    """Where the complaint belongs: the step it names, and of that the argument it names."""
    step = _STEP.search(err.message)
    number = int(step["number"]) if step else _wrong_step(data)
    if number is None:
        return offsets.get(("steps",), 0)
    at: Path = ("steps", number - 1)
    rest = err.message[step.end() - 1 :] if step else err.message
    if (named := _FIELD.search(rest)) is not None and (*at, named["field"]) in offsets:
        return offsets[*at, named["field"]]
    if err.title.startswith("There is no syscall") and (*at, "call") in offsets:
        return offsets[*at, "call"]
    return offsets.get(at, 0)


def _wrong_step(data: object) -> int | None:
    steps = data.get("steps") if isinstance(data, dict) else None
    for number, step in enumerate(steps if isinstance(steps, list) else (), 1):
        if isinstance(parse_call(step), Err):
            return number
    return None


@dataclass(slots=True)
class _Reader:
    """Reads JSON and remembers where each value begins. A key that stands twice is wrong: a reader would see one of them."""

    text: str
    offsets: dict[Path, int] = field(default_factory=dict)

    def whole(self) -> JsonValue:
        value, end = self._value(self._skip(0), ())
        if (end := self._skip(end)) < len(self.text):
            raise _Wrong("there is more after the end of the plan", end)
        return value

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _value(self, at: int, path: Path) -> tuple[JsonValue, int]:
        self.offsets[path] = at
        if len(path) > _DEEPEST:
            raise _Wrong("it is nested too deeply", at)
        match self.text[at : at + 1]:
            case "{":
                return self._object(at, path)
            case "[":
                return self._array(at, path)
            case "":
                raise _Wrong("it ends in the middle", at)
        try:
            value: JsonValue
            value, end = json.JSONDecoder().raw_decode(self.text, at)
        except json.JSONDecodeError as problem:
            raise _Wrong(problem.msg[:1].lower() + problem.msg[1:], problem.pos) from None
        return value, end

    def _object(self, at: int, path: Path) -> tuple[JsonValue, int]:
        made: dict[str, JsonValue] = {}
        at = self._skip(at + 1)
        if self.text[at : at + 1] == "}":
            return made, at + 1
        while True:
            if self.text[at : at + 1] != '"':
                raise _Wrong("a name in double quotes is expected here", at)
            key, end = self._value(at, (*path, "\0key"))
            if str(key) in made:
                raise _Wrong(f"{key!r} stands twice in one step", at)
            end = self._skip(end)
            if self.text[end : end + 1] != ":":
                raise _Wrong("a colon is expected here", end)
            made[str(key)], end = self._value(self._skip(end + 1), (*path, str(key)))
            at, done = self._next(end, "}")
            if done:
                return made, at

    def _array(self, at: int, path: Path) -> tuple[JsonValue, int]:
        made: list[JsonValue] = []
        at = self._skip(at + 1)
        if self.text[at : at + 1] == "]":
            return made, at + 1
        while True:
            value, end = self._value(at, (*path, len(made)))
            made.append(value)
            at, done = self._next(end, "]")
            if done:
                return made, at

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        at = self._skip(at)
        match self.text[at : at + 1]:
            case found if found == closing:
                return at + 1, True
            case ",":
                return self._skip(at + 1), False
        raise _Wrong(f"a comma or {closing} is expected here", at)
