"""Whether a model fits this machine: what its file says it needs, next to the memory that is free now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from casava_os.model.gguf_file import header
from casava_syscalls.results import Err, Ok, Result

OVERHEAD = 200 * 10**6
"""Bytes for the program, the compute buffers and the vocabulary."""

KEEP_FREE = 0.1
"""Share of the free memory that stays free."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a GGUF file needs, in bytes, at a context length in tokens."""

    weights: int
    cache: int
    layers: int
    context: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + OVERHEAD


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model goes onto this machine."""

    need: Need
    free_ram: int
    free_vram: int
    gpu_layers: int
    """Layers whose weights and cache fit the free memory of the GPU: all, some, or none."""

    @property
    def fits(self) -> bool:
        share = self.gpu_layers / max(1, self.need.layers)
        in_ram = self.need.total - share * (self.need.weights + self.need.cache)
        return in_ram <= (1 - KEEP_FREE) * self.free_ram


def need(path: Path, context: int = 8192) -> Result[Need]:
    """What the file's header says. `Err("no-model")` for a file that is no GGUF."""
    read = header(path)
    if isinstance(read, Err):
        return read
    fields = read.value
    kind = str(fields.get("general.architecture", ""))

    def number(key: str, otherwise: int) -> int:
        value = fields.get(f"{kind}.{key}", otherwise)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise

    layers, width = number("block_count", 1), number("embedding_length", 1)
    heads = number("attention.head_count", 1)
    longest = min(context, number("context_length", context))
    key_width = number("attention.key_length", width // heads)
    value_width = number("attention.value_length", width // heads)
    # Keys and values of every layer and position, two bytes each (llama.cpp's default cache type, f16).
    cache = 2 * layers * longest * number("attention.head_count_kv", heads) * (key_width + value_width)
    return Ok(value=Need(path.stat().st_size, cache, layers, longest))


def fit(needed: Need, free_ram: int, free_vram: int = 0) -> Fit:
    """How many layers go onto the GPU, and whether the rest fits the RAM."""
    each = (needed.weights + needed.cache) / max(1, needed.layers)
    room = max(0.0, (1 - KEEP_FREE) * free_vram - OVERHEAD)
    return Fit(needed, free_ram, free_vram, min(needed.layers, int(room / max(1.0, each))))


def measured(needed: Need) -> Fit:
    """`fit` with the memory that is free now."""
    import psutil

    return fit(needed, int(psutil.virtual_memory().available), sum(free_vram()))


_GPU = 1
"""`GGML_BACKEND_DEVICE_TYPE_GPU` of ggml-backend.h: a card with memory of its own."""


def free_vram() -> list[int]:
    """Free bytes of each graphics card that this build of llama.cpp would use; empty without a build for one.

    llama.cpp is asked itself, through `ggml_backend_dev_memory`: it sees exactly the cards that it will use.
    """
    import ctypes

    import llama_cpp

    if not llama_cpp.llama_supports_gpu_offload():
        return []
    llama_cpp.llama_backend_init()
    libraries = Path(llama_cpp.__file__).parent / "lib"
    ggml, base = (ctypes.CDLL(str(libraries / name)) for name in ("libggml.so", "libggml-base.so"))
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    base.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    base.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, *[ctypes.POINTER(ctypes.c_size_t)] * 2]
    found = []
    for number in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(number)
        if base.ggml_backend_dev_type(device) == _GPU:
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            found.append(free.value)
    return found
