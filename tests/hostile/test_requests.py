"""Requests that nobody should send, and kernel models that are none."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from tests.hostile.attack import Desk

REQUESTS: dict[str, str | bytes] = {
    "empty": "",
    "blank": " \t\n ",
    "100 KB": "delete all files " * 6000,
    "a control character": "list \x07 files",
    "an escape sequence": "list \x1b[2J\x1b]0;owned\x07 files",
    "bytes that are no text": b"delete \xff\xfe\x80",
    "a character that turns text around": "delete \u202etxt.a",
    "a mark that changes direction": "delete \u2066everything",
}


def test_a_request_that_is_none_is_2(any_desk: Desk) -> None:
    with any_desk.unchanged():
        every = any_desk.each(*(("run", "--yes", request) for request in REQUESTS.values()))
    for name, ran in zip(REQUESTS, every, strict=True):
        assert ran.code == 2, (name, ran)
        assert not {"\x1b", "\x07", "\u202e"} & set(ran.explained(2).err), name
        assert len(ran.err) < 2000, name


def test_nul_and_binary_on_stdin_do_no_harm(any_desk: Desk) -> None:
    """Piped input is data: what it holds is never looked at as a request."""
    with any_desk.unchanged():
        ran = any_desk("run", "--yes", "", stdin=b"delete everything\0\xff\x1b[2J" * 1000).explained(2)
    assert "\x1b" not in ran.err


def _gguf() -> dict[str, bytes]:
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)

    def text(text: bytes) -> bytes:
        return struct.pack("<Q", len(text)) + text

    return {
        "empty": b"",
        "text": b"I am no model\n",
        "magic only": b"GGUF",
        "header only": header,
        "version 99": b"GGUF" + struct.pack("<IQQ", 99, 0, 0),
        "endless counts": b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63),
        "endless string": header + struct.pack("<Q", 2**62),
        "endless array": header + text(b"k") + struct.pack("<IIQ", 9, 4, 2**60),
        "nested arrays": header + text(b"k") + (struct.pack("<I", 9) + struct.pack("<IQ", 9, 1)) * 5000,
        "another architecture": b"GGUF"
        + struct.pack("<IQQ", 3, 0, 1)
        + text(b"general.architecture")
        + struct.pack("<I", 8)
        + text(b"clip"),
        "noise": b"GGUF" + bytes(range(256)) * 4000,
    }


def test_a_model_that_is_none_is_7(any_desk: Desk, tmp_path: Path) -> None:
    files = _gguf()
    for number, data in enumerate(files.values()):
        (tmp_path / f"{number}.gguf").write_bytes(data)
    with any_desk.unchanged():
        every = any_desk.each(
            *(
                ("run", "--yes", "--model", str(tmp_path / f"{n}.gguf"), "delete all")
                for n in range(len(files))
            )
        )
    for name, ran in zip(files, every, strict=True):
        assert ran.code == 7, (name, ran)
        ran.explained(7)


def test_a_model_that_is_no_file_is_7(any_desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "folder.gguf").mkdir()
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "endless.gguf").symlink_to("/dev/zero")
    (tmp_path / "loop.gguf").symlink_to("loop.gguf")
    with (tmp_path / "sparse.gguf").open("wb") as sparse:
        sparse.write(b"GGUF")
        sparse.truncate(2**42)
    names = [str(tmp_path / f"{n}.gguf") for n in ("missing", "folder", "pipe", "endless", "loop", "sparse")]
    with any_desk.unchanged():
        for name, ran in zip(
            names,
            any_desk.each(*(("run", "--yes", "--model", name, "list files") for name in names)),
            strict=True,
        ):
            assert ran.code == 7, (name, ran)
            ran.explained(7)
