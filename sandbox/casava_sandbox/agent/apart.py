"""Runs what a regular expression may hold up for ever in a program of its own, which can be ended.

The other side is `alone`. Python's `re` does not let go while it backtracks: in a thread of the agent it would stop every other call, and the
agent's own clock. A pattern of the person's can do that, and so can a text that somebody wrote for the purpose.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import uuid
from typing import Callable, Dict, Optional

from casava_sandbox.agent.context import Context
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.fields import Fields
from casava_sandbox.agent.programs import TREE, environment
from casava_sandbox.agent.values import Stored

Performer = Callable[[Context, Fields], Stored]

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from casava_sandbox.agent.alone import main; main()"
WITHIN = "within"
"""A field that only `alone` sets: the call already runs in a program of its own."""


def apart(performer: Performer) -> Performer:
    """A performer that runs in a program of its own when the call has a regular expression."""

    @functools.wraps(performer)
    def perform(context: Context, fields: Fields) -> Stored:
        if not fields.flag("regex") or fields.get(WITHIN):
            return performer(context, fields)
        return _elsewhere(context, fields)

    return perform


def _elsewhere(context: Context, fields: Fields) -> Stored:
    mark = uuid.uuid4().hex
    context.on_cancel(lambda: TREE.kill(mark))
    context.check()
    task = {
        "call": fields.call,
        "fields": fields.given(),
        "root": context.root,
        "scratch": context.scratch,
        "memory_bytes": context.limits.memory_bytes,
    }
    env = environment(context, {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"})
    program = TREE.start(
        [sys.executable, "-S", "-c", _PROGRAM, *(os.path.abspath(path) for path in sys.path)],
        mark,
        env,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, complaint = _talk(context, program, json.dumps(task).encode("ascii"))
    finally:
        TREE.kill(mark)
        program.wait()
        TREE.ended(program)
        for pipe in (program.stdin, program.stdout, program.stderr):
            if pipe is not None:
                pipe.close()
    context.check()
    return _answer(program.returncode, output, complaint)


def _talk(context: Context, program: "subprocess.Popen[bytes]", task: bytes) -> "tuple[bytes, bytes]":
    first: Optional[bytes] = task
    while True:
        try:
            return program.communicate(first, timeout=0.05)
        except subprocess.TimeoutExpired:
            first = None
            context.check()


def _answer(code: int, output: bytes, complaint: bytes) -> Stored:
    try:
        answer = json.loads(output.decode("ascii"))
    except ValueError:
        last = (
            complaint.decode("utf-8", "replace").strip().splitlines() or ["it ended with code %d" % code]
        )[-1]
        raise Fault(
            "failed", "The search ended early", last, "try a simpler expression or fewer files"
        ) from None
    if "error" in answer:
        error: Dict[str, str] = answer["error"]
        raise Fault(error["code"], error["title"], error["message"], error["hint"])
    value: Stored = answer["value"]
    return value
