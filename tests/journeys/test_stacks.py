"""Requests about stacks in plain words: what is right for each is a plan that the kernel takes and the infra broker performs.

`python -m tests.journeys.test_stacks` asks the shipped model for all of them and prints which it gets right.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from casava_os.infra.broker import CALLS
from casava_os.kernel.policy import Deny, load_policy
from casava_syscalls.plan import parse_plan
from casava_syscalls.registry import available
from casava_syscalls.results import Ok

REQUESTS = [json.loads(line) for line in Path(__file__).with_name("stacks.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("journey", REQUESTS, ids=lambda journey: journey["request"])
def test_what_is_right_for_a_request_is_a_plan_that_may_be_asked_for(journey: dict[str, object]) -> None:
    plan = parse_plan({"version": 1, "request": journey["request"], "steps": journey["steps"]})
    assert isinstance(plan, Ok), plan
    policy = load_policy()
    assert isinstance(policy, Ok)
    offered = policy.value.offered(available())
    for step, verdict in zip(
        plan.value.steps, policy.value.judge_plan(plan.value, plan.value.request), strict=True
    ):
        assert step.call in offered
        assert step.family() != "infra" or step.call in CALLS
        assert not isinstance(verdict, Deny)


def main() -> int:
    """Prints a line a request, and the count."""
    from casava_os import model
    from casava_os.kernel.ports import CompileRequest

    loaded = model.load()
    if not isinstance(loaded, Ok):
        print(loaded, file=sys.stderr)
        return 1
    right = 0
    for journey in REQUESTS:
        names = ("compose.yaml", "notes.txt")
        made = loaded.value.compile(CompileRequest(journey["request"], available(), names=names))
        plan = (
            parse_plan({"version": 1, "steps": [dict(s) for s in made.value.steps]})
            if isinstance(made, Ok)
            else made
        )
        wanted = parse_plan({"version": 1, "steps": journey["steps"]})
        same = isinstance(plan, Ok) and isinstance(wanted, Ok) and plan.value.steps == wanted.value.steps
        right += same
        got = [dict(s) for s in made.value.steps] if isinstance(made, Ok) else str(made)
        print("right" if same else "wrong", journey["request"], "" if same else got)
    print(f"{right} of {len(REQUESTS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
