"""Family `memory`: what past sessions left."""

from __future__ import annotations

from typing import ClassVar, Generic, Literal, Self, TypeVar

from pydantic import model_validator

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.scalars import Count, Duration, Needle, Word
from casava_syscalls.values import Facts, Number, Table, Value

V = TypeVar("V", bound=Value)


class _Memory(Syscall[V], Generic[V]):
    effect: ClassVar = Effect.READ
    performer: ClassVar[Performer] = "broker"


class Recall(_Memory[Table]):
    """What is remembered about something: episodes and facts, most relevant first."""

    call: Literal["memory.recall"] = "memory.recall"

    about: Needle
    newer_than: Duration | None = None
    limit: Count = 5


class Remember(_Memory[Facts]):
    """Keeps a fact that the person states."""

    call: Literal["memory.remember"] = "memory.remember"
    effect: ClassVar = Effect.HOST

    text: Needle


class Forget(_Memory[Number]):
    """Forgets what is remembered about something, or one entry by its id, everywhere."""

    call: Literal["memory.forget"] = "memory.forget"
    effect: ClassVar = Effect.HOST | Effect.DELETE

    about: Needle | None = None
    entry: Word | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.about is None) == (self.entry is None):
            raise ValueError("say what to forget: a topic or an entry, exactly one of them")
        return self
