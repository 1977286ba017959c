"""A damaged or foreign model file is an error with a next step, never a crash inside llama.cpp."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os import model
from casava_os.model import gguf_file
from casava_os.model.encoder import TABLES, shapes
from casava_os.model.weighing import CONSENT, EVIDENCE, FEATURES
from casava_syscalls.results import Err, Ok


@pytest.fixture(scope="module")
def shipped() -> bytes:
    path = model.shipped_weights()
    assert path is not None
    return path.read_bytes()


def test_the_shipped_file_passes_and_says_on_what_its_confidence_rests() -> None:
    path = model.shipped_weights()
    assert path is not None
    read = gguf_file.read(path)
    assert isinstance(read, Ok)
    assert read.value.slope > 0
    assert read.value.basis
    assert len(read.value.digest) == 64


def at(data: bytes, place: int, bits: int = 0xFF) -> bytes:
    """The file with one byte changed."""
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]


def field(key: str, kind: int, value: bytes) -> Callable[[bytes], bytes]:
    """The file with one more field in its header."""

    def more(data: bytes) -> bytes:
        reader = gguf_file._Reader(data)
        _, tensors = gguf_file._fields(reader)
        for _ in range(tensors):
            reader.string()
            for _ in range(int(reader.take("I"))):
                reader.length()
            reader.take("I")
            reader.length()
        count = int.from_bytes(data[16:24], "little") + 1
        added = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + value
        header = data[:16] + struct.pack("<Q", count) + added + data[24 : reader.at]
        return header + bytes(-len(header) % 32) + data[reader.at + -reader.at % 32 :]

    return more


def valued(key: str, value: float) -> Callable[[bytes], bytes]:
    """The file with another number in a field."""
    name = key.encode()

    def changed(data: bytes) -> bytes:
        place = data.index(name) + len(name) + 4
        return data[:place] + struct.pack("<f", value) + data[place + 4 :]

    return changed


EPSILON = "llama.attention.layer_norm_rms_epsilon"
FORGED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "another architecture": (
        "architecture is 'mamba'",
        lambda data: data.replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0mamba", 1),
    ),
    "a text token that is none": (
        "control tokens",
        lambda data: at(data, data.index(b"tokenizer.ggml.token_type") + 25 + 16 + 4 * 5000),
    ),
    "another ABI": (
        "another version of the syscalls",
        lambda data: data.replace(b"\0file.delete", b"\0file.remove"),
    ),
    "a control token renamed": (
        "vocabulary has a token twice",
        lambda data: data.replace(b"<|call:file.delete|>", b"<|call:file.rename|>"),
    ),
    "half": ("truncated", lambda data: data[: len(data) // 2]),
    "last byte missing": ("truncated", lambda data: data[:-1]),
    "another alignment": ("general.alignment", field("general.alignment", 4, struct.pack("<I", 8))),
    "experts": ("llama.expert_count", field("llama.expert_count", 4, struct.pack("<I", 8))),
    "no epsilon": ("cannot be reckoned", valued(EPSILON, -1.0)),
    "an epsilon that is no number": (EPSILON, valued(EPSILON, math.nan)),
    "a base of nothing": ("cannot be reckoned", valued("llama.rope.freq_base", 0.0)),
    "a slope that is no number": ("casava.slope", valued("casava.slope", math.nan)),
    "types of another width": (
        "tokenizer.ggml.token_type is of another type",
        lambda data: data.replace(
            b"tokenizer.ggml.token_type\x09\0\0\0\x05", b"tokenizer.ggml.token_type\x09\0\0\0\x04"
        ),
    ),
}
"""What is refused even if its digest is that of the file, and what is said of it."""

DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "empty": ("", lambda data: b""),
    "four bytes": ("", lambda data: data[:4]),
    "only a header": ("", lambda data: data[:24]),
    "not a GGUF": ("no GGUF", lambda data: b"MZ" + data[2:]),
    "another version": ("version 3", lambda data: data[:4] + b"\x02" + data[5:]),
    "huge tensor count": ("impossible number", lambda data: data[:8] + b"\xff" * 8 + data[16:]),
    "huge field count": ("impossible number", lambda data: data[:16] + b"\xff" * 8 + data[24:]),
    "long first key": ("longer than the file", lambda data: data[:24] + b"\xff" * 7 + b"\x7f" + data[32:]),
    "a bit of a tensor": (
        "it is damaged",
        lambda data: data[:-5000] + bytes([data[-5000] ^ 1]) + data[-4999:],
    ),
    "the last bit": ("it is damaged", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    "one byte more": ("it is damaged", lambda data: data + b"\0"),
    "to be read in one direction": (
        "it is damaged",
        lambda data: data.replace(b"casava.prefix\x07\0\0\0\x01", b"casava.prefix\x07\0\0\0\0"),
    ),
    "a merge of the tokenizer": (
        "it is damaged",
        lambda data: at(data, data.index(b"tokenizer.ggml.merges") + 21 + 16 + 8, 1),
    ),
    "another slope": ("it is damaged", lambda data: at(data, data.index(b"casava.slope") + 12 + 4, 1)),
    "another licence": ("it is damaged", lambda data: data.replace(b"apache-2.0", b"apache-3.0")),
    "the digest itself": ("it is damaged", lambda data: at(data, data.index(b"casava.digest") + 13 + 12, 1)),
    "no digest": (
        "another version of the forge",
        lambda data: data.replace(b"casava.digest", b"casava.digesx"),
    ),
    "another name for what makes it ours": (
        "it is damaged",
        lambda data: data.replace(b"casava.controls", b"casavb.controls"),
    ),
    "a field twice": ("casava.slope twice", field("casava.slope", 6, struct.pack("<f", 1.0))),
    "two digests": ("casava.digest twice", field("casava.digest", 8, struct.pack("<Q", 64) + b"0" * 64)),
}
"""What is refused, and what is said of it."""


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_refused_with_a_next_step(kind: str, shipped: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    said, broken = DAMAGE[kind][0], DAMAGE[kind][1](shipped)
    assert broken != shipped
    path.write_bytes(broken)
    assert said in refused(path).message


@pytest.mark.parametrize("kind", FORGED)
def test_what_cannot_be_right_is_refused_whatever_the_digest_says(
    kind: str, shipped: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "forged.gguf"
    said, forged = FORGED[kind][0], FORGED[kind][1](shipped)
    assert forged != shipped
    path.write_bytes(forged)
    refused(path)
    gguf_file.seal(path)
    assert said in refused(path).message


def test_a_seal_is_for_the_whole_file(shipped: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sealed.gguf"
    path.write_bytes(DAMAGE["another licence"][1](shipped))
    gguf_file.seal(path)
    assert isinstance(gguf_file.read(path), Ok)
    path.write_bytes(shipped.replace(b"casava.digest", b"casava.digesx"))
    with pytest.raises(ValueError, match=r"no field casava\.digest"):
        gguf_file.seal(path)
    path.write_bytes(shipped[:100])
    with pytest.raises(ValueError, match="in the middle of its header"):
        gguf_file.seal(path)


def refused(path: Path) -> Err:
    loaded = model.load(str(path))
    assert isinstance(loaded, Err)
    assert loaded.code == "no-model"
    assert loaded.title
    assert str(path) in loaded.message
    assert loaded.hint
    return loaded


SHAPES = shapes(2, 3)
SCALES = (1.0,) * SHAPES["attn1.up"][0]
WEIGHED: dict[str, gguf_file.Field] = {
    "casava.weighing.features": FEATURES,
    "casava.weighing.choice": (0.5,) * len(FEATURES),
    "casava.weighing.certainty": (0.25,) * EVIDENCE,
    "casava.weighing.consent": (0.25,) * CONSENT,
    "casava.reader.labels": ("call:file.find", "key:root"),
    "casava.reader.tags": ("none", "in", "root"),
    "casava.reader.lexicon": "find the move",
    **{
        f"casava.reader.{name}.{part}": value
        for name, (rows, columns) in SHAPES.items()
        for part, value in (
            ("numbers", bytes(rows * columns)),
            ("scales", (1.0,) * rows),
            ("shifts", (0.5,) * rows),
        )
        if part != "shifts" or name not in TABLES
    },
}


def test_what_plans_are_weighed_by_is_read() -> None:
    weighing = gguf_file._weighing(WEIGHED)
    assert weighing is not None
    assert (weighing.reader.labels, weighing.reader.tags) == (
        ("call:file.find", "key:root"),
        ("none", "in", "root"),
    )
    read = weighing.read("find a.txt in b")
    assert read.heard.parts.tolist() == [0.5, 0.5]
    assert len(weighing.reader.chances("find a.txt in b", read.heard, [])[1]) == 4
    assert weighing.reader.lexicon.mended("mvoe a.txt") == "move a.txt"
    assert gguf_file._weighing({}) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("casava.weighing.features", ("likelihood",)),
        ("casava.weighing.choice", (0.5,)),
        ("casava.weighing.certainty", (math.nan,) * EVIDENCE),
        ("casava.weighing.consent", None),
        ("casava.weighing.consent", (0.25,)),
        ("casava.reader.labels", ("call:file.find", "call:nothing")),
        ("casava.reader.labels", ("key:root", "key:root")),
        ("casava.reader.labels", ()),
        ("casava.reader.labels", None),
        ("casava.reader.tags", ("in", "root", "to")),
        ("casava.reader.tags", ("none", "in", "elsewhere")),
        ("casava.reader.tags", None),
        ("casava.reader.lexicon", None),
        ("casava.reader.lexicon", ""),
        ("casava.reader.lexicon", "move 2"),
        ("casava.reader.words.numbers", b""),
        ("casava.reader.words.numbers", bytes(7)),
        ("casava.reader.letters.scales", ()),
        ("casava.reader.conv0.in.numbers", None),
        ("casava.reader.attn1.up.scales", (math.inf, *SCALES[1:])),
        ("casava.reader.parts.shifts", (0.0,)),
        ("casava.reader.parts.shifts", None),
        ("casava.reader.tags.numbers", bytes(5)),
        ("casava.reader.tags.shifts", (0.0, 1, 2.0)),
    ],
)
def test_what_plans_are_weighed_by_is_refused_when_it_cannot_be(
    key: str, value: gguf_file.Field | None
) -> None:
    """Before anything is reckoned with it: numpy would raise, or say nothing and reckon nonsense."""
    fields = {name: old for name, old in WEIGHED.items() if name != key} | (
        {} if value is None else {key: value}
    )
    with pytest.raises(gguf_file._BrokenError):
        gguf_file._weighing(fields)


def test_no_single_changed_byte_of_the_header_reaches_llama_cpp_unseen(
    shipped: bytes, tmp_path: Path
) -> None:
    """Random bytes all over the file: refused, every one."""
    rng = random.Random(7)
    path = tmp_path / "fuzzed.gguf"
    for _ in range(60):
        at = rng.randrange(4000) if rng.random() < 0.5 else rng.randrange(len(shipped))
        path.write_bytes(shipped[:at] + bytes([shipped[at] ^ rng.randrange(1, 256)]) + shipped[at + 1 :])
        assert isinstance(gguf_file.read(path), Err), at
        if at < 4000:
            assert isinstance(model.load(str(path)), Err), at


@pytest.mark.parametrize(
    "name", ["gpt-4", "https://example.org/model.gguf", "/nowhere/model.gguf", "llama3:8b"]
)
def test_what_cannot_be_loaded_says_what_can(name: str) -> None:
    loaded = model.load(name)
    assert isinstance(loaded, Err)
    assert loaded.code == "no-model"
    assert "casava-smol" in loaded.hint


def test_a_directory_is_no_model(tmp_path: Path) -> None:
    folder = tmp_path / "folder.gguf"
    folder.mkdir()
    loaded = model.load(str(folder))
    assert isinstance(loaded, Err)
    assert loaded.code == "no-model"
