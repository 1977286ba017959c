"""A plan's JSON text is the plan: what is written out reads back as the same steps."""

import json

import pytest

from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Ok

STEPS: list[list[dict[str, object]]] = [
    [{"call": "file.read", "paths": ["a.txt", "b c.txt"]}],
    [{"call": "file.find", "extension": ["tmp"]}, {"call": "file.delete", "paths": "$1"}],
    [{"call": "file.read", "paths": ["$1"]}],
    [{"call": "file.read", "paths": ["a"]}, {"call": "file.write", "path": "b", "content": "$1"}],
    [{"call": "file.write", "path": "b", "content": "text"}],
    [{"call": "process.spawn", "command": "sleep 1"}, {"call": "process.wait", "job": "$1"}],
    [{"call": "process.wait", "job": 3}],
]


@pytest.mark.parametrize("steps", STEPS)
def test_a_plan_survives_being_written_out(steps: list[dict[str, object]]) -> None:
    parsed = parse_plan({"version": 1, "steps": steps})
    assert isinstance(parsed, Ok)
    assert json.loads(parsed.value.canonical())["steps"] == steps
    again = Plan.model_validate_json(parsed.value.canonical())
    assert again == parsed.value
    assert again.sha256() == parsed.value.sha256()
