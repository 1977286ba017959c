"""The agent's own promises, without a sandbox around it: frames, old Pythons, one archive for all machines."""

from __future__ import annotations

import ast
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casava_sandbox import bundle
from casava_sandbox.agent.errors import Fault, fault_from
from casava_sandbox.agent.frames import MAX_FRAME, BadFrame, Decoder, Message, encode
from casava_sandbox.agent.values import as_input, render
from casava_syscalls.values import (
    Entry,
    Exit,
    Facts,
    Files,
    Match,
    Matches,
    Number,
    Question,
    Refusal,
    Table,
    Text,
    Value,
)

AGENT = Path(bundle.__file__).parent / "agent"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), JSON), max_size=5), st.integers(1, 50))
def test_frames_come_whole_however_they_are_cut(messages: list[Message], size: int) -> None:
    stream = b"".join(map(encode, messages))
    decoder = Decoder()
    found = [
        message
        for start in range(0, len(stream), size)
        for message in decoder.feed(stream[start : start + size])
    ]
    assert found == messages


@given(st.binary(max_size=200))
def test_a_bad_frame_costs_itself_only(body: bytes) -> None:
    good = encode({"op": "hello"})
    found = list(Decoder().feed(struct.pack(">I", len(body)) + body + good))
    assert found[-1] == {"op": "hello"}
    assert len(found) == 2


def test_a_frame_that_is_too_long_is_skipped_without_being_kept() -> None:
    decoder = Decoder()
    (first,) = decoder.feed(struct.pack(">I", MAX_FRAME + 10))
    assert isinstance(first, BadFrame)
    for _ in range((MAX_FRAME + 10) // 1000):
        assert list(decoder.feed(b"x" * 1000)) == []
    assert list(decoder.feed(b"x" * ((MAX_FRAME + 10) % 1000) + encode({"a": 1}))) == [{"a": 1}]
    with pytest.raises(BadFrame):
        encode({"text": "x" * MAX_FRAME})


@pytest.mark.parametrize(
    "value",
    [
        Text(text="a\nb\n"),
        Files(items=(Entry(path="a"), Entry(path="b/c"))),
        Matches(items=(Match(path="a", line=1, text="x"), Match(path="", line=2, text="y"))),
        Number(value=3, unit="files"),
        Number(value=2.5),
        Table(columns=("a", "b"), rows=((1, None), ("x", True))),
        Facts(items={"cpu": "x", "gpu": None}),
        Facts(items={"cpu": 4}),
        Exit(code=0, stdout="out\n"),
        Question(text="which?"),
        Refusal(reason="no"),
    ],
    ids=lambda value: value.kind,
)
def test_values_read_the_same_inside_and_outside(value: Value) -> None:
    assert render(value.model_dump(mode="json")) == value.render()


def test_paths_reach_a_program_as_the_file_system_spells_them() -> None:
    from casava_syscalls.names import name_to_text

    files = Files(items=(Entry(path=name_to_text(b"\xff")), Entry(path="b")))
    assert as_input(files.model_dump(mode="json")) == b"\xff\nb\n"
    assert as_input(Text(text="no newline").model_dump(mode="json")) == b"no newline"


def test_the_agent_needs_no_package_and_no_new_syntax() -> None:
    """It runs on python 3.8, in whatever image the person has."""
    allowed = set(sys.stdlib_module_names) | {"casava_sandbox.agent", "casava_syscalls.names"}
    for path in AGENT.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module}"]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith(
                    ("casava_sandbox.agent", "casava_syscalls.names")
                ), f"{path.name} imports {name}"


def test_the_archive_is_the_same_for_the_same_sources(tmp_path: Path) -> None:
    assert bundle.agent_archive(bundle.agent_sources()) == bundle.agent_archive(bundle.agent_sources())
    first = bundle.stage(tmp_path)
    changed = first.stat().st_mtime_ns
    assert bundle.stage(tmp_path) == first
    assert first.stat().st_mtime_ns == changed
    assert first.stat().st_mode & 0o777 == 0o444
    assert list(tmp_path.iterdir()) == [first]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "no", "/workspace/d/a"), "not-found"),
        (OSError(28, "full"), "disk-full"),
        (MemoryError(), "limit"),
        (ZeroDivisionError("division by zero"), "failed"),
        (Fault("type", "wrong"), "type"),
    ],
)
def test_every_exception_becomes_an_expected_failure(error: BaseException, code: str) -> None:
    assert fault_from(error).code == code
    assert "/workspace" not in fault_from(error).message


class Served:
    """The agent's archive, run by this Python outside of any sandbox."""

    def __init__(self, place: Path) -> None:
        (place / "w").mkdir()
        (place / "s").mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(bundle.stage(place)), str(place / "w"), str(place / "s")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )

    def ask(self, raw: bytes) -> Message:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(raw)
        (size,) = struct.unpack(">I", self.process.stdout.read(4))
        body = b""
        while len(body) < size:
            body += self.process.stdout.read(size - len(body))
        message: Message = json.loads(body)
        return message


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    agent = Served(tmp_path)
    yield agent
    for stream in (agent.process.stdin, agent.process.stdout, agent.process.stderr):
        assert stream is not None
        stream.close()
    assert agent.process.wait(10) == 0


def test_it_survives_nonsense(served: Served) -> None:
    for raw in (
        struct.pack(">I", 5) + b"hello",
        struct.pack(">I", 3) + b"[1]",
        struct.pack(">I", 2) + b"\xff\xff",
        encode({}),
        encode({"op": "perform"}),
        encode({"op": "perform", "id": -1, "step": 1, "call": {}}),
        encode({"op": "perform", "id": 1, "step": 1, "call": []}),
        encode({"op": "read", "id": 2, "step": 9, "offset": 0}),
        encode({"op": "put", "id": 3, "step": 1, "part": "no json"}),
    ):
        assert served.ask(raw)["ok"] is False, raw
    answer = served.ask(encode({"op": "hello", "id": 4, "limits": {}}))
    assert answer["ok"] is True


def test_a_program_ends_with_the_stream(served: Served, tmp_path: Path) -> None:
    """Whoever started the agent may be killed at any time."""
    assert served.process.stdin is not None
    call = {"call": "process.run", "command": "echo $$ > pid; exec sleep 99999"}
    served.process.stdin.write(encode({"op": "perform", "id": 1, "step": 1, "call": call}))
    pid_file = tmp_path / "w" / "pid"
    while not (pid_file.exists() and pid_file.read_text()):
        pass
    served.process.stdin.close()
    assert served.process.wait(10) == 0
    assert not os.path.exists(f"/proc/{pid_file.read_text().strip()}")
