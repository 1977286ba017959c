"""What this program's memory held is not in what the allocator gives out, once the index is in use."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import ctypes
from casava_os.memory.scrub import clear_what_is_freed, let_go

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
SIZE = 90_000  # larger than what a thread keeps for itself, smaller than what is mapped alone

def dirty() -> bool:
    held, fence = library.malloc(SIZE), library.malloc(64)
    ctypes.memset(held, 0x77, SIZE)
    library.free(held)
    given = library.malloc(SIZE)
    found = bytes([0x77]) * 64 in ctypes.string_at(given, SIZE)
    library.free(given)
    library.free(fence)
    return found

print(dirty())
clear_what_is_freed()
clear_what_is_freed()
print(dirty())
let_go()
print(dirty())
"""


def test_what_is_let_go_of_is_overwritten() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False"]
