"""The hand-worded requests: every plan type-checks, every argument stands in its request, no wording twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from casava_os.forge import corpus, mix

FILES = sorted(Path(corpus.__file__).parent.glob("*.jsonl"))


def test_every_line_checks_and_none_is_worded_like_another() -> None:
    assert FILES
    assert corpus.check_files(FILES) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"request": "bad", "calls": [{"call": "file.read", "paths": ["a.txt"]}]}', "stands in the request"),
        ('{"request": "read a", "calls": [{"call": "file.reed", "paths": ["a"]}]}', "no syscall"),
        ('{"request": "read a", "calls": [{"call": "file.read", "pathz": ["a"]}]}', "no tagged field"),
        ('{"request": "sort this", "calls": [{"call": "text.sort", "source": "$0"}]}', "no standard input"),
        ('{"request": "count a", "calls": [{"call": "file.read", "paths": "$1"}]}', "not an earlier step"),
    ],
)
def test_a_wrong_line_is_found(line: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(line + "\n")
    (complaint,) = corpus.check_files([path])
    assert says in complaint


def test_lines_alike_but_for_their_arguments_are_found(tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    rows = [
        f'{{"request": "Read {n}", "calls": [{{"call": "file.read", "paths": ["{n}"]}}]}}'
        for n in ("a.txt", "b")
    ]
    path.write_text("\n".join(rows) + "\n")
    (complaint,) = corpus.check_files([path])
    assert "worded like twice:1" in complaint or "worded like twice.jsonl:1" in complaint


def test_training_sees_every_kind(tmp_path: Path) -> None:
    people = tmp_path / "people.jsonl"
    people.write_text('{"request": "list docs", "calls": [{"call": "file.list", "path": "docs"}]}\n')
    draw, rng = mix.Mix([people]), random.Random(7)
    drawn = [draw(rng) for _ in range(600)]
    assert 0.6 < sum(isinstance(example, corpus.Line) for example in drawn) / 600 < 0.8
    assert any(getattr(example, "writer", "") == "people" for example in drawn)


def test_two_lines_joined_are_a_plan_of_both() -> None:
    """The second's references move, and a line whose free text would swallow the rest is not followed."""
    first, second, open_ended = corpus.parse(
        '{"request": "Read a.txt.", "calls": [{"call": "file.read", "paths": ["a.txt"]}]}\n'
        '{"request": "Count the logs", "calls": [{"call": "file.find", "extension": ["logs"]}, '
        '{"call": "file.count", "paths": "$1"}]}\n'
        '{"request": "write hello world", "calls": [{"call": "file.write", "path": "x", "content": "hello world"}]}',
        "somebody",
    )
    both = mix.joined(first, second, " and then ")
    assert both.request == "Read a.txt and then count the logs"
    assert [call["call"] for call in both.calls] == ["file.read", "file.find", "file.count"]
    assert both.calls[2]["paths"] == "$2"
    assert corpus.problem(both) is None
    assert mix.may_be_followed(first)
    assert not mix.may_be_followed(open_ended)


def test_joined_lines_of_the_corpus_check() -> None:
    draw, rng = mix.Mix(), random.Random(3)
    longer = [line for _ in range(3000) if isinstance(line := draw(rng), corpus.Line) and len(line.calls) > 2]
    assert len(longer) > 100
    assert [line for line in longer if corpus.problem(line)] == []


def test_the_held_out_set_is_not_in_the_corpus() -> None:
    held_out = sorted((Path(corpus.__file__).parent.parent / "held_out").glob("*.jsonl"))
    assert held_out
    blind = {
        corpus.mask(line)
        for path in held_out
        for line in corpus.parse(path.read_text(encoding="utf-8"), path.stem)
    }
    known = {corpus.mask(line) for line in corpus.every()}
    same = {masked for masked in blind & known if len(masked.split()) > 4}
    coincide = len(same)
    assert coincide == 0, (
        "requests of up to four words coincide, sentences do not (not shown: the set stays blind)"
    )


def test_a_part_is_kept_for_calibration_and_never_drawn() -> None:
    kept, taught = corpus.load(calibration=True), corpus.load()
    assert len(kept) + len(taught) == len(list(corpus.every()))
    assert 0.03 < len(kept) / len(taught) < 0.11
    assert not {line.request for line in kept} & {line.request for line in taught}
    assert not {line.request for line in kept} & {line.request for line in mix.Mix()._written}
