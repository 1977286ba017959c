"""Starts llama.cpp, once for the whole program and silent: the kernel model and the embedding model share it."""

from __future__ import annotations

import ctypes
import threading

_STARTING = threading.Lock()
_started: list[object] = []
"""The callback that llama.cpp logs to. It is called for as long as the program lives, and so is kept for as long."""


def start() -> None:
    """Initialises llama.cpp and makes it silent: once, however many threads load their first model at once.

    Two callbacks would be one too many: llama.cpp knows the one that was set last, and would call it after it was freed.
    """
    import llama_cpp

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator] # llama_cpp ships no types
    def silent(level: int, text: bytes, data: ctypes.c_void_p) -> None:
        """Logs go nowhere: standard error has one owner."""

    with _STARTING:
        if _started:
            return
        _started.append(silent)
        llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
