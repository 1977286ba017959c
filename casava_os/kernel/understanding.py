"""Point 2 of the walk, memory's side: what a request points at, or was proven for its like, before a model is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

from casava_os.errors import ExitCode
from casava_os.kernel.compiler.compile import (
    Compilation,
    Outcome,
    Unsure,
    candidates,
    clean,
    compile_request,
    did_you_mean,
    workspace_names,
)
from casava_os.kernel.compiler.references import lifted
from casava_os.kernel.compiling import Planned, asking, compile_plan, compiled, load, planned, refers_to_stdin
from casava_os.kernel.events import ApprovalNeeded, Asked, Finished, Note, Refused
from casava_os.kernel.landing import approval
from casava_os.kernel.life import stop, text_of
from casava_os.kernel.options import RunOptions
from casava_os.kernel.parts import Parts
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.recalling import MEANT, Instead, Meant, Plainly, TakeBack, Unclear, meant, record_of
from casava_os.kernel.running import Running
from casava_os.kernel.threads import in_thread
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Err
from casava_syscalls.values import Question, Refusal

Undo = Callable[[int], Running]


async def understand(k: Parts, p: Process, request: str, options: RunOptions, undo: Undo) -> Planned | Ending:
    """The plan: an earlier one that the request points at or that was proven for its like, or one that a model makes."""
    text = clean(request, k.request_bytes)
    if isinstance(text, Err) or not options.memory or k.memory is None:
        return await compile_plan(k, p, request, options)
    found = await in_thread(lambda: _meant(k, p, text.value, options))
    if isinstance(found, Unclear):
        plans = tuple(json.loads(plan.canonical()) for plan in found.plans)
        p.tell(Asked(question=found.question, plans=plans))
        return Ending(ExitCode.NOT_UNDERSTOOD, "done", found.question)
    if isinstance(found, TakeBack):
        p.tell(Note(text=found.note))
        return await _take_back(p, found, options, undo)
    if isinstance(found, Plainly):
        return _reused(k, p, found.plan, found.note, options, found.meant)
    if isinstance(found, Instead):
        return await _instead(k, p, found, options)
    recalled = await in_thread(lambda: _proven(k, p, text.value, options))
    if recalled is not None:
        plan, note = recalled
        return _reused(k, p, plan, note, options)
    return await compile_plan(k, p, request, options)


def _meant(k: Parts, p: Process, text: str, options: RunOptions) -> Meant | None:
    return meant(
        text,
        journal=k.journal,
        memory=k.memory,
        pid=p.pid,
        session=options.session,
        workspace=p.workspace,
        shown=text_of(p.workspace),
        names=workspace_names(p.workspace, k.names),
    )


def _proven(k: Parts, p: Process, text: str, options: RunOptions) -> tuple[Plan, str] | None:
    """A proven plan for this request, and the sentence that says whose it is."""
    if k.memory is None or not (k.reuse and options.cache) or options.model is not None:
        return None
    found = k.memory.proven(text, text_of(p.workspace), reads_stdin=options.stdin is not None)
    if found is None:
        return None
    plan = parse_plan(dict(found.plan))
    if isinstance(plan, Err) or not _may(k, plan.value, options):
        return None
    return (
        plan.value,
        f"The plan is that of request {found.pid}, which did this before (--no-cache makes it anew).",
    )


def _may(k: Parts, plan: Plan, options: RunOptions) -> bool:
    """Whether a model would be offered every call of a plan here and now."""
    return {step.call for step in plan.steps} <= k.offered(options.granted)


def _reused(
    k: Parts, p: Process, plan: Plan, note: str, options: RunOptions, means: str = ""
) -> Planned | Ending:
    """An earlier plan, told like a fresh one."""
    if not _may(k, plan, options):
        message = "it needs a syscall that is withheld here, or cannot be had any more"
        return stop(p, Err(code="denied", title="The earlier plan cannot be used", message=message))
    if plan.reads_stdin and options.stdin is None and refers_to_stdin(plan):
        hint = "pipe the input in, as then"
        return stop(
            p,
            Err(code="usage", title="The plan reads standard input", message="none was piped", hint=hint),
        )
    if means:
        p.journal.record(p.pid, MEANT, record_of(means))
    p.tell(Note(text=note))
    made = plan.model_copy(update={"request": p.request})
    p.tell(compiled(made))
    return Planned(made, None)


async def _instead(k: Parts, p: Process, found: Instead, options: RunOptions) -> Planned | Ending:
    """The plan of a request that points back, made from what it means; or the question what that is."""
    p.tell(Note(text=found.note))
    loaded = await load(k, p, options)
    if isinstance(loaded, Ending):
        return loaded
    outcomes: list[Outcome] = []
    maybe: dict[str, Plan] = {}
    for request, stand_in in found.requests:
        with p.timings.of("compile"):
            asked = await asking(k, p, request, options, loaded)
            outcome = await compile_request(loaded, asked, k.certainty, 0, p.spend)
        if isinstance(outcome, Compilation):
            plan = lifted(outcome.plan, stand_in, found.names)
            if plan is not None:
                p.journal.record(p.pid, MEANT, record_of(request))
                made = plan.model_copy(update={"request": p.request})
                return planned(p, replace(outcome, plan=made), loaded, own_words=False)
        if isinstance(outcome, Unsure):
            maybe |= candidates(
                *filter(None, (lifted(plan, stand_in, found.names) for plan in outcome.plans))
            )
        outcomes.append(outcome)
    first = outcomes[0]
    if isinstance(first, Err):
        return stop(p, first)
    if isinstance(first, Refusal):
        p.tell(Refused(refusal=first))
        return Ending(ExitCode.NOT_UNDERSTOOD, "done", first)
    question = did_you_mean(maybe) if maybe else Question(text=found.unclear)
    if isinstance(first, Unsure) and not first.plans and not maybe:
        question = first.question
    plans = tuple(json.loads(plan.canonical()) for plan in maybe.values())
    p.tell(Asked(question=question, plans=plans))
    return Ending(ExitCode.NOT_UNDERSTOOD, "done", question)


async def _take_back(p: Process, found: TakeBack, options: RunOptions, undo: Undo) -> Ending:
    """Undoes the commits that the person means, once approved, the latest first."""
    if options.plan_only or options.dry_run:
        return Ending(ExitCode.DONE, "done")
    lines = tuple(f"undo {row.pid}: {row.request}" for row in found.rows)
    question = ApprovalNeeded(
        pid=p.pid,
        kind="effects",
        question="This takes back what was applied. Do it?",
        calls=lines,
        sha256=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    )
    if not await approval(p, question, options):
        commands = "; ".join(f"casava-os undo {row.pid}" for row in found.rows)
        message = "nothing was taken back"
        return stop(
            p, Err(code="approval-needed", title="Approval is needed", message=message, hint=commands)
        )
    for row in found.rows:
        async for event in undo(row.pid):
            if not isinstance(event, Finished):
                p.send(event)
            elif event.exit_code != ExitCode.DONE:
                return Ending(ExitCode(event.exit_code), "failed")
    return Ending(ExitCode.DONE, "done")
