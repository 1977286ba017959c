"""Every shell idiom does what it says, performed by the agent on real files, also with names made to break scripts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from casava_os.kernel.compiler.idioms import IDIOMS, expand, idiom_shapes
from casava_os.kernel.compiler.tagged import performed_by
from casava_syscalls.plan import parse_plan
from casava_syscalls.results import Ok
from tests.agent.here import Here

NASTY = 'it\'s $(touch pwned) "b" `x`;\\.txt'
POEM = "one\ntwo\n\n# three\nfour four\n"
TABLE = 'name,"a, b"\nzoe,1\n"mia, m",2\n'
JSON = '[{"a": 1, "b": "x"}, {"a": 2}]'


def files(here: Here) -> dict[str, str]:
    return {
        str(path.relative_to(here.root)): path.read_text()
        for path in sorted(here.root.rglob("*"))
        if path.is_file()
    }


def fill(here: Here) -> None:
    for name, text in {
        "poem.txt": POEM,
        NASTY: POEM,
        "other.txt": "two\nzwei\n",
        "table.csv": TABLE,
        "list.json": JSON,
        "page.html": "<p>Hello <b>you</b></p>\n",
        "mixed.log": "a@b.example 10.0.0.7 https://x.example/y?z 3\nb 4.5\n",
        "dos.txt": "a\r\nb \t\r\n",
        "code.b64": "aGkK",
        "tabs.txt": "\tx\n",
        "long.txt": "".join(f"{n}\n" for n in range(1, 21)),
        "deep/er/x.txt": "x\n",
        "deep/y.md": "y\n",
    }.items():
        path = here.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(here: Here, call: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """What came of the idiom's program."""
    step = expand(call, {"call": call, **arguments})
    plan = parse_plan({"version": 1, "steps": [step]})
    assert isinstance(plan, Ok), plan
    fields = {key: value for key, value in step.items() if key != "call"}
    return here("process.run", **fields)


def perform(here: Here, call: str, arguments: Mapping[str, object]) -> str:
    """The idiom's output."""
    value = run(here, call, arguments)
    assert value["code"] == 0, value
    return str(value["stdout"])


def refuses(here: Here, call: str, arguments: Mapping[str, object]) -> str:
    """What the idiom says when it fails; nothing is changed."""
    before = here.tree()
    value = run(here, call, arguments)
    assert value["code"] != 0, value
    assert here.tree() == before
    return str(value["stderr"])


@pytest.fixture
def desk(here: Here) -> Here:
    fill(here)
    return here


PRINTS: dict[str, tuple[dict[str, object], str]] = {
    "reverse_lines": ({"source": ["poem.txt"]}, "four four\n# three\n\ntwo\none\n"),
    "number_lines": ({"source": ["other.txt"]}, "     1\ttwo\n     2\tzwei\n"),
    "upper_case": ({"source": ["other.txt"]}, "TWO\nZWEI\n"),
    "lower_case": ({"source": ["page.html"]}, "<p>hello <b>you</b></p>\n"),
    "without_blank_lines": ({"source": ["poem.txt"]}, "one\ntwo\n# three\nfour four\n"),
    "without_comments": ({"source": ["poem.txt"]}, "one\ntwo\n\nfour four\n"),
    "every_nth_line": ({"source": ["long.txt"], "limit": 7}, "7\n14\n"),
    "longest_line": ({"source": ["poem.txt"]}, "four four\n"),
    "shortest_line": ({"source": ["long.txt"]}, "1\n"),
    "long_lines": ({"source": ["poem.txt"], "limit": 7}, "four four\n"),
    "sort_by_length": ({"source": ["other.txt", "poem.txt"]}, "\ntwo\none\ntwo\nzwei\n# three\nfour four\n"),
    "word_frequency": ({"source": ["poem.txt"], "limit": 1}, "      2 four\n"),
    "unique_words": ({"source": ["other.txt"]}, "two\nzwei\n"),
    "lines_around": ({"pattern": "7", "source": ["long.txt"], "limit": 1}, "6-6\n7:7\n8-8\n--\n16-16\n17:17\n18-18\n"),
    "lines_after": ({"pattern": "19", "source": ["long.txt"], "limit": 1}, "19:19\n20-20\n"),
    "lines_before": ({"pattern": "20", "source": ["long.txt"], "limit": 1}, "19-19\n20:20\n"),
    "lines_between": ({"source": ["poem.txt"], "pattern": "two", "find": "# three"}, "two\n\n# three\n"),
    "matches_per_file": ({"pattern": "two"}, ""),
    "emails": ({"source": ["mixed.log"]}, "a@b.example\n"),
    "addresses": ({"source": ["mixed.log"]}, "https://x.example/y?z\n"),
    "ip_addresses": ({"source": ["mixed.log"]}, "10.0.0.7\n"),
    "numbers": ({"source": ["table.csv"]}, "1\n2\n"),
    "sum_column": ({"source": ["long.txt"]}, "210\n"),
    "side_by_side": ({"left": "other.txt", "right": "other.txt"}, "two\ttwo\nzwei\tzwei\n"),
    "common_lines": ({"left": "poem.txt", "right": "other.txt"}, "two\n"),
    "lines_only_in": ({"left": "other.txt", "right": "poem.txt"}, "zwei\n"),
    "transpose": ({"source": ["table.csv"]}, 'name,zoe,"mia, m"\r\n"a, b",1,2\r\n'),
    "json_to_csv": ({"source": ["list.json"]}, "a,b\r\n1,x\r\n2,\r\n"),
    "csv_header": ({"source": ["table.csv"]}, "name\na, b\n"),
    "json_valid": ({"source": ["list.json"]}, "list.json: valid\n"),
    "tabs_to_spaces": ({"source": ["tabs.txt"]}, "    x\n"),
    "base64_encode": ({"source": ["tabs.txt"]}, "CXgK\n"),
    "base64_decode": ({"source": ["code.b64"]}, "hi\n"),
    "strip_tags": ({"source": ["page.html"]}, "Hello you\n"),
    "prefix_lines": ({"source": ["other.txt"], "prefix": "> "}, "> two\n> zwei\n"),
    "suffix_lines": ({"source": ["other.txt"], "suffix": ";"}, "two;\nzwei;\n"),
    "tree": ({"root": "deep"}, "er\n|   x.txt\ny.md\n"),
    "files_per_extension": ({"root": "deep"}, "      1 txt\n      1 md\n"),
    "files_per_folder": ({"root": "deep"}, "      1 deep/er\n      1 deep\n"),
    "sequence": ({"first": 3, "last": 5}, "3\n4\n5\n"),
    "random_number": ({"first": 4, "last": 4}, "4\n"),
}  # fmt: skip

CHANGES: dict[str, tuple[dict[str, object], dict[str, str | None]]] = {
    "split_by_lines": (
        {"path": "poem.txt", "limit": 3},
        {"poem.txt.part-000": "one\ntwo\n\n", "poem.txt.part-001": "# three\nfour four\n"},
    ),
    "split_by_size": (
        {"path": "other.txt", "larger_than": "5 bytes"},
        {"other.txt.part-000": "two\nz", "other.txt.part-001": "wei\n"},
    ),
    "join_files": ({"paths": ["poem.txt", "other.txt"], "to": "all.txt"}, {"all.txt": POEM + "two\nzwei\n"}),
    "line_endings": ({"paths": ["dos.txt"]}, {"dos.txt": "a\nb \t\n"}),
    "trailing_spaces": ({"paths": ["dos.txt"]}, {"dos.txt": "a\nb\n"}),
    "sort_by_extension": ({"root": "deep"}, {"deep/y.md": None, "deep/md/y.md": "y\n"}),
    "flatten": ({"root": "deep"}, {"deep/er/x.txt": None, "deep/x.txt": "x\n"}),
}


def test_every_idiom_is_tested() -> None:
    tested = {*PRINTS, *CHANGES, *OTHERWISE}
    assert {f"idiom.{name}" for name in tested} == set(IDIOMS)


@pytest.mark.parametrize("name", PRINTS)
def test_an_idiom_prints(name: str, desk: Here) -> None:
    arguments, wanted = PRINTS[name]
    before = files(desk)
    printed = perform(desk, f"idiom.{name}", arguments)
    if name in ("files_per_extension", "files_per_folder"):  # equal counts come in any order
        assert sorted(printed.splitlines()) == sorted(wanted.splitlines())
    elif name == "matches_per_file":
        assert {"./poem.txt:1", "./other.txt:1"} < set(printed.splitlines())
    else:
        assert printed == wanted
    assert files(desk) == before


@pytest.mark.parametrize("name", CHANGES)
def test_an_idiom_changes(name: str, desk: Here) -> None:
    arguments, changes = CHANGES[name]
    wanted = files(desk)
    for path, text in changes.items():
        if text is None:
            del wanted[path]
        else:
            wanted[path] = text
    perform(desk, f"idiom.{name}", arguments)
    assert files(desk) == wanted


OTHERWISE = {
    "shuffle_lines", "random_lines", "csv_to_json", "json_keys", "hex_dump", "sort_by_month", "spaces_to_underscores",
    "dated_backup", "list_archive", "absolute_path", "calendar", "uuid", "password",
}  # fmt: skip


def test_lines_are_shuffled_and_sampled(desk: Here) -> None:
    numbers = [str(n) for n in range(1, 21)]
    assert sorted(perform(desk, "idiom.shuffle_lines", {"source": ["long.txt"]}).split(), key=int) == numbers
    sampled = perform(desk, "idiom.random_lines", {"source": ["long.txt"], "limit": 6}).split()
    assert len(set(sampled)) == 6
    assert set(sampled) <= set(numbers)


def test_a_table_becomes_json_and_a_document_gives_its_keys(desk: Here) -> None:
    made = perform(desk, "idiom.csv_to_json", {"source": ["table.csv"]})
    assert json.loads(made) == [{"name": "zoe", "a, b": "1"}, {"name": "mia, m", "a, b": "2"}]
    (desk.root / "one.json").write_text('{"k": 1, "l": 2}')
    assert perform(desk, "idiom.json_keys", {"source": ["one.json"]}) == "k\nl\n"


def test_bytes_and_paths_are_shown(desk: Here) -> None:
    assert "74 77 6f 0a" in perform(desk, "idiom.hex_dump", {"source": ["other.txt"]})
    assert perform(desk, "idiom.absolute_path", {"paths": ["other.txt"]}).strip().endswith("/other.txt")


def test_files_are_filed_by_month(desk: Here) -> None:
    os.utime(desk.root / "deep" / "y.md", (0, 1_700_000_000))
    perform(desk, "idiom.sort_by_month", {"root": "deep"})
    assert files(desk)["deep/2023-11/y.md"] == "y\n"


def test_names_lose_their_spaces_and_nothing_is_overwritten(desk: Here) -> None:
    for name in ("a b.txt", "a_b.txt", "c d e"):
        (desk.root / name).write_text(name)
    perform(desk, "idiom.spaces_to_underscores", {})
    found = files(desk)
    assert found["a_b.txt"] == "a_b.txt"
    assert found["a b.txt"] == "a b.txt"
    assert found["c_d_e"] == "c d e"


def test_a_taken_name_is_told_and_no_folder_swallows_what_is_renamed(desk: Here) -> None:
    for name in ("x y", "-p q"):
        (desk.root / name).mkdir()
        (desk.root / name / "inside").write_text(name)
    (desk.root / "x_y").mkdir()
    (desk.root / "gone away").symlink_to("missing")
    value = run(desk, "idiom.spaces_to_underscores", {})
    assert value["code"] == 0
    assert value["stderr"] == "x_y: is there already, x y keeps its name\n"
    assert not any((desk.root / "x_y").iterdir())
    assert files(desk)["-p_q/inside"] == "-p q"
    assert (desk.root / "gone_away").readlink() == Path("missing")


@pytest.mark.parametrize("call", ["idiom.line_endings", "idiom.trailing_spaces"])
def test_a_link_stays_one_when_its_file_is_changed(call: str, desk: Here) -> None:
    (desk.root / "link").symlink_to("dos.txt")
    perform(desk, call, {"paths": ["link"]})
    assert (desk.root / "link").readlink() == Path("dos.txt")
    assert "\r" not in files(desk)["dos.txt"]


def test_a_dated_copy_keeps_the_original(desk: Here) -> None:
    perform(desk, "idiom.dated_backup", {"paths": ["other.txt", "deep"]})
    made = [name for name in files(desk) if re.search(r"-\d{4}-\d\d-\d\d(/|$)", name)]
    assert len(made) == 3
    assert files(desk)["other.txt"] == "two\nzwei\n"


@pytest.mark.parametrize("to", ["poem.txt", "./poem.txt", "other.txt"])
def test_files_are_joined_into_one_of_them(to: str, desk: Here) -> None:
    (desk.root / to).chmod(0o640)
    wanted = {**files(desk), Path(to).name: POEM + "two\nzwei\n"}
    perform(desk, "idiom.join_files", {"paths": ["poem.txt", "other.txt"], "to": to})
    assert files(desk) == wanted
    assert (desk.root / to).stat().st_mode & 0o777 == 0o640


def test_files_are_joined_into_what_a_link_points_to(desk: Here) -> None:
    (desk.root / "link").symlink_to("deep/y.md")
    perform(desk, "idiom.join_files", {"paths": ["link", "other.txt"], "to": "link"})
    assert (desk.root / "link").readlink() == Path("deep/y.md")
    assert files(desk)["deep/y.md"] == "y\ntwo\nzwei\n"


@pytest.mark.parametrize("names", [("-", "-x"), ("a b", "--help"), (NASTY, "(")])
@pytest.mark.parametrize("to", ["-o", "a c", "!", "deep/-", f"deep/{NASTY}"])
def test_files_of_any_name_are_joined(names: tuple[str, str], to: str, desk: Here) -> None:
    for name in names:
        (desk.root / name).write_text(name)
    wanted = {**files(desk), to: "".join(names)}
    perform(desk, "idiom.join_files", {"paths": list(names), "to": to})
    assert files(desk) == wanted
    (desk.root / "usual").touch()
    assert (desk.root / to).stat().st_mode == (desk.root / "usual").stat().st_mode


@pytest.mark.parametrize("to", ["poem.txt", "new.txt"])
@pytest.mark.parametrize("bad", ["missing", "deep"])
def test_a_file_that_cannot_be_read_is_not_joined(bad: str, to: str, desk: Here) -> None:
    assert bad in refuses(desk, "idiom.join_files", {"paths": ["poem.txt", bad], "to": to})


@pytest.mark.parametrize("to", ["table.csv", "./table.csv", "deep", "nowhere", "deep/../list.json"])
def test_files_are_not_joined_into_another_one(to: str, desk: Here) -> None:
    (desk.root / "nowhere").symlink_to("missing")
    said = refuses(desk, "idiom.join_files", {"paths": ["poem.txt", "other.txt"], "to": to})
    assert said == f"{to}: is there already\n"


@pytest.mark.parametrize("to", ["missing/all.txt", "deep/new/"])
def test_files_are_not_joined_where_there_is_no_folder(to: str, desk: Here) -> None:
    refuses(desk, "idiom.join_files", {"paths": ["poem.txt"], "to": to})


@pytest.mark.parametrize("call", ["idiom.common_lines", "idiom.lines_only_in"])
def test_lines_are_compared_beside_a_file_of_any_name(call: str, desk: Here) -> None:
    (desk.root / ".casava-left").write_text("mine")
    before = desk.tree()
    perform(desk, call, {"left": "poem.txt", "right": "other.txt"})
    assert desk.tree() == before
    assert "missing" in refuses(desk, call, {"left": "missing", "right": "other.txt"})
    assert "missing" in refuses(desk, call, {"left": "poem.txt", "right": "missing"})


@pytest.mark.parametrize("path", ["poem.txt", "a b", "-x", NASTY])
def test_pieces_overwrite_nothing(path: str, desk: Here) -> None:
    (desk.root / path).write_text(POEM)
    (desk.root / f"{path}.part-001").write_text("mine")
    for call, size in (("lines", {"limit": 2}), ("size", {"larger_than": "5 bytes"})):
        assert "part-001: is there already" in refuses(desk, f"idiom.split_by_{call}", {"path": path, **size})
    (desk.root / f"{path}.part-001").unlink()
    perform(desk, "idiom.split_by_lines", {"path": path, "limit": 3})
    assert files(desk)[f"{path}.part-001"] == "# three\nfour four\n"


@pytest.mark.parametrize("again", ["-x", "deep", "deep/"])
def test_a_dated_copy_overwrites_no_earlier_one(again: str, desk: Here) -> None:
    (desk.root / "-x").write_text("x")
    perform(desk, "idiom.dated_backup", {"paths": [again]})
    (desk.root / "-x").write_text("y")
    paths = ["other.txt", again]
    assert "is there already" in refuses(desk, "idiom.dated_backup", {"paths": paths})


def test_a_copy_that_cannot_be_made_is_told(desk: Here) -> None:
    assert "missing" in refuses(desk, "idiom.dated_backup", {"paths": ["missing", "other.txt"]})


def test_an_archive_is_listed(desk: Here) -> None:
    desk("file.archive", paths=["poem.txt"], to="p.zip")
    desk("file.archive", paths=["poem.txt"], to="p.tar.gz")
    assert "poem.txt" in perform(desk, "idiom.list_archive", {"path": "p.zip"})
    assert "poem.txt" in perform(desk, "idiom.list_archive", {"path": "p.tar.gz"})


def test_what_is_made_up_is_new_each_time(desk: Here) -> None:
    assert perform(desk, "idiom.uuid", {}) != perform(desk, "idiom.uuid", {})
    assert len(perform(desk, "idiom.password", {"limit": 12}).strip()) == 12
    assert len(perform(desk, "idiom.password", {}).strip()) == 20
    assert "Mo Tu We" in perform(desk, "idiom.calendar", {})


@pytest.mark.parametrize("call", [call for call in IDIOMS if "source" in idiom_shapes(call)])
def test_a_name_cannot_break_out_of_its_quotes(call: str, desk: Here) -> None:
    arguments: dict[str, object] = {"source": [NASTY]}
    for name, shape in idiom_shapes(call).items():
        if name != "source" and shape.required:
            arguments[name] = 2 if shape.lexeme == "count" else NASTY
    step = expand(call, {"call": call, **arguments})
    desk("process.run", **{key: value for key, value in step.items() if key != "call"})
    assert not (desk.root / "pwned").exists()


@pytest.mark.parametrize(
    "call", [call for call in IDIOMS if idiom_shapes(call).get("source") and "json" not in call]
)
def test_a_reference_is_read_from_standard_input(call: str) -> None:
    arguments: dict[str, object] = {"source": "$0"}
    for name, shape in idiom_shapes(call).items():
        if name != "source" and shape.required:
            arguments[name] = 2 if shape.lexeme == "count" else "a"
    step = expand(call, {"call": call, **arguments})
    assert step["stdin"] == "$0"
    plan = parse_plan({"version": 1, "steps": [step], "reads_stdin": True})
    assert isinstance(plan, Ok), plan


def test_an_idiom_is_performed_by_a_program() -> None:
    assert {performed_by(call) for call in IDIOMS} == {"process.run"}
