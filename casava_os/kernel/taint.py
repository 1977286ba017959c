"""Taint: which steps act upon something that was chosen by untrusted text.

A plan is fixed before any file is read, so text can never add a step. It can still choose *what a step acts upon*: the
files that a search matched, the standard input of a program. Such a step is marked, and does more than read only when
the person approves. Names and facts of files (`file.find`, sizes, ages) were asked for by the person and taint nothing;
text that is merely put somewhere (`file.write content=$1`) is content, not a choice.
"""

from __future__ import annotations

from casava_syscalls.base import Effect
from casava_syscalls.plan import Plan, references
from casava_syscalls.shapes import shapes
from casava_syscalls.values import Exit, Matches, Table, Text

FROM_CONTENT = (Text, Matches, Table, Exit)
"""Result types that carry what files say or programs print."""


def taint(plan: Plan) -> dict[int, str]:
    """Numbers of the tainted steps (from 1), each with a sentence that says why."""
    tainted: dict[int, str] = {}
    for number, step in enumerate(plan.steps, 1):
        for field, ref in references(step):
            chooses = shapes(type(step))[field].lexeme == "path" or Effect.EXECUTE in step.effect
            if not chooses:
                continue
            from_content = ref.step == 0 or issubclass(plan.steps[ref.step - 1].result_type(), FROM_CONTENT)
            if from_content or ref.step in tainted:
                origin = (
                    "standard input"
                    if ref.step == 0
                    else f"step {ref.step} ({plan.steps[ref.step - 1].call})"
                )
                tainted[number] = f"what {step.call} acts upon was chosen by untrusted text, from {origin}"
    return tainted
