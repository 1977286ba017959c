"""Any instruct model in a GGUF file: its chat template, JSON under the grammar of the plan's schema, one request at a time.

The instructions and examples are the same for every request, so the network's state behind them is kept: in memory between
requests, and in the cache directory between starts. The request itself is tokenized apart from the template, as plain text:
it cannot spell the tokens that end a turn.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.ports import CompileRequest, Draft
from casava_os.model.chat.answer import draft, schema
from casava_os.model.chat.prompt import Message, prefix, request_text
from casava_os.model.engine import Engine
from casava_os.model.line import Line
from casava_os.model.scheduler import HANDICAP, rank
from casava_os.paths import cache_dir, private_dir, write_private
from casava_syscalls.results import Err, Result

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher, LLTokenizer
    from numpy.typing import NDArray

LONGEST_PLAN = 768
"""Tokens of an answer; what is longer is no plan that a person asked for."""

LONGEST_REQUEST = 2048
"""Tokens of a request with the names of its workspace."""

KEPT_STATES = 4
"""Files of network states in the cache directory; the oldest go."""

_HERE = "\ue000request\ue001"
"""Stands in the template where the request goes."""


class InstructModel:
    """An instruct GGUF behind the kernel's `Model` protocol. Requests wait for each other."""

    def __init__(
        self,
        path: Path,
        fields: Mapping[str, object],
        identity: str,
        *,
        qualified: bool = False,
        gpu_layers: int = 0,
        context: int = 8192,
    ) -> None:
        """`fields`: the file's header. Raises `RuntimeError` when llama.cpp does not load it, or it has no chat template."""
        template = fields.get("tokenizer.chat_template")
        if not isinstance(template, str):
            raise RuntimeError("it has no chat template, so nobody knows how to talk to it")  # noqa: TRY004
        self._template = template
        self._path, self._identity, self._qualified = path, identity, qualified
        trained = fields.get(f"{fields.get('general.architecture')}.context_length")
        self._context = min(context, trained) if isinstance(trained, int) else context
        threads = max(1, (os.cpu_count() or 2) // 2)
        self._engine = Engine(path, self._context, threads=threads, gpu_layers=gpu_layers)
        self._specials = self._engine.ends()
        self._line = Line()
        self._prefixes: dict[frozenset[str], list[int]] = {}
        self._loaded: list[int] = []
        """The prefix whose state the first sequence holds."""
        self._tokenizer: LLTokenizer | None = None
        self._matchers: dict[frozenset[str], LLMatcher] = {}

    @property
    def name(self) -> str:
        return self._path.stem

    @property
    def digest(self) -> str:
        return self._identity

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def qualified(self) -> bool:
        return self._qualified

    @property
    def repairs(self) -> bool:
        return True

    @property
    def local(self) -> bool:
        return True

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        """The plan for a request. `Err` codes: `not-understood`, `limit`, `interrupted`, `timeout`, `no-model`."""
        began = time.monotonic()
        waiting = self._line.join(lambda: rank(began, request.interactive, request.priority(), HANDICAP))
        try:
            while not waiting.first(0.05):
                if (ended := _ended(request, cancelled)) is not None:
                    return ended
            return self._compiled(request, cancelled, began)
        finally:
            waiting.leave()

    def _compiled(
        self, request: CompileRequest, cancelled: Callable[[], bool], began: float
    ) -> Result[Draft]:
        before, after = self._around(request.offered)
        asked = [*self._engine.tokenize(request_text(request)), *after]
        while request.examples and self._too_long(before, asked):
            request = replace(request, examples=request.examples[:-1])
            asked = [*self._engine.tokenize(request_text(request)), *after]
        if self._too_long(before, asked):
            return Err(
                code="limit",
                title="The request is too long",
                message=f"it has {len(asked)} tokens; with the instructions the model reads {self._context}",
                hint="say it shorter, and put long text into a file",
            )
        if (ended := self._place(before, request, cancelled)) is not None:
            return ended
        matcher = self._matcher(request.offered)
        made: list[int] = []
        pending = asked
        least = 1.0
        while not matcher.is_stopped():
            if (ended := _ended(request, cancelled)) is not None:
                return ended
            logits = self._engine.evaluate(pending)[-1]
            allowed = self._allowed(matcher)
            if not len(allowed) or len(made) >= LONGEST_PLAN:
                return Err(
                    code="not-understood",
                    title="The model did not answer with a plan",
                    message="what it wrote does not end",
                    hint="say it in other words, or choose another model with --model",
                )
            token = int(allowed[logits[allowed].argmax()])
            least = min(least, _probability(logits, token))
            matcher.consume_token(token)
            forced = matcher.compute_ff_tokens() if not matcher.is_stopped() else []
            for extra in forced:
                matcher.consume_token(extra)
            pending = [token, *forced]
            made += pending
        text = self._engine.text(made)
        return draft(text, request, confidence=least, tokens=len(made), seconds=time.monotonic() - began)

    def _too_long(self, before: list[int], asked: list[int]) -> bool:
        return len(asked) > LONGEST_REQUEST or len(before) + len(asked) + LONGEST_PLAN > self._context

    # ------------------------------------------------------------------------------------------ prompt

    def _around(self, offered: frozenset[str]) -> tuple[list[int], list[int]]:
        """The tokens before the request (the same for every request) and after it."""
        rendered = self._rendered([*prefix(offered), {"role": "user", "content": _HERE}])
        before, _, after = rendered.partition(_HERE)
        if offered not in self._prefixes:
            self._prefixes[offered] = self._engine.tokenize(before, special=True)
        return self._prefixes[offered], self._engine.tokenize(after, special=True)

    def _rendered(self, messages: Sequence[Message]) -> str:
        """The conversation as the template writes it, ready for an answer. A template runs in Jinja's sandbox."""
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        def refuse(message: str) -> None:
            raise RuntimeError(f"its chat template refuses the conversation: {message}")

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
        environment.globals["raise_exception"] = refuse
        return environment.from_string(self._template).render(
            messages=[dict(message) for message in messages], add_generation_prompt=True, **self._specials
        )

    def _place(self, before: list[int], request: CompileRequest, cancelled: Callable[[], bool]) -> Err | None:
        """Brings the first sequence to the state behind the prefix: it is there, on disk, or evaluated now."""
        engine = self._engine
        if self._loaded == before:
            engine.keep(0, len(before))
            return None
        self._loaded = []
        engine.forget()
        if not self._restored(before):
            for start in range(0, len(before), 256):
                if (ended := _ended(request, cancelled)) is not None:
                    return ended
                engine.evaluate(before[start : start + 256])
            self._stored(before)
        self._loaded = before
        return None

    def _state_path(self, before: list[int]) -> Path:
        made = hashlib.sha256(f"{self._identity} {self._context} {before}".encode()).hexdigest()
        return cache_dir() / "prefixes" / f"{made}.state"

    def _restored(self, before: list[int]) -> bool:
        try:
            data = self._state_path(before).read_bytes()
            digest, state = data[:32], data[32:]
            if hashlib.sha256(state).digest() != digest:  # llama.cpp believes what it is given
                return False
            self._engine.restore(0, (len(before), state))
        except (OSError, RuntimeError):
            self._engine.forget()
            return False
        return True

    def _stored(self, before: list[int]) -> None:
        path = self._state_path(before)
        try:
            private_dir(path.parent)
            state = self._engine.save(0)[1]
            write_private(path, hashlib.sha256(state).digest() + state)
            kept = sorted(path.parent.glob("*.state"), key=lambda one: one.stat().st_mtime)
            for old in kept[:-KEPT_STATES]:
                old.unlink(missing_ok=True)
        except OSError:
            path.unlink(missing_ok=True)  # a full disk costs time at the next start, and nothing else

    # ------------------------------------------------------------------------------------------ grammar

    def _matcher(self, offered: frozenset[str]) -> LLMatcher:
        from llguidance import LLMatcher
        from llguidance.llamacpp import lltokenizer_from_vocab

        if self._tokenizer is None:
            with warnings.catch_warnings():
                # llguidance asks llama.cpp by names that its Python binding calls deprecated.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._tokenizer = lltokenizer_from_vocab(self._engine.vocabulary)
        if offered not in self._matchers:
            grammar = LLMatcher.grammar_from_json_schema(
                json.dumps(schema(offered)), defaults={"whitespace_flexible": False}
            )
            matcher = LLMatcher(self._tokenizer, grammar)
            if matcher.is_error():
                raise RuntimeError(f"the grammar of the plan does not compile: {matcher.get_error()}")
            self._matchers[offered] = matcher
        return self._matchers[offered].deep_copy()

    def _allowed(self, matcher: LLMatcher) -> NDArray[np.int64]:
        """Ids of the tokens that may come next."""
        import numpy as np
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        bitmask = allocate_token_bitmask(1, self._engine.size)
        fill_next_token_bitmask(matcher, bitmask)
        bits = np.unpackbits(bitmask.view(np.uint8), bitorder="little")[: self._engine.size]
        return np.flatnonzero(bits)

    def close(self) -> None:
        with self._line.alone():
            self._engine.close()


def _ended(request: CompileRequest, cancelled: Callable[[], bool]) -> Err | None:
    if cancelled():
        return Err(code="interrupted", title="Interrupted")
    if request.deadline is not None and time.monotonic() > request.deadline:
        return Err(code="timeout", title="Out of time", message="the model was still at work")
    return None


def _probability(logits: NDArray[np.float32], token: int) -> float:
    """Of a token among all, before the grammar has its say."""
    import numpy as np

    return float(1 / np.exp(logits - logits[token]).sum())
