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
from dataclasses import dataclass
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
from casava_syscalls.shapes import Lexeme, Shape
from casava_syscalls.values import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from llguidance import LLMatcher

ALONE = ("ask", "refuse")
MAX_STEPS, MAX_ITEMS = MAX_REF, 16
LONG = 160
"""Tokens of a plan after which only what is required may still be added, so that every plan ends."""

_LETTER = "x"

KNOWN = 8192
"""Positions whose structure is remembered: a few megabytes. The plans of a working day have some hundreds."""

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


def _always(shape: Shape) -> bool:
    """Whether every request has an argument for this field, or needs none."""
    return bool(shape.choices) or shape.lexeme in ("flag", "path", "mode") or shape.lexeme in QUANTITY


Kind = tuple[Lexeme, tuple[type, ...]]
"""What decides whether a request has an argument for a field: its lexeme, and the types that it may refer to."""


def _kind(shape: Shape) -> Kind:
    return shape.lexeme, tuple(shape.refs)


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


Position = tuple[bool, tuple[int, ...]]
"""Where a plan stands, as far as its structure goes: whether there was a step before, and what this one has so far."""


@dataclass(frozen=True, slots=True)
class Following:
    """What the structure lets follow at one position."""

    calls: tuple[int, ...]
    ends: bool
    others: tuple[int, ...]
    """Control tokens but calls and the end."""
    text: bool

    def has(self, ident: int, end: int, letter: int) -> bool:
        if ident in (end, letter):
            return self.ends if ident == end else self.text
        return ident in self.others or ident in self.calls


class Grammar:
    """The compiled structure of all plans that a model can write. Any number of threads may share it."""

    def __init__(self, names: Sequence[str] | None = None, calls: Iterable[str] = CALLS) -> None:
        """`names`: the model's control tokens (the ABI's of today, unless said); `calls`: what it was taught."""
        from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

        self.names = tuple(control_names() if names is None else names)
        self.ids = {name: ident for ident, name in enumerate(self.names)}
        self.calls = frozenset(call for call in calls if f"call:{call}" in self.ids)
        self._fields = {call: written_fields(call, self.ids) for call in self.calls}
        self._shapes = {
            call: {shape.name: shape for shape in fields} for call, fields in self._fields.items()
        }
        self.calls_by_id = {ident: name[5:] for name, ident in self.ids.items() if name.startswith("call:")}
        conditional = {
            self.ids[f"call:{call}"]: [s for s in fields if s.required and not _always(s)]
            for call, fields in self._fields.items()
        }
        self.kinds: dict[Kind, Shape] = {_kind(s): s for some in conditional.values() for s in some}
        """Of each kind of required argument that not every request has: one field that takes it."""
        self.needs = {ident: [_kind(s) for s in some] for ident, some in conditional.items() if some}
        """By a call's token: the kinds that it requires."""
        self.text = len(self.names)
        """The letter's id in llguidance's alphabet, and the first text token of a model's vocabulary."""
        tokenizer = LLTokenizer(TokenizerWrapper(_Alphabet(self.names)), slices=[])
        self._matcher = LLMatcher(tokenizer, lark(self.calls, self.ids))
        if self._matcher.is_error():
            raise RuntimeError(f"the grammar of the ABI does not compile: {self._matcher.get_error()}")
        self._known: dict[Position, Following] = {}

    def fields(self, call: str) -> tuple[Shape, ...]:
        """The call's fields that the model can write."""
        return self._fields[call]

    def shape(self, call: str, key: str) -> Shape:
        """The call's field of this name."""
        return self._shapes[call][key]

    def matcher(self) -> LLMatcher:
        """A matcher at the beginning of a plan."""
        return self._matcher.deep_copy()

    def known(self, position: Position) -> Following | None:
        """What follows at a position where some plan has been before: most plans go well-trodden ways."""
        return self._known.get(position)

    def learn(self, position: Position, matcher: LLMatcher) -> Following:
        """What llguidance lets follow at a position, which the matcher has reached."""
        import numpy as np
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        bitmask = allocate_token_bitmask(1, self.text + 1)
        fill_next_token_bitmask(matcher, bitmask)
        bits = np.unpackbits(bitmask.view(np.uint8), bitorder="little")[: self.text + 1]
        found = [int(ident) for ident in np.flatnonzero(bits)]
        end = self.ids[END]
        following = Following(
            calls=tuple(ident for ident in found if ident in self.calls_by_id),
            ends=end in found,
            others=tuple(i for i in found if i not in self.calls_by_id and i not in (end, self.text)),
            text=self.text in found,
        )
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[position] = following
        return following


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
        self._grammar, self._values, self._text_of, self._now = grammar, values, text_of, now
        self._offered = offered
        self._end = grammar.ids[END]
        self._matcher: LLMatcher | None = None
        self._way: list[int] = []
        """What the matcher has not consumed yet: it is asked only where no plan has been before."""
        self._within: tuple[int, ...] = ()
        """What this step has so far, in llguidance's alphabet."""
        self._following: Following | None = None
        self._fitting: list[int] | None = None
        self._last_described: tuple[tuple[int, int, int], str | None] | None = None
        self._piped_stdin = piped_stdin
        self._bans = bans or {}
        self._calls: list[str] = []
        self._done: set[str] = set()
        self._shape: Shape | None = None
        self._items = 0
        self._value: Value | None = None
        self._run: list[int] = []
        self._typed = 0
        """Tokens of text so far."""
        self._step: list[Segment] = []
        self.controls: set[int] = set()
        """The control tokens so far."""
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
        structure = self._structure()
        names = self._grammar.names
        controls = [ident for ident in structure.others if self._fits(names[ident])]
        if structure.text and self._shape is not None:
            tokens += self._values.start(self._shape.lexeme, self._banned(self._shape.name)).following()
        if structure.calls or structure.ends:
            controls += self._endings(structure)
        if self.length > LONG:
            controls = self._only_needed(controls, bool(tokens))
        return tokens + controls

    def _structure(self) -> Following:
        """What llguidance lets follow."""
        if self._following is None:
            position = (len(self._calls) > 1, self._within)
            self._following = self._grammar.known(position) or self._learn(position)
        return self._following

    def _learn(self, position: Position) -> Following:
        if self._matcher is None:
            self._matcher = self._grammar.matcher()
        for ident in self._way:
            if not self._matcher.consume_token(ident):
                raise ValueError(f"the grammar does not allow this: {self._matcher.get_error()}")
        self._way = []
        return self._grammar.learn(position, self._matcher)

    def _endings(self, structure: Following) -> list[int]:
        """What ends this step (or begins the first one), when it may end."""
        if self._fitting is None:
            self._fitting = self._fitting_calls(structure.calls)
        endings = [*self._fitting, *([self._end] if structure.ends else [])]
        return endings if endings and (not self._calls or self._step_is_good()) else []

    def _fitting_calls(self, idents: tuple[int, ...]) -> list[int]:
        """Those of these calls that may come next, as far as it is not the step so far that forbids it."""
        earlier = len(self._calls)
        if earlier >= MAX_STEPS:
            return []
        needs = self._grammar.needs
        had = {kind: self._can_be_had(shape, earlier) for kind, shape in self._grammar.kinds.items()}
        fitting = [i for i in idents if i not in needs or all(had[kind] for kind in needs[i])]
        banned = self._bans.get((earlier + 1, "call"))
        return [i for i in fitting if self._grammar.calls_by_id[i] not in banned] if banned else fitting

    def _fits(self, name: str) -> bool:
        if name.startswith("key:"):
            shape = self._grammar.shape(self._calls[-1], name[4:])
            return ANYTHING not in self._banned(shape.name) and self._can_be_had(shape, len(self._calls) - 1)
        if name == HERE and self._shape is not None:
            return "." not in self._banned(self._shape.name)
        if name.startswith("$"):
            return self._shape is not None and self._refers(self._shape, int(name[1:]), len(self._calls) - 1)
        if name == AND:
            return self._items < MAX_ITEMS
        return name != IN or self._values.any("path")

    def _can_be_had(self, shape: Shape, earlier: int) -> bool:
        """Whether the request, or one of the `earlier` steps, has anything for this argument."""
        if _always(shape):
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
            last = self._latest_choice()
            text = last.text if isinstance(last, Copy) else "." if last == Control(HERE) else None
            if text is not None and text not in self._banned(self._shape.name):
                return step, self._shape.name, text
        return step, "call", self._calls[-1]

    def _latest_choice(self) -> Segment:
        """The last part of the value so far; of a name `<in>` a folder the name, which no other folder makes right."""
        parts = self._step_so_far()
        while len(parts) > 2 and parts[-2] == Control(IN):
            parts = parts[:-2]
        return parts[-1]

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
        at = (len(self._calls), len(self._step) + bool(self._run), self._typed)
        if self._last_described is None or self._last_described[0] != at:
            self._last_described = at, self._describe()
        return self._last_described[1]

    def _describe(self) -> str | None:
        calls = decode([*self._step_so_far(), Control(END)])
        lowered = calls if isinstance(calls, Err) else lower(calls.value, self._now)
        if isinstance(lowered, Err):
            return None
        parsed = parse_call(lowered.value[0])
        if isinstance(parsed, Err):
            return str(lowered.value) if parsed.code == "outside-workspace" else None
        # A program may well be run twice.
        return "" if Effect.EXECUTE in parsed.value.effect else parsed.value.model_dump_json()

    # -- where it is

    @property
    def tag(self) -> str | None:
        """What text would be here: the key that copies it, "in" for the directory of a name; None where there is no key yet."""
        if self._step and self._step[-1] == Control(IN):
            return IN
        return None if self._shape is None else self._shape.name

    @property
    def at_border(self) -> bool:
        """Whether the text may begin or end here."""
        return self._value is None or self._value.complete()

    def _step_so_far(self) -> list[Segment]:
        return [*self._step, *([Copy(self._text_of(self._run))] if self._run else [])]

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
            self._typed += 1
            return
        if self._run:
            self._step.append(Copy(self._text_of(self._run)))
            self._run, self._value = [], None
        name = self._grammar.names[token]
        self.controls.add(token)
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
            self._shape = self._grammar.shape(self._calls[-1], rest)
            self._items = 1
        elif name == AND:
            self._items += 1
        elif name == END:
            self.segments += self._step
            self.finished = True

    def _consume(self, ident: int) -> None:
        if not self._structure().has(ident, self._end, self._grammar.text):
            raise ValueError("the grammar does not allow this")
        self._way.append(ident)
        begins = ident in self._grammar.calls_by_id
        self._within = (ident,) if begins else (*self._within, ident)
        self._following = None
        if begins:
            self._fitting = None
