"""`commit --merge`: of a held changeset over a workspace that has moved on, what is not concerned lands; the rest stays held.

What lands is a part of what was shown, unchanged, and is asked for again: a part may mean something else than the whole.
"""

from __future__ import annotations

from casava_os.errors import ExitCode
from casava_os.kernel.conflicts import conflicted, in_the_way
from casava_os.kernel.dispatch import denial
from casava_os.kernel.events import ApprovalNeeded, ChangesetMade
from casava_os.kernel.landing import Landing
from casava_os.kernel.life import stop
from casava_os.kernel.policy import Ask, Deny, Policy
from casava_os.kernel.ports import Changeset, Layer, LayerStore
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.selection import Selection, part
from casava_os.kernel.threads import in_thread
from casava_syscalls.results import Err, Ok, Result


async def merge(
    p: Process,
    layers: LayerStore,
    layer: Layer,
    shown: ChangesetMade,
    policy: Policy,
    landing: Landing,
    *,
    yes: bool,
    interactive: bool,
) -> Ending:
    """Lands what does not conflict, after asking. Without a conflict, all of it, as `commit` does."""
    whole = Changeset.made(p.pid, str(layer.paths.workspace), shown.changes)
    try:
        found = await in_thread(lambda: layer.conflicts(whole))
    except OSError as problem:
        message = f"{problem.strerror or problem}; nothing was applied"
        return stop(p, Err(code="failed", title="The changes cannot be read", message=message))
    if not found.paths and not found.refused:
        return await landing.land(p, layer, found.now, None, ExitCode.DONE)
    p.tell(conflicted(p.pid, found))
    if found.rest is None:
        return stop(p, in_the_way(p.pid, found))
    selection = Selection(paths=tuple(change.path for change in found.rest.changes))
    alone = part(found.now, selection)
    if isinstance(alone, Err):
        return stop(p, alone)
    verdict = policy.judge_changes(shown.calls, p.request, alone.value)
    if isinstance(verdict, Deny):
        return stop(p, denial(verdict, "a change"))
    if not yes:
        left = len(found.now.changes) - len(alone.value.changes)
        question = f"{alone.value.summary()} of it can be applied, {left} stay held. Apply?"
        reasons = (verdict.reason,) if isinstance(verdict, Ask) and verdict.reason else ()
        diff = await in_thread(
            lambda: layer.diff(alone.value, context=landing.diff_context, max_bytes=landing.diff_bytes)
        )
        event = ApprovalNeeded(
            pid=p.pid,
            kind="changeset",
            question=question,
            reasons=reasons,
            changeset=alone.value,
            diff=diff,
            sha256=alone.value.digest,
        )
        asked = await _asked(p, event, interactive=interactive)
        if isinstance(asked, Err):
            return stop(p, asked)
    return await landing.land_part(p, layers, layer, found.now, selection, shown.calls)


async def _asked(p: Process, event: ApprovalNeeded, *, interactive: bool) -> Result[None]:
    answer = None
    if interactive:
        event.expect()
        p.tell(event)
        answer = await event.answered()
    if answer is True:
        return Ok(value=None)
    return Err(
        code="approval-needed",
        title="Not approved" if answer is False else "Approval is needed",
        message="nothing was applied, and all of it stays held",
        hint=f"casava-os commit {p.pid} --merge --yes applies what does not conflict",
    )
