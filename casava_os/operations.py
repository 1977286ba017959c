"""What a syscall does on other programs' ground: a driver's work on a stack, a request to a daemon. Told to whoever listens.

It stands on a low floor because those who do such things and those who listen may not know each other. The listener is bound to
the context: it hears what is done for one syscall, in whatever thread. Where nobody listens, nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

from casava_syscalls.results import Err, Result

T = TypeVar("T")


class Listener(Protocol):
    """Hears what is done for one syscall. Called from any thread; may not block and may not raise."""

    def begun(self, name: str) -> Callable[[str], None]:
        """A part of the work begins; `name` is one of few, such as `docker.apply`.

        What it gives is called once, at its end, with the code of its failure (empty: none).
        """

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A daemon has answered; `route` has placeholders for whatever names a thing. The request took so many seconds."""


_listener: ContextVar[Listener | None] = ContextVar("casava_operations", default=None)


@contextmanager
def listening(by: Listener) -> Iterator[None]:
    """Binds a listener to the context of a block, and to the threads that are begun with a copy of it."""
    token = _listener.set(by)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> Listener | None:
    """Who listens here."""
    return _listener.get()


def operation(name: str, work: Callable[[], Result[T]]) -> Result[T]:
    """Does a part of the work, and tells of it."""
    heard = _listener.get()
    if heard is None:
        return work()
    ended = heard.begun(name)
    code = "failed"  # it raised
    try:
        result = work()
        code = result.code if isinstance(result, Err) else ""
    finally:
        ended(code)
    return result
