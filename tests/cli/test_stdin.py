"""Standard input is found without ever blocking on a silent one."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from casava_os.cli.stdin import presence, spooled
from casava_syscalls.results import Err, Ok


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_dev_null_a_closed_one_and_an_empty_file_are_nothing(tmp_path: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    assert presence(null, 5) == "none"
    os.close(null)
    assert presence(null, 5) == "none"
    empty = tmp_path / "empty"
    empty.touch()
    with empty.open("rb") as file:
        assert presence(file.fileno(), 5) == "none"


def test_a_file_counts_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    descriptor = os.open(path, os.O_RDONLY)
    assert presence(descriptor, 0) == "piped"
    os.read(descriptor, 3)
    assert presence(descriptor, 0) == "none"
    os.close(descriptor)


def test_a_silent_pipe_is_given_up_after_the_grace(pipe: tuple[int, int]) -> None:
    began = time.monotonic()
    assert presence(pipe[0], 0.2) == "silent"
    assert 0.15 < time.monotonic() - began < 2


def test_a_slow_writer_is_waited_for_within_the_grace(pipe: tuple[int, int]) -> None:
    timer = threading.Timer(0.2, os.write, (pipe[1], b"late"))
    timer.start()
    assert presence(pipe[0], 10) == "piped"
    timer.join()


def test_a_silent_socket_is_given_up() -> None:
    left, right = socket.socketpair()
    with left, right:
        assert presence(left.fileno(), 0.1) == "silent"


def test_what_was_piped_lies_in_a_private_file_and_goes(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"one\ntwo\n")
    os.close(pipe[1])
    with spooled(pipe[0], 100) as kept:
        assert isinstance(kept, Ok)
        assert kept.value is not None
        assert kept.value.read_bytes() == b"one\ntwo\n"
        assert kept.value.stat().st_mode & 0o777 == 0o600
    assert not kept.value.exists()


def test_a_pipe_that_ends_without_a_byte_is_nothing(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    with spooled(pipe[0], 100) as kept:
        assert kept == Ok[Path | None](value=None)


def test_too_much_is_refused_and_nothing_is_left(
    pipe: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    os.write(pipe[1], b"x" * 101)
    os.close(pipe[1])
    with spooled(pipe[0], 100) as kept:
        assert isinstance(kept, Err)
        assert kept.code == "limit"
    assert list(tmp_path.iterdir()) == []


def test_a_non_blocking_descriptor_is_read_to_its_end(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[0], False)

    def write() -> None:
        for _ in range(3):
            time.sleep(0.05)
            os.write(pipe[1], b"x")
        os.close(pipe[1])

    writer = threading.Thread(target=write)
    writer.start()
    with spooled(pipe[0], 100) as kept:
        assert isinstance(kept, Ok)
        assert kept.value is not None
        assert kept.value.read_bytes() == b"xxx"
    writer.join()
