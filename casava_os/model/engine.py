"""One llama.cpp context: tokens in, logits out. Knows nothing of plans, requests or priorities.

One thread: two under contention gave a p95 of a second where one gives milliseconds. Several sequences live in the
context, each with cells of its own, and the logits of each are the same to the bit whatever else is in the batch.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os import llamacpp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Work:
    """Tokens to evaluate at the end of a sequence; logits are wanted after each of the `last` last ones."""

    sequence: int
    tokens: Sequence[int]
    last: int = 1


class Engine:
    """A loaded model with its context. The file must have passed `gguf_file.read`.

    Not thread-safe, except `tokenize`, which only reads the model.
    """

    def __init__(
        self,
        path: Path,
        context: int = 1024,
        *,
        sequences: int = 1,
        free: int | None = None,
        threads: int = 1,
        gpu_layers: int = 0,
        limit: int = 512,
        prompt_end: int | None = None,
    ) -> None:
        """`context`: tokens for which each sequence has room; of `free` bytes of memory the sequences take at most half.

        At most `limit` tokens go into one `run`. What a sequence holds up to its first `prompt_end`, if such a token is named,
        is read in both directions: it must come in one work.

        Raises `RuntimeError` when llama.cpp does not load the model, or has no memory for the context.
        """
        import llama_cpp

        llamacpp.start()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        self._threads = threads
        self._llama = llama_cpp
        self._reading = threading.Lock()
        self._context: object = None
        self._memory: object = None
        self._past: list[int] = []
        """Tokens that each sequence holds."""
        self._model: object = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise RuntimeError(f"llama.cpp did not load {path}")
        self.cell_bytes = self._cell_bytes()
        """Memory for one token of one sequence."""
        self.context, self.sequences = context, sequences
        if free is not None:
            self.sequences = max(1, min(sequences, free // 2 // (context * self.cell_bytes)))
        self.limit = min(limit, context)
        """Most tokens in one `run`."""
        self._prompt_end = prompt_end
        try:
            self._open()
        except RuntimeError:
            llama_cpp.llama_model_free(self._model)
            raise
        self.vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.size = int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))
        self._batch = _Batch(self.limit)

    def _cell_bytes(self) -> int:
        llama, model = self._llama, self._model
        heads = max(1, llama.llama_model_n_head(model))
        width = llama.llama_model_n_embd(model) // heads * max(1, llama.llama_model_n_head_kv(model))
        return int(llama.llama_model_n_layer(model)) * int(width) * 2 * 2  # keys and values, 16 bits

    def _open(self) -> None:
        settings = self._llama.llama_context_default_params()
        settings.n_ctx = self.context * self.sequences
        settings.n_batch = settings.n_ubatch = self.limit
        settings.n_seq_max = self.sequences
        # A stream for each sequence, and flash attention: otherwise the last bits of a sequence's logits depend on what
        # else is in the batch and on where its cells lie, and about one plan in a thousand with them.
        settings.kv_unified = False
        settings.flash_attn_type = 1
        settings.n_threads = settings.n_threads_batch = self._threads
        settings.no_perf = True
        self._context = self._llama.llama_init_from_model(self._model, settings)
        if not self._context:
            raise RuntimeError("llama.cpp did not make a context")
        self._llama.llama_set_causal_attn(self._context, True)  # whatever the file says of it
        self._memory = self._llama.llama_get_memory(self._context)
        self._past = [0] * self.sequences

    def renew(self) -> None:
        """A fresh context after a failure; every sequence is empty. Raises `RuntimeError`."""
        if self._context:
            self._llama.llama_free(self._context)
            self._context = None
        self._open()

    @property
    def past(self) -> int:
        """Tokens of the first sequence so far."""
        return self._past[0]

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text; text that spells a control token stays text, unless it is `special`."""
        data = text.encode()
        room = len(data) + 8
        ids = (self._llama.llama_token * room)()
        with self._reading:
            if not self._model:
                raise RuntimeError("the model is closed")
            count = self._llama.llama_tokenize(self.vocabulary, data, len(data), ids, room, False, special)
        if count < 0:
            raise RuntimeError("llama.cpp did not tokenize")
        return list(ids[:count])

    def text(self, tokens: Sequence[int]) -> str:
        """The text that tokens spell, control tokens left out. Bytes that are no UTF-8 are replaced."""
        pieces: list[bytes] = []
        buffer = ctypes.create_string_buffer(1024)
        for token in tokens:
            length = self._llama.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, False)
            pieces.append(buffer.raw[: max(0, length)])
        return b"".join(pieces).decode("utf-8", "replace")

    def ends(self) -> dict[str, str]:
        """How the vocabulary spells the tokens that begin and end a text; empty where it has none."""
        buffer = ctypes.create_string_buffer(1024)

        def spelled(token: int) -> str:
            if token < 0:
                return ""
            length = self._llama.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, True)
            return buffer.raw[: max(0, length)].decode("utf-8", "replace")

        return {
            "bos_token": spelled(self._llama.llama_vocab_bos(self.vocabulary)),
            "eos_token": spelled(self._llama.llama_vocab_eos(self.vocabulary)),
        }

    def run(self, works: Sequence[Work]) -> list[NDArray[np.float32]]:
        """Evaluates tokens of several sequences in one go; for each work its logits (last, vocabulary).

        At most `limit` tokens, and each sequence once. Raises `RuntimeError` when llama.cpp fails.
        """
        heads = [self._head(work) for work in works]
        if not any(heads):
            return self._decode(works)
        if len(works) > 1 and any(head != len(work.tokens) for head, work in zip(heads, works, strict=True)):
            # Each by itself: what a request gets must not depend on what else is in the batch.
            return [row for work in works for row in self.run([work])]
        whole = [
            Work(work.sequence, work.tokens[:head], max(0, work.last - len(work.tokens) + head))
            for head, work in zip(heads, works, strict=True)
        ]
        try:
            self._llama.llama_set_causal_attn(self._context, False)
            read = self._decode(whole)
        finally:
            self._llama.llama_set_causal_attn(self._context, True)
        (work, head), *_ = zip(works, heads, strict=True)
        if head < len(work.tokens):
            import numpy as np

            rest = Work(work.sequence, work.tokens[head:], min(work.last, len(work.tokens) - head))
            return [np.concatenate((read[0], self._decode([rest])[0]))]
        return read

    def _head(self, work: Work) -> int:
        """How many of a work's tokens are a prompt to be read in both directions."""
        if self._prompt_end is None or self._past[work.sequence]:
            return 0
        for at, token in enumerate(work.tokens, 1):
            if token == self._prompt_end:
                return at
        raise ValueError("a prompt that is read in both directions must come whole")

    def _decode(self, works: Sequence[Work]) -> list[NDArray[np.float32]]:
        import numpy as np

        count = self._batch.fill(works, self._past)
        status = self._llama.llama_decode(self._context, self._batch.raw)
        if status != 0:
            raise RuntimeError(f"llama.cpp did not evaluate {count} tokens: status {status}")
        for work in works:
            self._past[work.sequence] += len(work.tokens)
        wanted = sum(work.last for work in works)
        if not wanted:
            return [np.empty((0, self.size), dtype=np.float32) for _ in works]
        address = ctypes.addressof(self._llama.llama_get_logits(self._context).contents)
        buffer = (ctypes.c_uint8 * (4 * wanted * self.size)).from_address(address)
        rows = np.frombuffer(memoryview(buffer), dtype=np.float32).reshape(wanted, self.size).copy()
        if len(works) == 1:
            return [rows]
        return np.split(rows, np.cumsum([work.last for work in works])[:-1])

    def keep(self, sequence: int, tokens: int = 0) -> None:
        """Drops what a sequence holds after its first `tokens` tokens."""
        if self._past[sequence] > tokens:
            self._llama.llama_memory_seq_rm(self._memory, sequence, tokens, -1)
            self._past[sequence] = tokens

    def copy(self, source: int, target: int) -> None:
        """Makes `target` what `source` is; both share the cells until they grow apart."""
        self.keep(target)
        self._llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        self._past[target] = self._past[source]

    def saved_size(self, sequence: int) -> int:
        """Bytes that `save` of a sequence takes."""
        return int(self._llama.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int) -> tuple[int, bytes]:
        """A sequence's state, for `restore`; it stays where it is."""
        size = self.saved_size(sequence)
        buffer = (ctypes.c_uint8 * size)()
        if self._llama.llama_state_seq_get_data(self._context, buffer, size, sequence) != size:
            raise RuntimeError("llama.cpp did not save a sequence")
        return self._past[sequence], bytes(buffer)

    def restore(self, sequence: int, saved: tuple[int, bytes]) -> None:
        """Puts a saved state into an empty sequence. Raises `RuntimeError`, for want of cells for one."""
        past, data = saved
        self.keep(sequence)
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        if past and not self._llama.llama_state_seq_set_data(self._context, buffer, len(data), sequence):
            raise RuntimeError("llama.cpp did not restore a sequence")
        self._past[sequence] = past

    # -- one sequence alone, for who has the engine to itself

    def forget(self) -> None:
        """Begins the first sequence anew."""
        self.keep(0)

    def evaluate(self, ids: Sequence[int], *, last: int = 1) -> NDArray[np.float32]:
        """Evaluates tokens in the first sequence; logits (last, vocabulary) after each of the `last` last ones."""
        import numpy as np

        kept: list[NDArray[np.float32]] = []
        for start in range(0, len(ids), self.limit):
            part = ids[start : start + self.limit]
            wanted = len(part) - max(0, len(ids) - last - start)
            kept += self.run([Work(0, part, max(0, wanted))])
        return kept[0] if len(kept) == 1 else np.concatenate(kept)

    def close(self) -> None:
        """Frees the context and the model. Safe to call twice."""
        with self._reading:
            if self._context:
                self._llama.llama_free(self._context)
            if self._model:
                self._llama.llama_model_free(self._model)
            self._model = self._context = None


class _Batch:
    """llama.cpp's batch over arrays of our own: filled by slices, it costs a third of what single items cost."""

    def __init__(self, limit: int) -> None:
        import llama_cpp
        import numpy as np

        self._tokens, self._positions, self._sequences = (np.zeros(limit, dtype=np.int32) for _ in range(3))
        self._asked = np.zeros(limit, dtype=np.int8)
        self._ones = np.ones(limit, dtype=np.int32)
        first = self._sequences.ctypes.data
        self._pointers = np.arange(first, first + 4 * limit, 4, dtype=np.uint64)
        integers, pointers = ctypes.POINTER(ctypes.c_int32), ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))
        self.raw = llama_cpp.llama_batch(
            n_tokens=0,
            token=ctypes.cast(self._tokens.ctypes.data, integers),
            pos=ctypes.cast(self._positions.ctypes.data, integers),
            n_seq_id=ctypes.cast(self._ones.ctypes.data, integers),
            seq_id=ctypes.cast(self._pointers.ctypes.data, pointers),
            logits=ctypes.cast(self._asked.ctypes.data, ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, works: Sequence[Work], past: Sequence[int]) -> int:
        """The number of tokens."""
        at = 0
        for work in works:
            end, begin = at + len(work.tokens), past[work.sequence]
            self._tokens[at:end] = work.tokens
            self._positions[at:end] = range(begin, begin + end - at)
            self._sequences[at:end] = work.sequence
            self._asked[at:end] = 0
            if work.last:
                self._asked[end - work.last : end] = 1
            at = end
        self.raw.n_tokens = at
        return at
