"""What an app sees of Casava OS: syscalls, its parameters and its settings, and nothing else.

An app with a `main` is called with an `Os`. Everything it does goes through there, so everything it does is checked
against what it was granted, runs in the process's layer, and lands only as previewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol, TypeVar

from casava_syscalls.base import Syscall
from casava_syscalls.results import Result
from casava_syscalls.values import Value

V = TypeVar("V", bound=Value)


class Os(Protocol):
    """The running process, as its app sees it."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the person gave with `--set NAME=VALUE`, defaults filled in."""

    @property
    def settings(self) -> Mapping[str, object]:
        """The manifest's `[settings]`, with the person's own on top."""

    def __call__(self, call: Syscall[V]) -> V:
        """Performs a syscall and gives its value. When it fails, the app ends here and nothing of it lands."""

    def attempt(self, call: Syscall[V]) -> Result[V]:
        """Performs a syscall that may fail."""

    def fail(self, title: str, message: str = "", hint: str = "") -> NoReturn:
        """Ends the app with an error; nothing of it lands."""
