"""How one request is to be run: what the command line, a window or an app decides for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from casava_os.kernel.dispatch import Budget
from casava_os.kernel.events import Answer, ApprovalNeeded
from casava_os.kernel.ports import Priority
from casava_syscalls.base import Effect

Approve = Callable[[ApprovalNeeded], Awaitable[Answer]]
"""Asks the person; what the answers mean stands with `ApprovalNeeded`."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How one request is to be run."""

    yes: bool = False
    """Approves whatever policy asks for. What it denies stays denied, and a failed program's changes stay held."""
    approved: str | None = None
    """sha256 of a plan or a changeset that the person approves: exactly that one, and nothing else."""
    dry_run: bool = False
    """Shows the changeset and throws it away; effects that no layer holds are shown and not run."""
    plan_only: bool = False
    """Stops after the verdicts."""
    interactive: bool = False
    """Somebody watches the events and answers each `ApprovalNeeded`."""
    approve: Approve | None = None
    """Asks the person; with it the events need no answer from whoever watches them."""
    budget: Budget | None = None
    priority: Priority = "normal"
    """It begins with this one."""
    timeout: float | None = None
    """Longest time for the whole request, in seconds, approval included."""
    stdin: Path | None = None
    """File that holds the piped standard input; the kernel does not remove it."""
    sandbox: str | None = None
    model: str | None = None
    granted: Effect | None = None
    """Effects that the app was granted; None for the person's own requests."""
    session: int | None = None
    """The conversation that the request goes on with; 0 for one that begins one, None for one that stands alone."""
    memory: bool = True
    """Whether memory is asked and told; without it, the request is private."""
    cache: bool = True
    """Whether a plan that was proven for a request like this one may be used again."""
