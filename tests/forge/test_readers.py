"""What reads a request apart from the network is fitted on requests."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from casava_os.forge import corpus, prose, readers, synth
from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.encoder import LONGEST, WIDTH, said, sound
from casava_os.model.reader import Reader
from casava_os.model.tagger import NONE

TOLD = ("The list is empty.", "Returns the names of all files.")
DELETE, GPU = "call:file.delete", "call:system.gpu"


def test_the_examples_are_requests_with_their_plans() -> None:
    some = list(islice(readers.examples(synth.sample, ["some names.txt"], 1), 200))
    assert len(some) == 200
    assert all(isinstance(plan[0], Control) and plan[0].name.startswith("call:") for _, plan in some)
    assert all(part.text in request for request, plan in some for part in plan if isinstance(part, Copy))
    assert some == list(islice(readers.examples(synth.sample, ["some names.txt"], 1), 200))


def test_the_readers_requests_lean_to_the_synthesizer() -> None:
    line = corpus.Line("list", ({"call": "file.list"},))
    rng, lean = random.Random(1), readers.leaning(lambda _: line, TOLD)
    drawn = [lean(rng) for _ in range(1000)]
    assert 0.46 < sum(one is line for one in drawn) / 1000 < 0.56
    assert 0.04 < sum(isinstance(one, prose.Sentence) for one in drawn) / 1000 < 0.1, (
        "and some ask for nothing"
    )


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
    found = readers.lessons(iter([("put a.txt into my box, box", plan)]), 1)
    assert {readers.parts()[at] for at in found.labels[0]} == {"call:file.move", "key:paths", "key:to"}
    words = list(found.words)
    assert [words[at] for at in found.ids[0]] == ["^", "put", "<a.a>", "into", "my", "box", ",", "box", "$"]
    tags = [None if at == readers.UNKNOWN else readers.keys()[at] for at in found.tags[0]]
    assert tags == [None, NONE, "paths", NONE, "to", "to", NONE, NONE, None]
    box: list[Segment] = [Control("call:file.move"), Control("key:paths"), Copy("box")]
    twice = readers.lessons(iter([("move box to box", box)]), 1)
    assert list(twice.tags[0]).count(readers.UNKNOWN) == 4, "which of the two it is nobody can tell"


def test_a_long_request_is_taught_as_far_as_it_is_listened_to() -> None:
    long = " ".join(["word"] * 300)
    found = readers.lessons(iter([(f"show {long}", [Control("call:ask")])]), 1)
    assert len(found.ids[0]) == len(found.tags[0]) == LONGEST


def test_lessons_are_the_same_whoever_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_CHUNK", 120)
    monkeypatch.setattr(prose, "sentences", lambda: TOLD)
    one, other = (readers.gather([], ["some names.txt"], 300, 3, threads) for threads in (1, 2))
    assert len(one.ids) == 300
    assert {"^", "names"} <= one.words.keys()
    assert (one.words, one.ids, one.labels, one.tags) == (other.words, other.ids, other.labels, other.tags)


def learned(count: int = 6000) -> readers.Lessons:
    """Two verbs, each with its call; what stands behind `put` goes, and behind `into` it goes there."""
    rng = random.Random(1)
    known: list[readers.Example] = []
    for _ in range(count):
        name, folder = ("".join(rng.choices("abcdefghij", k=5)) for _ in range(2))
        if rng.random() < 0.5:
            known.append((f"graphics {name} please", [Control(GPU)]))
            continue
        text = rng.choice((f"remove {name} into {folder}", f"into {folder} remove {name} now"))
        parts: list[Segment] = [Control("key:paths"), Copy(name), Control("key:to"), Copy(folder)]
        known.append((text, [Control(DELETE), *parts]))
    return readers.lessons(iter(known), len(known))


def test_a_reader_learns_words_and_places_and_is_kept_as_it_was(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from casava_os.forge import encoder

    reader = readers.fit(learned(), rounds=4)
    for text, yes, no in (("remove xyz into uvw", DELETE, GPU), ("graphics lmn please", GPU, DELETE)):
        odds = dict(zip(reader.labels, reader.odds(text).tolist(), strict=True))
        assert odds[yes] > 0 > odds[no]
    for text, tags in (
        ("remove xyz into uvw", "none paths none to"),
        ("into pqr remove stu now", "none to none paths none"),
    ):
        heard = reader.hear(text)
        assert [reader.tags[at] for at in heard.tags.argmax(1)] == tags.split()
    path = tmp_path / readers.READER
    assert readers.load(path) is None
    readers.save(path, reader)
    assert readers.load(path) == reader
    net = encoder.Listener(len(reader.labels), len(reader.tags)).eval()
    with torch.no_grad():
        net.take(reader.encoder.matrices)
        for text in ("remove xyz into uvw", "graphics", "what, 'else' is a.txt"):
            rows = [sound(word) for word in said(atoms(text))]
            padded = torch.cat((net.embedded(rows)[None], torch.randn(1, 3, WIDTH)), 1)
            parts, tagged = net(padded, torch.tensor([len(rows)]))
            mine, tags_of_mine = reader.encoder(rows)
            assert np.abs(mine - parts[0].numpy()).max() < 1e-3, "padding changes nothing"
            theirs = tagged[0, 1 : len(rows) - 1].log_softmax(-1).numpy()
            assert np.abs(tags_of_mine - theirs).max() < 1e-3


def test_a_reader_goes_on_from_what_it_knows() -> None:
    pytest.importorskip("torch")
    known, more = readers.fit(learned(), rounds=4), learned(1500)
    more.join(readers.lessons(iter([("the files are gone", [Control("call:ask")])] * 1500), 1500))

    def odds(reader: Reader, text: str, label: str) -> float:
        return float(reader.odds(text)[reader.labels.index(label)])

    def knows(reader: Reader) -> bool:
        return odds(reader, "remove xyz into uvw", DELETE) > 0 < odds(reader, "graphics lmn please", GPU)

    gone_on = readers.fit(more, known=known)
    assert gone_on.lexicon == known.lexicon
    assert knows(known)
    assert knows(gone_on)
    assert not knows(readers.fit(more)), "so few are too few to begin with"
    told = ("the files are gone", "call:ask")
    assert odds(gone_on, *told) > odds(known, *told) + 1
    with pytest.raises(ValueError, match="other syscalls"):
        readers.fit(more, known=replace(known, labels=known.labels[1:]))
