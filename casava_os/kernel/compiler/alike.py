"""Proven plans, used again: which part of a request was an argument, and what another request puts in its place.

A plan is used again only for a request that is the same word for word, but for politeness, capitals, spaces and the final
mark, and but for *literals*: numbers, quoted strings and names with an ending. A literal may differ only when it is tied to
arguments of the plan: read as the ABI's types read it, it is that argument, at one place of the request and no other. Then
what stands in its place is read again, type-checked like any plan, and goes through policy and approval like any plan. All
that is less certain than this is left to the model: a miss costs milliseconds, a wrong hit costs trust.

Dates are always read again: "yesterday" is another day tomorrow.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from casava_os.kernel.compiler.lexer import Atom, atoms, normalise
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import Plan, parse_call, parse_plan
from casava_syscalls.refs import Ref
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok
from casava_syscalls.shapes import Lexeme, shapes

FORM = "1"
"""Form of the keys; another one where what is alike changes."""
LONGEST_SPAN = 6
"""Words of the longest argument that is looked for."""

_BEGINNINGS = (
    ("could", "you", "please"),
    ("can", "you", "please"),
    ("would", "you", "please"),
    ("will", "you", "please"),
    ("please", "could", "you"),
    ("please", "can", "you"),
    ("could", "you"),
    ("can", "you"),
    ("would", "you"),
    ("will", "you"),
    ("please",),
    ("pls",),
    ("kindly",),
)
_ENDS = (("thank", "you"), ("thanks",), ("please",), ("pls",), ("?",), ("!",), (".",), (",",))
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,6})?")
_QUANTITY = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([A-Za-z]{1,8})")
_NAME = re.compile(r"[\w@+-][\w@+.-]*(?:/[\w@+-][\w@+.-]*)*\.[A-Za-z][A-Za-z0-9]{0,7}")
_MARK = "\x00"
"""Begins the key's word for a literal: no request has it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a request as the cache compares it."""

    text: str
    """As written; of a quotation, what is inside."""
    kind: str
    """What must be equal for two requests to be alike here: the word itself, or the kind of literal."""
    start: int
    end: int

    @property
    def literal(self) -> bool:
        return self.kind.startswith(_MARK)


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument of the plan that stands in the request. Steps count from 0, words too."""

    step: int
    field: str
    index: int
    """Its place among several; -1 where the field takes one."""
    lexeme: Lexeme
    first: int
    last: int
    """Its words, inclusive."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a request must be like for its plan to be used again."""

    key: str
    slots: tuple[Slot, ...]
    exact: Mapping[int, str]
    """Words (by place) that must be written exactly so."""

    def payload(self) -> dict[str, JsonValue]:
        return {
            "key": self.key,
            "slots": [[s.step, s.field, s.index, s.lexeme, s.first, s.last] for s in self.slots],
            "exact": {str(place): text for place, text in sorted(self.exact.items())},
        }

    @classmethod
    def of_payload(cls, payload: Mapping[str, JsonValue]) -> Pattern | None:
        """The pattern of an entry; None when it is of another form."""
        slots, exact, key = payload.get("slots"), payload.get("exact"), payload.get("key")
        if not (isinstance(slots, list) and isinstance(exact, dict) and isinstance(key, str)):
            return None
        made: list[Slot] = []
        for slot in slots:
            match slot:
                case [int(step), str(field), int(index), str(lexeme), int(first), int(last)]:
                    made.append(Slot(step, field, index, lexeme, first, last))  # type: ignore[arg-type]  # written by `payload`
                case _:
                    return None
        return cls(key, tuple(made), {int(place): str(text) for place, text in exact.items()})


def tokens(request: str) -> tuple[Token, ...]:
    """The words of a request, without what is only polite, and the final mark."""
    found = [_token(atom) for atom in atoms(request)]
    changed = True
    while changed and found:
        changed = False
        for words in _BEGINNINGS:
            if len(found) > len(words) and tuple(token.kind for token in found[: len(words)]) == words:
                del found[: len(words)]
                changed = True
                break
        for words in _ENDS:
            if len(found) > len(words) and tuple(token.kind for token in found[-len(words) :]) == words:
                del found[-len(words) :]
                changed = True
                break
    return tuple(found)


def _token(atom: Atom) -> Token:
    return Token(atom.text, _kind(atom), atom.start, atom.end)


def _kind(atom: Atom) -> str:
    text = atom.text
    if atom.quoted:
        return f"{_MARK}quoted {_shape(text)}"
    if _NUMBER.fullmatch(text):
        return f"{_MARK}number {'.' in text}"
    if quantity := _QUANTITY.fullmatch(text):
        return f"{_MARK}quantity {quantity[2].casefold()}"
    if _NAME.fullmatch(text) and ".." not in text:
        return f"{_MARK}name {_shape(text)}"
    return text.casefold()


def _shape(text: str) -> str:
    """What about a literal decides how it is read: its ending, wildcards, folders, spaces, a number."""
    ending = (
        text.rpartition(".")[2].casefold() if re.fullmatch(r"\S*\w\.[A-Za-z][A-Za-z0-9]{0,7}", text) else ""
    )
    marks = "".join(
        mark
        for mark, there in (
            ("*", any(char in text for char in "*?[]{}^$|\\")),
            ("/", "/" in text),
            ("_", any(char.isspace() for char in text)),
            (".", text.startswith(".")),
            ("-", text.startswith("-")),
            ("~", text.startswith(("~", "/")) or ".." in text),
            ("9", bool(re.fullmatch(r"[\d.,:%-]+", text))),
        )
        if there
    )
    return f"{ending}:{marks}"


def key(found: Sequence[Token], *, reads_stdin: bool) -> str:
    """The key of requests that are alike."""
    text = "\n".join((FORM, str(int(reads_stdin)), *(token.kind for token in found)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def pattern(request: str, plan: Plan, now: datetime) -> Pattern | None:
    """What of a request its plan's arguments are; None where the plan cannot be used for another moment or request."""
    found = tokens(request)
    if not found:
        return None
    slots: list[Slot] = []
    constants: list[str] = []
    ambiguous: set[int] = set()
    for number, step in enumerate(plan.steps):
        for slot_field, index, value, lexeme in _arguments(step):
            spans = _spans(request, found, step, (slot_field, index, value, lexeme), now)
            if lexeme == "moment" and len(spans) != 1:
                return None
            if len(spans) == 1:
                first, last = spans[0]
                slots.append(Slot(number, slot_field, index, lexeme, first, last))
            else:
                constants.append(str(value))
                ambiguous |= {place for first, last in spans for place in range(first, last + 1)}
    exact: dict[int, str] = {}
    for place, token in enumerate(found):
        holders = [slot for slot in slots if slot.first <= place <= slot.last]
        if token.literal:
            if not holders or place in ambiguous or _shows(token.text, constants):
                exact[place] = token.text
        elif holders and any(
            slot.lexeme not in ("moment", "duration", "size", "extension") for slot in holders
        ):
            exact[place] = token.text
    return Pattern(key(found, reads_stdin=plan.reads_stdin), tuple(slots), exact)


def _shows(literal: str, constants: Sequence[str]) -> bool:
    """Whether something of the plan that is not tied to a literal was made from it: a name joined to a folder, a stem."""
    name = literal.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    parts = {literal.casefold(), name.casefold(), stem.casefold()} - {""}
    return any(part in constant.casefold() for constant in constants for part in parts)


def _arguments(step: AnyCall) -> Iterator[tuple[str, int, JsonValue, Lexeme]]:
    """(field, place among several or -1, value, what is written there) of all that a step says itself."""
    known = shapes(type(step))
    for name, value in step.model_dump(mode="json", exclude_defaults=True).items():
        if name == "call" or isinstance(getattr(step, name), Ref):
            continue
        shape = known[name]
        if shape.lexeme in ("flag", "choice", "object", "mapping"):
            continue
        if isinstance(value, list):
            yield from ((name, index, item, shape.lexeme) for index, item in enumerate(value))
        else:
            yield name, -1, value, shape.lexeme


def _spans(
    request: str,
    found: Sequence[Token],
    step: AnyCall,
    argument: tuple[str, int, JsonValue, Lexeme],
    now: datetime,
) -> list[tuple[int, int]]:
    """Where in the request an argument stands: the shortest runs of words that read as it."""
    field, index, value, lexeme = argument
    spans: list[tuple[int, int]] = []
    for length in range(1, min(LONGEST_SPAN, len(found)) + 1):
        for first in range(len(found) - length + 1):
            last = first + length - 1
            if any(first <= a and b <= last for a, b in spans):
                continue
            text = _text(request, found, first, last)
            if lexeme in _COPIED and not _may_be(text, value):
                continue
            read = normalise(lexeme, text, now)
            if read is None or isinstance(read, list):
                continue
            if _put(step, field, index, read) == value:
                spans.append((first, last))
    return spans


_COPIED: frozenset[Lexeme] = frozenset(
    {
        "path",
        "glob",
        "needle",
        "content",
        "command",
        "word",
        "image",
        "container",
        "stack",
        "url",
        "publish",
        "mount",
    }
)
"""What is passed on as it is written, or nearly so."""


def _may_be(text: str, value: JsonValue) -> bool:
    """Whether words can be this value at all; cheaper than reading them."""
    shown = str(value).casefold().strip("/.")
    return abs(len(text) - len(shown)) <= 12 and (not shown or shown[-8:] in text.casefold())


def _text(request: str, found: Sequence[Token], first: int, last: int) -> str:
    """What is written from one word to another; a quotation alone without its marks."""
    return found[first].text if first == last else request[found[first].start : found[last].end]


def _put(step: AnyCall, field: str, index: int, read: JsonValue) -> JsonValue:
    """The argument's value when these words are read as it; None when they cannot be."""
    data: dict[str, JsonValue] = {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)}
    data[field] = _with(data[field], index, read)
    parsed = parse_call(data)
    if isinstance(parsed, Err):
        return None
    made: JsonValue = parsed.value.model_dump(mode="json")[field]
    return made[index] if isinstance(made, list) and 0 <= index < len(made) else made


def _with(old: JsonValue, index: int, read: JsonValue) -> JsonValue:
    if index < 0 or not isinstance(old, list):
        return read
    return [*old[:index], read, *old[index + 1 :]]


def again(old: Plan, how: Pattern, request: str, now: datetime) -> Plan | None:
    """The plan for this request, when it is alike in everything that counts; None when it is not certain."""
    found = tokens(request)
    if key(found, reads_stdin=old.reads_stdin) != how.key:
        return None
    if any(found[place].text != text for place, text in how.exact.items()):
        return None
    steps: list[dict[str, JsonValue]] = [
        {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)} for step in old.steps
    ]
    for slot in how.slots:
        read = normalise(slot.lexeme, _text(request, found, slot.first, slot.last), now)
        if read is None or isinstance(read, list):
            return None
        step = steps[slot.step]
        if slot.field not in step:
            return None
        step[slot.field] = _with(step[slot.field], slot.index, read)
    parsed = parse_plan(
        {"version": 1, "request": request, "steps": list(steps), "reads_stdin": old.reads_stdin}
    )
    if not isinstance(parsed, Ok) or any(step.call not in SYSCALLS for step in parsed.value.steps):
        return None
    made = parsed.value
    same = len(made.steps) == len(old.steps) and all(
        type(a) is type(b) and _fields(a) == _fields(b) for a, b in zip(made.steps, old.steps, strict=True)
    )
    return made if same else None


def put(old: Plan, slots: Sequence[Slot], words: str, now: datetime) -> Plan | None:
    """The plan with these words read in the place of some arguments; None where they cannot be that."""
    found = tokens(words)
    text = found[0].text if len(found) == 1 else words
    steps: list[dict[str, JsonValue]] = [
        {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)} for step in old.steps
    ]
    for slot in slots:
        read = normalise(slot.lexeme, text, now)
        if read is None:
            return None
        step = steps[slot.step]
        if isinstance(read, list):
            if step.get(slot.field) is None or slot.index > 0:
                return None
            step[slot.field] = list(read)
        else:
            step[slot.field] = _with(step[slot.field], slot.index, read)
    parsed = parse_plan(
        {"version": 1, "request": old.request, "steps": list(steps), "reads_stdin": old.reads_stdin}
    )
    return parsed.value if isinstance(parsed, Ok) and parsed.value.steps != old.steps else None


def _fields(step: AnyCall) -> frozenset[str]:
    """Fields that say something: a number that happens to be the default makes a plan another one."""
    return frozenset(step.model_dump(exclude_defaults=True))
