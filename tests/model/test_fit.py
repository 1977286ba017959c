"""Whether a model fits: from what its file says and the memory that is free."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace

import llama_cpp
import pytest

from casava_os.model import fit as fitting
from casava_os.model import shipped_weights
from casava_os.model.fit import KEEP_FREE, OVERHEAD, Need, fit, free_vram, measured, need
from casava_syscalls.results import Err, Ok
from tests.model.tiny import CONTEXT, HEADS, LAYERS, WIDTH, make

LARGE = Need(weights=8 * 10**9, cache=10**9, layers=36, context=8192)


def test_what_a_file_needs_is_read_from_its_header(tmp_path: Path) -> None:
    path = make(tmp_path / "tiny.gguf")
    needed = need(path, context=4096)
    assert isinstance(needed, Ok)
    assert needed.value.weights == path.stat().st_size
    assert (needed.value.layers, needed.value.context) == (LAYERS, 4096)
    assert needed.value.cache == 2 * LAYERS * 4096 * HEADS * 2 * (WIDTH // HEADS)
    longest = need(path, context=10**6)
    assert isinstance(longest, Ok)
    assert longest.value.context == CONTEXT
    (tmp_path / "text.gguf").write_text("no model")
    assert isinstance(need(tmp_path / "text.gguf"), Err)


def test_layers_go_onto_the_card_as_far_as_they_fit() -> None:
    assert fit(LARGE, free_ram=32 * 10**9).gpu_layers == 0
    assert fit(LARGE, free_ram=32 * 10**9, free_vram=24 * 10**9).gpu_layers == 36
    some = fit(LARGE, free_ram=32 * 10**9, free_vram=4 * 10**9)
    assert 0 < some.gpu_layers < 36
    each = (LARGE.weights + LARGE.cache) / LARGE.layers
    assert some.gpu_layers * each + OVERHEAD <= (1 - KEEP_FREE) * some.free_vram


def test_what_is_on_the_card_needs_no_ram() -> None:
    assert not fit(LARGE, free_ram=4 * 10**9).fits
    assert fit(LARGE, free_ram=4 * 10**9, free_vram=24 * 10**9).fits
    assert not fit(LARGE, free_ram=10**8, free_vram=24 * 10**9).fits


def test_the_shipped_model_fits_where_the_tests_run() -> None:
    path = shipped_weights()
    assert path is not None
    needed = need(path)
    assert isinstance(needed, Ok)
    assert measured(needed.value).fits


def test_a_build_without_a_gpu_has_no_memory_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: False)
    assert free_vram() == []


def test_the_cards_that_llama_cpp_would_use_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real libraries, which must have the functions; then with two devices that a card-less host lacks."""
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
    assert all(isinstance(free, int) for free in free_vram())

    class Library(SimpleNamespace):
        def __init__(self, path: str) -> None:
            super().__init__(
                ggml_backend_dev_count=_Call(lambda: 3),
                ggml_backend_dev_get=_Call(lambda number: number),
                ggml_backend_dev_type=_Call(lambda device: 0 if device == 0 else 1),
                ggml_backend_dev_memory=_Call(_memory),
            )

    monkeypatch.setattr(ctypes, "CDLL", Library)
    assert free_vram() == [1000, 2000]
    assert fitting.measured(LARGE).free_vram == 3000


class _Call:
    """A C function: attributes can be set on it."""

    def __init__(self, work: object) -> None:
        self._work = work

    def __call__(self, *arguments: object) -> object:
        assert callable(self._work)
        return self._work(*arguments)


def _memory(device: int, free: object, total: object) -> None:
    ctypes.cast(free, ctypes.POINTER(ctypes.c_size_t))[0] = 1000 * device  # type: ignore[arg-type]
    ctypes.cast(total, ctypes.POINTER(ctypes.c_size_t))[0] = 9000  # type: ignore[arg-type]
