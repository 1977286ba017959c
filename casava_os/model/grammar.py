"""The grammar that decoding obeys, derived from the ABI: every answer the model can give is a plan.

llguidance carries the structure (calls, their keys in order, lists, choices, references, the end), compiled once for
a model. Its alphabet is the control tokens and one letter for "text". What depends on the request
or on the plan so far is added here: which text (see `values`), which steps a reference may mean, whether a call's
required arguments can be had at all, and that a step ends only where the ABI accepts it and repeats no earlier one.

A call that is not offered (no performer yet, or policy denies it) may be named and ends the plan at once: the person
hears that it would be needed. Were it left out, the model would be driven to the next best call, which may be anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.tagged import (
    AND,
    CALLS,
    END,
    FREE_TEXT,
    HERE,
    IN,
    MAX_REF,
    MODE_WORDS,
    NO,
    ONE,
    QUANTITY,
    Control,
    Copy,
    Segment,
    control_names,
    decode,
    lower,
    performed_by,
    tagged_fields,
)
from casava_os.model.values import Value, Values
from casava_syscalls.base import Effect
from casava_syscalls.plan import parse_call
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err
from casava_syscalls.shapes import Shape
from casava_syscalls.values import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from llguidance import LLMatcher

ALONE = ("ask", "refuse")
MAX_STEPS, MAX_ITEMS = MAX_REF, 16
LONG = 160
"""Tokens of a plan after which only what is required may still be added, so that every plan ends."""

_LETTER = "x"

ANYTHING = "*"
"""In a ban: whatever the key says."""

Bans = Mapping[tuple[int, str], frozenset[str]]
"""What led to no plan before, by step (from 1) and key ("call" for the call itself)."""


# ------------------------------------------------------------------------------------------------ the static part


def lark(known: Iterable[str], names: Collection[str]) -> str:
    """The structure of plans over these syscalls in these control tokens, as a Lark grammar for llguidance."""
    calls = [call for call in CALLS if call in set(known)]
    several = " | ".join(_rule(call) for call in calls if call not in ALONE)
    alone = [_rule(call) for call in calls if call in ALONE]
    starts = [*(["step+"] if several else []), *alone]
    rules = ["%llguidance {}", f"start: {' | '.join(starts)}", *([f"step: {several}"] if several else [])]
    for call in calls:
        parts = [_token(f"call:{call}")]
        for shape in written_fields(call, names):
            part = f"{_token(f'key:{shape.name}')} {_value(shape)}".strip()
            parts.append(part if shape.required else f"({part})?")
        rules.append(f"{_rule(call)}: {' '.join(parts)}")
    references = " | ".join(_token(f"${n}") for n in range(MAX_REF + 1))
    rules += [
        f"reference: {references}",
        f"path: {_token(HERE)} | TEXT ({_token(IN)} TEXT)?",
        f"quantity: {_token(ONE)} | TEXT",
        f"mode: {' | '.join(_token(f'=:{word}') for word in MODE_WORDS)} | TEXT",
        f'TEXT: "{_LETTER}"',
    ]
    return "\n".join(rules)


def written_fields(call: str, names: Collection[str]) -> tuple[Shape, ...]:
    """The fields of a call that can be written in these control tokens."""
    return tuple(
        shape
        for shape in tagged_fields(call)
        if f"key:{shape.name}" in names and all(f"=:{choice}" in names for choice in shape.choices)
    )


def _token(name: str) -> str:
    return f"<|{name}|>"


def _rule(call: str) -> str:
    return "call_" + call.replace(".", "_")


def _value(shape: Shape) -> str:
    if shape.lexeme == "flag":
        return "" if shape.default is False else f"{_token(NO)}?"
    if shape.choices:
        item = f"({' | '.join(_token(f'=:{choice}') for choice in shape.choices)})"
    elif shape.lexeme in ("path", "mode"):
        item = shape.lexeme
    else:
        item = "quantity" if shape.lexeme in QUANTITY else "TEXT"
    value = f"{item} ({_token(AND)} {item})*" if shape.many else item
    return f"(reference | {value})" if shape.refs else value


class _Alphabet:
    """What llguidance sees as a tokenizer: the control tokens, and one letter that stands for any text."""

    def __init__(self, names: Sequence[str]) -> None:
        self.tokens = [_token(name).encode() for name in names] + [_LETTER.encode()]
        self.special_token_ids = list(range(len(names)))
        self.eos_token_id = names.index(END)
        self.bos_token_id = None

    def __call__(self, text: bytes) -> list[int]:
        return [len(self.tokens) - 1] * len(text)


class Grammar:
    """The compiled structure of all plans that a model can write. Safe to share between threads that hold the engine's lock."""

    def __init__(self, names: Sequence[str] | None = None, calls: Iterable[str] = CALLS) -> None:
        """`names`: the model's control tokens (the ABI's of today, unless said); `calls`: what it was taught."""
        from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

        self.names = tuple(control_names() if names is None else names)
        self.ids = {name: ident for ident, name in enumerate(self.names)}
        self.calls = frozenset(call for call in calls if f"call:{call}" in self.ids)
        self._fields = {call: written_fields(call, self.ids) for call in self.calls}
        self.text = len(self.names)
        """The letter's id in llguidance's alphabet, and the first text token of a model's vocabulary."""
        tokenizer = LLTokenizer(TokenizerWrapper(_Alphabet(self.names)), slices=[])
        self._matcher = LLMatcher(tokenizer, lark(self.calls, self.ids))
        if self._matcher.is_error():
            raise RuntimeError(f"the grammar of the ABI does not compile: {self._matcher.get_error()}")

    def fields(self, call: str) -> tuple[Shape, ...]:
        """The call's fields that the model can write."""
        return self._fields[call]

    def matcher(self) -> LLMatcher:
        """A matcher at the beginning of a plan."""
        return self._matcher.deep_copy()


# ------------------------------------------------------------------------------------------------ one plan in the making


class Cursor:
    """A plan as far as it is decoded: says which tokens may come next, and takes the one that does."""

    def __init__(
        self,
        grammar: Grammar,
        offered: frozenset[str],
        values: Values,
        text_of: Callable[[list[int]], str],
        *,
        piped_stdin: bool,
        now: datetime,
        bans: Bans | None = None,
    ) -> None:
        from llguidance.numpy import allocate_token_bitmask

        self._grammar, self._values, self._text_of, self._now = grammar, values, text_of, now
        self._offered = offered
        self._matcher = grammar.matcher()
        self._bitmask = allocate_token_bitmask(1, grammar.text + 1)
        self._piped_stdin = piped_stdin
        self._bans = bans or {}
        self._calls: list[str] = []
        self._done: set[str] = set()
        self._shape: Shape | None = None
        self._items = 0
        self._value: Value | None = None
        self._run: list[int] = []
        self._step: list[Segment] = []
        self.segments: list[Segment] = []
        self.length = 0
        self.finished = False
        self.unoffered: str | None = None
        """The call that is not offered and ended the plan."""

    # -- what may come next

    def allowed(self) -> list[int]:
        """Token ids that may come next; empty only when the plan is finished or cannot be completed."""
        if self.finished:
            return []
        tokens: list[int] = []
        if self._value is not None:
            tokens += self._value.following()
            if not self._value.complete():
                return tokens
        controls, text = self._structure()
        controls = [ident for ident in controls if self._fits(self._grammar.names[ident])]
        if text and self._shape is not None:
            tokens += self._values.start(self._shape.lexeme, self._banned(self._shape.name)).following()
        endings = [ident for ident in controls if self._ends_step(ident)]
        if endings and self._calls and not self._step_is_good():
            controls = [ident for ident in controls if ident not in endings]
        if self.length > LONG:
            controls = self._only_needed(controls, bool(tokens))
        return tokens + controls

    def _structure(self) -> tuple[list[int], bool]:
        """The control tokens that llguidance allows, and whether text may begin."""
        import numpy as np
        from llguidance.numpy import fill_next_token_bitmask

        fill_next_token_bitmask(self._matcher, self._bitmask)
        bits = np.unpackbits(self._bitmask.view(np.uint8), bitorder="little")[: self._grammar.text + 1]
        found = [int(ident) for ident in np.flatnonzero(bits)]
        text = bool(found) and found[-1] == self._grammar.text
        return (found[:-1] if text else found), text

    def _fits(self, name: str) -> bool:
        kind, _, rest = name.partition(":")
        if kind == "call":
            if rest in self._bans.get((len(self._calls) + 1, "call"), ()):
                return False
            return len(self._calls) < MAX_STEPS and all(
                self._can_be_had(shape, len(self._calls))
                for shape in self._grammar.fields(rest)
                if shape.required
            )
        if kind == "key":
            shape = next(shape for shape in self._grammar.fields(self._calls[-1]) if shape.name == rest)
            return ANYTHING not in self._banned(rest) and self._can_be_had(shape, len(self._calls) - 1)
        if name == HERE and self._shape is not None:
            return "." not in self._banned(self._shape.name)
        if name.startswith("$"):
            return self._shape is not None and self._refers(self._shape, int(name[1:]), len(self._calls) - 1)
        if name == AND:
            return self._items < MAX_ITEMS
        return name != IN or self._values.any("path")

    def _can_be_had(self, shape: Shape, earlier: int) -> bool:
        """Whether the request, or one of the `earlier` steps, has anything for this argument."""
        if shape.choices or shape.lexeme in ("flag", "path", "mode") or shape.lexeme in QUANTITY:
            return True
        return self._values.any(shape.lexeme) or any(
            self._refers(shape, number, earlier) for number in range(earlier + 1)
        )

    def _refers(self, shape: Shape, number: int, earlier: int) -> bool:
        """Whether `$number` fits an argument of a step that has so many earlier steps."""
        if number == 0:
            return self._piped_stdin and issubclass(Text, shape.refs)
        return number <= earlier and issubclass(
            SYSCALLS[performed_by(self._calls[number - 1])].result_type(), shape.refs
        )

    def _banned(self, key: str) -> frozenset[str]:
        return self._bans.get((len(self._calls), key), frozenset())

    def blame(self) -> tuple[int, str, str] | None:
        """What to forbid when nothing is allowed any more: (step, key, text), the latest choice that can be another."""
        if not self._calls:
            return None
        step = len(self._calls)
        if self._shape is not None and not self._shape.required:
            return step, self._shape.name, ANYTHING
        if self._shape is not None and self._shape.lexeme not in FREE_TEXT:
            last = Copy(self._text_of(self._run)) if self._run else self._step[-1]
            text = last.text if isinstance(last, Copy) else "." if last == Control(HERE) else None
            if text is not None and text not in self._banned(self._shape.name):
                return step, self._shape.name, text
        return step, "call", self._calls[-1]

    def _ends_step(self, ident: int) -> bool:
        name = self._grammar.names[ident]
        return name == END or name.startswith("call:")

    def _only_needed(self, controls: list[int], text: bool) -> list[int]:
        """Without what would make the plan longer, when it can do without."""
        required = {f"key:{shape.name}" for shape in self._grammar.fields(self._calls[-1]) if shape.required}
        names = self._grammar.names
        kept = [
            i for i in controls if not names[i].startswith(("call:", "key:")) and names[i] not in (AND, IN)
        ]
        kept += [i for i in controls if names[i] in required]
        return kept if kept or text else controls

    def _step_is_good(self) -> bool:
        """Whether the ABI accepts the last step as it stands, and it repeats none before it."""
        described = self._described()
        return described is not None and described not in self._done

    def _described(self) -> str | None:
        """The last step's canonical text; None when the ABI refuses it for what it says (not for where it points)."""
        step = [*self._step, *([Copy(self._text_of(self._run))] if self._run else [])]
        calls = decode([*step, Control(END)])
        lowered = calls if isinstance(calls, Err) else lower(calls.value, self._now)
        if isinstance(lowered, Err):
            return None
        parsed = parse_call(lowered.value[0])
        if isinstance(parsed, Err):
            return str(lowered.value) if parsed.code == "outside-workspace" else None
        # A program may well be run twice.
        return "" if Effect.EXECUTE in parsed.value.effect else parsed.value.model_dump_json()

    # -- what came

    def accept(self, token: int) -> None:
        """Takes a token that `allowed` gave."""
        self.length += 1
        if token >= self._grammar.text:
            if self._value is None:
                if self._shape is None:
                    raise ValueError("text where none may stand")
                self._value = self._values.start(self._shape.lexeme, self._banned(self._shape.name))
                self._consume(self._grammar.text)
            self._value = self._value.then(token)
            self._run.append(token)
            return
        if self._run:
            self._step.append(Copy(self._text_of(self._run)))
            self._run, self._value = [], None
        name = self._grammar.names[token]
        if self._ends_step(token) and self._calls:
            self._done.add(self._described() or "")
            self._done.discard("")
            self.segments += self._step
            self._step = []
        self._consume(token)
        self._step.append(Control(name))
        kind, _, rest = name.partition(":")
        if kind == "call":
            self._calls.append(rest)
            self._shape = None
            if performed_by(rest) not in self._offered:
                self.unoffered, self.finished = performed_by(rest), True
        elif kind == "key":
            self._shape = next(shape for shape in self._grammar.fields(self._calls[-1]) if shape.name == rest)
            self._items = 1
        elif name == AND:
            self._items += 1
        elif name == END:
            self.segments += self._step
            self.finished = True

    def _consume(self, ident: int) -> None:
        if not self._matcher.consume_token(ident):
            raise ValueError(f"the grammar does not allow this: {self._matcher.get_error()}")
