"""Policy: first rule that matches, strictest answer of all effects and paths, no rule means no."""

from __future__ import annotations

from pathlib import Path

import pytest

from casava_os.kernel.policy import Allow, Ask, Deny, Policy, Rule, load_policy, touched
from casava_os.kernel.ports import Change, Changeset
from casava_os.kernel.taint import taint
from casava_syscalls.base import AnyCall, Effect
from casava_syscalls.plan import Plan, parse_call
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Err, Ok


@pytest.fixture
def shipped() -> Policy:
    loaded = load_policy()
    assert isinstance(loaded, Ok)
    return loaded.value


def call(**fields: object) -> AnyCall:
    parsed = parse_call(fields)
    assert isinstance(parsed, Ok), parsed
    return parsed.value


def plan(*steps: dict[str, object]) -> Plan:
    return Plan.model_validate({"steps": steps})


DECISIONS: list[tuple[dict[str, object], str, str]] = [
    ({"call": "file.find"}, "find things", "allow"),
    ({"call": "system.cpu"}, "cpu", "allow"),
    ({"call": "file.read", "paths": [".git/config"]}, "show it", "allow"),
    ({"call": "file.write", "path": "a"}, "write a", "ask"),
    ({"call": "file.delete", "paths": ["a", "b"]}, "delete a and b", "ask"),
    ({"call": "process.run", "command": "make"}, "run make", "ask"),
    ({"call": "container.run", "image": "busybox"}, "start it", "ask"),
    ({"call": "container.run", "image": "busybox", "mounts": ["./data:/data", "data:/d"]}, "start it", "ask"),
    ({"call": "container.run", "image": "busybox", "mounts": ["/etc:/etc"]}, "start it", "deny"),
    ({"call": "container.run", "image": "busybox", "mounts": ["~/x:/x:ro"]}, "start it", "deny"),
    ({"call": "container.run", "image": "busybox", "mounts": ["a/../../x:/x"]}, "start it", "deny"),
    ({"call": "container.run", "image": "busybox", "mounts": ["./docker.sock:/s"]}, "start it", "deny"),
    ({"call": "container.run", "image": "busybox", "mounts": [".git:/git"]}, "start it", "deny"),
    ({"call": "container.run", "image": "busybox", "mounts": [".git:/git:ro"]}, "start it", "ask"),
    ({"call": "container.list"}, "list them", "allow"),
    ({"call": "container.logs", "container": "a"}, "its logs", "allow"),
    ({"call": "container.remove", "containers": ["a"]}, "remove a", "ask"),
    ({"call": "net.fetch", "url": "https://example.org/x"}, "fetch it", "ask"),
    ({"call": "file.write", "path": ".git/config"}, "write it", "deny"),
    ({"call": "file.write", "path": "sub/.git/config"}, "write it", "deny"),
    ({"call": "file.delete", "paths": ["a", ".git"]}, "clean up", "deny"),
    ({"call": "file.delete", "paths": [".git"]}, "delete .git", "ask"),
    ({"call": "file.delete", "paths": [".git"]}, "remove the Git history", "ask"),
    ({"call": "file.delete", "paths": [".git"]}, "delete what is legit", "deny"),
    ({"call": "file.write", "path": ".gitignore"}, "ignore it", "ask"),
    ({"call": "file.copy", "paths": [".git/config"], "to": "backup"}, "copy it", "ask"),
    ({"call": "file.copy", "paths": ["hook"], "to": ".git/hooks"}, "copy it", "deny"),
    ({"call": "file.move", "paths": [".git/config"], "to": "x"}, "move it", "deny"),
    ({"call": "ask"}, "", "allow"),
]


@pytest.mark.parametrize(("fields", "request_text", "decision"), DECISIONS)
def test_what_the_shipped_rules_say(
    shipped: Policy, fields: dict[str, object], request_text: str, decision: str
) -> None:
    assert shipped.judge_step(call(**fields), request_text).decision == decision


def test_every_syscall_has_a_rule(shipped: Policy) -> None:
    assert shipped.offered(SYSCALLS) == frozenset(SYSCALLS)


def test_no_rule_means_no() -> None:
    policy = Policy(rules=(Rule(decision="allow", effects=("read",), calls=("file.*",)),))
    assert policy.offered(available()) == frozenset(
        name for name in available() if name.startswith("file.") and SYSCALLS[name].effect == Effect.READ
    ) | {"ask", "refuse"}
    verdict = policy.judge_step(call(call="file.touch", paths=["a"]), "")
    assert isinstance(verdict, Deny)
    assert verdict.path == "a"
    assert "no rule covers the effect 'write' of file.touch" in verdict.reason


def test_the_first_rule_decides_and_the_strictest_answer_counts() -> None:
    policy = Policy(
        rules=(
            Rule(decision="allow", effects=("write",), paths=("build/**",)),
            Rule(decision="deny", effects=("write",), paths=("build/release/**", "docs/*.md")),
            Rule(decision="ask", effects=("write",)),
        )
    )
    judge = {path: policy.decide("write", "file.write", path).decision for path in
             ("build/release/x", "build/x", "docs/a.md", "docs/deep/a.md", "other")}  # fmt: skip
    assert judge == {
        "build/release/x": "allow", "build/x": "allow", "docs/a.md": "deny", "docs/deep/a.md": "ask", "other": "ask",
    }  # fmt: skip
    assert policy.judge_step(call(call="file.touch", paths=["build/x", "other"]), "").decision == "ask"
    assert policy.judge_step(call(call="file.touch", paths=["build/x", "docs/a.md"]), "").decision == "deny"
    assert policy.judge_step(call(call="file.touch", paths=["build/x"]), "").decision == "allow"


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*.py", ["a.py"], ["d/a.py", "a.pyc", ".py/x"]),
        ("**/*.py", ["a.py", "d/a.py", "d/e/a.py"], ["a.pyc"]),
        ("d/**", ["d/a", "d/e/f"], ["d", "dd/a", "x/d/a"]),
        (
            "**/node_modules/**",
            ["node_modules/a", "x/node_modules/a/b"],
            ["node_modules", "my_node_modules/a"],
        ),
        ("a?c/[xy]", ["abc/x", "a-c/y"], ["a/c/x", "abc/z"]),
        ("a.b", ["a.b"], ["axb"]),
        ("**", ["a", "d/a", "new\nline"], []),
    ],
)
def test_patterns_of_paths(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    rule = Rule(decision="allow", effects=("read",), paths=(pattern,))
    assert [path for path in fits if not rule.matches("read", "file.read", path, "")] == []
    assert [path for path in fits_not if rule.matches("read", "file.read", path, "")] == []


def test_a_path_that_is_not_known_yet_matches_only_rules_for_all_paths() -> None:
    deleting = call(call="file.delete", paths="$1")
    assert list(touched(deleting)) == [("delete", None)]
    assert list(touched(deleting, {"paths": ["a", "b"]})) == [("delete", "a"), ("delete", "b")]
    policy = Policy(
        rules=(
            Rule(decision="allow", effects=("delete",), paths=("tmp/**",)),
            Rule(decision="ask", effects=("delete",)),
        )
    )
    assert policy.judge_step(deleting, "").decision == "ask"
    assert policy.judge_step(deleting, "", {"paths": ["tmp/a"]}).decision == "allow"


def changeset(*changes: Change) -> Changeset:
    return Changeset(pid=1, workspace="w", changes=changes)


def test_the_changeset_is_judged_path_by_path(shipped: Policy) -> None:
    run = ["process.run"]
    added = Change(path="a", action="added", type="file")
    hook = Change(path=".git/hooks/pre-commit", action="added", type="file")
    assert isinstance(shipped.judge_changes(run, "run it", changeset(added)), Ask)
    denied = shipped.judge_changes(run, "run it", changeset(added, hook))
    assert isinstance(denied, Deny)
    assert denied.path == ".git/hooks/pre-commit"
    assert isinstance(shipped.judge_changes(run, "run git commit", changeset(added, hook)), Ask)
    moved = Change(path="x", action="renamed", type="file", source=".git/config")
    assert isinstance(shipped.judge_changes(["file.move"], "move it", changeset(moved)), Deny)
    assert isinstance(shipped.judge_changes([], "nobody did it", changeset(added)), Allow | Ask | Deny)


def test_changes_that_a_rule_allows_need_no_approval() -> None:
    policy = Policy(rules=(Rule(decision="allow", effects=("write",), paths=("scratch/**",)),))
    inside = Change(path="scratch/a", action="changed", type="file")
    outside = Change(path="a", action="changed", type="file")
    assert isinstance(policy.judge_changes(["file.write"], "", changeset(inside)), Allow)
    assert isinstance(policy.judge_changes(["file.write"], "", changeset(inside, outside)), Deny)


def test_what_was_not_granted_is_denied_whatever_the_rules_say(shipped: Policy) -> None:
    reader = shipped.narrowed(Effect.READ)
    assert "file.delete" not in reader.offered(available())
    assert "file.find" in reader.offered(available())
    assert isinstance(reader.judge_step(call(call="file.touch", paths=["a"]), ""), Deny)
    assert isinstance(reader.judge_step(call(call="file.find"), ""), Allow)


TAINT: list[tuple[list[dict[str, object]], set[int]]] = [
    ([{"call": "file.find"}, {"call": "file.delete", "paths": "$1"}], set()),
    ([{"call": "text.search", "pattern": "x"}, {"call": "file.delete", "paths": "$1"}], {2}),
    ([{"call": "text.search", "pattern": "x"}, {"call": "file.copy", "paths": "$1", "to": "d"},
      {"call": "file.delete", "paths": "$2"}], {2, 3}),
    ([{"call": "file.read", "paths": ["a"]}, {"call": "file.write", "path": "b", "content": "$1"}], set()),
    ([{"call": "file.read", "paths": ["a"]}, {"call": "process.run", "command": "sh", "stdin": "$1"}], {2}),
    ([{"call": "file.find"}, {"call": "process.run", "command": "wc", "stdin": "$1"}], set()),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "tainted"), TAINT)
def test_which_steps_are_tainted(steps: list[dict[str, object]], tainted: set[int]) -> None:
    assert set(taint(plan(*steps))) == tainted


def test_a_tainted_step_is_asked_for_although_a_rule_allows_it() -> None:
    free = Policy(rules=(Rule(decision="allow", effects=("read", "delete")),))
    verdicts = free.judge_plan(plan(*TAINT[1][0]), "")
    assert [verdict.decision for verdict in verdicts] == ["allow", "ask"]
    assert [v.decision for v in free.judge_plan(plan(*TAINT[0][0]), "")] == ["allow", "allow"]


def test_the_persons_own_rules_stand_before_the_shipped_ones(tmp_path: Path) -> None:
    own = 'version = 1\n[[rule]]\ndecision = "allow"\neffects = ["write"]\npaths = ["scratch/**"]\n'
    (tmp_path / "policy.toml").write_text(own)
    policy = load_policy(tmp_path)
    assert isinstance(policy, Ok)
    assert policy.value.decide("write", "file.write", "scratch/a").decision == "allow"
    assert policy.value.decide("write", "file.write", "a").decision == "ask"
    (tmp_path / "policy.toml").write_text(f"inherit = false\n{own}")
    alone = load_policy(tmp_path)
    assert isinstance(alone, Ok)
    assert alone.value.decide("write", "file.write", "a").decision == "deny"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml [", "is not TOML"),
        ('[[rule]]\ndecision = "perhaps"\neffects = ["read"]\n', "rule.1.decision"),
        ('[[rule]]\ndecision = "deny"\neffects = ["fly"]\n', "rule.1.effects.1"),
        ('[[rule]]\ndecision = "deny"\neffects = []\n', "rule.1.effects"),
        ('[[rules]]\ndecision = "deny"\neffects = ["read"]\n', "rules"),
        ("version = 2\n", "version"),
    ],
)
def test_a_wrong_file_stops_everything_and_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "policy.toml").write_text(text)
    policy = load_policy(tmp_path)
    assert isinstance(policy, Err)
    assert policy.code == "usage"
    assert str(tmp_path / "policy.toml") in policy.title
    assert said in f"{policy.title} {policy.message}"
