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


def measured(needed: Need, free_vram: int = 0) -> Fit:
    """`fit` with the RAM that is free now; a GPU counts only when llama.cpp was built for one."""
    import psutil

    return fit(needed, int(psutil.virtual_memory().available), free_vram if offloads() else 0)


def offloads() -> bool:
    """Whether this build of llama.cpp can use a GPU."""
    import llama_cpp

    return bool(llama_cpp.llama_supports_gpu_offload())
