"""Standard output: bytes for a pipe, aligned and harmless for a terminal."""

from __future__ import annotations

import io
import os

import pytest

from casava_os.cli.output import Output
from casava_syscalls.values import (
    Entry,
    Exit,
    Facts,
    Files,
    Match,
    Matches,
    Number,
    Question,
    Table,
    Text,
    Value,
)

HOSTILE = "a\x1b]0;owned\x07\u202egpj.exe"


def written(value: Value, *, tty: bool = False, null: bool = False) -> bytes:
    stream = io.BytesIO()
    Output(stream, tty=tty, null=null).value(value)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("value", "piped"),
    [
        (Files(items=(Entry(path="a"), Entry(path="b c"))), b"a\nb c\n"),
        (Files(items=(Entry(path="caf\uf7e9\nx"),)), b"caf\xe9\nx\n"),
        (Files(), b""),
        (Text(text="no newline"), b"no newline"),
        (Text(text="x\r\n\x1b[1m"), b"x\r\n\x1b[1m"),
        (Text(text=""), b""),
        (Number(value=3, unit="files"), b"3\n"),
        (Number(value=2.5), b"2.5\n"),
        (Table(columns=("a", "b"), rows=((1, None), ("x\ty\n", True))), b"a\tb\n1\t\nx\\ty\\n\tTrue\n"),
        (Matches(items=(Match(path="f", line=2, text="hit"),)), b"f:2:hit\n"),
        (Facts(items={"one": 1}), b"1\n"),
        (Facts(items={"one": 1, "two": None}), b"one\t1\ntwo\tabsent\n"),
        (Exit(code=3, stdout="out", stderr="err"), b"out"),
        (Question(text="Which?", choices=("a", "b")), b"Which?\n  1. a\n  2. b\n"),
    ],
)
def test_a_pipe_gets_data(value: Value, piped: bytes) -> None:
    assert written(value) == piped


def test_null_ends_names_unambiguously() -> None:
    assert written(Files(items=(Entry(path="a\nb"), Entry(path="c"))), null=True) == b"a\nb\0c\0"


@pytest.mark.parametrize(
    "value",
    [
        Files(items=(Entry(path=HOSTILE),)),
        Text(text=HOSTILE),
        Table(columns=("x",), rows=((HOSTILE,),)),
        Facts(items={"a": HOSTILE, "b": 1}),
        Exit(code=0, stdout=HOSTILE),
        Matches(items=(Match(path=HOSTILE, line=1, text=HOSTILE),)),
        Question(text=HOSTILE),
    ],
)
def test_a_terminal_gets_nothing_that_steers_it(value: Value) -> None:
    shown = written(value, tty=True).decode()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "owned" in shown


def test_a_terminal_gets_aligned_columns() -> None:
    shown = written(Table(columns=("name", "size"), rows=(("a", 5), ("日本", 1234))), tty=True).decode()
    assert shown == "name  size\n────  ────\na        5\n日本  1234\n"


def test_a_reader_that_went_away_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stream:
        output = Output(stream)
        output.text("x" * 100)
        assert output.gone
        output.text("more")


def test_a_closed_standard_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    Output().text("x")
