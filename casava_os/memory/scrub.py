"""Keeps what lay in this program's memory out of the index's files.

The index behind Chroma (hnswlib) asks the allocator for its tables without clearing them, and writes them to disk whole, the
part not in use as well: a vector that was forgotten could stand in the file of the index that was made without it. So
glibc fills what it gives and what it gets back with a byte of ours (`M_PERTURB`, mallopt(3)) from the first use of the index
on, and returns pages that nobody uses to the system (malloc_trim(3)), which gives them out cleared.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_PERTURB = -6
_FILL = 0x5A


@cache
def clear_what_is_freed() -> None:
    """From now on, memory that anybody in this program lets go of is overwritten. For glibc; elsewhere nothing happens."""
    library = _allocator()
    if library is not None:
        library.malloc_trim(0)
        library.mallopt(_M_PERTURB, _FILL)


def let_go() -> None:
    """Gives the memory that is not in use back to the system."""
    library = _allocator()
    if library is not None:
        library.malloc_trim(0)


def _allocator() -> ctypes.CDLL | None:
    """The C library, where it is glibc."""
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
