"""The options of `call` say all that the ABI knows, and come back as exactly that syscall."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from casava_os.cli import arguments
from casava_syscalls.base import AnyCall
from casava_syscalls.file import Find, Read, Write
from casava_syscalls.process import Run
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.shapes import shapes
from casava_syscalls.text import CountText, Replace


def made(name: str, /, **given: object) -> AnyCall:
    plan = arguments.plan_of(name, given, lambda: Ok[str](value="typed in"))
    assert isinstance(plan, Ok), plan
    return plan.value.steps[0]


def refused(name: str, /, **given: object) -> Err:
    plan = arguments.plan_of(name, given, lambda: Ok[str](value=""))
    assert isinstance(plan, Err), plan
    return plan


@pytest.mark.parametrize("name", sorted(SYSCALLS))
def test_every_field_of_every_syscall_is_an_option(name: str) -> None:
    options = {parameter.name: parameter for parameter in arguments.parameters(SYSCALLS[name])}
    known = shapes(SYSCALLS[name])
    assert set(options) == set(known)
    for field, shape in known.items():
        assert (options[field].default is ...) == shape.required
        assert options[field].kind is inspect.Parameter.KEYWORD_ONLY


def test_values_are_parsed_by_the_abi() -> None:
    call = made(
        "file.find",
        extension=["tmp", ".log"],
        larger_than="10 MB",
        older_than="2 days",
        hidden=False,
        limit="5",
    )
    assert call == Find(
        extension=("tmp", "log"), larger_than=10_000_000, older_than=172_800, hidden=False, limit=5
    )


def test_a_literal_reference_is_a_path_and_names_keep_their_bytes() -> None:
    assert made("file.read", paths=["./$1"]) == Read(paths=("$1",))
    assert made("file.read", paths=["caf\udce9"]).model_dump()["paths"] == ("caf\uf7e9",)


def test_dash_is_standard_input_where_text_is_taken() -> None:
    assert made("text.count", source=["-"]) == CountText.model_validate({"source": "$0"})
    assert made("file.write", path="a", content="-") == Write.model_validate({"path": "a", "content": "$0"})
    # where a text is spelled out, a dash is a dash
    assert made("text.replace", paths=["a"], find="_", replacement="-") == Replace(
        paths=("a",), find="_", replacement="-"
    )
    assert made("text.replace", paths=["a"], find="_", replacement="@-") == Replace(
        paths=("a",), find="_", replacement="typed in"
    )


def test_standard_input_where_files_are_wanted_is_a_type_error() -> None:
    assert refused("file.delete", paths=["$0"]).code == "type"


def test_content_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.txt").write_text("from a file\n")
    assert made("file.write", path="a", content=f"@{tmp_path}/body.txt") == Write(
        path="a", content="from a file\n"
    )
    assert made("file.write", path="a", content="@@home") == Write(path="a", content="@home")
    assert refused("file.write", path="a", content=f"@{tmp_path}/none").code == "not-found"
    (tmp_path / "body.txt").write_bytes(b"\xff\xfe")
    assert refused("file.write", path="a", content=f"@{tmp_path}/body.txt").code == "not-text"


def test_mappings_and_objects() -> None:
    assert made("process.run", command="env", env=["A=1", "B=x=y"]) == Run(
        command="env", env={"A": "1", "B": "x=y"}
    )
    assert "NAME=VALUE" in refused("process.run", command="env", env=["A"]).title
    assert "source:/target" in refused("container.run", image="x", mounts=["{"]).message


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("file.read", {"paths": ["../../etc/passwd"]}, "outside-workspace"),
        ("file.find", {"larger_than": "-1"}, "usage"),
        ("file.find", {"larger_than": "10 parsecs"}, "usage"),
        ("file.find", {"name": ""}, "usage"),
        ("file.read", {"paths": ["a"], "first": "1", "last": "1"}, "usage"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(name: str, given: dict[str, object], code: str) -> None:
    problem = refused(name, **given)
    assert problem.code == code
    assert problem.message


def test_a_failing_input_is_handed_on() -> None:
    def broken() -> Result[str]:
        return Err(code="limit", title="too long")

    plan = arguments.plan_of("text.replace", {"paths": ["a"], "find": "x", "replacement": "@-"}, broken)
    assert plan == Err(code="limit", title="too long")
