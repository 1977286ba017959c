"""Which proven plans a model is shown as examples: of like requests of the person in this workspace, few and short.

A model whose words leave the machine is shown none unless the settings say so: what was asked here once was not asked there.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Literal

from casava_os.kernel.ports import Example, Memory, Model, TakesExamples

Reach = Literal["none", "local", "all"]
"""Which models are shown examples: none, those that run on this machine, those behind any address, too."""

MOST = 3
LONGEST_REQUEST, LONGEST_PLAN = 300, 800
"""Characters of an example's parts; what is longer is none."""


def examples_for(
    memory: Memory, model: Model, text: str, workspace: str, offered: Collection[str], reach: Reach
) -> tuple[Example, ...]:
    """The most alike first. Blocking."""
    if reach == "none" or not isinstance(model, TakesExamples) or not (model.local or reach == "all"):
        return ()
    found = memory.examples(text, workspace, limit=2 * MOST)
    fit = (
        one for one in found if _short(one) and {str(step.get("call")) for step in one.steps} <= {*offered}
    )
    return tuple(fit)[:MOST]


def _short(example: Example) -> bool:
    plan = json.dumps(list(example.steps), ensure_ascii=False)
    return len(example.request) <= LONGEST_REQUEST and len(plan) <= LONGEST_PLAN


def told(examples: Collection[Example]) -> str:
    """The sentence for the record of the run."""
    pids = [str(one.pid) for one in examples]
    which = f"request {pids[0]}" if len(pids) == 1 else f"requests {', '.join(pids[:-1])} and {pids[-1]}"
    return f"The model was shown the proven plans of {which} as examples (--no-memory: none)."
