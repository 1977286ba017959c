"""Scalars accept what people write and refuse nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from casava_syscalls import scalars
from casava_syscalls.names import fs_path, name_to_text, path_text, text_to_name


def parse(annotation: object, value: object) -> object:
    adapter: TypeAdapter[object] = TypeAdapter(annotation)  # type: ignore[arg-type]
    return adapter.validate_python(value)


@pytest.mark.parametrize(
    ("annotation", "written", "held"),
    [
        (scalars.ByteSize, "10 MB", 10_000_000),
        (scalars.ByteSize, "1.5GiB", 1_610_612_736),
        (scalars.ByteSize, 12, 12),
        (scalars.Duration, "2 days", 172_800),
        (scalars.Duration, "1 week", 604_800),
        (scalars.Extension, "*.TMP", "tmp"),
        (scalars.Extension, ".tar.gz", "tar.gz"),
        (scalars.FileMode, "755", "0755"),
        (scalars.FileMode, "0o644", "0644"),
        (scalars.FileMode, "u+x,go-w", "u+x,go-w"),
        (scalars.WorkspacePath, "./a//b/../c/", "a/c"),
        (scalars.WorkspacePath, "a/..", "."),
        (scalars.Glob, "**/*.py", "**/*.py"),
    ],
)
def test_accepts_what_people_write(annotation: object, written: object, held: object) -> None:
    assert parse(annotation, written) == held


@pytest.mark.parametrize(
    ("annotation", "nonsense"),
    [
        (scalars.ByteSize, -1),
        (scalars.ByteSize, "-3 MB"),
        (scalars.ByteSize, "10 florps"),
        (scalars.ByteSize, "many"),
        (scalars.Duration, "2 furlongs"),
        (scalars.Duration, -5),
        (scalars.Count, 0),
        (scalars.Count, -2),
        (scalars.Extension, ""),
        (scalars.Extension, "a/b"),
        (scalars.FileMode, "999"),
        (scalars.FileMode, "u+q"),
        (scalars.WorkspacePath, ""),
        (scalars.WorkspacePath, "/etc/passwd"),
        (scalars.WorkspacePath, "~/x"),
        (scalars.WorkspacePath, "../x"),
        (scalars.WorkspacePath, "a/../../x"),
        (scalars.WorkspacePath, "a\x00b"),
        (scalars.WorkspacePath, "n" * 256),
        (scalars.Glob, ""),
        (scalars.Glob, "   "),
        (scalars.Glob, "../*"),
        (scalars.Glob, "[abc"),
        (scalars.Needle, ""),
        (scalars.CommandLine, "  "),
        (scalars.Port, 0),
        (scalars.Port, 70_000),
        (scalars.Moment, "the day after"),
    ],
)
def test_refuses_nonsense(annotation: object, nonsense: object) -> None:
    with pytest.raises(ValidationError):
        parse(annotation, nonsense)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_a_path_is_normal_or_refused(text: str) -> None:
    try:
        path = parse(scalars.WorkspacePath, text)
    except ValidationError:
        return
    assert isinstance(path, str)
    assert path == "." or not any(part in ("", ".", "..") for part in path.split("/"))
    assert parse(scalars.WorkspacePath, path) == path


@given(st.binary(max_size=40))
def test_any_name_survives_as_text(name: bytes) -> None:
    text = name_to_text(name)
    text.encode("utf-8")  # valid Unicode: no lone surrogates
    assert text_to_name(text) == name


@given(st.text(max_size=20))
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return
    if not any(0xF780 <= ord(char) <= 0xF7FF for char in name):
        assert name_to_text(encoded) == name
    assert path_text(fs_path(name)) == name_to_text(encoded)
