"""`ask` and `refuse`: outcomes of a request that is not compiled to actions. They are answers, not failures."""

from __future__ import annotations

from typing import ClassVar, Literal

from casava_syscalls.base import Effect, Performer, Syscall
from casava_syscalls.scalars import Content
from casava_syscalls.values import Question, Refusal

Missing = Literal["meaning", "target", "destination", "content", "name", "condition", "command", "value"]
"""What must be known before the request can be compiled."""

QUESTIONS: dict[Missing, str] = {
    "meaning": "I did not understand that. What would you like to do?",
    "target": "Which one do you mean? Name the file, folder, container or stack.",
    "destination": "Where should it go?",
    "content": "What text do you mean?",
    "name": "What should the name be?",
    "condition": "Which ones exactly: by what name, size, age or content?",
    "command": "Which command should I run?",
    "value": "What value do you mean?",
}

Reason = Literal["off_topic", "impossible", "unavailable", "outside", "harmful"]

REASONS: dict[Reason, str] = {
    "off_topic": (
        "That is not something a shell can do. It finds, shows, counts, changes and packs files, runs programs, "
        "and tells about this machine."
    ),
    "impossible": "That cannot be done.",
    "unavailable": "That part of Casava OS does not exist yet.",
    "outside": "That lies outside the workspace.",
    "harmful": "That would do harm.",
}


class Ask(Syscall[Question]):
    """A question back to the person, when the request lacks something."""

    call: Literal["ask"] = "ask"
    effect: ClassVar = Effect.NONE
    performer: ClassVar[Performer] = "kernel"

    about: Missing = "meaning"
    question: Content | None = None
    """The question in words; without it, the standard one for `about`."""
    choices: tuple[Content, ...] = ()


class Refuse(Syscall[Refusal]):
    """A refusal, with its reason."""

    call: Literal["refuse"] = "refuse"
    effect: ClassVar = Effect.NONE
    performer: ClassVar[Performer] = "kernel"

    reason: Reason = "impossible"
    message: Content | None = None
    """The reason in words; without it, the standard sentence for `reason`."""
