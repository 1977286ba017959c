"""The scalars of a Compose file and the base of its parts: short forms are read into long ones, unknown keys are errors."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from casava_syscalls.scalars import ByteSize

Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$")]
"""Of a service, network, volume, secret or config."""

REFUSED = {
    "privileged": "a privileged container can do whatever root can on this machine",
    "devices": "a device of the host is outside of what a stack may touch",
    "device_cgroup_rules": "a device of the host is outside of what a stack may touch",
    "cap_add": "services run with a fixed small set of capabilities",
    "security_opt": "the seccomp profile and no-new-privileges stay as they are",
    "pid": "the host's processes are outside of what a stack may see",
    "ipc": "the host's shared memory is outside of what a stack may see",
    "userns_mode": "the host's user namespace is outside of what a stack may enter",
    "uts": "the host's name is outside of what a stack may change",
    "cgroup_parent": "control groups are chosen by the daemon",
    "sysctls": "kernel settings are outside of what a stack may change",
    "volumes_from": "name the volumes of the service itself",
    "links": "services of one network find each other by their names",
    "build": "images are built beforehand: casava-os call container.build",
    "env_file": "write `environment`, or give the values with --set",
    "extends": "write the service out",
}
"""Keys of the Compose specification that are refused, each with the reason."""


class Part(BaseModel):
    """A piece of a spec: frozen, and with no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    harmless: ClassVar[frozenset[str]] = frozenset()
    """Keys that may be there with a value that asks for nothing (`privileged: false`)."""

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, value: object) -> object:
        """Drops `x-…` keys, which Compose reserves for other programs, and harmless ones."""
        if not isinstance(value, dict):
            return value
        kept: dict[object, object] = {}
        for key, inner in value.items():
            if isinstance(key, str) and key.startswith("x-") and key not in cls._own_keys():
                continue
            if key in cls.harmless and inner in (None, False, [], {}, ""):
                continue
            kept[key] = inner
        return kept

    @classmethod
    def _own_keys(cls) -> frozenset[str]:
        names = cls.model_fields.items()
        return frozenset(field.alias or name for name, field in names)


# ------------------------------------------------------------------------------------------------ scalars

COMPOSE_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?(?:(\d+)us)?\Z")


def seconds_of(value: object) -> object:
    """Seconds from a duration as Compose writes it: "1m30s", "500ms"; a bare number is seconds."""
    if isinstance(value, bool) or not isinstance(value, str):
        return value
    match = COMPOSE_DURATION.match(value.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{value!r} is not a duration: write it as 90s, 1m30s or 500ms")
    hours, minutes, seconds, milli, micro = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milli / 1e3 + micro / 1e6


_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(b|[kmgt](?:i?b)?)?\s*\Z", re.IGNORECASE)


def _size(value: object) -> object:
    """Bytes from a size as Compose writes it: "64m", "1gb"; units are powers of 1024 there."""
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if match is None:
        raise ValueError(f"{value!r} is not a size: write it as 64m, 512mb or 2g")
    unit = (match[2] or "b").lower()[0]
    return int(float(match[1]) * 1024 ** "bkmgt".index(unit))


def _words(value: object) -> object:
    """A command line as its words; a list stays one."""
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as problem:
            raise ValueError(f"{value!r} cannot be split into words: {problem}") from None
    return [scalar(item) for item in value] if isinstance(value, list) else value


def scalar(value: object) -> object:
    """Text of a YAML number or boolean, as Compose takes them in places of text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _mapping(value: object) -> object:
    """A mapping from "KEY=value" lines; a mapping stays one. A key without a value would be read from the host: refused."""
    if isinstance(value, list):
        found: dict[str, object] = {}
        for item in value:
            key, equals, text = str(item).partition("=")
            if not equals:
                raise ValueError(
                    f"{key!r} has no value: nothing is taken from this machine's environment in silence; "
                    f"write {key}=… or {key}=${{{key}}} and give {key} with --set"
                )
            if key in found:
                raise ValueError(f"{key!r} is given twice")
            found[key] = text
        return found
    if not isinstance(value, dict):
        return value
    for key, inner in value.items():
        if inner is None:
            raise ValueError(
                f"{key!r} has no value: nothing is taken from this machine's environment in silence; "
                f"write {key}: ${{{key}}} and give {key} with --set"
            )
    return {str(key): scalar(inner) for key, inner in value.items()}


def named(value: object) -> object:
    """A mapping by name from a list of names."""
    if isinstance(value, list):
        if len(set(map(str, value))) != len(value):
            raise ValueError("a name is given twice")
        return {str(item): None for item in value}
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("text must not contain a NUL character")
    return value


Plain = Annotated[str, AfterValidator(_no_nul)]
Seconds = Annotated[float, BeforeValidator(seconds_of), Field(ge=0, le=86_400)]
Size = Annotated[ByteSize, BeforeValidator(_size)]
Words = Annotated[tuple[Plain, ...], BeforeValidator(_words)]
Environment = Annotated[dict[str, Plain], BeforeValidator(_mapping)]
