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


def test_training_sees_both_kinds() -> None:
    rng = random.Random(7)
    drawn = [mix.sample(rng) for _ in range(400)]
    worded = sum(isinstance(example, corpus.Line) for example in drawn)
    assert 60 < worded < 140


def test_the_held_out_set_is_not_in_the_corpus() -> None:
    held_out = Path(corpus.__file__).parent.parent / "held_out" / "people.jsonl"
    blind = {corpus.mask(line) for line in corpus.parse(held_out.read_text(encoding="utf-8"), "people")}
    known = {corpus.mask(line) for line in corpus.load()}
    same = {masked for masked in blind & known if len(masked.split()) > 4}
    coincide = len(same)
    assert coincide <= len(blind) // 50, (
        "short requests coincide, a writer's sentences do not (they are not shown: the set stays blind)"
    )
