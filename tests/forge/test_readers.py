"""What reads a request apart from the network is fitted on requests."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from casava_os.forge import corpus, readers, synth
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.bags import slots
from casava_os.model.reader import Reader
from casava_os.model.tagger import NONE, Tagger

DELETE, GPU = "call:file.delete", "call:system.gpu"


def test_the_examples_are_requests_with_their_plans() -> None:
    some = list(islice(readers.examples(synth.sample, ["some names.txt"], 1), 200))
    assert len(some) == 200
    assert all(isinstance(plan[0], Control) and plan[0].name.startswith("call:") for _, plan in some)
    assert all(part.text in request for request, plan in some for part in plan if isinstance(part, Copy))
    assert some == list(islice(readers.examples(synth.sample, ["some names.txt"], 1), 200))


def test_what_needs_consent_is_attended_to() -> None:
    """Every example that does something of the kind, every one that seems to, and a share of the others."""
    size = 64
    hits = slots(["delete"], size)[0]
    words = bytes(1 if at == hits else 0 for at in range(size))
    first = Reader((DELETE, GPU), words, (1.0,) * size, (1.0, 0.0), (readers.TELLING - 0.5, 0.0))
    seems = "delete it? show the gpu"
    assert first.odds(seems)[0] >= readers.TELLING > first.odds("")[0]
    known: list[readers.Example] = [
        ("bin a.txt", [Control(DELETE)]), (seems, [Control(GPU)]), *[("", [Control(GPU)])] * 1000
    ]  # fmt: skip
    told = list(readers.telling(known, first))
    assert told[:2] == known[:2]
    assert 0.25 < (len(told) - 2) / 1000 < 0.45


def test_the_readers_requests_lean_to_the_synthesizer() -> None:
    line = corpus.Line("list", ({"call": "file.list"},))
    rng = random.Random(1)
    drawn = [readers.leaning(lambda _: line)(rng) for _ in range(400)]
    assert 0.5 < sum(one is line for one in drawn) / 400 < 0.6


def test_the_labels() -> None:
    assert {DELETE, GPU, "key:paths", "=:newest"} <= set(readers.parts())
    assert not {"end", "plan", "request", "stdin", "$1"} & set(readers.parts())
    assert {NONE, "in", "paths", "root", "to"} <= set(readers.keys())
    assert len(set(readers.keys())) == len(readers.keys())


def test_the_lessons_are_the_parts_of_a_plan_and_the_tags_of_its_words() -> None:
    plan: list[Segment] = [
        Control("call:file.move"),
        Control("key:paths"),
        Copy("a.txt"),
        Control("key:to"),
        Copy("my box"),
    ]
    example = ("put a.txt into my box, box", plan)
    ((read,),) = readers.of_reader([example])
    assert {readers.parts()[at] for at in read.labels} == {"call:file.move", "key:paths", "key:to"}
    (tagged,) = readers.of_tagger([example])
    assert [readers.keys()[lesson.labels[0]] for lesson in tagged] == [
        NONE,
        "paths",
        NONE,
        "to",
        "to",
        NONE,
        NONE,
    ]
    twice: readers.Example = (
        "move box to box",
        [Control("call:file.move"), Control("key:paths"), Copy("box")],
    )
    assert len(readers.of_tagger([twice])[0]) == 2, "which of the two it is nobody can tell"


def test_a_reader_learns_words_and_is_kept_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    rng = random.Random(1)
    known = []
    for _ in range(3000):
        deletes = rng.random() < 0.5
        text = f"{'remove' if deletes else 'graphics'} {rng.choice('abcdefgh')} {rng.choice('ijklmnop')}"
        known.append((text, [Control(DELETE if deletes else GPU)]))
    reader = readers.fit_reader(known, rounds=12)
    for text, yes, no in (("remove c k", DELETE, GPU), ("graphics a p", GPU, DELETE)):
        odds = dict(zip(reader.labels, reader.odds(text).tolist(), strict=True))
        assert odds[yes] > 0 > odds[no]
    path = tmp_path / readers.READER
    assert readers.load(path, Reader) is None
    readers.save(path, reader)
    assert readers.load(path, Reader) == reader


def test_a_tagger_learns_where_arguments_stand_and_not_what_they_are_called(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    rng = random.Random(1)
    known: list[readers.Example] = []
    for _ in range(1500):
        name, folder = ("".join(rng.choices("abcdefghij", k=5)) for _ in range(2))
        text = rng.choice((f"put {name} into {folder}", f"into {folder} put {name} now"))
        parts: list[Segment] = [Control("key:paths"), Copy(name), Control("key:to"), Copy(folder)]
        known.append((text, [Control("call:file.move"), *parts]))
    tagger = readers.fit_tagger(known)
    for text, tags in (
        ("put xyz into uvw", "none paths none to"),
        ("into pqr put stu now", "none to none paths none"),
    ):
        _, logs = tagger.read(text)
        assert [tagger.labels[at] for at in logs.argmax(1)] == tags.split()
    path = tmp_path / readers.TAGGER
    readers.save(path, tagger)
    assert readers.load(path, Tagger) == tagger
