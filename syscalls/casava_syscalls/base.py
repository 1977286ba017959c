"""What a syscall is: a frozen, typed operation with declared effects, a performer and a result type."""

from __future__ import annotations

from enum import Flag, auto
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from casava_syscalls.values import Value

V = TypeVar("V", bound=Value)

Performer = Literal["agent", "broker", "kernel"]
"""Who performs a syscall: the agent in the sandbox, the broker beside the kernel, or the kernel itself (ask, refuse)."""


class Effect(Flag):
    """What a syscall may do. `write` and `delete` are held by the layer; `network`, `host` and `provision` are not."""

    NONE = 0
    READ = auto()
    WRITE = auto()
    DELETE = auto()
    EXECUTE = auto()
    NETWORK = auto()
    HOST = auto()
    PROVISION = auto()

    def names(self) -> tuple[str, ...]:
        """The effects as lower-case words, in order of declaration."""
        return tuple(str(flag.name).lower() for flag in Effect if flag in self and flag.value)


HELD_BY_LAYER = Effect.READ | Effect.WRITE | Effect.DELETE | Effect.EXECUTE
"""Effects that show first in the layer; all others are asked for before anything runs."""


class AnyCall(BaseModel):
    """What every syscall has, whatever its result: a name, declared effects and a performer."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    effect: ClassVar[Effect] = Effect.NONE
    performer: ClassVar[Performer] = "agent"
    available: ClassVar[bool] = True
    """False while the ABI declares the syscall but nothing performs it yet."""
    cargo: ClassVar[Literal["takes", "brings"] | None] = None
    """A broker's syscall that takes files of the workspace along, or brings some into it: the agent packs or unpacks them."""
    patient: ClassVar[bool] = False
    """Whether it may take all the time that its process has, and not only that of one step."""

    call: str

    @classmethod
    def call_name(cls) -> str:
        """The syscall's name, "family.operation"."""
        return str(cls.model_fields["call"].default)

    @classmethod
    def family(cls) -> str:
        return cls.call_name().partition(".")[0]

    @classmethod
    def summary(cls) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())

    def meaning(self) -> str:
        """What it will do to this machine, a sentence for whoever is asked; empty where the call itself says enough."""
        return ""

    @classmethod
    def result_type(cls) -> type[Value]:
        """The value type that this syscall gives."""
        raise TypeError(f"{cls.__name__} does not say its result type")


class Syscall(AnyCall, Generic[V]):
    """Base of every syscall. `V` is the type of its result.

    A subclass sets `call` (its name, as a one-value `Literal`), `effect`, and where it is performed.
    """

    @classmethod
    def result_type(cls) -> type[Value]:
        """The value type that this syscall gives."""
        for base in cls.__mro__:
            metadata = base.__dict__.get("__pydantic_generic_metadata__")
            if metadata and metadata["args"]:
                result: type[Value] = metadata["args"][0]
                return result
        raise TypeError(f"{cls.__name__} does not say its result type")
