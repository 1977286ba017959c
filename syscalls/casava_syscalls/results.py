"""Results are values: every operation that can fail in an expected way answers `Ok` or `Err`.

Exceptions are kept for bugs. An `Err` carries all that a person needs: a title, a sentence and a next step.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")

ErrorCode = Literal[
    "usage",  # the request, plan or call is malformed
    "not-found",  # a named file, process or program does not exist
    "exists",  # the target is already there
    "not-a-file",
    "not-a-directory",
    "not-text",  # binary content where text is needed
    "permission",
    "outside-workspace",
    "unsupported",  # a kind of file or feature that is refused with a reason
    "unavailable",  # the syscall is declared, its performer does not exist yet
    "type",  # a reference or an argument of the wrong type
    "denied",  # policy
    "approval-needed",
    "not-understood",
    "no-sandbox",
    "no-model",
    "conflict",  # the workspace changed underneath
    "timeout",
    "limit",  # a budget: steps, output bytes, memory, disk
    "disk-full",
    "interrupted",
    "sandbox-died",
    "failed",  # any other expected failure
]


class Ok(BaseModel, Generic[T]):
    """Success, with its value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: Literal[True] = True
    value: T


class Err(BaseModel):
    """An expected failure: what happened (title, message) and what to do next (hint)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: Literal[False] = False
    code: ErrorCode
    title: str
    message: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return ". ".join(part.rstrip(".") for part in (self.title, self.message, self.hint) if part) + "."


Result = Ok[T] | Err
