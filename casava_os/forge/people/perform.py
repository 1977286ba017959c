"""Performs a plan in a workspace with the agent's own code; programs of idioms run in the jail."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from casava_os.forge.people import jail
from casava_os.forge.people.said import NOW
from casava_os.kernel.compiler import tagged
from casava_syscalls import Err, parse_plan
from casava_syscalls.plan import Plan

_SECONDS = 5.0

Value = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Performed:
    """What the last call gave, or the code of the fault that ended the plan."""

    value: Value
    failed: str | None = None


def plan_of(request: str, calls: Sequence[tagged.SurfaceCall], *, reads_stdin: bool) -> Plan | None:
    """The typed plan of surface calls; None where it does not type-check."""
    lowered = tagged.lower(calls, NOW)
    if isinstance(lowered, Err):
        return None
    plan = parse_plan({"request": request, "steps": lowered.value, "reads_stdin": reads_stdin})
    return None if isinstance(plan, Err) else plan.value


def perform(plan: Plan, root: Path, scratch: Path, stdin: str) -> Performed:
    """Runs all steps. Paths stay inside `root`: the agent sees to it."""
    from casava_sandbox.agent.context import Context, Limits
    from casava_sandbox.agent.errors import Fault
    from casava_sandbox.agent.performers import PERFORMERS
    from casava_sandbox.agent.values import as_input

    values: dict[int, dict[str, object]] = {0: {"kind": "text", "text": stdin}}
    for number, step in enumerate(plan.steps, 1):
        fields: dict[str, object] = {"call": step.call, **step.model_dump(mode="json", exclude_defaults=True)}
        given = {
            key: values[int(value[1:])] if isinstance(value, str) and re.fullmatch(r"\$\d", value) else value
            for key, value in fields.items()
        }
        if step.call == "process.run":
            piped = given.get("stdin")
            values[number] = _program(
                fields, root, as_input(piped).decode("utf-8", "replace") if piped else ""
            )
            continue
        context = Context(
            number,
            Limits({}),
            _SECONDS,
            values=lambda step: values[step],
            emit=lambda stream, data: None,
            root=str(root),
            scratch=str(scratch),
            raw=fields,
        )
        try:
            values[number] = PERFORMERS[step.call](context, given)
        except Fault as fault:
            return Performed({}, fault.code)
    return Performed(values[len(plan.steps)])


def _program(fields: Mapping[str, object], root: Path, stdin: str) -> dict[str, object]:
    script = str(fields.get("script") or fields.get("command"))
    if fields.get("interpreter") == "python3":
        script = f"python3 -c {shlex.quote(script)}"
    ran = jail.run(script, root, stdin)
    return {"kind": "exit", "code": ran.code, "stdout": ran.out, "stderr": ran.err}
