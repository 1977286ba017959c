"""A past plan once more, in a fresh layer and without a model, and whether it still does what it did.

The plan is the one in the journal, and so is what it changed then. The same changeset means the same paths, actions, sizes,
modes and contents; where it differs, the paths say where.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import ValidationError

from casava_os.errors import ExitCode
from casava_os.kernel.events import BaseEvent, ChangesetMade, Compiled, Replayed
from casava_os.kernel.journal import Journal
from casava_os.kernel.ports import Change
from casava_os.kernel.process import Ending, Process
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Past:
    """A process of the journal: its plan and what it changed."""

    pid: int
    request: str
    workspace: str
    """Text form."""
    plan: Plan
    sha256: str
    changes: tuple[Change, ...]
    digest: str
    """Of the changeset; empty when nothing changed."""


def past(journal: Journal, pid: int) -> Result[Past]:
    """What the journal has of a process. `Err`: `not-found`; `usage` for one without a plan. Raises `JournalError`."""
    row = journal.process(pid)
    if isinstance(row, Err):
        return row
    compiled, made = journal.last(pid, "compiled"), journal.records(pid, "changeset")
    if compiled is None:
        return Err(
            code="usage",
            title=f"Process {pid} has no plan",
            message="it was a program's, what another process left out, or it never got that far",
            hint=f"casava-os log {pid} has what is recorded of it",
        )
    try:
        shown = Compiled.model_validate(compiled.body)
        # A part that landed alone is recorded after the whole: the first is what the plan did.
        changed = ChangesetMade.model_validate(made[0].body) if made else None
    except ValidationError as problem:
        message = f"the record cannot be read: {problem.errors(include_url=False)[0]['msg']}"
        return Err(code="failed", title="The journal is damaged", message=message, hint="casava-os verify")
    plan = parse_plan(shown.plan)
    if isinstance(plan, Err):
        return plan.model_copy(update={"hint": "it was made by another version of Casava OS"})
    if plan.value.sha256() != shown.sha256:
        message = f"its sha256 is {plan.value.sha256()}, and {shown.sha256} was recorded; nothing ran"
        return Err(
            code="failed", title="This is not the plan that ran", message=message, hint="casava-os verify"
        )
    return Ok(
        value=Past(
            pid=pid,
            request=row.value.request,
            workspace=row.value.workspace,
            plan=plan.value,
            sha256=shown.sha256,
            changes=changed.changes if changed is not None else (),
            digest=changed.digest if changed is not None else "",
        )
    )


def compared(of: Past, changes: tuple[Change, ...]) -> Replayed:
    """What differs, by path."""
    then, now = {change.path: change for change in of.changes}, {change.path: change for change in changes}
    differing = tuple(sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path)))
    return Replayed(of=of.pid, same=not differing, differing=differing)


async def compare_while(
    p: Process, of: Past, walk: Callable[[], Awaitable[Ending]], *, lands: bool
) -> Ending:
    """Goes the walk and tells, as soon as its changeset is known, whether it is the recorded one.

    A dry run ends with 1 when it is not; one that lands ends as its walk does.
    """
    send, told = p.send, list[Replayed]()

    def watch(event: BaseEvent) -> None:
        send(event)
        if isinstance(event, ChangesetMade) and not told:
            told.append(compared(of, event.changes))
            p.tell(told[0])

    p.send = watch
    ending = await walk()
    p.send = send
    if not told and ending.exit_code == ExitCode.DONE:
        told.append(compared(of, ()))
        p.tell(told[0])
    differs = bool(told) and not told[0].same
    return Ending(ExitCode.FAILED, ending.state, ending.value) if differs and not lands else ending
