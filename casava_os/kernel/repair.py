"""Self-repair: a plan that failed goes back to a model that can learn from its failure, with what may be said of it.

What goes back is the plan, the step, the kind of the failure and those of the plan's own arguments that the failure names.
The failure's own words stay here: they may quote a file, a program or a server, and such text never decides. The new plan starts
over in a fresh layer, and every step of it that does more than read needs approval: it was chosen after a look at the
workspace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from casava_os.kernel.dispatch import Performed
from casava_os.kernel.ports import Attempt
from casava_syscalls.base import HELD_BY_LAYER
from casava_syscalls.plan import Plan
from casava_syscalls.results import Err, ErrorCode

SENTENCES = MappingProxyType(
    dict[ErrorCode, str](
        {
            "usage": "an argument is not acceptable",
            "not-found": "there is no such file, directory, column, key or step",
            "exists": "something of that name is there already",
            "not-a-file": "it is not a file",
            "not-a-directory": "it is not a directory",
            "not-text": "it is not text of the expected format",
            "outside-workspace": "a path leads out of the workspace",
            "unsupported": "this cannot be done with that kind of file",
            "unavailable": "this syscall cannot be had here",
            "type": "an argument or a reference has the wrong type",
        }
    )
)
"""The failures that another plan may avoid, with all that a model is told of them."""


def attempt(plan: Plan, performed: Performed) -> Attempt | None:
    """What a model may know of a plan that failed; None when another plan must not be tried.

    A plan is tried again only when everything that it did was in its layer, which can be thrown away.
    """
    failed = next((n for n, r in sorted(performed.results.items()) if isinstance(r, Err)), None)
    if performed.stopped is not None or failed is None:
        return None
    if any(plan.steps[number - 1].effect & ~HELD_BY_LAYER for number in performed.results):
        return None
    err = performed.results[failed]
    if not isinstance(err, Err) or err.code not in SENTENCES:
        return None
    return told(documents(plan), failed, err)


def documents(plan: Plan) -> list[Mapping[str, object]]:
    """The steps in their JSON form."""
    steps: list[Mapping[str, object]] = json.loads(plan.canonical())["steps"]
    return steps


def told(steps: Sequence[Mapping[str, object]], number: int, err: Err) -> Attempt:
    """The failure of step `number` (0: of the plan as a whole) without a word that is not the plan's own."""
    own = dict.fromkeys(text for step in steps[max(0, number - 1) : number or None] for text in _texts(step))
    said = f"{err.title} {err.message}"
    named = tuple(text for text in own if text and text in said)
    return Attempt(tuple(steps), number, err.code, SENTENCES.get(err.code, "it failed"), named)


def _texts(value: object) -> Iterator[str]:
    """Every text among a step's arguments; its own name is not one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if key != "call":
                yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
