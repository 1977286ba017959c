"""What an app's `main` is called with: an `Os` over the kernel's way to perform one syscall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar, cast

from casava_os.kernel.program import Perform, Program
from casava_os.plugins.manifest import App
from casava_syscalls.base import Syscall
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Value

V = TypeVar("V", bound=Value)


class _EndedError(Exception):
    """Unwinds `main` when it cannot go on; `err` says why."""

    def __init__(self, err: Err) -> None:
        super().__init__(str(err))
        self.err = err


class RunningOs:
    """The `casava_apps.api.Os` of one process."""

    def __init__(
        self, perform: Perform, parameters: Mapping[str, str], settings: Mapping[str, object]
    ) -> None:
        self._perform = perform
        self.parameters = parameters
        self.settings = settings

    def __call__(self, call: Syscall[V]) -> V:
        """Performs a syscall and gives its value; its failure ends the app."""
        result = self.attempt(call)
        if isinstance(result, Err):
            raise _EndedError(result)
        return result.value

    def attempt(self, call: Syscall[V]) -> Result[V]:
        """Performs a syscall that may fail. In a process that was stopped it does not come back."""
        result = self._perform(call)
        if isinstance(result, Err):
            if result.code == "interrupted":
                raise _EndedError(result)
            return result
        return Ok(value=cast("V", result.value))

    def fail(self, title: str, message: str = "", hint: str = "") -> NoReturn:
        """Ends the app with an error."""
        raise _EndedError(Err(code="failed", title=title, message=message, hint=hint))


def program_of(app: App, parameters: Mapping[str, str]) -> Result[Program]:
    """The app's `main` as a program for the kernel. Loads the app's code when it runs, not before."""
    settings = app.settings()
    if isinstance(settings, Err):
        return settings
    shown = settings.value

    def program(perform: Perform) -> Result[Value] | None:
        entry = app.entry()
        return (
            entry if isinstance(entry, Err) else _outcome(entry.value, RunningOs(perform, parameters, shown))
        )

    return Ok(value=cast("Program", program))


def _outcome(main: Callable[..., object], os: RunningOs) -> Result[Value] | None:
    """What `main` gave, or why it ended."""
    try:
        value = main(os)
    except _EndedError as ended:
        return ended.err
    if value is None:
        return None
    if isinstance(value, Value):
        return Ok(value=value)
    message = f"its main returned {type(value).__name__}"
    return Err(
        code="failed",
        title="The app gave no value",
        message=message,
        hint="this is a fault in the app; nothing was changed",
    )
