"""The agent keeps to the ABI: every syscall performed, the same defaults, the same rendering, and python 3.8's grammar."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import casava_sandbox.agent
from casava_sandbox.agent import fields, kinds, values
from casava_sandbox.agent.performers import PERFORMERS
from casava_syscalls.file import KIND_EXTENSIONS
from casava_syscalls.registry import SYSCALLS
from casava_syscalls.values import Entry, Exit, Facts, Files, Match, Matches, Number, Table, Text, Value

AGENT = Path(str(casava_sandbox.agent.__file__)).parent
PERFORMED = sorted(
    name
    for name, call in SYSCALLS.items()
    if (call.performer == "agent" or call.cargo) and call.available and "." in name
)
"""Of the broker's syscalls that carry files, the agent performs the half that touches the layer."""


def test_every_syscall_of_the_agent_is_performed() -> None:
    assert {name.split(".")[0] for name in PERFORMED} == {"file", "text", "process", "container"}
    assert sorted(PERFORMERS) == PERFORMED


@pytest.mark.parametrize("name", sorted(set(PERFORMED) - {"process.run"}))
def test_defaults_are_the_abis(name: str) -> None:
    wanted = {}
    for field, info in SYSCALLS[name].model_fields.items():
        default = info.get_default(call_default_factory=True)
        if field != "call" and not info.is_required() and default is not None:
            wanted[field] = list(default) if isinstance(default, tuple) else default
    assert fields.DEFAULTS[name] == wanted


def test_kinds_are_the_abis() -> None:
    assert {kind: frozenset(names) for kind, names in KIND_EXTENSIONS.items()} == kinds.KIND_EXTENSIONS


@pytest.mark.parametrize("path", sorted(AGENT.glob("*.py")), ids=lambda path: path.name)
def test_the_source_is_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & {"removeprefix", "removesuffix", "bit_count", "pairwise"}
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert path.name == "__init__.py" or imports[0].module == "__future__", "annotations stay strings"


cells = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
any_value = st.one_of(
    st.builds(Text, text=st.text()),
    st.builds(Number, value=st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))),
    st.builds(Files, items=st.lists(st.builds(Entry, path=st.text(min_size=1)), max_size=3).map(tuple)),
    st.builds(
        Matches,
        items=st.lists(st.builds(Match, path=st.text(), line=st.integers(), text=st.text()), max_size=3).map(
            tuple
        ),
    ),
    st.builds(
        Table,
        columns=st.lists(st.text(max_size=3), min_size=2, max_size=2).map(tuple),
        rows=st.lists(st.tuples(cells, cells), max_size=3).map(tuple),
    ),
    st.builds(Facts, items=st.dictionaries(st.text(max_size=3), cells, max_size=3)),
    st.builds(Exit, code=st.integers(), stdout=st.text()),
)


@given(any_value)
def test_a_value_reads_in_the_sandbox_as_it_does_outside(value: Value) -> None:
    assert values.render(value.model_dump(mode="json")) == value.render()
