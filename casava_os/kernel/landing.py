"""Points 5 and 6 of the walk: the changeset is read, shown, judged and approved once; then it lands, is held, or goes.

What lands is exactly what was shown: a changeset has a digest, and the layer commits that changeset or none.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from casava_os.errors import ExitCode, exit_code, step_exit_code
from casava_os.kernel.conflicts import tell_failed
from casava_os.kernel.dispatch import denial
from casava_os.kernel.events import (
    ALWAYS,
    Answer,
    ApprovalNeeded,
    ChangesetMade,
    Committed,
    Failed,
    Held,
    Note,
)
from casava_os.kernel.life import stop
from casava_os.kernel.options import Approve, RunOptions
from casava_os.kernel.partial import keep_rest, rest_of
from casava_os.kernel.patience import telling
from casava_os.kernel.policy import Allow, Ask, Deny, Policy
from casava_os.kernel.policyfile import StandingRules
from casava_os.kernel.ports import Changeset, Layer, LayerStore
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.selection import Selection, part
from casava_os.kernel.standing import Standing, proposed
from casava_os.kernel.threads import in_thread, uninterrupted
from casava_syscalls.base import HELD_BY_LAYER, AnyCall
from casava_syscalls.names import path_text
from casava_syscalls.plan import describe
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Exit, Value

_UNCHANGED_HERE = "nothing in the workspace was changed; what acted outside of it stays as it is"


@dataclass(frozen=True, slots=True)
class Work:
    """What a process did in its layer, before anything of it lands."""

    steps: tuple[AnyCall, ...]
    verdicts: tuple[Allow | Ask | Deny, ...]
    value: Value | None = None
    failure: Err | None = None
    bad_exit: tuple[int, Exit] | None = None
    """Step and result of a program that ended with a code other than 0."""
    sha256: str = ""
    """Of the plan; empty when there was none."""
    own_words: bool = False
    """A qualified model made the plan at its first attempt from the person's request: a standing rule may count."""

    @property
    def beyond(self) -> bool:
        """Whether any of it acted where no layer holds it."""
        return any(step.effect & ~HELD_BY_LAYER for step in self.steps)

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of what may have made the changes."""
        return tuple(sorted({step.call for step in self.steps}))


@dataclass(frozen=True, slots=True)
class Landing:
    """Lands, holds or discards changesets; knows how much of a diff is shown."""

    diff_context: int = 3
    diff_bytes: int = 2**20
    standing: StandingRules | None = None
    """What the person always allows; None where that cannot be."""

    async def settle(
        self, p: Process, work: Work, policy: Policy, layers: LayerStore, options: RunOptions
    ) -> Ending:
        """What becomes of the work."""
        if work.failure is not None:
            if p.changing:
                p.discard_reason = _UNCHANGED_HERE if work.beyond else "nothing was changed"
            return stop(p, work.failure, step_exit_code(work.failure))
        code, layer = (ExitCode.FAILED if work.bad_exit else ExitCode.DONE), p.layer
        unchanged = Ending(code, "failed" if work.bad_exit else "done", work.value)
        if not p.changing or layer is None:
            return unchanged
        with p.timings.of("changeset"):
            async with telling(p, "Reading what changed"):
                read = await self.read(layer)
        if isinstance(read, Err):
            p.discard_reason = "what it changed cannot be read"
            return stop(p, read)
        changeset, diff = read.value
        if changeset.empty:
            if not work.beyond:
                p.tell(Note(text="Nothing changed."))
            return unchanged
        p.tell(made_of(changeset, diff, work.calls))
        verdict = policy.judge_changes((step.call for step in work.steps), p.request, changeset)
        if isinstance(verdict, Deny):
            p.discard_reason = "policy denies a part of it, so nothing was changed"
            return stop(p, denial(verdict, "a change"))
        if options.dry_run:
            p.discard_reason = "it was a dry run"
            return Ending(code, "discarded", work.value)
        answer = await self._answer(p, work, verdict, changeset, diff, options)
        if isinstance(answer, Selection):
            return await self.land_part(
                p, layers, layer, changeset, answer, work.calls, value=work.value, code=code
            )
        if answer:
            return await self.land(p, layer, changeset, work.value, code)
        if answer is False:
            p.discard_reason = "it was not approved"
            return Ending(ExitCode.APPROVAL_NEEDED, "discarded", work.value)
        why = "as you asked" if p.holds else "its changes wait for approval"
        why = why if work.bad_exit is None else _exited(work.bad_exit)
        return self.hold(p, why, work.value, ExitCode.FAILED if work.bad_exit else ExitCode.APPROVAL_NEEDED)

    async def _answer(
        self,
        p: Process,
        work: Work,
        verdict: Allow | Ask,
        changeset: Changeset,
        diff: str,
        options: RunOptions,
    ) -> bool | Selection | None:
        """Whether it lands (True, or a part), goes (False) or is held (None): by policy, an option, or the person."""
        if p.holds:
            return None
        verdicts = [v for v in (*work.verdicts, verdict) if not isinstance(v, Deny)]
        question = f"{changeset.summary()}. Apply?"
        if work.bad_exit is not None:
            # A program that failed may have stopped half way: only somebody who sees that may let it land.
            question = f"{_exited(work.bad_exit).capitalize()}. {question}"
            options = replace(options, yes=False)
        elif (
            all(isinstance(v, Allow) for v in verdicts)
            or (work.sha256 and options.approved == work.sha256)
            or await self._stands(p, work, changeset, options)
        ):
            return True
        event = ApprovalNeeded(
            pid=p.pid,
            kind="changeset",
            question=question,
            reasons=tuple(dict.fromkeys(v.reason for v in verdicts if isinstance(v, Ask) and v.reason)),
            calls=tuple(describe(step) for step in work.steps[:MOST_CALLS]),
            changeset=changeset,
            diff=diff,
            sha256=changeset.digest,
            always=self._proposed(p, work, changeset, options),
        )
        answer = await approval(p, event, options)
        if answer == ALWAYS:
            await self._save(p, event.always)
            return True
        return answer

    # ---------------------------------------------------------------------------------- standing rules

    def _may_stand(self, work: Work, options: RunOptions) -> bool:
        """Whether a standing rule may be offered, or count, for this work at all."""
        tainted = any(isinstance(v, Ask) and v.tainted for v in work.verdicts)
        return work.own_words and options.granted is None and not tainted and work.bad_exit is None

    async def _stands(self, p: Process, work: Work, changeset: Changeset, options: RunOptions) -> bool:
        """Whether a standing rule answers for the person. A file that cannot be read answers nothing, and is told of."""
        if self.standing is None or not self._may_stand(work, options):
            return False
        rules = await in_thread(self.standing.read)
        if isinstance(rules, Err):
            p.tell(Note(text=f"Your standing rules do not count: {rules}"))
            return False
        for number, rule in enumerate(rules.value, 1):
            if rule.covers(path_text(str(p.workspace)), work.steps, changeset.changes):
                p.tell(Note(text=f"Not asked, by your standing rule {number}: {rule.sentence()}"))
                return True
        return False

    def _proposed(self, p: Process, work: Work, changeset: Changeset, options: RunOptions) -> Standing | None:
        if self.standing is None or not self._may_stand(work, options):
            return None
        return proposed(path_text(str(p.workspace)), work.steps, changeset, datetime.now(UTC).date())

    async def _save(self, p: Process, rule: Standing | None) -> None:
        """Saves the rule that was shown; the changes land either way."""
        if self.standing is None or rule is None:
            return
        standing = self.standing
        saved = await uninterrupted(lambda: standing.save(rule))
        if isinstance(saved, Err):
            p.tell(Note(text=f"The rule was not saved, the changes are applied: {saved}"))
            return
        back = f"casava-os policy remove {saved.value} takes it back"
        p.tell(Note(text=f"Saved as standing rule {saved.value} in {standing.path}; {back}"))

    async def read(self, layer: Layer) -> Result[tuple[Changeset, str]]:
        """What the layer changes, and its diff."""

        def read() -> tuple[Changeset, str]:
            changeset = layer.changeset()
            return changeset, layer.diff(changeset, context=self.diff_context, max_bytes=self.diff_bytes)

        try:
            return Ok(value=await in_thread(read))
        except OSError as problem:
            where = f" ({path_text(os.fsdecode(problem.filename))})" if problem.filename else ""
            return Err(
                code="failed",
                title="The changes cannot be read",
                message=f"{problem.strerror or problem}{where}; nothing was applied",
                hint="casava-os doctor looks at the state directory",
            )

    async def land(
        self, p: Process, layer: Layer, changeset: Changeset, value: Value | None, code: ExitCode
    ) -> Ending:
        """Commits exactly this changeset. What cannot land is held, so that nothing is lost."""
        if not p.move("committing"):
            return stop(p, elsewhere(p.pid), ExitCode.USAGE)
        with p.timings.of("commit"):
            async with telling(p, "Applying the changes"):
                landed = await uninterrupted(lambda: layer.commit(changeset))
        if isinstance(landed, Err):
            await tell_failed(p, layer, changeset, landed)
            return self.hold(p, "nothing of it was applied", value, exit_code(landed))
        p.move("committed", code)
        p.tell(
            Committed(summary=changeset.summary(), digest=changeset.digest, undo=f"casava-os undo {p.pid}")
        )
        return Ending(code, "committed", value)

    async def land_part(
        self,
        p: Process,
        layers: LayerStore,
        layer: Layer,
        whole: Changeset,
        selection: Selection,
        calls: tuple[str, ...],
        *,
        value: Value | None = None,
        code: ExitCode = ExitCode.DONE,
    ) -> Ending:
        """Commits exactly the chosen changes; the others are held by a process of their own."""
        chosen = part(whole, selection)
        if isinstance(chosen, Err):
            p.tell(Failed(err=chosen))
            return self.hold(p, "nothing of it was applied", value, exit_code(chosen))
        if chosen.value.digest == whole.digest:
            return await self.land(p, layer, whole, value, code)
        landing = chosen.value
        diff = await in_thread(
            lambda: layer.diff(landing, context=self.diff_context, max_bytes=self.diff_bytes)
        )
        rest = rest_of(p)
        if isinstance(rest, Err):
            p.tell(Failed(err=rest))
            return self.hold(p, "nothing of it was applied", value, exit_code(rest))
        if not p.move("committing"):
            rest.value.move("discarded")
            return stop(p, elsewhere(p.pid), ExitCode.USAGE)
        with p.timings.of("commit"):
            async with telling(p, "Applying the changes"):
                landed = await uninterrupted(lambda: layer.commit(landing, of=whole))
        if isinstance(landed, Err):
            rest.value.move("cancelled")
            await tell_failed(p, layer, whole, landed)
            return self.hold(p, "nothing of it was applied", value, exit_code(landed))
        p.tell(made_of(landing, diff, calls))
        kept = await keep_rest(p, rest.value, layers, whole, landing, calls)
        p.move("committed", code)
        committed = Committed(
            summary=landing.summary(), digest=landing.digest, undo=f"casava-os undo {p.pid}"
        )
        if isinstance(kept, Err):
            rest.value.move("cancelled")
            p.layer = None  # nobody discards it
            p.tell(Note(text=f"What was left out is not held, and still lies in {layer.paths.upper}: {kept}"))
        else:
            left = {"rest": rest.value.pid, "rest_summary": kept.value.summary()}
            committed = committed.model_copy(update=left)
        p.tell(committed)
        return Ending(code, "committed", value)

    def hold(self, p: Process, reason: str, value: Value | None, code: ExitCode) -> Ending:
        """Keeps the layer for a later command."""
        p.keeps_layer = True
        p.tell(Held(reason=reason, commit=f"casava-os commit {p.pid}", discard=f"casava-os discard {p.pid}"))
        return Ending(code, "held", value)


MOST_CALLS = 32
"""How many calls an approval lists; a program may make thousands, and its changeset tells the rest."""


async def approval(p: Process, question: ApprovalNeeded, options: RunOptions) -> Answer:
    """The person's answer; None when nobody is there to give one, or it is to be held."""
    if options.yes or options.approved == question.sha256:
        return True
    if not options.interactive and options.approve is None:
        return None
    before = p.state
    p.move("waiting")
    question.expect()
    p.question = question
    p.tell(question)
    if options.approve is not None:
        await _asked(options.approve, question)
    answer = await question.answered()
    p.question = None
    if answer and before == "running":
        p.move("running")
    return answer


async def _asked(approve: Approve, question: ApprovalNeeded) -> None:
    """Asks the person, until there is an answer: theirs, or somebody else's meanwhile."""
    asking = asyncio.ensure_future(approve(question))
    answered = asyncio.ensure_future(question.answered())
    try:
        await asyncio.wait({asking, answered}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            question.answer(asking.result())
    finally:
        asking.cancel()
        answered.cancel()


def elsewhere(pid: int) -> Err:
    """Another command took the process meanwhile."""
    return Err(
        code="usage",
        title=f"Process {pid} is no longer held",
        message="another command took it meanwhile",
        hint="casava-os log shows what became of it",
    )


def made_of(changeset: Changeset, diff: str, calls: tuple[str, ...]) -> ChangesetMade:
    """The event of a changeset that these calls may have made."""
    return ChangesetMade(
        changes=changeset.changes,
        summary=changeset.summary(),
        diff=diff,
        digest=changeset.digest,
        calls=calls,
    )


def _exited(bad_exit: tuple[int, Exit]) -> str:
    step, value = bad_exit
    return f"the program of step {step} ended with code {value.code}"
