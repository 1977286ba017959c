"""Reads and checks a GGUF file before llama.cpp may touch it: llama.cpp ends the program on some damaged files.

Every length is checked against the file's size, every tensor must lie inside the file and have the type and the shape
that the `llama` architecture gives it, and the digest of the tensors and of what plans are weighed by must be the one the
forge wrote.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from casava_os.kernel.compiler.tagged import CALLS, END, STRUCTURE, control_names
from casava_os.model.bags import Bags
from casava_os.model.tagger import INSIDE, NONE, Tagger
from casava_os.model.weighing import EVIDENCE, FEATURES, Reader, Weighing
from casava_syscalls.results import Err, Ok, Result

MAGIC, VERSION = b"GGUF", 3
LARGEST = 2 * 2**30
"""Files above this size are not ours. Bytes."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_BYTE, _STRING, _ARRAY = 0, 8, 9
_F32, _Q8_0 = 0, 8
_NORMAL, _CONTROL = 1, 3
"""A text token's and a control token's type in a GGUF vocabulary."""
_BLOCK, _BLOCK_BYTES = 32, 34
"""Q8_0 stores 32 weights in 34 bytes."""

NO_KEYS = frozenset({f"key:{NONE}", f"key:{INSIDE}"})
"""The tagger's labels that no key of a plan is for, spelled like one."""

PREFIX = b"casava.prefix"
"""The field that says that a prompt is read in both directions."""

OPINIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "delete": frozenset({"file.delete", "container.remove", "infra.destroy", "memory.forget"}),
        "move": frozenset({"file.move", "file.rename"}),
        "run": frozenset(
            {
                "process.run",
                "process.spawn",
                "process.signal",
                "container.run",
                "container.exec",
                "infra.apply",
            }
        ),
    }
)
"""On which calls a model may have a second opinion (`forge.opinion`)."""

Field = str | int | float | bool | bytes | tuple["str | int | float | bool", ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """A checked GGUF file: what the engine needs to know of it."""

    path: Path
    digest: str
    """Hexadecimal sha256 of the whole file."""
    version: str
    tokens: tuple[str, ...]
    controls: tuple[str, ...]
    """Names of the control tokens, the first of `tokens`. A model made before the newest syscalls lacks theirs."""
    calls: frozenset[str]
    """The syscalls and idioms that it was taught."""
    context: int
    slope: float
    """How sure the network is: the logistic function of `slope` times the log-odds of the least certain token plus `offset` …"""
    offset: float
    basis: str
    """… and this is what both were fitted on."""
    opinions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By name of `OPINIONS`: a weight for each token, then a shift; their sum over a request is a log-odds."""
    weighing: Weighing | None = None
    """What its plans are weighed by; models made before there was any have none."""
    prefix: bool = False
    """It reads a request in both directions, and writes the plan from left to right."""


class _BrokenError(Exception):
    """The file is not what it should be; the message says how. Does not leave this module."""


class _Reader:
    """A cursor over the file's bytes that never leaves them."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> int | float | bool:
        size = struct.calcsize("<" + form)
        if self.at + size > len(self.data):
            raise _BrokenError("it ends in the middle of its header")
        value: int | float | bool = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += size
        return value

    def length(self) -> int:
        return int(self.take("Q"))

    def string(self) -> str:
        size = self.length()
        end = self.at + size
        if end > len(self.data):
            raise _BrokenError("a text in its header is longer than the file")
        try:
            text = self.data[self.at : end].decode()
        except UnicodeDecodeError:
            raise _BrokenError("a text in its header is not UTF-8") from None
        self.at = end
        return text

    def value(self, kind: int) -> Field:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            inner, count = int(self.take("I")), self.length()
            if inner == _ARRAY or count > len(self.data):
                raise _BrokenError("it has an impossible list in its header")
            return self._bytes(count) if inner == _BYTE else self._many(inner, count)
        if kind not in _SCALARS:
            raise _BrokenError(f"it has a field of the unknown type {kind}")
        return self.take(_SCALARS[kind])

    def _bytes(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise _BrokenError("it ends in the middle of its header")
        found, self.at = self.data[self.at : end], end
        return found

    def _many(self, kind: int, count: int) -> tuple[str | int | float | bool, ...]:
        if kind == _STRING:
            return tuple(self.string() for _ in range(count))
        if kind not in _SCALARS:
            raise _BrokenError(f"it has a list of the unknown type {kind}")
        form = f"<{count}{_SCALARS[kind]}"
        if self.at + struct.calcsize(form) > len(self.data):
            raise _BrokenError("it ends in the middle of its header")
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values


def control_digest(names: Iterable[str]) -> str:
    """Hexadecimal sha256 of the names of a model's control tokens, as the forge writes it into the model."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def read(path: Path) -> Result[Weights]:
    """Checks a model file. `Err("no-model")` says what is wrong with it and what to do."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            return _refused(path, "it is not a file")
        if size > LARGEST:
            return _refused(path, "it is too large to be a casava-smol model")
        data = path.read_bytes()
    except OSError as problem:
        return _unreadable(path, problem)
    try:
        return Ok(value=_checked(path, data))
    except _BrokenError as problem:
        return _refused(path, str(problem))


def _refused(path: Path, why: str) -> Err:
    return Err(
        code="no-model",
        title="The kernel model cannot be used",
        message=f"{path}: {why}",
        hint="use `--model casava-smol`, make one with `make model`, or reinstall Casava OS",
    )


def _unreadable(path: Path, problem: OSError) -> Err:
    if isinstance(problem, FileNotFoundError):
        return _refused(path, "there is no such file")
    return _refused(path, f"it cannot be read: {problem.strerror}")


def header(path: Path, most: int = 2**27) -> Result[Mapping[str, Field]]:
    """The fields of any GGUF file's header, of which at most `most` bytes are read."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            return _refused(path, "it is not a file")
        with path.open("rb") as file:
            data = file.read(most)
        return Ok(value=_fields(_Reader(data))[0])
    except OSError as problem:
        return _unreadable(path, problem)
    except _BrokenError as problem:
        return _refused(path, str(problem))


def is_ours(fields: Mapping[str, Field]) -> bool:
    """Whether a header is that of a casava-smol model."""
    return "casava.controls" in fields


def _fields(reader: _Reader) -> tuple[dict[str, Field], int]:
    """The header's fields and the number of tensors; the reader then stands before the first tensor's facts."""
    if reader.data[:4] != MAGIC:
        raise _BrokenError("it is no GGUF file")
    reader.at = 4
    if reader.take("I") != VERSION:
        raise _BrokenError(f"it is no GGUF file of version {VERSION}")
    tensor_count, field_count = reader.length(), reader.length()
    if tensor_count > 10_000 or field_count > 10_000:
        raise _BrokenError("its header announces an impossible number of parts")
    fields: dict[str, Field] = {}
    for _ in range(field_count):
        key = reader.string()
        fields[key] = reader.value(int(reader.take("I")))
    return fields, tensor_count


def _checked(path: Path, data: bytes) -> Weights:
    reader = _Reader(data)
    fields, tensor_count = _fields(reader)
    _check_kind(fields)
    tokens = fields.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, tuple):
        raise _BrokenError("it has no vocabulary")
    controls = _check_vocabulary(tokens, fields)
    _check_tensors(reader, tensor_count, fields, len(tokens))
    return Weights(
        path=path,
        digest=hashlib.sha256(data).hexdigest(),
        version=str(fields.get("general.version", "")),
        tokens=tuple(str(token) for token in tokens),
        controls=controls,
        calls=_calls(fields),
        context=_whole(fields, "llama.context_length"),
        slope=_real(fields, "casava.slope"),
        offset=_real(fields, "casava.offset"),
        basis=str(fields.get("casava.basis", "")),
        opinions=_opinions(fields, len(tokens)),
        weighing=_weighing(fields),
        prefix=_flag(fields, PREFIX.decode()),
    )


def _check_kind(fields: Mapping[str, Field]) -> None:
    if fields.get("general.architecture") != "llama":
        raise _BrokenError(f"its architecture is {fields.get('general.architecture')!r}, not 'llama'")
    if "casava.controls" not in fields:
        raise _BrokenError("it is no casava-smol model; other kinds of models come later")
    if fields.get("tokenizer.ggml.model") != "gpt2" or fields.get("tokenizer.ggml.pre") != "deepseek-coder":
        raise _BrokenError("its tokenizer is of another kind")


def _check_vocabulary(tokens: tuple[object, ...], fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The names of the control tokens, which open the vocabulary. All must be the ABI's; newer ones may be lacking."""
    kinds, merges = fields.get("tokenizer.ggml.token_type"), fields.get("tokenizer.ggml.merges")
    if not isinstance(kinds, tuple) or len(kinds) != len(tokens) or not isinstance(merges, tuple):
        raise _BrokenError("its vocabulary is incomplete")
    if len(set(tokens)) != len(tokens):
        raise _BrokenError("its vocabulary has a token twice")
    count = next((i for i, kind in enumerate(kinds) if kind != _CONTROL), len(kinds))
    names = tuple(str(token)[2:-2] for token in tokens[:count])
    if (
        set(kinds[count:]) != {_NORMAL}
        or fields["casava.controls"] != control_digest(names)
        or tokens[:count] != tuple(f"<|{name}|>" for name in names)
    ):
        raise _BrokenError("its control tokens are not those it was made with")
    if not set(STRUCTURE) <= set(names) <= set(control_names()):
        raise _BrokenError("it was made for another version of the syscalls")
    if fields.get("tokenizer.ggml.eos_token_id") != names.index(END):
        raise _BrokenError("its vocabulary ends plans with another token")
    return names


def _calls(fields: Mapping[str, Field]) -> frozenset[str]:
    calls = fields.get("casava.calls")
    if not isinstance(calls, tuple) or not {str(call) for call in calls} <= set(CALLS):
        raise _BrokenError("it was made for another version of the syscalls")
    return frozenset(str(call) for call in calls)


def _opinions(fields: Mapping[str, Field], size: int) -> dict[str, tuple[float, ...]]:
    """The second opinions that the file has: models made before there were any have none."""
    found: dict[str, tuple[float, ...]] = {}
    for name in OPINIONS:
        weights = fields.get(f"casava.opinion.{name}")
        if weights is None:
            continue
        if not isinstance(weights, tuple) or len(weights) != size + 1:
            raise _BrokenError(f"its opinion on {name} is not for its vocabulary")
        found[name] = tuple(float(weight) for weight in weights)
        if not all(-1e4 < weight < 1e4 for weight in found[name]):
            raise _BrokenError(f"its opinion on {name} has impossible weights")
    return found


def _weighing(fields: Mapping[str, Field]) -> Weighing | None:
    if "casava.weighing.features" not in fields:
        return None
    if fields["casava.weighing.features"] != FEATURES:
        raise _BrokenError("its plans are weighed by what this version does not look at")
    reader, tagger = _bags(fields, "reader", Reader), _bags(fields, "tagger", Tagger)
    names = set(control_names())
    if not set(reader.labels) <= names:
        raise _BrokenError("its reader knows parts of plans that there are not")
    if NONE not in tagger.labels or not {f"key:{label}" for label in tagger.labels} - NO_KEYS <= names:
        raise _BrokenError("its tagger knows arguments that there are not")
    return Weighing(
        reader,
        tagger,
        _reals(fields, "casava.weighing.choice", len(FEATURES)),
        _reals(fields, "casava.weighing.certainty", EVIDENCE),
    )


_Kind = TypeVar("_Kind", bound=Bags)


def _bags(fields: Mapping[str, Field], name: str, kind: type[_Kind]) -> _Kind:
    labels, words = fields.get(f"casava.{name}.labels"), fields.get(f"casava.{name}.words")
    scales = _reals(fields, f"casava.{name}.scales")
    if not isinstance(labels, tuple) or not isinstance(words, bytes):
        raise _BrokenError(f"its {name} has no words")
    if not words or not scales or len(words) % len(scales):
        raise _BrokenError(f"the table of its {name} is cut off")
    if not labels or len(set(labels)) < len(labels):
        raise _BrokenError(f"its {name} has no labels, or one of them twice")
    width = len(words) // len(scales)
    return kind(
        tuple(str(label) for label in labels),
        words,
        scales,
        _reals(fields, f"casava.{name}.parts", len(labels) * width),
        _reals(fields, f"casava.{name}.shifts", len(labels)),
        _reals(fields, f"casava.{name}.hidden", width) if f"casava.{name}.hidden" in fields else (),
    )


def _reals(fields: Mapping[str, Field], key: str, count: int | None = None) -> tuple[float, ...]:
    values = fields.get(key)
    if not isinstance(values, tuple) or count not in (None, len(values)):
        raise _BrokenError(f"{key} is not as long as it should be")
    found = tuple(value for value in values if isinstance(value, float) and -1e4 < value < 1e4)
    if len(found) != len(values):
        raise _BrokenError(f"{key} has impossible numbers")
    return found


def _whole(fields: Mapping[str, Field], key: str) -> int:
    value = fields.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 2**20:
        raise _BrokenError(f"{key} is {value!r}")
    return value


def _real(fields: Mapping[str, Field], key: str) -> float:
    value = fields.get(key)
    if not isinstance(value, float) or not -100 < value < 100:
        raise _BrokenError(f"{key} is {value!r}")
    return value


def _flag(fields: Mapping[str, Field], key: str) -> bool:
    """False where it is not said."""
    value = fields.get(key, False)
    if not isinstance(value, bool):
        raise _BrokenError(f"{key} is {value!r}")
    return value


def expected_tensors(width: int, hidden: int, layers: int, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a `llama` network with tied embeddings, with their shapes as GGUF writes them."""
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (width, vocabulary),
        "output_norm.weight": (width,),
    }
    for layer in range(layers):
        block = f"blk.{layer}."
        shapes |= {block + f"{norm}.weight": (width,) for norm in ("attn_norm", "ffn_norm")}
        shapes |= {
            block + f"{name}.weight": (width, width) for name in ("attn_q", "attn_k", "attn_v", "attn_output")
        }
        shapes |= {block + f"{name}.weight": (width, hidden) for name in ("ffn_gate", "ffn_up")}
        shapes[block + "ffn_down.weight"] = (hidden, width)
    return shapes


def _check_tensors(reader: _Reader, count: int, fields: Mapping[str, Field], vocabulary: int) -> None:
    width, hidden = _whole(fields, "llama.embedding_length"), _whole(fields, "llama.feed_forward_length")
    heads, layers = _whole(fields, "llama.attention.head_count"), _whole(fields, "llama.block_count")
    if width % heads or fields.get("llama.attention.head_count_kv") != heads or layers > 256:
        raise _BrokenError("its heads do not fit its width")
    if (
        fields.get("llama.rope.dimension_count") != width // heads
        or fields.get("llama.vocab_size") != vocabulary
    ):
        raise _BrokenError("its measures contradict each other")
    expected = expected_tensors(width, hidden, layers, vocabulary)
    if count != len(expected):
        raise _BrokenError(f"it has {count} tensors instead of {len(expected)}")
    found: list[tuple[str, int, int]] = []
    for _ in range(count):
        name = reader.string()
        axes = int(reader.take("I"))
        if axes > 4:
            raise _BrokenError(f"tensor {name!r} has {axes} axes")
        shape = tuple(reader.length() for _ in range(axes))
        kind, offset = int(reader.take("I")), reader.length()
        if expected.pop(name, None) != shape or kind != (_F32 if axes == 1 else _Q8_0):
            raise _BrokenError(f"tensor {name!r} is not as it should be")
        found.append(
            (name, offset, 4 * shape[0] if axes == 1 else shape[0] * shape[1] // _BLOCK * _BLOCK_BYTES)
        )
    alignment = fields.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment not in (8, 16, 32, 64, 128):
        raise _BrokenError("its alignment is impossible")
    begin = -(-reader.at // alignment) * alignment
    digest = hashlib.sha256()
    for name, offset, size in found:
        if offset % alignment or begin + offset + size > len(reader.data):
            raise _BrokenError("it is truncated: a tensor lies outside the file")
        digest.update(name.encode())
        digest.update(memoryview(reader.data)[begin + offset : begin + offset + size])
    for name, weights in _opinions(fields, vocabulary).items():
        digest.update(name.encode() + struct.pack(f"<{len(weights)}f", *weights))
    if (weighing := _weighing(fields)) is not None:
        digest.update(weighing.digest())
    if _flag(fields, PREFIX.decode()):
        digest.update(PREFIX)
    if fields.get("casava.tensors") != digest.hexdigest():
        raise _BrokenError("its tensors are damaged")
