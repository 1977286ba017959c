"""Lines in, other lines out; tables; documents."""

import json
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.here import Here

some_lines = st.lists(st.text(alphabet="abAB 123.-\té", max_size=6), max_size=8)


def text(*lines: str) -> dict[str, object]:
    return {"kind": "text", "text": "".join(line + "\n" for line in lines)}


@settings(max_examples=60, deadline=None)
@given(some_lines, st.booleans())
def test_sort_is_sorted(fresh: Callable[[], Here], lines: list[str], reverse: bool) -> None:
    here = fresh()
    out = here.text("text.sort", source=text(*lines), reverse=reverse)
    assert out == "".join(line + "\n" for line in sorted(lines, reverse=reverse))


@settings(max_examples=60, deadline=None)
@given(some_lines, st.sampled_from([[], ["-n"], ["-r"], ["-n", "-r"], ["-n", "-k2,2"], ["-u"]]))
def test_sort_is_coreutils(fresh: Callable[[], Here], lines: list[str], options: list[str]) -> None:
    here = fresh()
    (here.root / "f").write_text("".join(line + "\n" for line in lines))
    fields: dict[str, object] = {
        "numeric": "-n" in options,
        "reverse": "-r" in options,
        "unique": "-u" in options,
    }
    if "-k2,2" in options:
        fields["column"] = 2
        lines = [
            line.replace(" ", "").replace("\t", "") + " " + line.replace(" ", "").replace("\t", "")
            for line in lines
        ]
        (here.root / "f").write_text("".join(line + "\n" for line in lines))
    out = subprocess.run(
        ["sort", *options, "f"], cwd=here.root, env={"LC_ALL": "C.UTF-8"}, check=True, capture_output=True
    )
    assert here.text("text.sort", source=["f"], **fields) == out.stdout.decode()


def test_sort_by_columns(here: Here) -> None:
    source = text("b,10", "a,9", "c", "d,-1.5")
    assert (
        here.text("text.sort", source=source, column=2, delimiter=",", numeric=True)
        == "d,-1.5\nc\na,9\nb,10\n"
    )
    assert here.text("text.sort", source=text("b", "A", "B", "a"), ignore_case=True, unique=True) == "A\nb\n"


def test_sources_follow_each_other(here: Here) -> None:
    here.make({"a": "2\r\n1", "b": "3", "bin": b"\0", "d": None})
    assert here.text("text.sort", source=["a", "b"]) == "1\n2\n3\n"
    assert here.text("text.sort", source=here("file.find")) == "1\n2\n3\n"
    here.fails("text.sort", "not-text", source=["bin"])
    here.fails("text.sort", "not-a-file", source=["d"])
    assert here.text("text.sort", source={"kind": "number", "value": 7, "unit": "x"}) == "7\n"
    assert (
        here.text("text.sort", source={"kind": "facts", "items": {"b": 1, "a": None}}) == "a\tabsent\nb\t1\n"
    )


def test_unique_and_lines(here: Here) -> None:
    source = text("b", "a", "b", "B", "c", "a", "b")
    assert here.text("text.unique", source=source) == "b\na\nB\nc\n"
    assert here.text("text.unique", source=source, count=True) == "3\tb\n2\ta\n1\tB\n1\tc\n"
    assert here.text("text.unique", source=source, count=True, ignore_case=True) == "4\tb\n2\ta\n1\tc\n"
    assert here.text("text.lines", source=source, first=2) == "b\na\n"
    assert here.text("text.lines", source=source, last=2) == "a\nb\n"
    assert here.text("text.lines", source=source, from_line=3, to_line=4) == "b\nB\n"
    assert here.text("text.lines", source=source, from_line=7) == "b\n"


def test_columns(here: Here) -> None:
    source = text("one  two\tthree", "x", "")
    assert here.text("text.columns", source=source, columns=[3, 1]) == "three one\nx\n\n"
    assert (
        here.text("text.columns", source=text("a:b:c", "d::f"), columns=[1, 2], delimiter=":") == "a:b\nd:\n"
    )
    here.make({"two words": "12"})
    assert here.text("text.columns", source=here("file.usage"), columns=[1]) == "path\ntwo words\n"


PEOPLE = 'name,age,city\nAnn,30,Oslo\nBob,9,\n"Cy, Jr",200,Rome\nDee,,Oslo\n'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows(here: Here, delimiter: str) -> None:
    here.make({"p": PEOPLE.replace('"Cy, Jr"', "Cy").replace(",", delimiter)})
    table = here("text.csv", source=["p"])
    assert table["columns"] == ["name", "age", "city"]
    assert here.rows("text.csv", source=["p"], where_column="age", where_op="above", where_value="9") == [
        ["Ann", "30", "Oslo"],
        ["Cy", "200", "Rome"],
    ]


def test_conditions_orders_and_choices(here: Here) -> None:
    here.make({"p": PEOPLE})

    def names(**fields: object) -> list[object]:
        return [row[0] for row in here.rows("text.csv", source=["p"], columns=["name"], **fields)]

    assert names(sort_by="age") == ["Bob", "Ann", "Cy, Jr", "Dee"]
    assert names(sort_by="age", descending=True, limit=2) == ["Cy, Jr", "Ann"]
    assert names(sort_by="City", descending=True) == ["Cy, Jr", "Ann", "Dee", "Bob"]
    assert names(where_column="age", where_value="30.0") == ["Ann"]
    assert names(where_column="city", where_op="not_equals", where_value="Oslo") == ["Bob", "Cy, Jr"]
    assert names(where_column="name", where_op="contains", where_value=",") == ["Cy, Jr"]
    assert names(where_column="age", where_op="below", where_value="100") == ["Ann", "Bob"]
    assert "name, age, city" in here.fails("text.csv", "not-found", source=["p"], sort_by="agee").hint
    nested = here("text.csv", source=["p"], where_column="city", where_value="Oslo")
    assert here.number("text.aggregate", source=nested, column="age") == 30


def test_awkward_tables(here: Here) -> None:
    here.make(
        {
            "ragged": "a,b\n1\n\n2,3,4\n",
            "quoted": 'a,b\n"x\ny","say ""hi"""\n',
            "empty": "",
            "mark": "\ufeffa,b\n1,2\n",
        }
    )
    assert here("text.csv", source=["ragged"]) == {
        "kind": "table",
        "columns": ["a", "b", "column 3"],
        "rows": [["1", "", ""], ["2", "3", "4"]],
    }
    assert here.rows("text.csv", source=["quoted"]) == [["x\ny", 'say "hi"']]
    assert here("text.csv", source=["mark"])["columns"] == ["a", "b"]
    here.fails("text.csv", "type", source=["empty"])
    here.fails("text.csv", "type", source=["ragged", "quoted"])


def test_aggregates(here: Here) -> None:
    here.make({"p": PEOPLE, "m": "x\n0.1\n0.2\n\n", "w": "x\n1\nmany\n"})
    how = {"sum": 239, "min": 9, "max": 200, "count": 3, "distinct": 3}
    assert {name: here.number("text.aggregate", source=["p"], column="age", how=name) for name in how} == how
    assert here.number("text.aggregate", source=["p"], column="city", how="distinct") == 2
    assert here.number("text.aggregate", source=["m"], column="x") == 0.3
    assert here.number("text.aggregate", source=["m"], column="x", how="mean") == 0.15
    assert "row 2" in here.fails("text.aggregate", "type", source=["w"], column="x").message
    here.make({"none": "x,y\n,1\n"})
    assert here.number("text.aggregate", source=["none"], column="x") == 0
    here.fails("text.aggregate", "not-found", source=["none"], column="x", how="max")
    assert here.number("text.aggregate", source=here("file.usage"), column="bytes") == here.number(
        "file.size"
    )


DOCUMENT = {"server": {"ports": [80, {"name": "alt"}], "a key": "ü\nz", "x.y": None}, "ok": True, "list": []}


def test_documents(here: Here) -> None:
    here.make(
        {
            "c.json": json.dumps(DOCUMENT),
            "bad.json": "{,}",
            "l.jsonl": '{"a": 1}\n{"a": 2}\n',
            "deep": "[" * 100_000,
        }
    )

    def at(query: str) -> str:
        return here.text("text.json", source=["c.json"], query=query)

    assert json.loads(here.text("text.json", source=["c.json"])) == DOCUMENT
    assert here.text("text.json", source=["c.json"]).startswith('{\n  "server"')
    assert at("server.ports[0]") == at("$.server.ports.0") == "80\n"
    assert at("server.ports[-1].name") == "alt\n"
    assert at('server."a key"') == at("server['a key']") == at("server.a key") == "ü\nz\n"
    assert at('server["x.y"]') == "null\n"
    assert at("ok") == "true\n"
    assert here.text("text.json", source=["l.jsonl"], query="[1].a") == "2\n"
    assert "server, ok, list" in here.fails("text.json", "not-found", source=["c.json"], query="serv").hint
    here.fails("text.json", "not-found", source=["c.json"], query="server.ports[2]")
    here.fails("text.json", "not-found", source=["c.json"], query="server.ports.name")
    here.fails("text.json", "not-found", source=["c.json"], query="ok.deeper")
    here.fails("text.json", "usage", source=["c.json"], query="a[")
    here.fails("text.json", "usage", source=["c.json"], query="a[0]b")
    here.fails("text.json", "type", source=["bad.json"])
    here.fails("text.json", "unsupported", source=["deep"])
