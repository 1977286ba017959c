"""Exit codes: the numbers that scripts rely on, and which expected failure ends with which of them."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType

from casava_syscalls.results import Err, ErrorCode


class ExitCode(IntEnum):
    """How a `casava-os` command ends. The numbers are an API: never reuse or change one."""

    DONE = 0
    """Done."""
    FAILED = 1
    """A syscall failed, or a program ended with a code other than 0 (its own code is in the result)."""
    USAGE = 2
    """The command line, request, plan or workspace is malformed."""
    APPROVAL_NEEDED = 3
    """Nothing landed: an approval is missing."""
    DENIED = 4
    """Policy denies it."""
    NOT_UNDERSTOOD = 5
    """Not understood: a question or a refusal stands on stdout."""
    NO_SANDBOX = 6
    """No sandbox can be had, or it died."""
    NO_MODEL = 7
    """No kernel model can be had."""
    CONFLICT = 8
    """The workspace changed underneath; nothing applied."""
    TIMEOUT = 124
    """Out of time."""
    INTERRUPTED = 130
    """Interrupted (Ctrl-C)."""


EXIT_CODES = MappingProxyType(
    dict[ErrorCode, ExitCode](
        {
            "usage": ExitCode.USAGE,
            "not-found": ExitCode.FAILED,
            "exists": ExitCode.FAILED,
            "not-a-file": ExitCode.FAILED,
            "not-a-directory": ExitCode.FAILED,
            "not-text": ExitCode.FAILED,
            "permission": ExitCode.FAILED,
            "outside-workspace": ExitCode.USAGE,
            "unsupported": ExitCode.FAILED,
            "unavailable": ExitCode.FAILED,
            "type": ExitCode.USAGE,
            "denied": ExitCode.DENIED,
            "approval-needed": ExitCode.APPROVAL_NEEDED,
            "not-understood": ExitCode.NOT_UNDERSTOOD,
            "no-sandbox": ExitCode.NO_SANDBOX,
            "no-model": ExitCode.NO_MODEL,
            "conflict": ExitCode.CONFLICT,
            "timeout": ExitCode.TIMEOUT,
            "limit": ExitCode.FAILED,
            "disk-full": ExitCode.FAILED,
            "interrupted": ExitCode.INTERRUPTED,
            "sandbox-died": ExitCode.NO_SANDBOX,
            "failed": ExitCode.FAILED,
        }
    )
)
"""Which `Err` ends a command with which exit code."""

_OF_THE_PROCESS = frozenset({"denied", "no-sandbox", "sandbox-died", "timeout", "interrupted"})


def exit_code(err: Err) -> ExitCode:
    """How a command ends that stopped with this failure."""
    return EXIT_CODES[err.code]


def step_exit_code(err: Err) -> ExitCode:
    """How a command ends one of whose syscalls gave this failure: 1, unless it is the whole process that cannot go on."""
    return EXIT_CODES[err.code] if err.code in _OF_THE_PROCESS else ExitCode.FAILED
