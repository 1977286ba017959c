"""Vectors of texts by a GGUF embedding model in llama.cpp: the one that ships, or any other.

Loaded when the first text comes. One thread, several texts in one batch; threads that ask at once take turns. A text that
is longer than the model reads is cut into parts, and its vector is the mean of theirs.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import threading
import unicodedata
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os import llamacpp
from casava_os.memory.faults import MemoryFaultError
from casava_syscalls.results import Err

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUILTIN = "casava-embed-0.1.0.gguf"
PLAIN_KEY = "casava.text"
"""Metadata of a GGUF whose texts are to be made `plain` first."""

_TOKENS = 512
"""In one batch; also the longest text for models that could read more: attention over it is square."""
_SEQUENCES = 32
"""Texts in one batch."""
_PARTS = 8
"""Of a long text; what comes after them is not read."""
_CHARACTERS = 2048
"""Of one part at most: `_TOKENS` tokens are rarely so many."""

_APART = re.compile(
    "([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ebef\U0002f800-\U0002fa1f])"
)
"""Characters that are words of their own."""
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def plain(text: str) -> str:
    """The text as our model reads it: lower case, no accents, no control characters, words one blank apart.

    Ideographs and symbols are words of their own.
    """
    if text.isascii():
        return " ".join(_CONTROL.sub(" ", text.lower()).split())
    kept: list[str] = []
    for character in unicodedata.normalize("NFKD", text.lower()).lower():
        kind = unicodedata.category(character)
        if kind[0] == "S" and not character.isascii():
            kept.append(f" {character} ")
        elif kind[0] not in "CM":
            kept.append(character)
        elif kind == "Cc":
            kept.append(" ")
    return " ".join(_APART.sub(r" \1 ", "".join(kept)).split())


class NoEmbedderError(MemoryFaultError):
    """There is no embedding model to be had; the message says why. Words alone find until there is."""

    def __init__(self, message: str) -> None:
        hint = "casava-os config shows memory.embedding"
        title = "The embedding model cannot be used"
        super().__init__(Err(code="no-model", title=title, message=message, hint=hint))


def builtin() -> Path:
    """The file of the model that ships."""
    return Path(str(resources.files("casava_os.memory") / "weights" / BUILTIN))


class GgufEmbedder:
    """A GGUF embedding model (`ports.Embedder`). Raises `NoEmbedderError` for a file that is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = _digest(path)
        self._turn = threading.Lock()
        self._running: _Running | None = None

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def dimensions(self) -> int:
        with self._turn:
            return self._model().width

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of unit length for each text, in order. Blocking; any thread."""
        import numpy as np

        with self._turn:
            model = self._model()
            parts: list[list[int]] = []
            owners: list[int] = []
            for number, text in enumerate(texts):
                for tokens in model.parts(text):
                    parts.append(tokens)
                    owners.append(number)
            sums = np.zeros((len(texts), model.width), dtype=np.float32)
            np.add.at(sums, owners, model.vectors(parts))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        found: list[list[float]] = (sums / np.maximum(lengths, 1e-12)).tolist()
        return found

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a text as the model reads it."""
        with self._turn:
            return self._model().tokenize(text)

    def _model(self) -> _Running:
        if self._running is None:
            self._running = _Running(self.path)
        return self._running

    def close(self) -> None:
        """Frees the model; the next text loads it again. Safe to call twice."""
        with self._turn:
            if self._running is not None:
                self._running.close()
                self._running = None


def _digest(path: Path) -> str:
    """What tells the file from others: its size, its beginning (which names all that is in it), and its end."""
    try:
        with path.open("rb") as file:
            head = file.read(2**20)
            size = file.seek(0, 2)
            file.seek(max(0, size - 2**16))
            tail = file.read()
    except OSError as problem:
        raise NoEmbedderError(f"{path}: {problem.strerror}") from problem
    if head[:4] != b"GGUF":
        raise NoEmbedderError(f"{path} is no GGUF file")
    return hashlib.sha256(str(size).encode() + head + tail).hexdigest()


class _Running:
    """The loaded model with its context. One thread at a time."""

    def __init__(self, path: Path) -> None:
        import llama_cpp

        llamacpp.start()
        self._llama = llama_cpp
        self._context: object = None
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self._model: object = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise NoEmbedderError(f"llama.cpp did not load {path}")
        self.longest = min(_TOKENS, int(llama_cpp.llama_model_n_ctx_train(self._model)))
        self.width = int(llama_cpp.llama_model_n_embd(self._model))
        self._plain = self._says(PLAIN_KEY) == "plain"
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = _TOKENS
        settings.n_seq_max = _SEQUENCES
        settings.kv_unified = True
        settings.n_threads = settings.n_threads_batch = 1
        settings.embeddings = True
        settings.no_perf = True
        if not self._says(f"{self._says('general.architecture')}.pooling_type"):
            settings.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_MEAN
        self._context = llama_cpp.llama_init_from_model(self._model, settings)
        if not self._context:
            self.close()
            raise NoEmbedderError(f"llama.cpp made no context for {path}")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._batch = _Batch()

    def _says(self, key: str) -> str:
        """A field of the file's header as text; empty when it has none."""
        buffer = ctypes.create_string_buffer(256)
        size = self._llama.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if size > 0 else ""

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a text between those that begin and end one; never none."""
        data = (plain(text) if self._plain else text).encode("utf-8", "replace")
        room = len(data) + 8
        ids = (self._llama.llama_token * room)()
        count = self._llama.llama_tokenize(self._vocabulary, data, len(data), ids, room, True, False)
        return list(ids[: max(0, count)]) or [0]

    def parts(self, text: str) -> list[list[int]]:
        """The tokens of a text, in parts that the model can read."""
        found: list[list[int]] = []
        pending = [text[start : start + _CHARACTERS] for start in range(0, max(1, len(text)), _CHARACTERS)][
            :_PARTS
        ]
        while pending and len(found) < _PARTS:
            part = pending.pop(0)
            tokens = self.tokenize(part)
            middle = len(part) // 2
            if len(tokens) > self.longest and middle:
                blank = part.rfind(" ", 0, middle)
                middle = blank if blank > 0 else middle
                pending[:0] = [part[:middle], part[middle:]]
            else:
                found.append(tokens[: self.longest])
        return found

    def vectors(self, parts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Vectors of unit length (parts, width)."""
        import numpy as np

        out = np.empty((len(parts), self.width), dtype=np.float32)
        # Texts of like length together: each batch is then about as full as the others.
        order = sorted(range(len(parts)), key=lambda row: len(parts[row]))
        at = 0
        while at < len(order):
            count = tokens = 0
            while at + count < len(order) and count < _SEQUENCES:
                tokens += len(parts[order[at + count]])
                if tokens > _TOKENS:
                    break
                count += 1
            rows = order[at : at + count]
            if self._memory:
                self._llama.llama_memory_clear(self._memory, True)
            self._batch.fill([parts[row] for row in rows])
            if self._llama.llama_decode(self._context, self._batch.raw) != 0:
                raise RuntimeError("llama.cpp did not embed a text")
            for sequence, row in enumerate(rows):
                pointer = self._llama.llama_get_embeddings_seq(self._context, sequence)
                out[row] = np.ctypeslib.as_array(pointer, shape=(self.width,))
            at += count
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        return np.asarray(out / np.maximum(lengths, 1e-12), dtype=np.float32)

    def close(self) -> None:
        if self._context:
            self._llama.llama_free(self._context)
        if self._model:
            self._llama.llama_model_free(self._model)
        self._model = self._context = None


class _Batch:
    """llama.cpp's batch over arrays of our own."""

    def __init__(self) -> None:
        import llama_cpp
        import numpy as np

        self._tokens, self._positions, self._sequences = (np.zeros(_TOKENS, dtype=np.int32) for _ in range(3))
        self._wanted = np.ones(_TOKENS, dtype=np.int8)
        self._ones = np.ones(_TOKENS, dtype=np.int32)
        first = self._sequences.ctypes.data
        self._pointers = np.arange(first, first + 4 * _TOKENS, 4, dtype=np.uint64)
        integers, pointers = ctypes.POINTER(ctypes.c_int32), ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))
        self.raw = llama_cpp.llama_batch(
            n_tokens=0,
            token=ctypes.cast(self._tokens.ctypes.data, integers),
            pos=ctypes.cast(self._positions.ctypes.data, integers),
            n_seq_id=ctypes.cast(self._ones.ctypes.data, integers),
            seq_id=ctypes.cast(self._pointers.ctypes.data, pointers),
            logits=ctypes.cast(self._wanted.ctypes.data, ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, parts: Sequence[Sequence[int]]) -> None:
        at = 0
        for sequence, part in enumerate(parts):
            end = at + len(part)
            self._tokens[at:end] = part
            self._positions[at:end] = range(len(part))
            self._sequences[at:end] = sequence
            at = end
        self.raw.n_tokens = at
