"""Which argument has which word of a request."""

from __future__ import annotations

import math

import numpy as np
import pytest

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import IN, Control, Copy, Segment
from casava_os.model.bags import slots
from casava_os.model.tagger import INSIDE, LEAST, NONE, Tagger, shape_of, tags, views

KEY = Control


def tagged(request: str, *plan: Segment) -> list[str]:
    """The tags of a request's words, those of one word with a comma; a question mark where nobody can tell."""
    found = tags(request, atoms(request), plan)
    return ["?" if some is None else ",".join(sorted(some)) for some in found]


def test_a_word_has_the_key_that_copies_it() -> None:
    plan = (
        Control("call:file.move"),
        KEY("key:paths"),
        Copy("a.txt"),
        Control("and"),
        Copy("b.txt"),
        KEY("key:to"),
        Copy("box"),
    )
    assert tagged("a.txt, b.txt go to box", *plan) == ["paths", NONE, "paths", NONE, NONE, "to"]


def test_a_run_of_words_a_quotation_and_a_name_in_a_directory() -> None:
    plan = (
        KEY("key:content"),
        Copy("buy milk"),
        KEY("key:path"),
        Copy("my list.txt"),
        Control(IN),
        Copy("notes"),
    )
    assert tagged("buy milk -> 'my list.txt' in notes", *plan) == [
        "content",
        "content",
        NONE,
        "path",
        NONE,
        INSIDE,
    ]


def test_a_word_of_two_arguments_has_both_tags_and_one_that_stands_there_twice_none_can_tell() -> None:
    plan = (KEY("key:paths"), Copy("a.txt"), KEY("key:root"), Copy("a.txt"))
    assert tagged("a.txt now", *plan) == ["paths,root", NONE]
    assert tagged("a.txt or a.txt", *plan) == ["?", NONE, "?"]
    assert tagged("at data", KEY("key:paths"), Copy("at")) == ["paths", NONE], (
        "inside another word it does not stand"
    )
    assert tagged("", *plan) == []


def test_what_is_looked_at_of_a_word_are_its_neighbours_and_what_it_looks_like() -> None:
    size = 2**20
    one, other = (views(atoms(text), size) for text in ("delete server.log now", "delete client.txt now"))
    assert one == other, "names that look alike are alike"
    assert views(atoms("delete 3 now"), size)[1] != one[1]
    assert set(one[0]) & set(one[2]) >= {*slots(["any delete", "any now", "first delete"], size)}
    assert [shape_of(word) for word in ("server.log", "10MB", "/etc/x", "v2")] == ["a.a", "0a", "/a/a", "a0"]
    assert views((), 8) == []
    assert all(0 <= slot < 8 for bag in views(atoms("größe 漢字 '🎉 x'?"), 8) for slot in bag)


def test_the_chances_of_a_plan() -> None:
    """Each tag as likely as its shift says, whatever the word."""
    tagger = Tagger((NONE, "paths"), b"\0", (0.0,), (0.0, 0.0), (math.log(3), 0.0), (0.0,))
    request = "drop a.txt and b.txt"
    read = tagger.read(request)
    assert np.exp(read[1]).sum(1) == pytest.approx(1.0)
    used, left = tagger.chances(request, read, [KEY("key:paths"), Copy("a.txt")])
    assert used == [pytest.approx(math.log(0.25))]
    assert left == [pytest.approx(math.log(0.75))] * 3
    unknown, _ = tagger.chances(request, read, [KEY("key:mode"), Copy("a.txt")])
    assert unknown == [LEAST]
    assert tagger.chances("", tagger.read(""), []) == ([], [])
