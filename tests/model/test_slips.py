"""What was probably meant by a word that nobody was taught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.encoder import LONGEST
from casava_os.model.reader import KINDS
from casava_os.model.slips import LONGEST_WORD, NO_WORDS, Lexicon, one_slip_from
from casava_os.model.weighing import CONSENT, EVIDENCE, FEATURES, Weighing
from tests.model.listening import hears

KNOWN = Lexicon(
    ("me", "the", "files", "move", "copy", "clone", "moves", "love", "wait", "with", "logs", "dogs")
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mvoe", "move"),  # two exchanged
        ("mve", "move"),  # one too few, and "me" is too short to be misspelt so
        ("movve", "move"),  # one too many
        ("mofe", "move"),  # one wrong
        ("lgos", "logs"),
        ("cllone", "clone"),
        ("move", "move"),
        ("moves", "moves"),
        ("Move", "Move"),
        ("MVOE", "move"),
        ("wombat", "wombat"),  # nothing is near
        ("ig", "ig"),  # too short to tell
        ("x_1", "x_1"),
        ("größe", "größe"),
        ("", ""),
    ],
)
def test_one_slip(typed: str, meant: str) -> None:
    assert KNOWN.meant(typed) == meant


def test_the_commoner_word_was_meant_and_a_wrong_letter_is_the_rarer_slip() -> None:
    assert Lexicon(("logs", "dogs")).meant("ogs") == "logs"
    assert Lexicon(("dogs", "logs")).meant("ogs") == "dogs"
    assert Lexicon(("love", "move")).meant("mvoe") == "move"
    assert Lexicon(("down", "dont")).meant("dotn") == "dont", "exchanged, where 'down' has a wrong letter"
    assert Lexicon(("down", "the", "a", "of", "dont")).meant("dotn") == "down", "so much commoner is it here"


def test_what_slips_make() -> None:
    slips = one_slip_from("ab")
    assert {"a", "b", "ba", "abc", "cab", "acb", "xb", "ax"} <= set(slips)
    assert "abcd" not in slips
    assert slips["ba"] == slips["abc"] == slips["a"] == 1 < slips["xb"]


def test_a_word_has_so_many_letters_that_its_slips_are_few() -> None:
    longest = "ab" * (LONGEST_WORD // 2)
    assert len(one_slip_from(longest)) < 54 * (LONGEST_WORD + 1)
    for length in (LONGEST_WORD + 1, 3600):
        word = ("ab" * length)[:length]
        assert one_slip_from(word) == {}
        assert Lexicon((word[:-1],)).meant(word) == word
    known = Lexicon((longest,))
    assert known.meant(longest[:-1]) == longest
    assert known.meant(longest.upper() + "b") == longest.upper() + "b"
    assert known.mended("documents" * 400 + " abab") == "documents" * 400 + " abab"


@pytest.mark.parametrize(
    ("request_text", "mended"),
    [
        ("cllone a.txt to b, pleese", "clone a.txt to b, pleese"),
        ("WATI WITH teh fiels", "wait WITH the files"),
        ("mvoe 'lgos' to lgos.txt", "move 'lgos' to lgos.txt"),
        ("Mvoe lGos", "move lGos"),
        ("", ""),
        ("  move  the  fiels.", "  move  the  files."),
    ],
)
def test_a_request_is_mended_and_names_and_quotations_stay(request_text: str, mended: str) -> None:
    assert KNOWN.mended(request_text) == mended
    assert NO_WORDS.mended(request_text) == request_text


def test_what_is_spared_is_spared_with_a_slip_as_well() -> None:
    """ "The home directory" is not a folder of the workspace, nor is "hme directory" one that is called so."""
    plan: list[Segment] = [Control("call:file.delete"), Control("key:paths"), Copy("hme")]
    reader = replace(
        hears({"call:file.delete": 9.0}), lexicon=Lexicon(("the", "home", "delete", "directory"))
    )
    weighing = Weighing(reader, (0.0,) * len(FEATURES), (0.0,) * EVIDENCE, (-99.0,) * CONSENT)
    assert weighing.consents(weighing.read("delete the hme directory"), plan) == 0
    assert weighing.consents(weighing.read("delete the 'hme' folder"), plan) == 1


def test_a_long_request_is_mended_as_far_as_it_is_listened_to() -> None:
    long = " ".join(["word"] * LONGEST)
    assert KNOWN.mended(f"mvoe {long} mvoe") == f"move {long} mvoe"


def test_consent_is_asked_of_what_was_meant_as_well() -> None:
    """ "cllone" is heard as a move where it stands; the word that was meant is no order to move anything."""
    plan: list[Segment] = [Control("call:file.move"), Control("key:paths"), Copy("a.txt")]
    plan += [Control("key:to"), Copy("b")]
    heard = hears(
        {"call:file.move": -5.0, "call:file.copy": -5.0, "call:ask": -9.0},
        {
            "cllone": {"call:file.move": 9.0},
            "clone": {"call:file.copy": 9.0},
            "move": {"call:file.move": 9.0},
        },
    )
    consent = (0.0,) * len(KINDS) + (-99.0,) * (CONSENT - len(KINDS))
    deaf = Weighing(heard, (0.0,) * len(FEATURES), (0.0,) * EVIDENCE, consent)
    hearing = replace(deaf, reader=replace(heard, lexicon=Lexicon(("clone", "move", "the"))))
    for weighing, expected in ((deaf, True), (hearing, False)):
        read = weighing.read("cllone a.txt to b")
        assert (weighing.consents(read, plan) >= 0.5) is expected
        assert weighing.might_consent(read) is expected
    assert hearing.consents(hearing.read("move a.txt to b"), plan) == 1
    assert hearing.read("move a.txt to b").mended is None
    assert hearing.consents(hearing.read("move teh a.txt to b"), plan) == 1
