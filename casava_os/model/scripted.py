"""A model that says what it was told to say: the double for tests whose subject is not the model.

It passes the same contract as a real one, and is chosen by nobody's settings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from casava_os.kernel.ports import CompileRequest, Draft
from casava_syscalls.results import Err, Ok, Result

Answer = Draft | Err | Sequence[Mapping[str, object]]
"""A draft, a failure, or just the steps (then the model is certain of them)."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Answers of a model that repairs: the first one, then one for each failed attempt."""

    answers: tuple[Answer, ...]


Script = Answer | Turns


class ScriptedModel:
    """Answers each request text with what its script has for it; any other is not understood."""

    def __init__(self, script: Mapping[str, Script], *, seconds: float = 0.0, qualified: bool = True) -> None:
        """`seconds`: how long it thinks before each answer, unless it is cancelled."""
        self._script = script
        self._seconds = seconds
        self._qualified = qualified
        self.requests: list[CompileRequest] = []
        """What it was asked, in order."""
        self.closed = False

    @property
    def name(self) -> str:
        return "scripted"

    @property
    def digest(self) -> str:
        return ""

    @property
    def identity(self) -> str:
        return "scripted"

    @property
    def qualified(self) -> bool:
        return self._qualified

    @property
    def repairs(self) -> bool:
        """Whether any of its answers has turns."""
        return any(isinstance(answer, Turns) for answer in self._script.values())

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        """`Err`: `not-understood` for a request that is not in the script, `interrupted`, or the script's own."""
        self.requests.append(request)
        until = time.monotonic() + self._seconds
        while True:
            if cancelled():
                return Err(code="interrupted", title="Interrupted", message="the model was stopped")
            if (left := until - time.monotonic()) <= 0:
                break
            time.sleep(min(0.01, left))
        answer = self._script.get(request.text)
        if isinstance(answer, Turns):
            answer = answer.answers[min(len(request.attempts), len(answer.answers) - 1)]
        if answer is None:
            return Err(code="not-understood", title="Not in the script", message="")
        if isinstance(answer, Err):
            return answer
        if isinstance(answer, Draft):
            return Ok(value=answer)
        return Ok(value=Draft(steps=tuple(answer), confidence=1.0))

    def close(self) -> None:
        self.closed = True
