"""A damaged or foreign model file is an error with a next step, never a crash inside llama.cpp."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from casava_os import model
from casava_os.model import gguf_file
from casava_os.model.weighing import EVIDENCE, FEATURES
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


def at(data: bytes, place: int) -> bytes:
    """The file with one byte changed."""
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "four bytes": lambda data: data[:4],
    "only a header": lambda data: data[:24],
    "half": lambda data: data[: len(data) // 2],
    "last byte missing": lambda data: data[:-1],
    "not a GGUF": lambda data: b"MZ" + data[2:],
    "another version": lambda data: data[:4] + b"\x02" + data[5:],
    "huge tensor count": lambda data: data[:8] + b"\xff" * 8 + data[16:],
    "huge field count": lambda data: data[:16] + b"\xff" * 8 + data[24:],
    "long first key": lambda data: data[:24] + b"\xff" * 7 + b"\x7f" + data[32:],
    "another architecture": lambda data: data.replace(
        b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0mamba", 1
    ),
    "a bit of a tensor": lambda data: data[:-5000] + bytes([data[-5000] ^ 1]) + data[-4999:],
    "to be read in one direction": lambda data: data.replace(
        b"casava.prefix\x07\0\0\0\x01", b"casava.prefix\x07\0\0\0\0"
    ),
    "a text token that is none": lambda data: at(
        data, data.index(b"tokenizer.ggml.token_type") + 25 + 16 + 4 * 5000
    ),
    "another ABI": lambda data: data.replace(b"file.delete", b"file.remove"),
    "a control token renamed": lambda data: data.replace(b"<|call:file.delete|>", b"<|call:file.rename|>"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_refused_with_a_next_step(kind: str, shipped: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    broken = DAMAGE[kind](shipped)
    assert broken != shipped
    path.write_bytes(broken)
    loaded = model.load(str(path))
    assert isinstance(loaded, Err)
    assert loaded.code == "no-model"
    assert loaded.title
    assert str(path) in loaded.message
    assert loaded.hint


WEIGHED: dict[str, gguf_file.Field] = {
    "casava.weighing.features": FEATURES,
    "casava.weighing.choice": (0.5,) * len(FEATURES),
    "casava.weighing.certainty": (0.25,) * EVIDENCE,
    "casava.reader.labels": ("call:file.find", "key:root"),
    "casava.reader.words": bytes(6),
    "casava.reader.scales": (1.0, 1.0),
    "casava.reader.parts": (0.5,) * 6,
    "casava.reader.shifts": (0.0, 1.0),
    "casava.tagger.labels": ("none", "in", "root"),
    "casava.tagger.words": bytes(4),
    "casava.tagger.scales": (1.0, 1.0),
    "casava.tagger.parts": (0.5,) * 6,
    "casava.tagger.shifts": (0.0, 1.0, 2.0),
    "casava.tagger.hidden": (0.0, 1.0),
}


def test_what_plans_are_weighed_by_is_read() -> None:
    weighing = gguf_file._weighing(WEIGHED)
    assert weighing is not None
    assert (weighing.reader.labels, weighing.reader.hidden) == (("call:file.find", "key:root"), ())
    assert (weighing.tagger.labels, weighing.tagger.hidden) == (("none", "in", "root"), (0.0, 1.0))
    read = weighing.read("find a.txt in b")
    assert read.odds.tolist() == [0.0, 1.0]
    assert len(weighing.tagger.chances("find a.txt in b", read.tagged, [])[1]) == 4
    assert gguf_file._weighing({}) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("casava.weighing.features", ("likelihood",)),
        ("casava.weighing.choice", (0.5,)),
        ("casava.weighing.certainty", (math.nan,) * EVIDENCE),
        ("casava.reader.labels", ("call:file.find", "call:nothing")),
        ("casava.reader.labels", ("key:root", "key:root")),
        ("casava.reader.words", b""),
        ("casava.reader.words", bytes(5)),
        ("casava.reader.words", bytes(8)),
        ("casava.reader.scales", ()),
        ("casava.reader.scales", (1.0, math.inf)),
        ("casava.reader.shifts", (0.0,)),
        ("casava.tagger.labels", ()),
        ("casava.tagger.labels", ("in", "root", "to")),
        ("casava.tagger.labels", ("none", "in", "elsewhere")),
        ("casava.tagger.labels", None),
        ("casava.tagger.parts", (0.5,) * 5),
        ("casava.tagger.hidden", (0.0,)),
        ("casava.tagger.hidden", (0.0, 1)),
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
    """Random bytes all over the file: refused, or read as an equally valid file (a name, a licence)."""
    rng = random.Random(7)
    path = tmp_path / "fuzzed.gguf"
    refused = 0
    for _ in range(60):
        at = rng.randrange(4000) if rng.random() < 0.5 else rng.randrange(len(shipped))
        path.write_bytes(shipped[:at] + bytes([shipped[at] ^ rng.randrange(1, 256)]) + shipped[at + 1 :])
        read = gguf_file.read(path)
        refused += isinstance(read, Err)
    assert refused >= 40


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
