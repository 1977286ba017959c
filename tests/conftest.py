"""What holds for every test: a background job of a shell ignores Ctrl-C, and so would all that it starts; tests do not."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Restores the interrupt where whoever started the tests had it ignored."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
