"""Compiles `seccomp.json` to a BPF program, for drivers that hand the kernel the filter themselves.

Docker takes the profile as JSON; bubblewrap wants machine code. The profile uses few operations (a list of allowed
calls, a first argument that equals a number, flags that must be absent), so a hundred lines compile it, without libseccomp.
Source: linux/seccomp.h, linux/bpf_common.h; Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import json
import platform
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

_HERE = Path(__file__).parent

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOAD, _AND, _EQUAL, _GREATER, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_ENOSYS = 38
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`."""

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


class Argument(TypedDict, total=False):
    """A condition on an argument."""

    index: int
    value: int
    valueTwo: int
    op: str


class Rule(TypedDict, total=False):
    """One rule of the profile."""

    names: list[str]
    action: str
    args: list[Argument]
    errnoRet: int


class Profile(TypedDict):
    """The profile, in the format that OCI runtimes take."""

    defaultAction: str
    defaultErrnoRet: int
    syscalls: list[Rule]


def profile_text() -> str:
    """The profile as JSON text, as the Docker API wants it."""
    return (_HERE / "seccomp.json").read_text(encoding="utf-8")


def compiled(machine: str | None = None) -> bytes:
    """The filter as an array of `struct sock_filter`. Raises `KeyError` for a machine whose numbers we do not have."""
    machine = machine or platform.machine()
    profile: Profile = json.loads(profile_text())
    numbers: dict[str, int] = json.loads((_HERE / "syscall_numbers.json").read_text(encoding="utf-8"))[
        machine
    ]
    program = [*_header(machine, max(numbers.values())), *_conditional(profile, numbers)]
    plain = {
        numbers[name]
        for rule in profile["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args")
        for name in rule["names"]
        if name in numbers
    }
    for first, last in _ranges(plain):
        # First <= number <= last: allowed. Each test that fails goes on with the next range.
        program += [(_AT_LEAST, 0, 2, first), (_GREATER, 1, 0, last), (_RETURN, 0, 0, _ALLOW)]
    program.append((_RETURN, 0, 0, _ERRNO | profile["defaultErrnoRet"]))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _header(machine: str, highest: int) -> list[Instruction]:
    """Another architecture's calls kill; calls newer than the profile do not exist, so programs fall back to older ones."""
    return [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_GREATER, 0, 1, highest),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]


def _conditional(profile: Profile, numbers: dict[str, int]) -> list[Instruction]:
    """Blocks for the calls whose fate hangs on an argument, and for those with an error number of their own."""
    program: list[Instruction] = []
    names = dict.fromkeys(
        name
        for rule in profile["syscalls"]
        if rule.get("args") or rule["action"] != "SCMP_ACT_ALLOW"
        for name in rule["names"]
        if name in numbers
    )
    for name in names:
        block: list[Instruction] = []
        refusal = profile["defaultErrnoRet"]
        for rule in profile["syscalls"]:
            if name not in rule["names"]:
                continue
            if rule["action"] == "SCMP_ACT_ALLOW":
                block += _allowed_if(rule["args"][0])
            else:
                refusal = rule["errnoRet"]
        block.append((_RETURN, 0, 0, _ERRNO | refusal))
        program += [(_EQUAL, 0, len(block), numbers[name]), *block]
    return program


def _allowed_if(argument: Argument) -> list[Instruction]:
    """The low half decides: these arguments are `int`s and flag words, whose high half the kernel drops."""
    load: Instruction = (_LOAD, 0, 0, _ARGUMENTS + 8 * argument["index"])
    allow: Instruction = (_RETURN, 0, 0, _ALLOW)
    if argument["op"] == "SCMP_CMP_EQ":
        return [load, (_EQUAL, 0, 1, argument["value"]), allow]
    if argument["op"] == "SCMP_CMP_MASKED_EQ":
        return [load, (_AND, 0, 0, argument["value"]), (_EQUAL, 0, 1, argument["valueTwo"]), allow]
    raise ValueError(f"the profile uses {argument['op']}, which is not compiled")


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
