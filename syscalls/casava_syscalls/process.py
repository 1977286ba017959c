"""Family `process`: programs inside the sandbox. Safe, because their effects stay in the layer until approved."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from casava_syscalls.base import Effect, Syscall
from casava_syscalls.refs import JobArg, TextArg
from casava_syscalls.scalars import CommandLine, Content, Count, Duration, WorkspacePath
from casava_syscalls.values import Exit, Number, Table, Text

_RUNS = Effect.EXECUTE | Effect.READ | Effect.WRITE | Effect.DELETE


class Run(Syscall[Exit]):
    """Runs a command line or a script in the sandbox and waits for it."""

    call: Literal["process.run"] = "process.run"
    effect: ClassVar = _RUNS

    command: CommandLine | None = None
    """One command line, run by `sh -c`."""
    script: Content | None = None
    """A script of several lines, run by `interpreter`."""
    interpreter: Literal["sh", "bash", "python3"] = "sh"
    stdin: TextArg | None = None
    """Text for its standard input."""
    cwd: WorkspacePath = "."
    env: dict[str, str] = Field(default_factory=dict)
    seconds: Duration | None = None
    """Longest time it may run."""

    @model_validator(mode="after")
    def _one_program(self) -> Self:
        if (self.command is None) == (self.script is None):
            raise ValueError("give a command or a script: exactly one of them")
        return self


class Spawn(Syscall[Number]):
    """Starts a command line in the background; the result is its job number. It ends with the process at the latest."""

    call: Literal["process.spawn"] = "process.spawn"
    effect: ClassVar = _RUNS

    command: CommandLine
    cwd: WorkspacePath = "."
    env: dict[str, str] = Field(default_factory=dict)


class ListJobs(Syscall[Table]):
    """The programs that run in the sandbox."""

    call: Literal["process.list"] = "process.list"
    effect: ClassVar = Effect.READ


class Wait(Syscall[Exit]):
    """Waits for a background program and gives its exit code and output."""

    call: Literal["process.wait"] = "process.wait"
    effect: ClassVar = Effect.READ

    job: JobArg
    seconds: Duration | None = None


class Logs(Syscall[Text]):
    """What a background program has printed so far."""

    call: Literal["process.logs"] = "process.logs"
    effect: ClassVar = Effect.READ

    job: JobArg
    last: Count | None = None


class Signal(Syscall[Number]):
    """Sends a signal to a background program; the result is its job number."""

    call: Literal["process.signal"] = "process.signal"
    effect: ClassVar = Effect.EXECUTE

    job: JobArg
    signal: Literal["TERM", "KILL", "INT", "HUP", "STOP", "CONT", "USR1", "USR2"] = "TERM"
