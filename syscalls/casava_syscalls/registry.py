"""All syscalls by name: the one list from which schemas, grammars, help and tables are derived."""

from __future__ import annotations

import inspect
from functools import cache
from types import MappingProxyType
from typing import Annotated, cast

from pydantic import Field, TypeAdapter

from casava_syscalls import container, file, infra, memory, net, process, system, talk, text
from casava_syscalls.base import AnyCall

FAMILIES = (file, text, process, system, container, infra, memory, net, talk)


def _declared() -> dict[str, type[AnyCall]]:
    found: dict[str, type[AnyCall]] = {}
    for module in FAMILIES:
        for member in vars(module).values():
            if (
                inspect.isclass(member)
                and issubclass(member, AnyCall)
                and member.__module__ == module.__name__
            ):
                field = member.model_fields.get("call")
                default = field.default if field else None
                if isinstance(default, str):
                    if default in found:
                        raise TypeError(f"two syscalls are called {default}")
                    found[default] = member
    return found


SYSCALLS = MappingProxyType(_declared())
"""Every syscall of the ABI by its name, in order of declaration."""


def available() -> frozenset[str]:
    """Names of the syscalls that something performs."""
    return frozenset(name for name, syscall in SYSCALLS.items() if syscall.available)


@cache
def adapter() -> TypeAdapter[AnyCall]:
    """Validates any syscall from its JSON form, by its `call`."""
    union: object = None
    for syscall in SYSCALLS.values():
        union = syscall if union is None else union | syscall
    return TypeAdapter(cast("type[AnyCall]", Annotated[union, Field(discriminator="call")]))
