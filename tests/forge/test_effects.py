"""Plans that do the same are told from plans that do not, by what they leave and show."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from casava_os.forge import effects, synth, world
from casava_os.forge.evaluate import Item, declining, evaluate, instruction_words, judge, known_plan
from casava_os.kernel.compiler.compile import Certainty
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Ok
from tests.forge.test_evaluate import NOON, Parrot, outcome


def plan(*steps: Mapping[str, object], stdin: bool = False) -> Plan:
    parsed = parse_plan({"version": 1, "steps": list(steps), "reads_stdin": stdin})
    assert isinstance(parsed, Ok), parsed
    return parsed.value


FIND = {"call": "file.find", "root": "docs", "extension": [".tmp"]}


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        (plan(FIND, {"call": "file.delete", "paths": "$1"}), plan({**FIND, "type": "file"}, {"call": "file.delete", "paths": "$1"})),
        (plan({"call": "file.read", "paths": ["a.txt"]}), plan({"call": "file.read", "paths": ["./a.txt"]})),
        (plan({"call": "file.move", "paths": ["a.txt"], "to": "b.txt"}), plan({"call": "file.rename", "paths": ["a.txt"], "to": "b.txt"})),
        (plan({"call": "text.sort", "source": ["a.txt"], "unique": True}), plan({"call": "text.sort", "source": ["a.txt"]}, {"call": "text.unique", "source": "$1"})),
        (plan({"call": "system.memory"}), plan({"call": "system.memory"})),
    ],
)  # fmt: skip
def test_other_words_for_one_deed(known: Plan, answer: Plan) -> None:
    assert effects.same(answer, known)


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        (plan(FIND, {"call": "file.delete", "paths": "$1"}), plan({"call": "file.find", "extension": [".tmp"]}, {"call": "file.delete", "paths": "$1"})),
        (plan({**FIND, "older_than": "7 days"}), plan(FIND)),
        (plan({**FIND, "larger_than": "10 MB"}), plan({**FIND, "smaller_than": "10 MB"})),
        (plan({"call": "text.search", "pattern": "TODO", "source": ["a.txt"]}), plan({"call": "text.search", "pattern": "TODO", "source": ["a.txt"], "ignore_case": True})),
        (plan({"call": "text.csv", "source": ["a.csv"], "sort_by": "age"}), plan({"call": "text.csv", "source": ["a.csv"], "sort_by": "age", "descending": True})),
        (plan({"call": "file.read", "paths": ["a.txt"]}), plan({"call": "file.read", "paths": ["a.txt"]}, {"call": "file.delete", "paths": ["a.txt"]})),
        (plan({"call": "process.run", "command": "make"}), plan({"call": "process.run", "command": "make -B"})),
        (plan({"call": "file.find", "mode": "600"}), plan({"call": "file.find"})),
        (plan({"call": "system.memory"}), plan({"call": "system.cpu"})),
        (plan({"call": "file.chmod", "paths": ["a.txt"], "mode": "600"}), plan({"call": "file.chmod", "paths": ["a.txt"], "mode": "640"})),
    ],
)  # fmt: skip
def test_near_misses_are_seen(known: Plan, answer: Plan) -> None:
    assert not effects.same(answer, known)


def test_what_leaves_the_directory_is_never_performed() -> None:
    assert {
        name for name, call in SYSCALLS.items() if effects.performable(call.model_construct(call=name))
    } == {name for name in SYSCALLS if name.startswith(("file.", "text."))}


def test_a_world_is_the_same_each_time_and_most_plans_succeed_in_theirs() -> None:
    rng = random.Random(11)
    failed: Counter[str] = Counter()
    performed = 0
    for _ in range(150):
        example = synth.sample(rng)
        known = known_plan(Item(example.request, tuple(example.calls), "", example.piped_stdin), NOON)  # type: ignore[arg-type]
        if known is None or not all(map(effects.performable, known.steps)):
            continue
        performed += 1
        first, second = effects.of(known, known, 1.7e9), effects.of(known, known, 1.7e9)
        assert first == second
        failed[first.failed or ""] += 1
    assert performed > 50
    assert failed[""] > 0.85 * performed, failed


def test_a_world_holds_what_the_plan_names(tmp_path: Path) -> None:
    world.make(
        plan(
            {"call": "text.csv", "source": ["data/sales.csv"], "columns": ["region"]},
            {"call": "file.extract", "paths": ["old.tar.gz"], "to": "out"},
        ),
        tmp_path,
    )
    assert (tmp_path / "data" / "sales.csv").read_text().startswith("region,")
    assert (tmp_path / "old.tar.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert not (tmp_path / "out").exists()


def test_the_judge_credits_the_deed_and_counts_the_arguments() -> None:
    item = Item(
        "move a.txt to b.txt", ({"call": "file.move", "paths": ["a.txt"], "to": "b.txt"},), "file", writer="w"
    )
    judged = judge(
        Parrot({"call": "file.rename", "paths": ["a.txt"], "to": "b.txt"}), item, frozenset(SYSCALLS)
    )
    assert judged is not None
    assert (judged.exact, judged.sequence, judged.effect, judged.arguments) == (False, False, True, (0, 2))
    near = judge(Parrot({"call": "file.move", "paths": ["a.txt"], "to": "c.txt"}), item, frozenset(SYSCALLS))
    assert near is not None
    assert (near.effect, near.arguments) == (False, (1, 2))


def test_scores_are_split_by_writer_and_by_words_that_training_never_saw() -> None:
    items = [
        Item("list docs", ({"call": "file.list", "path": "docs"},), "file", writer="ada"),
        Item("enumerate docs", ({"call": "file.list", "path": "docs"},), "file", writer="bob"),
    ]
    assert instruction_words(items[1]) == {"enumerate"}
    scores = evaluate(Parrot({"call": "file.list", "path": "docs"}), items, frozenset(SYSCALLS), {"list"})
    assert (scores["by ada"].count, scores["by bob"].count) == (1, 1)
    assert (scores["words seen"].count, scores["with an unseen word"].count) == (1, 1)


def test_questions_are_counted_with_and_without_the_threshold() -> None:
    ask = Item("do it", ({"call": "ask", "about": "meaning"},), "ask")
    judged = judge(Parrot({"call": "refuse", "reason": "off_topic"}), ask, frozenset(SYSCALLS))
    assert judged is not None
    assert judged.effect
    assert not judged.exact
    unsure = outcome(0.1, exact=False)
    alone, kernel = declining([judged, unsure]), declining([judged, unsure], Certainty())
    assert "precision 100.0%, recall 100.0%" in alone
    assert "of 1 plans that would run, 100.0% do something else" in alone
    assert "precision 50.0%, recall 100.0%, false alarms 100.0%; of 0 plans" in kernel


def test_a_plan_that_leaves_the_workspace_is_the_refusal_that_the_kernel_makes_of_it() -> None:
    item = Item("read /etc/passwd", ({"call": "file.read", "paths": ["/etc/passwd"]},), "file")
    model = Parrot({"call": "file.stat", "paths": ["/etc/passwd"]})
    judged = judge(model, item, frozenset(SYSCALLS))
    assert judged is not None
    assert (judged.exact, judged.should_decline, judged.declines) == (True, True, True)
    wrong = judge(Parrot({"call": "file.list"}), item, frozenset(SYSCALLS))
    assert wrong is not None
    assert not wrong.effect
