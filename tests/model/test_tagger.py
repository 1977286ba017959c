"""Which argument has which word of a request."""

from __future__ import annotations

import math

import numpy as np
import pytest

from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import IN, Control, Copy, Segment
from casava_os.model.tagger import INSIDE, LEAST, NONE, chances, tags

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


def test_the_chances_of_a_plan() -> None:
    """Each tag as likely as it is, whatever the word."""
    request = "drop a.txt and b.txt"
    words, places = atoms(request), {NONE: 0, "paths": 1}
    logs = np.log(np.tile(np.array([0.75, 0.25], np.float32), (len(words), 1)))
    used, left = chances(request, words, logs, places, [KEY("key:paths"), Copy("a.txt")])
    assert used == [pytest.approx(math.log(0.25))]
    assert left == [pytest.approx(math.log(0.75))] * 3
    unknown, _ = chances(request, words, logs, places, [KEY("key:mode"), Copy("a.txt")])
    assert unknown == [LEAST]
    assert chances("", (), logs[:0], places, []) == ([], [])
