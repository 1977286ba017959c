"""The program in which one call with a regular expression runs alone: the other side of `apart`.

It imports nothing that only other syscalls need: the person waits for its start.
"""

from __future__ import annotations

import json
import sys
from typing import Dict

from casava_sandbox.agent import searching
from casava_sandbox.agent.apart import WITHIN
from casava_sandbox.agent.context import Context, Limits
from casava_sandbox.agent.errors import Fault, fault_from
from casava_sandbox.agent.fields import Fields


def main() -> None:
    """A task on standard input, its value or fault on standard output."""
    task = json.load(sys.stdin)
    context = Context(
        0,
        Limits({"memory_bytes": task["memory_bytes"]}),
        1e9,
        values=lambda step: {},
        emit=lambda stream, data: None,
        root=task["root"],
        scratch=task["scratch"],
    )
    performers = {
        "text.search": searching.search,
        "text.count": searching.count,
        "text.replace": searching.replace,
    }
    try:
        fields = Fields(task["call"], {**task["fields"], WITHIN: True})
        answer: Dict[str, object] = {"value": performers[task["call"]](context, fields)}
    except (Fault, OSError, MemoryError) as error:
        answer = {"error": fault_from(error, task["root"]).as_json()}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
