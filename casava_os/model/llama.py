"""casava-smol: our own model behind the kernel's `Model` protocol.

Greedy decoding under the grammar. Where only one token may come, it is taken without asking the network and evaluated
with the next question in one batch.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from casava_os.kernel.compiler.tagged import PLAN, REQUEST, STDIN, Segment, decode, lower
from casava_os.kernel.ports import CompileRequest, Draft
from casava_os.model.engine import Engine
from casava_os.model.gguf_file import Weights
from casava_os.model.grammar import Cursor, Grammar
from casava_os.model.values import Values
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_REQUEST = 640
"""Tokens. A longer request is refused: the model never saw such, and the rest of the context is for the plan."""

ATTEMPTS = 6
"""How often a plan that contradicts itself ("copy a to a") is begun again, each time without what made it so."""

_BYTES = [*range(33, 127), *range(161, 173), *range(174, 256)]
_SPELLED = {chr(byte): byte for byte in _BYTES} | {
    chr(256 + n): byte for n, byte in enumerate(byte for byte in range(256) if byte not in _BYTES)
}
"""The character by which byte-level BPE spells each byte in a vocabulary."""


@dataclass(slots=True)
class Trace:
    """How sure the model was, token by token: probabilities before the grammar had its say, and after."""

    free: list[float] = field(default_factory=list)
    """Of every token of the plan, forced ones too, among control tokens and the tokens of the request.

    Training tells the right token from these only; what the network thinks of other tokens means nothing.
    """
    masked: list[float] = field(default_factory=list)
    """Of every token that was a choice, among those that the grammar allowed."""

    def confidence(self, slope: float = 1.0, offset: float = 0.0) -> float:
        """From the least `free` probability, which is low also where the grammar forbade what the model wanted.

        `slope` and `offset` act on its log-odds: the forge fits them so that the result is the share of exact plans.
        """
        least = min(max(min(self.free, default=0.0), 1e-6), 1 - 1e-6)
        return 1 / (1 + math.exp(-slope * math.log(least / (1 - least)) - offset))


Choose = Callable[["NDArray[np.float32]"], int]
"""Picks an index from the logits of the allowed tokens."""


def greedy(logits: NDArray[np.float32]) -> int:
    """The likeliest."""
    return int(logits.argmax())


class LlamaModel:
    """A checked GGUF of ours, loaded. One request at a time; others wait."""

    def __init__(self, weights: Weights, name: str = "casava-smol") -> None:
        self._weights, self._name = weights, name
        self._engine = Engine(weights.path, weights.context)
        self._grammar = Grammar(weights.controls, weights.calls)
        self._widths = [len(token) for token in weights.tokens]
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return f"{self._name} {self._weights.version}".strip()

    @property
    def digest(self) -> str:
        return self._weights.digest

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        """The plan for a request. `Err` codes: `not-understood`, `limit`, `interrupted`, `no-model` (damaged weights)."""
        result = self.decode(request, cancelled)
        return result if isinstance(result, Err) else Ok(value=result.value[0])

    def decode(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False, choose: Choose = greedy
    ) -> Result[tuple[Draft, Trace]]:
        """The plan with the trace of its making; `choose` picks among the allowed tokens."""
        began = time.perf_counter()
        now = datetime.now()  # noqa: DTZ005 - local time is what people mean by "yesterday"
        if (problem := _unreadable(request.text)) is not None:
            return problem
        with self._lock:
            tokens = self._engine.tokenize(request.text)
            if len(tokens) > LONGEST_REQUEST:
                return Err(
                    code="limit",
                    title="The request is too long",
                    message=f"it has {len(tokens)} tokens, and the kernel model reads at most {LONGEST_REQUEST}",
                    hint="say it shorter, and put long text into a file",
                )
            values = Values(
                request.text,
                tokens,
                [self._widths[token] for token in tokens],
                request.names,
                self._engine.tokenize,
                now,
            )
            prompt = self._prompt(tokens, request.piped_stdin)
            meant = frozenset((*self._grammar.ids.values(), *tokens))
            bans: dict[tuple[int, str], frozenset[str]] = {}

            def attempt() -> tuple[Cursor, Result[Trace]]:
                cursor = Cursor(
                    self._grammar,
                    request.offered,
                    values,
                    self._text,
                    piped_stdin=request.piped_stdin,
                    now=now,
                    bans=bans,
                )
                return cursor, self._run(prompt, cursor, meant, cancelled, choose)

            cursor, result = attempt()
            for _ in range(ATTEMPTS - 1):
                blamed = (
                    cursor.blame() if isinstance(result, Err) and result.code == "not-understood" else None
                )
                if blamed is None:
                    break
                step, key, text = blamed
                bans[step, key] = bans.get((step, key), frozenset()) | {text}
                cursor, result = attempt()
        if isinstance(result, Err):
            return result
        lowered: Result[list[dict[str, object]]]
        if cursor.unoffered is not None:
            lowered = Ok(value=[{"call": cursor.unoffered}])
        else:
            calls = decode(cursor.segments)
            lowered = calls if isinstance(calls, Err) else lower(calls.value, now)
        if isinstance(lowered, Err):
            return lowered
        draft = Draft(
            steps=tuple(lowered.value),
            confidence=result.value.confidence(self._weights.slope, self._weights.offset),
            tokens=cursor.length,
            seconds=time.perf_counter() - began,
            raw=written(cursor.segments),
        )
        return Ok(value=(draft, result.value))

    def _prompt(self, tokens: list[int], piped_stdin: bool) -> list[int]:
        ids = self._grammar.ids
        return [ids[REQUEST], *tokens, *([ids[STDIN]] if piped_stdin else []), ids[PLAN]]

    def _run(
        self,
        prompt: list[int],
        cursor: Cursor,
        meant: frozenset[int],
        cancelled: Callable[[], bool],
        choose: Choose,
    ) -> Result[Trace]:
        """Decodes until the plan ends; `meant` are the tokens among which a probability says something."""
        trace = Trace()
        pending, forced = prompt, 0
        self._engine.forget()
        while not cursor.finished:
            if cancelled():
                return Err(code="interrupted", title="Interrupted")
            allowed = cursor.allowed()
            if not allowed:
                return _stuck()
            if len(allowed) == 1:
                cursor.accept(allowed[0])
                pending = [*pending, allowed[0]]
                forced += 1
                continue
            scores = self._engine.evaluate(pending, last=forced + 1)
            free = _probabilities(scores, [*(meant | {*pending, *allowed})])
            if free is None:
                return _damaged()
            trace.free += [float(free[i, token]) for i, token in enumerate(pending[len(pending) - forced :])]
            picked = choose(scores[-1, allowed])
            token = allowed[picked]
            trace.free.append(float(free[-1, token]))
            trace.masked.append(float(free[-1, token] / max(1e-30, free[-1, allowed].sum())))
            cursor.accept(token)
            pending, forced = [token], 0
        if forced and pending != prompt:
            # What was forced at the end is evaluated too: the network may have wanted to go on.
            scores = self._engine.evaluate(pending[:-1], last=forced)
            free = _probabilities(scores, [*(meant | {*pending})])
            if free is None:
                return _damaged()
            trace.free += [float(free[i, token]) for i, token in enumerate(pending[len(pending) - forced :])]
        return Ok(value=trace)

    def _text(self, tokens: list[int]) -> str:
        spelled = "".join(self._weights.tokens[token] for token in tokens)
        return bytes(_SPELLED[character] for character in spelled).decode()

    def close(self) -> None:
        with self._lock:
            self._engine.close()


def _probabilities(scores: NDArray[np.float32], among: list[int]) -> NDArray[np.float32] | None:
    """The softmax of each row over these tokens, zero elsewhere; None where the network gave no numbers."""
    import numpy as np

    if not np.isfinite(scores).all():
        return None
    chosen = scores[:, among]
    powers = np.exp(chosen - chosen.max(-1, keepdims=True))
    probabilities = np.zeros_like(scores)
    probabilities[:, among] = powers / powers.sum(-1, keepdims=True)
    return probabilities


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


def _stuck() -> Err:
    return Err(
        code="not-understood",
        title="I did not understand that",
        message="what I made of the request is no valid plan",
        hint="say it in other words",
    )


def _damaged() -> Err:
    return Err(
        code="no-model",
        title="The kernel model is damaged",
        message="it does not answer with numbers",
        hint="reinstall Casava OS, or make one with `make model`",
    )
