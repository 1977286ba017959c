"""Reads and checks a GGUF file before llama.cpp may touch it: llama.cpp ends the program on some damaged files.

Every length is checked against the file's size, the header must have exactly the fields that the forge writes, of their types,
every tensor must lie inside the file and have the type and the shape that the `llama` architecture gives it, and the digest of all the file's bytes but its own must be the one the forge wrote.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from casava_os.kernel.compiler.tagged import CALLS, END, STRUCTURE, control_names
from casava_os.model.encoder import TABLES, Encoder, Matrix, shapes
from casava_os.model.reader import Reader
from casava_os.model.slips import Lexicon
from casava_os.model.tagger import INSIDE, NONE
from casava_os.model.weighing import CONSENT, EVIDENCE, FEATURES, Weighing
from casava_syscalls.results import Err, Ok, Result

MAGIC, VERSION = b"GGUF", 3
LARGEST = 2 * 2**30
"""Files above this size are not ours. Bytes."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_BYTE, _STRING, _ARRAY = 0, 8, 9
_F32, _Q8_0 = 0, 8
_NORMAL, _CONTROL = 1, 3
"""A text token's and a control token's type in a GGUF vocabulary."""
_ALIGNMENT = 32
"""Tensors begin at multiples of so many bytes."""
_BLOCK, _BLOCK_BYTES = 32, 34
"""Q8_0 stores 32 weights in 34 bytes."""

NO_KEYS = frozenset({f"key:{NONE}", f"key:{INSIDE}"})
"""The tagger's labels that no key of a plan is for, spelled like one."""

PREFIX = "casava.prefix"
"""The field that says that a prompt is read in both directions."""

DIGEST = "casava.digest"
"""The field of the hexadecimal sha256 of the file without these `DIGITS` characters."""
DIGITS = 64

_U32, _I32, _F32_FIELD, _BOOL, _U64 = 4, 5, 6, 7, 10
_TEXTS, _REALS, _BYTES = (_ARRAY, _STRING), (_ARRAY, _F32_FIELD), (_ARRAY, _BYTE)
Form = int | tuple[int, int]
"""A field's type in GGUF; of a list also that of what is in it."""

_FORMS: dict[str, Form] = {
    **dict.fromkeys((f"general.{name}" for name in ("architecture", "name", "version", "license")), _STRING),
    "general.file_type": _U32,
    **dict.fromkeys(
        (
            f"llama.{name}"
            for name in (
                "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
                "attention.head_count_kv", "rope.dimension_count", "vocab_size",
            )
        ),
        _U32,
    ),
    "llama.rope.freq_base": _F32_FIELD,
    "llama.attention.layer_norm_rms_epsilon": _F32_FIELD,
    "tokenizer.ggml.model": _STRING,
    "tokenizer.ggml.pre": _STRING,
    "tokenizer.ggml.tokens": _TEXTS,
    "tokenizer.ggml.token_type": (_ARRAY, _I32),
    "tokenizer.ggml.merges": _TEXTS,
    "tokenizer.ggml.eos_token_id": _U32,
    "tokenizer.ggml.add_bos_token": _BOOL,
    "casava.controls": _STRING,
    "casava.calls": _TEXTS,
    "casava.slope": _F32_FIELD,
    "casava.offset": _F32_FIELD,
    "casava.basis": _STRING,
    PREFIX: _BOOL,
    "casava.trained_tokens": _U64,
    DIGEST: _STRING,
}  # fmt: skip
"""What every file of ours has …"""

_WEIGHING_FORMS: dict[str, Form] = {
    "casava.weighing.features": _TEXTS,
    **dict.fromkeys((f"casava.weighing.{name}" for name in ("choice", "certainty", "consent")), _REALS),
    "casava.reader.labels": _TEXTS,
    "casava.reader.tags": _TEXTS,
    "casava.reader.lexicon": _STRING,
    **{
        f"casava.reader.{name}.{part}": form
        for name in shapes(1, 1)
        for part, form in (("numbers", _BYTES), ("scales", _REALS), ("shifts", _REALS))
        if part != "shifts" or name not in TABLES
    },
}  # fmt: skip
"""… and what one has whose plans are weighed."""

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
    weighing: Weighing | None = None
    """What its plans are weighed by; None of one that is still being made."""
    prefix: bool = False
    """It reads a request in both directions, and writes the plan from left to right."""


class _BrokenError(Exception):
    """The file is not what it should be; the message says how. Does not leave this module."""


class _Reader:
    """A cursor over the file's bytes that never leaves them."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.sealed = 0
        """Where the digest stands, in bytes from the beginning; 0 where none was seen."""
        self.forms: dict[str, Form] = {}

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
    """Whether a header is that of a casava-smol model, be it a damaged one."""
    return any(key.startswith("casava.") for key in fields)


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
        if key in fields:
            raise _BrokenError(f"its header has {key} twice")
        kind, begin = int(reader.take("I")), reader.at
        fields[key] = reader.value(kind)
        reader.forms[key] = (
            (kind, struct.unpack_from("<I", reader.data, begin)[0]) if kind == _ARRAY else kind
        )
        if key == DIGEST:
            reader.sealed = reader.at - DIGITS
    return fields, tensor_count


def _check_forms(forms: Mapping[str, Form]) -> None:
    """Nothing that llama.cpp could read is there but what the forge writes: it ends the program on some values of some fields."""
    expected = _FORMS | (_WEIGHING_FORMS if "casava.weighing.features" in forms else {})
    for key, form in forms.items():
        if key not in expected:
            raise _BrokenError(f"its header has the field {key!r}, which no model of ours has")
        if form != expected[key]:
            raise _BrokenError(f"{key} is of another type")
    if missing := expected.keys() - forms.keys():
        raise _BrokenError(f"its header has no {min(missing)}")


def digest_of(data: bytes, at: int) -> str:
    """What `DIGEST` says of a file in which it stands `at` so many bytes from the beginning."""
    digest = hashlib.sha256(memoryview(data)[:at])
    digest.update(memoryview(data)[at + DIGITS :])
    return digest.hexdigest()


def seal(path: Path) -> None:
    """Writes its digest into a file that has a field of that length for it. Raises `ValueError` for one that has none."""
    data = path.read_bytes()
    reader = _Reader(data)
    try:
        found = _fields(reader)[0].get(DIGEST)
    except _BrokenError as problem:
        raise ValueError(f"{path}: {problem}") from None
    if not isinstance(found, str) or len(found.encode()) != DIGITS:
        raise ValueError(f"{path} has no field {DIGEST}")
    with path.open("r+b") as file:
        file.seek(reader.sealed)
        file.write(digest_of(data, reader.sealed).encode())


def _checked(path: Path, data: bytes) -> Weights:
    reader = _Reader(data)
    fields, tensor_count = _fields(reader)
    _check_kind(fields)
    if not reader.sealed:
        raise _BrokenError("it was made by another version of the forge")
    if fields[DIGEST] != digest_of(data, reader.sealed):
        raise _BrokenError("it is damaged")
    _check_forms(reader.forms)
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
        weighing=_weighing(fields),
        prefix=_flag(fields, PREFIX),
    )


def _check_kind(fields: Mapping[str, Field]) -> None:
    if fields.get("general.architecture") != "llama":
        raise _BrokenError(f"its architecture is {fields.get('general.architecture')!r}, not 'llama'")
    if not is_ours(fields):
        raise _BrokenError("it is no casava-smol model")
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
    if fields["tokenizer.ggml.add_bos_token"]:
        raise _BrokenError("its prompts begin with another token")
    return names


def _calls(fields: Mapping[str, Field]) -> frozenset[str]:
    calls = fields.get("casava.calls")
    if not isinstance(calls, tuple) or not {str(call) for call in calls} <= set(CALLS):
        raise _BrokenError("it was made for another version of the syscalls")
    return frozenset(str(call) for call in calls)


def _weighing(fields: Mapping[str, Field]) -> Weighing | None:
    if "casava.weighing.features" not in fields:
        return None
    if fields["casava.weighing.features"] != FEATURES:
        raise _BrokenError("its plans are weighed by what this version does not look at")
    reader = _heard_by(fields)
    names = set(control_names())
    if not set(reader.labels) <= names:
        raise _BrokenError("its reader knows parts of plans that there are not")
    if NONE not in reader.tags or not {f"key:{tag}" for tag in reader.tags} - NO_KEYS <= names:
        raise _BrokenError("its reader knows arguments that there are not")
    return Weighing(
        reader,
        _reals(fields, "casava.weighing.choice", len(FEATURES)),
        _reals(fields, "casava.weighing.certainty", EVIDENCE),
        _reals(fields, "casava.weighing.consent", CONSENT),
    )


def _heard_by(fields: Mapping[str, Field]) -> Reader:
    """The reader of a file, every matrix as large as it must be."""
    labels, tags = (fields.get(f"casava.reader.{name}") for name in ("labels", "tags"))
    if not isinstance(labels, tuple) or not isinstance(tags, tuple):
        raise _BrokenError("its reader has no labels")
    for some in (labels, tags):
        if not some or len(set(some)) < len(some):
            raise _BrokenError("its reader has no labels, or one of them twice")
    matrices = {}
    for name, (rows, columns) in shapes(len(labels), len(tags)).items():
        at = f"casava.reader.{name}"
        numbers = fields.get(f"{at}.numbers")
        if not isinstance(numbers, bytes) or len(numbers) != rows * columns:
            raise _BrokenError(f"a matrix of its reader ({name}) is not as large as it should be")
        scales = _reals(fields, f"{at}.scales", rows)
        shifts = () if name in TABLES else _reals(fields, f"{at}.shifts", rows)
        matrices[name] = Matrix(numbers, scales, shifts)
    words = fields.get("casava.reader.lexicon")
    if not isinstance(words, str) or not words.replace(" ", "a").isalpha():
        raise _BrokenError("its reader has no words")
    return Reader(
        tuple(map(str, labels)), tuple(map(str, tags)), Encoder(matrices), Lexicon(tuple(words.split()))
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
    epsilon, base = _real(fields, "llama.attention.layer_norm_rms_epsilon"), fields["llama.rope.freq_base"]
    if not 0 < epsilon < 0.01 or not isinstance(base, float) or not 1 <= base <= 1e7:
        raise _BrokenError("its network cannot be reckoned")
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
    found: list[tuple[int, int]] = []
    for _ in range(count):
        name = reader.string()
        axes = int(reader.take("I"))
        if axes > 4:
            raise _BrokenError(f"tensor {name!r} has {axes} axes")
        shape = tuple(reader.length() for _ in range(axes))
        kind, offset = int(reader.take("I")), reader.length()
        if expected.pop(name, None) != shape or kind != (_F32 if axes == 1 else _Q8_0):
            raise _BrokenError(f"tensor {name!r} is not as it should be")
        size = 4 * shape[0] if axes == 1 else shape[0] * shape[1] // _BLOCK * _BLOCK_BYTES
        found.append((offset, size))
    begin = -(-reader.at // _ALIGNMENT) * _ALIGNMENT
    for offset, size in found:
        if offset % _ALIGNMENT or begin + offset + size > len(reader.data):
            raise _BrokenError("it is truncated: a tensor lies outside the file")
