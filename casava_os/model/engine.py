"""One llama.cpp context: tokens in, logits out. Knows nothing of plans.

One thread: two under contention gave a p95 of a second where one gives milliseconds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@cache
def _library() -> object:
    """llama.cpp, initialised and silent. The callback must live as long as the library."""
    import llama_cpp

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator] # llama_cpp ships no types
    def silent(level: int, text: bytes, data: ctypes.c_void_p) -> None:
        """Logs go nowhere: standard error has one owner."""

    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return silent


class Engine:
    """A loaded model with its context. The file must have passed `gguf_file.read`. Not thread-safe."""

    def __init__(self, path: Path, context: int = 1024) -> None:
        import llama_cpp

        _library()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self._llama = llama_cpp
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise RuntimeError(f"llama.cpp did not load {path}")
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = context
        settings.n_batch = settings.n_ubatch = min(512, context)
        settings.n_threads = settings.n_threads_batch = 1
        settings.no_perf = True
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        if not self._context:
            llama_cpp.llama_model_free(self._model)
            raise RuntimeError("llama.cpp did not make a context")
        self.vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.size = int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))
        self._limit = settings.n_batch
        self._batch = llama_cpp.llama_batch_init(self._limit, 0, 1)
        self.past = 0
        """Tokens evaluated so far."""

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a text; text that spells a control token stays text."""
        data = text.encode()
        room = len(data) + 8
        ids = (self._llama.llama_token * room)()
        count = self._llama.llama_tokenize(self.vocabulary, data, len(data), ids, room, False, False)
        if count < 0:
            raise RuntimeError("llama.cpp did not tokenize")
        return list(ids[:count])

    def forget(self) -> None:
        """Begins anew."""
        self._llama.llama_memory_clear(self._llama.llama_get_memory(self._context), False)
        self.past = 0

    def evaluate(self, ids: Sequence[int], *, last: int = 1) -> NDArray[np.float32]:
        """Evaluates tokens after the ones before; logits (last, vocabulary) after each of the `last` last ones."""
        import numpy as np

        kept: list[NDArray[np.float32]] = []
        for start in range(0, len(ids), self._limit):
            part = ids[start : start + self._limit]
            unasked = len(ids) - last - start
            batch = self._batch
            batch.n_tokens = len(part)
            for i, token in enumerate(part):
                batch.token[i] = token
                batch.pos[i] = self.past + i
                batch.n_seq_id[i] = 1
                batch.seq_id[i][0] = 0
                batch.logits[i] = i >= unasked
            status = self._llama.llama_decode(self._context, batch)
            if status != 0:
                raise RuntimeError(f"llama.cpp did not evaluate: status {status}")
            self.past += len(part)
            wanted = len(part) - max(0, unasked)
            if wanted > 0:
                pointer = self._llama.llama_get_logits(self._context)
                kept.append(np.ctypeslib.as_array(pointer, shape=(wanted, self.size)).copy())
        return np.concatenate(kept)

    def close(self) -> None:
        """Frees the context and the model. Safe to call twice."""
        if self._model:
            self._llama.llama_batch_free(self._batch)
            self._llama.llama_free(self._context)
            self._llama.llama_model_free(self._model)
            self._model = self._context = None
