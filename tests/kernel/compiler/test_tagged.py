"""The tagged form carries every plan that it can write, without loss."""

from __future__ import annotations

from datetime import datetime

import pytest

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import (
    Control,
    Copy,
    SurfaceCall,
    candidates,
    control_names,
    decode,
    encode,
    lower,
)
from casava_syscalls import SYSCALLS, Err, Ok, parse_plan

NOW = datetime.fromisoformat("2026-03-18")

CALLS: list[list[SurfaceCall]] = [
    [
        {"call": "file.find", "extension": [".tmp", "python"], "older_than": "a week"},
        {"call": "file.delete", "paths": "$1"},
    ],
    [
        {
            "call": "file.write",
            "path": {"name": "notes.txt", "in": "docs"},
            "content": "hello world",
            "how": "append",
        }
    ],
    [{"call": "file.find", "sort": "largest", "limit": 1}],
    [{"call": "file.chmod", "paths": ["run.sh"], "mode": "+x"}],
    [{"call": "file.find", "hidden": False, "empty": True}],
    [{"call": "file.copy", "paths": ["a", "b"], "to": "."}],
    [{"call": "ask", "about": "target"}],
    [{"call": "system.memory"}],
]


@pytest.mark.parametrize("calls", CALLS)
def test_there_and_back(calls: list[SurfaceCall]) -> None:
    assert decode(encode(calls)) == Ok(value=[dict(call) for call in calls])
    lowered = lower(calls, NOW)
    assert isinstance(lowered, Ok)
    assert isinstance(parse_plan({"steps": lowered.value}), Ok)


def test_lower_reads_what_people_write() -> None:
    lowered = lower(CALLS[0], NOW)
    assert isinstance(lowered, Ok)
    assert lowered.value[0] == {"call": "file.find", "extension": [".tmp", "py"], "older_than": "1 week"}
    joined = lower(CALLS[1], NOW)
    assert isinstance(joined, Ok)
    assert joined.value[0]["path"] == "docs/notes.txt"


def test_a_file_named_like_a_reference_stays_a_file() -> None:
    lowered = lower([{"call": "file.delete", "paths": [{"name": "x", "in": "$1"}]}], NOW)
    assert isinstance(lowered, Ok)
    assert lowered.value[0]["paths"] == ["$1/x"]
    segments = encode([{"call": "file.delete", "paths": ["$1"]}])
    assert Copy("$1") in segments, "a name inside a list is text, not a reference"


def test_controls_come_from_the_abi() -> None:
    names = control_names()
    assert len(names) == len(set(names))
    assert all(f"call:{call}" in names for call in SYSCALLS)


@pytest.mark.parametrize(
    "segments",
    [
        [],
        [Control("end")],
        [Copy("x")],
        [Control("key:paths"), Copy("x"), Control("end")],
        [Control("call:file.delete"), Control("key:nonsense"), Copy("x"), Control("end")],
        [Control("call:file.delete"), Control("key:paths"), Control("end")],
        [Control("call:file.delete"), Control("key:paths"), Copy("x")],
    ],
)
def test_a_malformed_sequence_is_an_err(segments: list[Control | Copy]) -> None:
    assert isinstance(decode(segments), Err)


def test_candidates_are_spans_that_can_be_that() -> None:
    request = 'Delete the .tmp files older than a week in "my docs", please'
    words = atoms(request)
    assert list(candidates("duration", words, request, NOW)) == ["a week", "week"]
    assert list(candidates("size", words, request, NOW)) == []
    assert "my docs" in candidates("path", words, request, NOW)
    assert "," not in candidates("path", words, request, NOW)
