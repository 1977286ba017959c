"""The ABI as a whole: complete, frozen, documented, and derivable."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from casava_syscalls import SYSCALLS, Effect, Err, Ok, available, parse_call, parse_plan
from casava_syscalls.docs import plan_schema, readme_table, signature
from casava_syscalls.file import Delete, Find
from casava_syscalls.shapes import shapes
from casava_syscalls.values import VALUE_TYPES, Exit, Facts, Files, Matches, Number, Table, Text

PROMISED = {
    "file": "find list read write touch make_dir copy move rename delete chmod link archive extract hash stat usage diff duplicates",
    "text": "search count replace sort unique columns csv json",
    "process": "run spawn list wait logs signal",
    "system": "host kernel cpu memory disk gpu uptime users environment time processes",
    "container": "list run start stop restart remove logs exec inspect stats images pull build copy_out copy_in",
    "infra": "catalog plan apply status scale destroy",
    "memory": "recall remember forget",
    "net": "fetch",
}


def test_every_promised_syscall_is_declared() -> None:
    missing = [
        f"{f}.{name}"
        for f, names in PROMISED.items()
        for name in names.split()
        if f"{f}.{name}" not in SYSCALLS
    ]
    assert missing == []
    assert {"ask", "refuse"} <= set(SYSCALLS)


def test_only_families_with_a_performer_are_available() -> None:
    assert {name.partition(".")[0] for name in available()} == {
        "file",
        "text",
        "process",
        "system",
        "container",
        "infra",
        "memory",
        "ask",
        "refuse",
    }


@pytest.mark.parametrize("name", SYSCALLS)
def test_a_syscall_says_what_it_is(name: str) -> None:
    syscall = SYSCALLS[name]
    assert syscall.summary().endswith(".")
    assert syscall.result_type() in VALUE_TYPES.values()
    assert syscall.model_config["frozen"]
    assert syscall.model_config["extra"] == "forbid"
    assert shapes(syscall) is not None
    assert signature(name).startswith(name + "(")
    if name not in ("ask", "refuse"):
        assert syscall.effect
    assert f"| `{name}` |" in readme_table()


def test_calls_are_frozen_and_closed() -> None:
    call = Find(name="*.py")
    with pytest.raises(ValidationError):
        call.name = "*.txt"  # type: ignore[misc]
    assert isinstance(parse_call({"call": "file.find", "colour": "red"}), Err)


def test_schema_is_json_and_names_every_call() -> None:
    text = json.dumps(plan_schema())
    assert all(f'"const": "{name}"' in text for name in SYSCALLS)


def plan(*steps: dict[str, object], **extra: object) -> object:
    return parse_plan({"steps": list(steps), **extra})


def test_a_plan_survives_its_json_form() -> None:
    first = plan(
        {"call": "file.find", "extension": [".TMP"], "older_than": "1 week"},
        {"call": "file.delete", "paths": "$1"},
    )
    assert isinstance(first, Ok)
    again = parse_plan(json.loads(first.value.canonical()))
    assert again == first
    assert again.value.sha256() == first.value.sha256()
    assert first.value.effect == Effect.READ | Effect.DELETE


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([{"call": "file.delete", "paths": "$1"}], "not an earlier step"),
        ([{"call": "file.delete", "paths": "$0"}], "no standard input"),
        ([{"call": "system.cpu"}, {"call": "file.delete", "paths": "$1"}], "takes Files or Matches"),
        ([{"call": "system.gpu"}, {"call": "file.delete", "paths": "$1"}], "gives Table"),
        (
            [{"call": "file.read", "paths": ["a"]}, {"call": "file.copy", "paths": "$1", "to": "b"}],
            "gives Text",
        ),
        ([{"call": "ask"}, {"call": "file.list"}], "stands alone"),
        ([{"call": "file.touch", "paths": ["a"]}, {"call": "file.touch", "paths": ["a"]}], "repeats"),
        ([{"call": "file.frobnicate"}], "family has"),
        ([{"call": "file.delete", "paths": ["../x"]}], "climbs above"),
        ([{"call": "file.delete", "paths": ["."]}], "cannot be deleted"),
        ([{"call": "file.delete", "paths": []}], "at least one"),
        ([{"call": "file.copy", "paths": ["a"], "to": "./a"}], "the same"),
        ([{"call": "file.find", "larger_than": "2 mb", "smaller_than": "1 mb"}], "larger_than must be below"),
        ([{"call": "file.find", "older_than": "2 days", "newer_than": "1 day"}], "older_than must be below"),
        ([{"call": "file.read", "paths": ["a"], "first": 1, "last": 2}], "not several"),
        ([{"call": "file.rename", "paths": ["a"]}], "say the new name"),
        ([{"call": "file.archive", "paths": ["a"], "to": "a.rarx"}], "no known archive format"),
        ([{"call": "text.count", "source": ["a"], "what": "matches"}], "a pattern is needed"),
        ([{"call": "text.search", "pattern": "(", "regex": True}], "malformed"),
        ([{"call": "process.run"}], "exactly one"),
        ([], "at least 1"),
    ],
)
def test_a_wrong_plan_says_what_is_wrong(steps: list[dict[str, object]], says: str) -> None:
    result = plan(*steps)
    assert isinstance(result, Err)
    assert says in result.message
    assert result.title


def test_leaving_the_workspace_has_its_own_code() -> None:
    result = parse_call({"call": "file.read", "paths": ["/etc/passwd"]})
    assert isinstance(result, Err)
    assert result.code == "outside-workspace"
    assert result.hint


def test_a_path_spelled_like_a_reference_can_be_written() -> None:
    result = parse_call({"call": "file.delete", "paths": ["./$1"]})
    assert isinstance(result, Ok)
    assert isinstance(result.value, Delete)
    assert result.value.paths == ("$1",)


def test_values_render_as_plain_text() -> None:
    files = Files.model_validate({"items": [{"path": "a"}, {"path": "b c"}]})
    assert files.render() == "a\nb c"
    assert Number(value=3, unit="files").render() == "3"
    assert Text(text="x\n").render() == "x"
    assert Table(columns=("a", "b"), rows=((1, None),)).render() == "a\tb\n1\t"
    assert Facts(items={"gpu": None, "n": 1}).render() == "gpu\tabsent\nn\t1"
    assert Matches.model_validate({"items": [{"path": "f", "line": 2, "text": "t"}]}).render() == "f:2:t"
    assert Exit(code=1, stdout="out\n").render() == "out"
