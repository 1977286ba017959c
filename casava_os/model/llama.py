"""casava-smol: our own model behind the kernel's `Model` protocol.

Each request is decoded (`decoding`) in the thread that asks; all share one network (`batching`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from casava_os.kernel.compiler.tagged import (
    PLAN,
    REQUEST,
    STDIN,
    Control,
    Segment,
    decode,
    lower,
)
from casava_os.kernel.ports import CompileRequest, Draft, ModelLoad
from casava_os.model.batching import Batching, Seat, free_memory
from casava_os.model.decoding import Choose, Decoding, Forks, Lean, Question, Trace, decoding, greedy
from casava_os.model.engine import Engine
from casava_os.model.fusion import Fusion
from casava_os.model.gguf_file import Weights
from casava_os.model.grammar import LONG, Bans, Cursor, Grammar
from casava_os.model.reader import KINDS
from casava_os.model.scheduler import Rules
from casava_os.model.spelling import Speller
from casava_os.model.values import Values
from casava_os.model.weighing import CANDIDATES, SURE, Weighing, features, order
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_REQUEST = 640
"""Tokens. A longer request is refused: the model never saw such, and the rest of the context is for the plan."""

OTHERS = 2
"""How many other plans an uncertain one is shown with at most."""

FRAME = 32
"""Tokens of a prompt beside those of its request, generously: a whole prompt goes into one batch."""

ROOM = LONG + 64
"""Tokens that a plan can take beyond those of its request, all of which it may copy once more."""

SEQUENCES = 4
"""Requests that are in the context at once; the others wait. More make the batches of so small a network no faster."""

Drawn: TypeAlias = tuple[Draft, Trace]
"""A plan with the trace of its making."""


@dataclass(slots=True)
class _Sitting:
    """A request that has a place in the context, and what was evaluated for it."""

    request: CompileRequest
    tokens: list[int]
    values: Values
    now: datetime
    seat: Seat
    began: float
    past: list[tuple[Question, NDArray[np.float32]]] = field(default_factory=list)
    """The questions of the plan made last with their answers: what the context holds."""


def _held(past: Sequence[tuple[Question, object]]) -> list[int]:
    """The tokens that stand in the context after these questions."""
    held: list[int] = []
    for question, _ in past:
        held = [*(held[: question.kept] if question.begins else held), *question.tokens]
    return held


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """With how many of the same tokens both begin."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


class LlamaModel:
    """A checked GGUF of ours, loaded. Any number of threads may ask at once."""

    def __init__(self, weights: Weights, name: str = "casava-smol", *, qualified: bool = True) -> None:
        self._weights, self._name, self._qualified = weights, name, qualified
        self._engine = Engine(
            weights.path,
            weights.context,
            sequences=SEQUENCES,
            free=free_memory(),
            limit=LONGEST_REQUEST + FRAME,
            prompt_end=weights.controls.index(PLAN) if weights.prefix else None,
        )
        sequences = self._engine.sequences
        self._batching = Batching(
            self._engine, Rules(sequences, sequences * weights.context, limit=self._engine.limit)
        )
        self._grammar = Grammar(weights.controls, weights.calls)
        self._speller = Speller(weights.tokens, len(weights.controls), self._engine.tokenize)
        self._widths = [len(token) for token in weights.tokens]
        # A request that is hard to compile is read while its plans are made, and when they are weighed.
        self._read = None if weights.weighing is None else lru_cache(SEQUENCES)(weights.weighing.read)

    @property
    def name(self) -> str:
        return f"{self._name} {self._weights.version}".strip()

    @property
    def digest(self) -> str:
        return self._weights.digest

    @property
    def identity(self) -> str:
        return self._weights.digest

    @property
    def weighing(self) -> Weighing | None:
        """What its plans are weighed by."""
        return self._weights.weighing

    @property
    def qualified(self) -> bool:
        return self._qualified

    @property
    def repairs(self) -> bool:
        return False

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        """The plan for a request.

        `Err` codes: `not-understood`, `limit` (too long, or too many wait), `interrupted`, `timeout`, `no-model`.
        """
        began = time.monotonic()
        drawn = self.plans(request, cancelled)
        if isinstance(drawn, Err):
            return drawn
        best, *others = self._weighed(request, drawn.value)
        wanted = others[:OTHERS] if best.confidence < request.certain else []
        last, seconds = drawn.value[-1][0], time.monotonic() - began
        usage = last.usage and replace(last.usage, thinking=last.usage.thinking + seconds - last.seconds)
        return Ok(
            value=replace(best, seconds=seconds, usage=usage, others=tuple(one.steps for one in wanted))
        )

    def plans(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[list[Drawn]]:
        """The likeliest plan first; if it is not sure, others that the reader has a say in.

        These are the likeliest with what the reader adds (`fusion`), and such as take the second likeliest token where that was close.

        No two are the same. The last one's `seconds` and `usage` are those of all.
        """
        sitting = self._sat(request)
        if isinstance(sitting, Err):
            return sitting
        forks = Forks()
        try:
            first = self._drawn(sitting.value, forks, cancelled)
            if isinstance(first, Err) and first.code != "not-understood":
                return first
            found = [first.value] if isinstance(first, Ok) else []
            if isinstance(first, Ok) and not self._doubted(first.value, request.certain):
                return Ok(value=found)
            for result in self._others(sitting.value, forks, cancelled):
                if isinstance(result, Err):
                    if result.code in ("interrupted", "no-model"):
                        return result
                elif all(result.value[0].steps != draft.steps for draft, _ in found):
                    found.append(result.value)
            if not found:
                assert isinstance(first, Err), "the first one is found"
                return first
            draft, trace = found[-1]
            seconds = time.monotonic() - sitting.value.began
            found[-1] = replace(draft, seconds=seconds, usage=sitting.value.seat.usage(seconds)), trace
            return Ok(value=found)
        finally:
            self._batching.leave(sitting.value.seat)

    def _others(
        self, sitting: _Sitting, forks: Forks, cancelled: Callable[[], bool]
    ) -> Iterator[Result[Drawn]]:
        """Other plans than the one at whose making `forks` noted the choices."""
        lean, count = self._lean(sitting), OTHERS
        if lean is not None:
            together, count = Forks(), CANDIDATES - 1
            result = self._drawn(sitting, together, cancelled, lean)
            yield result
            if isinstance(result, Ok):
                forks = together
            else:
                lean = None
        for second in forks.closest(count):
            yield self._drawn(sitting, Forks(second), cancelled, lean)

    def _lean(self, sitting: _Sitting) -> Lean | None:
        """What the reader adds to the network's logits, None where there is no reader."""
        weighing = self._weights.weighing
        if weighing is None or self._read is None:
            return None
        heard = self._read(sitting.request.text).heard
        return Fusion(heard, weighing.reader, self._grammar, sitting.values, len(self._widths))

    def _doubted(self, drawn: Drawn, certain: float) -> bool:
        """Whether a plan is to be seen beside others."""
        if self._weights.weighing is None:
            return drawn[0].confidence < certain
        return self._own(drawn[1]) < max(SURE, certain)

    def is_sure(self, drawn: Drawn) -> bool:
        """Whether a plan is taken as it is, whatever others weigh."""
        return self._own(drawn[1]) >= SURE

    def _own(self, trace: Trace) -> float:
        """How sure the network itself is."""
        return trace.confidence(self._weights.slope, self._weights.offset)

    def _weighed(self, request: CompileRequest, drawn: Sequence[Drawn]) -> list[Draft]:
        """The plans, best first, each as sure as it is among the others. A plan that is sure by itself stays first."""
        weighing = self._weights.weighing
        if weighing is None or self._read is None:
            first, *others = (draft for draft, _ in drawn)
            return [first, *sorted(others, key=lambda draft: -draft.confidence)]
        read = self._read(request.text)
        looked = [features(request.text, trace.segments, trace.free, weighing, read) for _, trace in drawn]
        drafts = []
        for place, lead in order(weighing.choice, looked, sure=self.is_sure(drawn[0])):
            draft, trace = drawn[place]
            sure = min(weighing.confidence(looked[place], lead), weighing.consents(read, trace.segments))
            if trace.contradicted:
                sure = min(sure, self._own(trace))
            drafts.append(replace(draft, confidence=sure))
        return drafts

    def decode(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False, choose: Choose = greedy
    ) -> Result[Drawn]:
        """One plan, not weighed against others, with the trace of its making; `choose` picks among the allowed tokens."""
        sitting = self._sat(request)
        if isinstance(sitting, Err):
            return sitting
        try:
            return self._drawn(sitting.value, choose, cancelled)
        finally:
            self._batching.leave(sitting.value.seat)

    def _sat(self, request: CompileRequest) -> Result[_Sitting]:
        """A place for the request; `leave` it."""
        began = time.monotonic()
        if (problem := _unreadable(request.text)) is not None:
            return problem
        if self._batching.broken is not None:
            return self._batching.broken
        tokens = self._speller.tokens(request.text)
        if len(tokens) > LONGEST_REQUEST:
            return _too_long(request.text, len(tokens))
        room = min(self._weights.context, 2 * len(tokens) + ROOM)
        now = datetime.now()  # noqa: DTZ005 - local time is what people mean by "yesterday"
        values = self._values(request, tokens, now)
        seated = self._batching.enter(
            room, interactive=request.interactive, deadline=request.deadline, priority=request.priority
        )
        if isinstance(seated, Err):
            return seated
        return Ok(value=_Sitting(request, tokens, values, now, seated.value, began))

    def _values(self, request: CompileRequest, tokens: Sequence[int], now: datetime) -> Values:
        widths = [self._widths[token] for token in tokens]
        return Values(request.text, tokens, widths, request.names, self._speller.all, now)

    def _drawn(
        self, sitting: _Sitting, choose: Choose, cancelled: Callable[[], bool], lean: Lean | None = None
    ) -> Result[Drawn]:
        result = self._decoded(sitting, self._begin(sitting, choose, lean), cancelled)
        return result if isinstance(result, Err) else self._draft(sitting, *result.value)

    def _begin(self, sitting: _Sitting, choose: Choose = greedy, lean: Lean | None = None) -> Decoding:
        """A plan in the making, before its first question."""
        grammar, request, tokens = self._grammar, sitting.request, sitting.tokens
        stdin = [grammar.ids[STDIN]] if request.piped_stdin else []

        def start(bans: Bans) -> Cursor:
            return Cursor(
                grammar,
                request.offered,
                sitting.values,
                self._speller.text,
                piped_stdin=request.piped_stdin,
                now=sitting.now,
                bans=bans,
            )

        prompt = [grammar.ids[REQUEST], *tokens, *stdin, grammar.ids[PLAN]]
        meant = frozenset((*grammar.ids.values(), *tokens))
        return decoding(prompt, start, meant, choose, lean, sitting.seat.entry.cells - len(prompt))

    def _decoded(
        self, sitting: _Sitting, plan: Decoding, cancelled: Callable[[], bool]
    ) -> Result[tuple[Cursor, Trace]]:
        """Carries a plan in the making from question to answer to its end.

        What an earlier plan for the same request was answered up to here is not evaluated again.
        """
        past, known = sitting.past, 0
        try:
            question = next(plan)
            while True:
                if known < len(past) and past[known][0] == question:
                    logits = past[known][1]
                else:
                    asked = question
                    if known < len(past) and not question.begins:
                        # A plan that was begun again left other tokens there than this one has behind it.
                        wanted = _held(past[:known])
                        kept = _alike(wanted, _held(past))
                        asked = replace(
                            question, tokens=[*wanted[kept:], *question.tokens], begins=True, kept=kept
                        )
                    del past[known:]
                    answer = self._batching.evaluate(sitting.seat, asked, cancelled)
                    if isinstance(answer, Err):
                        past.clear()  # what the context holds now, nobody knows
                        return answer
                    logits = answer
                    past.append((question, logits))
                known += 1
                question = plan.send(logits)
        except StopIteration as ended:
            result: Result[tuple[Cursor, Trace]] = ended.value
            return result

    def _draft(self, sitting: _Sitting, cursor: Cursor, trace: Trace) -> Result[Drawn]:
        lowered: Result[list[dict[str, object]]]
        if cursor.unoffered is not None:
            lowered = Ok(value=[{"call": cursor.unoffered}])
        else:
            calls = decode(cursor.segments)
            lowered = calls if isinstance(calls, Err) else lower(calls.value, sitting.now)
        if isinstance(lowered, Err):
            return lowered
        seconds = time.monotonic() - sitting.began
        draft = Draft(
            steps=tuple(lowered.value),
            confidence=self._own(trace),
            tokens=cursor.length,
            seconds=seconds,
            raw=written(cursor.segments),
            usage=sitting.seat.usage(seconds),
            moves=any(
                isinstance(part, Control) and part.name[5:] in KINDS["move"] for part in cursor.segments
            ),
        )
        return Ok(value=(draft, trace))

    def load(self) -> ModelLoad:
        """What it does now, and has done."""
        return self._batching.load()

    def close(self) -> None:
        self._batching.close()


def written(segments: list[Segment]) -> str:
    """The tagged form on one line, for people: `<call:file.find> <key:extension> .tmp <end>`."""
    return " ".join(
        getattr(segment, "text", None) or f"<{getattr(segment, 'name', '')}>" for segment in segments
    )


def _unreadable(text: str) -> Err | None:
    title, hint = "I cannot read the request", "say in words what you would like to do"
    if not text.strip():
        return Err(code="not-understood", title=title, message="it is empty", hint=hint)
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return Err(code="not-understood", title=title, message="it is not text", hint=hint)
    return None


def _too_long(text: str, tokens: int) -> Err:
    words = max(1, len(text.split()))
    most = words * LONGEST_REQUEST // tokens
    about = f"about {most // 10 * 10} words like these" if most >= 10 else f"{LONGEST_REQUEST} tokens"
    return Err(
        code="limit",
        title="The request is too long",
        message=f"it has {words:,} words, and the kernel model reads at most {about}",
        hint="say it shorter, and put long text into a file",
    )
