"""The tagged form: how our own model writes a plan.

A plan is a sequence of *control tokens* (one for each call, key, choice and reference of the ABI) and *copied text*
(words of the request). A person cannot spell a control token, so a request cannot inject structure; and a plan takes
about ten tokens instead of the forty of its JSON text. The vocabulary of controls is derived from the ABI.

Between this form and the ABI stands the *surface call*: a JSON object whose strings are words of the request
({"call": "file.find", "extension": [".tmp"], "older_than": "a week"}). `encode` and `decode` translate between
surface calls and tagged segments; `lower` turns a surface call into the ABI's JSON by `lexer.normalise`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from casava_os.kernel.compiler.idioms import IDIOMS, RUN, expand, idiom_shapes
from casava_os.kernel.compiler.lexer import Atom, normalise
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.shapes import Lexeme, Shape, shapes

REQUEST, STDIN, PLAN, END = "request", "stdin", "plan", "end"
AND, IN, HERE, ONE, NO = "and", "in", "here", "one", "no"
MAX_REF = 8
"""References $0 to $8 have a token."""

STRUCTURE = (REQUEST, STDIN, PLAN, END, AND, IN, HERE, ONE, NO, *(f"${n}" for n in range(MAX_REF + 1)))
"""The controls that are there whatever the syscalls are."""

MODE_WORDS = ("+x", "-x", "u+x", "a-w", "u+w", "+w", "+r", "go-rwx", "a+rw")
"""File modes that people ask for in words ("executable", "read-only"): they are choices, not copied text."""

TAGGED: frozenset[Lexeme] = frozenset(
    ("path", "glob", "extension", "size", "duration", "count", "index", "mode", "moment", "needle", "content", "command", "word", "choice", "flag", "image", "container", "stack", "url", "number", "publish", "mount", "mapping")
)  # fmt: skip
"""Lexemes that the tagged form can write; fields of other kinds are left to models that write JSON."""

FREE_TEXT: frozenset[Lexeme] = frozenset(("needle", "content", "command"))
"""Lexemes whose text may be any run of words; the others are single words, quotations, or quantities of a few words."""

QUANTITY: frozenset[Lexeme] = frozenset(("count", "index", "size", "duration", "moment", "number"))

_REF = re.compile(r"\$[0-8]\Z")

_NUMBERS_INSIDE = re.compile(r"\d{1,6}[-\u2013]\d{1,6}|-[A-Za-z]?\d{1,6}|%\d{1,6}")
"""Words that hold numbers of lines or jobs: "5-20", "-n10", "-5", "%1"."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control token by its name: "call:file.find", "key:older_than", "=:newest", "$1", "and" or "end"."""

    name: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Text that stands in the request."""

    text: str


Segment = Control | Copy
SurfaceValue = str | int | bool | Mapping[str, str] | Sequence["str | Mapping[str, str]"]
SurfaceCall = Mapping[str, SurfaceValue]


CALLS = (*SYSCALLS, *IDIOMS)
"""What a plan in this form may call: syscalls, and idioms, which become `process.run`."""


def field_shapes(call: str) -> Mapping[str, Shape]:
    """The fields of a syscall or an idiom."""
    return idiom_shapes(call) if call in IDIOMS else shapes(SYSCALLS[call])


def performed_by(call: str) -> str:
    """The syscall that performs a call: itself, or `process.run` for an idiom."""
    return RUN if call in IDIOMS else call


def tagged_fields(call: str) -> tuple[Shape, ...]:
    """The fields of a syscall that the tagged form can write, in the order in which it writes them."""
    return tuple(shape for shape in field_shapes(call).values() if shape.lexeme in TAGGED)


@cache
def control_names() -> tuple[str, ...]:
    """Every control token's name, in an order that only the ABI decides."""
    names = [*STRUCTURE]
    names += [f"call:{call}" for call in CALLS]
    fields = [shape for call in CALLS for shape in tagged_fields(call)]
    names += [f"key:{key}" for key in dict.fromkeys(shape.name for shape in fields)]
    choices = dict.fromkeys(choice for shape in fields for choice in shape.choices)
    names += [f"=:{choice}" for choice in dict.fromkeys([*choices, *MODE_WORDS])]
    return tuple(names)


# ------------------------------------------------------------------------------------------------ surface → tagged


def encode(calls: Iterable[SurfaceCall]) -> list[Segment]:
    """The tagged form of surface calls, ended by END. Raises `ValueError` for what the tagged form cannot write."""
    segments: list[Segment] = []
    for call in calls:
        name = call["call"]
        if not isinstance(name, str) or name not in CALLS:
            raise ValueError(f"no syscall {name!r}")
        segments.append(Control(f"call:{name}"))
        fields = tagged_fields(name)
        unknown = set(call) - {"call"} - {shape.name for shape in fields}
        if unknown:
            raise ValueError(f"{name} has no tagged field {', '.join(sorted(unknown))}")
        for shape in fields:
            if shape.name in call:
                segments.append(Control(f"key:{shape.name}"))
                segments += _encode_value(shape, call[shape.name])
    return [*segments, Control(END)]


def _encode_value(shape: Shape, value: SurfaceValue) -> list[Segment]:
    if shape.lexeme == "flag":
        return [] if value is True else [Control(NO)]
    if isinstance(value, str) and shape.refs and _REF.match(value):
        return [Control(value)]
    if shape.many and isinstance(value, Sequence) and not isinstance(value, str):
        segments: list[Segment] = []
        for item in value:
            segments += [*([Control(AND)] if segments else []), *_encode_item(shape, item)]
        return segments
    if isinstance(value, str | int | Mapping):
        return _encode_item(shape, value)
    raise ValueError(f"{shape.name} takes one value")


def _encode_item(shape: Shape, item: str | int | Mapping[str, str]) -> list[Segment]:
    if isinstance(item, Mapping):
        return [Copy(item["name"]), Control(IN), Copy(item["in"])]
    if isinstance(item, int):
        if item != 1 or shape.lexeme not in QUANTITY:
            raise ValueError(f"{shape.name}: a number is copied from the request, except 1")
        return [Control(ONE)]
    if shape.choices:
        if item not in shape.choices:
            raise ValueError(f"{shape.name} is one of {', '.join(shape.choices)}")
        return [Control(f"=:{item}")]
    if shape.lexeme == "mode" and item in MODE_WORDS:
        return [Control(f"=:{item}")]
    if shape.lexeme == "path" and item == ".":
        return [Control(HERE)]
    return [Copy(item)]


# ------------------------------------------------------------------------------------------------ tagged → surface


def decode(segments: Sequence[Segment]) -> Result[list[dict[str, SurfaceValue]]]:
    """The surface calls of a tagged sequence. Sequences that the grammar allowed always decode."""
    calls: list[dict[str, SurfaceValue]] = []
    at = 0
    while at < len(segments):
        segment = segments[at]
        at += 1
        if segment == Control(END):
            return Ok(value=calls) if calls else _malformed("it is empty")
        if not isinstance(segment, Control):
            return _malformed(f"text {segment.text!r} where a call or a key belongs")
        kind, _, name = segment.name.partition(":")
        if kind == "call":
            calls.append({"call": name})
            continue
        if kind != "key" or not calls:
            return _malformed(f"{segment.name!r} where a call or a key belongs")
        shape = field_shapes(str(calls[-1]["call"])).get(name)
        if shape is None:
            return _malformed(f"{calls[-1]['call']} has no field {name}")
        start = at
        while at < len(segments) and not _opens(segments[at]):
            at += 1
        value = _decode_value(shape, segments[start:at])
        if value is None:
            return _malformed(f"{name} has no value")
        calls[-1][name] = value
    return _malformed("it does not end")


def _opens(segment: Segment) -> bool:
    return isinstance(segment, Control) and (
        segment.name == END or segment.name.startswith(("call:", "key:"))
    )


def _decode_value(shape: Shape, segments: Sequence[Segment]) -> SurfaceValue | None:
    if shape.lexeme == "flag":
        return not segments
    if not segments:
        return None
    if isinstance(segments[0], Control) and segments[0].name.startswith("$"):
        return segments[0].name
    items: list[str | Mapping[str, str]] = []
    joined = False
    for segment in segments:
        if isinstance(segment, Copy):
            if joined and items and isinstance(items[-1], str):
                items[-1] = {"name": items[-1], "in": segment.text}
            else:
                items.append(segment.text)
            joined = False
        elif segment.name == IN:
            joined = True
        elif segment.name == HERE:
            items.append(".")
        elif segment.name == ONE:
            return 1
        elif segment.name.startswith("=:"):
            items.append(segment.name[2:])
    if not items:
        return None
    return items if shape.many else items[0]


def _malformed(why: str) -> Err:
    return Err(
        code="not-understood",
        title="The model's answer is malformed",
        message=why,
        hint="say it in other words",
    )


# ------------------------------------------------------------------------------------------------ surface → ABI


def lower(calls: Iterable[SurfaceCall], now: datetime) -> Result[list[dict[str, object]]]:
    """The ABI's JSON form of surface calls: quantities normalised, paths joined, format names made extensions."""
    lowered: list[dict[str, object]] = []
    for call in calls:
        name = str(call["call"])
        step: dict[str, object] = {"call": name}
        fields = field_shapes(name)
        for key, value in call.items():
            if key == "call":
                continue
            shape = fields[key]
            result = _lower_value(shape, value, now)
            if result is None:
                what = f"{value!r} is not a {shape.lexeme}"
                return Err(
                    code="not-understood",
                    title="I did not understand an argument",
                    message=f"{key}: {what}",
                    hint="say it in other words",
                )
            step[key] = result
        lowered.append(expand(name, step) if name in IDIOMS else step)
    return Ok(value=lowered)


def _lower_value(shape: Shape, value: SurfaceValue, now: datetime) -> object:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, str) and shape.refs and _REF.match(value):
        return value
    if shape.many:
        items = [value] if isinstance(value, str | Mapping) else value
        flat: list[object] = []
        for item in items:
            one = _lower_item(shape, item, now)
            if one is None:
                return None
            flat += one if isinstance(one, list) else [one]
        if shape.lexeme == "mapping":
            return dict(str(text).split("=", 1) for text in flat)
        return list(dict.fromkeys(flat))
    one = _lower_item(shape, value, now) if isinstance(value, str | Mapping) else None
    return one[0] if isinstance(one, list) else one


def _lower_item(shape: Shape, item: str | Mapping[str, str], now: datetime) -> object:
    if isinstance(item, Mapping):
        return f"{item['in'].rstrip('/')}/{item['name'].lstrip('/')}"
    if shape.choices or (shape.lexeme == "mode" and item in MODE_WORDS):
        return item
    value = normalise(shape.lexeme, item, now)
    if shape.lexeme == "path" and value in ("$0", "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8"):
        return f"./{value}"
    return value


def candidates(
    lexeme: Lexeme, words: Sequence[Atom], request: str, now: datetime, longest: int = 4
) -> Iterator[str]:
    """The spans of a request that can be a value of this kind, each as the text to copy; some of them more than once.

    Single words and quotations; for quantities also runs of up to `longest` words. Free text is not listed here: it is
    any run of words (`FREE_TEXT`).
    """
    for i, atom in enumerate(words):
        if lexeme in ("count", "index") and not atom.quoted and _NUMBERS_INSIDE.fullmatch(atom.text):
            yield from re.findall(r"\d+", atom.text)
        if lexeme in QUANTITY and not atom.quoted:
            for j in range(i, min(i + longest, len(words))):
                text = request[atom.start : words[j].end]
                if normalise(lexeme, text, now) is not None:
                    yield text
        elif normalise(lexeme, atom.text, now) is not None and (
            atom.quoted or re.search(r"\w|[*~/]|\.\.", atom.text)
        ):
            yield atom.text
