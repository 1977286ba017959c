"""casava-smol: our own model behind the kernel's `Model` protocol.

Each request is decoded (`decoding`) in the thread that asks; all share one network (`batching`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from casava_os.kernel.compiler.tagged import (
    PLAN,
    REQUEST,
    STDIN,
    Segment,
    SurfaceCall,
    decode,
    lower,
)
from casava_os.kernel.ports import CompileRequest, Draft, ModelLoad
from casava_os.model.batching import Batching, Seat, free_memory
from casava_os.model.decoding import Choose, Decoding, Forks, Trace, decoding, greedy
from casava_os.model.engine import Engine
from casava_os.model.gguf_file import OPINIONS, Weights
from casava_os.model.grammar import LONG, Bans, Cursor, Grammar
from casava_os.model.scheduler import Rules
from casava_os.model.spelling import Speller
from casava_os.model.values import Values
from casava_syscalls.results import Err, Ok, Result

LONGEST_REQUEST = 640
"""Tokens. A longer request is refused: the model never saw such, and the rest of the context is for the plan."""

OTHERS = 2
"""How many other plans an uncertain one is shown with at most."""

ROOM = LONG + 64
"""Tokens that a plan can take beyond those of its request, all of which it may copy once more."""

SEQUENCES = 4
"""Requests that are in the context at once; the others wait. More make the batches of so small a network no faster."""


class LlamaModel:
    """A checked GGUF of ours, loaded. Any number of threads may ask at once."""

    def __init__(self, weights: Weights, name: str = "casava-smol", *, qualified: bool = True) -> None:
        self._weights, self._name, self._qualified = weights, name, qualified
        self._engine = Engine(weights.path, weights.context, sequences=SEQUENCES, free=free_memory())
        sequences = self._engine.sequences
        self._batching = Batching(
            self._engine, Rules(sequences, sequences * weights.context, limit=self._engine.limit)
        )
        self._grammar = Grammar(weights.controls, weights.calls)
        self._speller = Speller(weights.tokens, len(weights.controls), self._engine.tokenize)
        self._widths = [len(token) for token in weights.tokens]

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
        forks = Forks()
        result = self.decode(request, cancelled, forks)
        if isinstance(result, Err):
            return result
        draft = result.value[0]
        if draft.confidence < request.certain:
            draft = replace(draft, others=self._others(request, cancelled, forks, draft))
        return Ok(value=draft)

    def _others(
        self, request: CompileRequest, cancelled: Callable[[], bool], forks: Forks, first: Draft
    ) -> tuple[tuple[Mapping[str, object], ...], ...]:
        """Other plans: each takes the second likeliest token where the choice was close, and goes on from there."""
        found = [(first.confidence, first.steps)]
        for second in forks.closest(OTHERS):
            result = self.decode(request, cancelled, Forks(second))
            if isinstance(result, Ok) and all(result.value[0].steps != steps for _, steps in found):
                found.append((result.value[0].confidence, result.value[0].steps))
        return tuple(steps for _, steps in sorted(found[1:], key=lambda one: -one[0]))

    def decode(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False, choose: Choose = greedy
    ) -> Result[tuple[Draft, Trace]]:
        """The plan with the trace of its making; `choose` picks among the allowed tokens."""
        began = time.monotonic()
        now = datetime.now()  # noqa: DTZ005 - local time is what people mean by "yesterday"
        if (problem := _unreadable(request.text)) is not None:
            return problem
        if self._batching.broken is not None:
            return self._batching.broken
        tokens = self._speller.tokens(request.text)
        if len(tokens) > LONGEST_REQUEST:
            return _too_long(request.text, len(tokens))
        room = min(self._weights.context, 2 * len(tokens) + ROOM)
        seated = self._batching.enter(
            room, interactive=request.interactive, deadline=request.deadline, priority=request.priority
        )
        if isinstance(seated, Err):
            return seated
        seat = seated.value
        try:
            result = self._decoded(seat, self._begin(request, tokens, now, choose), cancelled)
            if isinstance(result, Err):
                return result
            cursor, trace = result.value
            return self._draft(cursor, trace, seat, began, now, tokens)
        finally:
            self._batching.leave(seat)

    def _begin(
        self, request: CompileRequest, tokens: list[int], now: datetime, choose: Choose = greedy
    ) -> Decoding:
        """A plan in the making, before its first question."""
        grammar = self._grammar
        widths = [self._widths[token] for token in tokens]
        values = Values(request.text, tokens, widths, request.names, self._speller.all, now)
        stdin = [grammar.ids[STDIN]] if request.piped_stdin else []

        def start(bans: Bans) -> Cursor:
            return Cursor(
                grammar,
                request.offered,
                values,
                self._speller.text,
                piped_stdin=request.piped_stdin,
                now=now,
                bans=bans,
            )

        prompt = [grammar.ids[REQUEST], *tokens, *stdin, grammar.ids[PLAN]]
        return decoding(prompt, start, frozenset((*grammar.ids.values(), *tokens)), choose)

    def _decoded(
        self, seat: Seat, plan: Decoding, cancelled: Callable[[], bool]
    ) -> Result[tuple[Cursor, Trace]]:
        """Carries a plan in the making from question to answer to its end."""
        try:
            question = next(plan)
            while True:
                answer = self._batching.evaluate(seat, question, cancelled)
                if isinstance(answer, Err):
                    return answer
                question = plan.send(answer)
        except StopIteration as ended:
            result: Result[tuple[Cursor, Trace]] = ended.value
            return result

    def _draft(
        self, cursor: Cursor, trace: Trace, seat: Seat, began: float, now: datetime, asked: Sequence[int]
    ) -> Result[tuple[Draft, Trace]]:
        confidence = trace.confidence(self._weights.slope, self._weights.offset)
        lowered: Result[list[dict[str, object]]]
        if cursor.unoffered is not None:
            lowered = Ok(value=[{"call": cursor.unoffered}])
        else:
            calls = decode(cursor.segments)
            lowered = calls if isinstance(calls, Err) else lower(calls.value, now)
            if isinstance(calls, Ok):
                confidence = min(confidence, self._second_opinion(asked, calls.value))
        if isinstance(lowered, Err):
            return lowered
        seconds = time.monotonic() - began
        draft = Draft(
            steps=tuple(lowered.value),
            confidence=confidence,
            tokens=cursor.length,
            seconds=seconds,
            raw=written(cursor.segments),
            usage=seat.usage(seconds),
        )
        return Ok(value=(draft, trace))

    def _second_opinion(self, asked: Sequence[int], calls: Sequence[SurfaceCall]) -> float:
        """How likely it is, by the request's words alone, that they ask for what the plan does; 1 where nobody doubts."""
        least = math.inf
        for name, some in OPINIONS.items():
            weights = self._weights.opinions.get(name)
            if weights is not None and any(call["call"] in some for call in calls):
                least = min(least, sum(weights[token] for token in set(asked)) + weights[-1])
        return 1 / (1 + math.exp(-max(-60.0, least)))

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
