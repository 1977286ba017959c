"""Which function performs which syscall."""

from __future__ import annotations

from typing import Callable, Dict

from casava_sandbox.agent import programs
from casava_sandbox.agent.context import Context
from casava_sandbox.agent.values import Stored

PERFORMERS: Dict[str, Callable[[Context, Stored], Stored]] = {
    "process.run": programs.run,
}
