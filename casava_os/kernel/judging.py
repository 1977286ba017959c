"""Point 3 of the walk: a plan and its verdicts; effects that no layer holds are asked for here."""

from __future__ import annotations

from collections.abc import Sequence

from casava_os.errors import ExitCode
from casava_os.kernel.dispatch import denial
from casava_os.kernel.events import ApprovalNeeded, Judged, Note
from casava_os.kernel.landing import approval
from casava_os.kernel.life import stop
from casava_os.kernel.options import RunOptions
from casava_os.kernel.parts import Parts
from casava_os.kernel.policy import Allow, Ask, Deny
from casava_os.kernel.ports import Errand, Foresees
from casava_os.kernel.process import Ending, Process
from casava_syscalls.base import HELD_BY_LAYER, AnyCall
from casava_syscalls.plan import Plan, describe
from casava_syscalls.results import Err

Verdicts = tuple[Allow | Ask | Deny, ...]


async def judged(k: Parts, p: Process, plan: Plan, verdicts: Verdicts, options: RunOptions) -> Ending | None:
    """The end, when policy or the person says no to the plan; None to go on."""
    for number, verdict in enumerate(verdicts, 1):
        p.tell(Judged(step=number, verdict=verdict))
    pairs = list(zip(plan.steps, verdicts, strict=True))
    for step, verdict in pairs:
        if isinstance(verdict, Deny):
            return stop(p, denial(verdict, step.call))
    if options.plan_only:
        return Ending(ExitCode.DONE, "done")
    beyond = [(describe(s), v.reason) for s, v in pairs if s.effect & ~HELD_BY_LAYER and isinstance(v, Ask)]
    if not beyond:
        return None
    calls = tuple(line for line, _ in beyond)
    if options.dry_run:
        p.tell(Note(text=f"A dry run stops here: no layer can hold {', '.join(calls)}."))
        return Ending(ExitCode.DONE, "done")
    question = ApprovalNeeded(
        pid=p.pid,
        kind="effects",
        question="This acts outside the workspace, where nothing can be undone. Run it?",
        reasons=tuple(dict.fromkeys(reason for _, reason in beyond if reason)),
        calls=calls,
        meaning=await _meaning(k, p, [(s, v) for s, v in pairs if s.effect & ~HELD_BY_LAYER]),
        sha256=plan.sha256(),
    )
    answer = await approval(p, question, options)
    if answer:
        return None
    return stop(
        p,
        Err(
            code="approval-needed",
            title="Approval is needed" if answer is None else "Not approved",
            message=f"nothing ran: {'; '.join(calls)}",
            hint="add --yes, or write the plan to a file and approve it: casava-os plan … -o plan.json,"
            " then casava-os apply plan.json --approve sha256:…",
        ),
    )


async def _meaning(
    k: Parts, p: Process, judged: Sequence[tuple[AnyCall, Allow | Ask | Deny]]
) -> tuple[str, ...]:
    """What the calls that are asked for will do, a sentence each, and what their broker foresees."""
    told: list[str] = []
    errand = Errand(pid=p.pid, request=p.request, workspace=p.workspace)
    for step, verdict in judged:
        if isinstance(verdict, Ask):
            foreseen = await k.broker.foresee(step, errand) if isinstance(k.broker, Foresees) else ()
            told.append("\n".join(line for line in (step.meaning(), *foreseen) if line))
    return tuple(told) if any(told) else ()
