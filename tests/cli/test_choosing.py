"""A question that stands for plans, at a terminal: the person types a number, and that plan runs like any other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from casava_os.cli.follow import Front
from casava_os.kernel.events import BaseEvent, Compiled
from casava_os.kernel.options import RunOptions
from casava_os.kernel.ports import Draft
from tests.kernel.doubles import Bench

WRITE = {"call": "file.write", "path": "b.txt", "content": "new\n"}
UNSURE = Draft(steps=({"call": "file.find"},), confidence=0.01, others=((WRITE,),))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, {"huh": UNSURE})


@pytest.fixture
def typed() -> Iterator[int]:
    """Where what the person types goes in; standard input is its other end."""
    before = os.dup(0)
    reads, writes = os.pipe()
    os.dup2(reads, 0)
    os.close(reads)
    yield writes
    os.dup2(before, 0)
    os.close(before)
    os.close(writes)


def chosen(bench: Bench, options: RunOptions) -> tuple[int, list[BaseEvent]]:
    seen: list[BaseEvent] = []
    code = Front().follow(
        lambda kernel: kernel.run("huh", workspace=bench.workspace, options=options),
        kernel=bench.kernel,
        seen=seen.append,
        meant=lambda kernel, plan: kernel.run_plan(plan, workspace=bench.workspace, options=options),
    )
    return code, seen


def test_the_chosen_plan_runs_with_approval(
    bench: Bench, typed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    code, seen = _answered(bench, typed, b"2\n", RunOptions())
    assert code == 3  # held: nobody approved it
    assert [event.steps[0].line.split()[0] for event in seen if isinstance(event, Compiled)] == ["file.write"]
    assert bench.files() == {}
    out, err = capfd.readouterr()
    assert '  2. put "new " into b.txt' in out
    assert "Which one? [1/2, Enter for none]" in err


def _answered(
    bench: Bench, typed: int, line: bytes, options: RunOptions, then: bytes = b""
) -> tuple[int, list[BaseEvent]]:
    os.write(typed, line)
    if then:
        Timer(1.0, os.write, (typed, then)).start()
    return chosen(bench, options)


def test_a_number_that_is_none_of_them_is_asked_again(
    bench: Bench, typed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    code, seen = _answered(bench, typed, b"7\n", RunOptions(), then=b"1\n")
    assert code == 0
    assert [event.steps[0].line for event in seen if isinstance(event, Compiled)] == ["file.find"]
    assert "its number, or Enter for none of them: nothing has run" in capfd.readouterr().err


def test_enter_takes_none(bench: Bench, typed: int) -> None:
    code, seen = _answered(bench, typed, b"\n", RunOptions())
    assert code == 5
    assert not [event for event in seen if isinstance(event, Compiled)]
    assert bench.files() == {}
