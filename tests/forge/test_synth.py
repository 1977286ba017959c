"""The synthesizer: what it draws can be learned from, covers the ABI, and means what it says."""

from __future__ import annotations

import random
import re
from collections import Counter
from difflib import get_close_matches

import pytest

from casava_os.forge.synth import Example, Unfit, check, sample
from casava_os.forge.synth.build import TEMPLATES, Template
from casava_os.forge.synth.coverage import assert_complete, families, missing
from casava_os.forge.synth.grammar import Scene, pattern, say
from casava_os.forge.synth.noise import gerund, third_person, typo
from casava_os.kernel.compiler.tagged import CALLS

DELETE_WORDS = [
    "delete",
    "empty",
    "emptied",
    "remove",
    "erase",
    "rid",
    "wipe",
    "clean",
    "clear",
    "trash",
    "nuke",
    "purge",
    "drop",
    "throw",
    "bin",
    "ditch",
    "kill",
    "discard",
    "rm",
    "rmdir",
    "destroy",
    "dispose",
    "del",
    "eliminate",
    "toss",
    "zap",
    "scrap",
    "scrub",
    "take",
    "disappear",
    "gone",
    "go",
    "deleting",
    "removing",
    "deletes",
    "removes",
    "deleted",
    "removed",
    "erased",
    "thrown",
    "away",
]
MOVE_WORDS = [
    "move",
    "mv",
    "relocate",
    "transfer",
    "shift",
    "send",
    "drag",
    "bring",
    "push",
    "shove",
    "stick",
    "migrate",
    "put",
    "collect",
    "gather",
    "group",
    "sort",
    "file",
    "store",
    "stash",
    "archive",
    "tuck",
    "place",
    "drop",
    "throw",
    "get",
    "->",
    "belong",
    "belongs",
    "go",
    "should",
    "needs",
    "has",
    "to",
    "into",
    "in",
    "moved",
    "moving",
    "moves",
    "moving",
]


def says(request: str, verbs: list[str]) -> bool:
    """Whether a word of the request is one of these or its gerund, give or take a typo."""
    words = re.findall(r"[a-z>-]+", request.lower())
    forms = [*verbs, *(gerund(verb) for verb in verbs if verb.isalpha())]
    return any(get_close_matches(word, forms, n=1, cutoff=0.7) for word in words)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    rng = random.Random(2)
    return [sample(rng) for _ in range(20_000)]


def test_every_example_can_be_copied_and_type_checks(examples: list[Example]) -> None:
    for example in examples:
        check(example)


def test_the_same_seed_gives_the_same_examples() -> None:
    one, two = random.Random(5), random.Random(5)
    assert [sample(one) for _ in range(300)] == [sample(two) for _ in range(300)]
    assert [sample(one) for _ in range(50)] != [sample(random.Random(6)) for _ in range(50)]


def test_every_available_syscall_and_field_is_said() -> None:
    assert_complete()


def test_a_syscall_without_phrasings_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casava_os.forge.synth.coverage.reached", lambda samples, seed: frozenset())
    assert set(missing()) == set(CALLS)


def test_proportions_of_steps_questions_and_refusals(examples: list[Example]) -> None:
    total = len(examples)
    first = Counter(str(example.calls[0]["call"]) for example in examples)
    steps = Counter(min(len(example.calls), 3) for example in examples)
    assert 0.07 < first["ask"] / total < 0.10
    assert 0.07 < first["refuse"] / total < 0.10
    assert 0.30 < (steps[2] + steps[3]) / total < 0.42
    assert 0.09 < steps[3] / total < 0.18
    assert 0.03 < sum(example.piped_stdin for example in examples) / total < 0.15


def test_questions_and_refusals_give_every_reason(examples: list[Example]) -> None:
    asked = {call.get("about") for e in examples for call in e.calls if call["call"] == "ask"}
    refused = {call.get("reason") for e in examples for call in e.calls if call["call"] == "refuse"}
    assert asked == {"meaning", "target", "destination", "content", "name", "condition", "command", "value"}
    assert refused == {"off_topic", "impossible", "unavailable", "outside", "harmful"}


def test_nothing_is_deleted_that_no_word_asks_for(examples: list[Example]) -> None:
    for example in examples:
        planned = {call["call"] for call in example.calls}
        if "file.delete" in planned:
            assert says(example.request, DELETE_WORDS), example
        if "file.move" in planned:
            assert says(example.request, MOVE_WORDS), example


def test_requests_are_mostly_new(examples: list[Example]) -> None:
    assert len({example.request for example in examples}) > 0.9 * len(examples)


def test_requests_carry_no_marks_of_their_making(examples: list[Example]) -> None:
    for example in examples:
        assert "\ue000" not in example.request
        assert "\ue001" not in example.request
        assert example.request == example.request.strip()
        assert not re.search(r"\{\w+\}", example.request.replace("{a}", "")) or "{" in str(example.calls), (
            example
        )


def test_an_example_whose_argument_is_not_in_the_request_is_unfit() -> None:
    bad = Example("delete the file", [{"call": "file.delete", "paths": ["notes.txt"]}], "file.delete", "x")
    with pytest.raises(Unfit, match=r"notes\.txt"):
        check(bad)


def test_an_example_that_does_not_type_check_is_unfit() -> None:
    calls: list[dict[str, object]] = [{"call": "system.time"}, {"call": "file.delete", "paths": "$1"}]
    with pytest.raises(Unfit, match="takes"):
        check(Example("delete the time", calls, "chain", "x"))


def test_a_path_outside_is_in_order_only_when_allowed() -> None:
    example = Example(
        "delete ../secret", [{"call": "file.delete", "paths": ["../secret"]}], "file.delete", "x"
    )
    check(example)
    with pytest.raises(Unfit, match="outside"):
        check(example, outside=False)


def test_the_phrasing_language() -> None:
    scene = Scene(random.Random(1))
    assert say(scene, "a (b|b)[|] c<+flag><how=append>") == "a b c"
    assert scene.values == {"flag": True, "how": "append"}
    assert say(scene, r"a \| b") == "a | b"
    with pytest.raises(ValueError, match="missing"):
        pattern("a (b|c")


def test_families_hold_all_templates() -> None:
    grouped = families()
    assert {"ask", "refuse", "chain", "file.find", "text.csv", "system.gpu", "process.spawn"} <= set(grouped)
    assert all(isinstance(one, Template) for group in grouped.values() for one in group)
    assert len({one.name for one in TEMPLATES}) == len(TEMPLATES)


@pytest.mark.parametrize(("verb", "third", "ing"), [("copy", "copies", "copying"), ("delete", "deletes", "deleting"), ("run", "runs", "running"), ("search", "searches", "searching")])  # fmt: skip
def test_moods_of_verbs(verb: str, third: str, ing: str) -> None:
    assert (third_person(verb), gerund(verb)) == (third, ing)


def test_a_typo_changes_a_word_by_one_slip() -> None:
    rng = random.Random(3)
    slips = {typo(rng, "delete") for _ in range(200)}
    assert "delete" not in slips - {"delete"}
    assert all(abs(len(word) - 6) <= 1 and word[0] == "d" for word in slips)
