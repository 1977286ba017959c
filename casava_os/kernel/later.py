"""What a person does with a process later: lands or discards what it holds, takes a commit back, looks at its changes.

Each is a walk of its own over a process of the journal, and lands through the same code as a fresh one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from casava_os.errors import ExitCode
from casava_os.kernel.conflicts import tell_failed
from casava_os.kernel.dispatch import denial
from casava_os.kernel.events import ChangesetMade, Committed, Discarded, Finished, Undone
from casava_os.kernel.journal import Journal, JournalError, ProcessRow
from casava_os.kernel.landing import Landing, elsewhere
from casava_os.kernel.life import Ended, real, refuse, resume, stop, text_of
from casava_os.kernel.merging import merge
from casava_os.kernel.patience import telling
from casava_os.kernel.policy import Deny, Policy
from casava_os.kernel.ports import Changeset, Layer, LayerStore
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.running import Running, Send
from casava_os.kernel.selection import checked, named
from casava_os.kernel.threads import uninterrupted
from casava_syscalls.results import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Later:
    """The later walks, over the parts they need."""

    journal: Journal
    layers: LayerStore
    policy: Policy
    landing: Landing
    ended: Ended | None = None
    """Is told of a process whose end has changed."""

    def commit(
        self,
        pid: int,
        only: Sequence[str] = (),
        *,
        merge: bool = False,
        yes: bool = False,
        interactive: bool = False,
    ) -> Running:
        """Lands the changeset of a held process: exactly the one that was shown, or what it has at these paths.

        With `merge`, where the workspace has moved on: what is not concerned, once approved (`yes`, or by whoever watches).
        """
        return resume(self.journal, pid, lambda p: self._commit(p, only, merge, yes, interactive), self.ended)

    async def _commit(
        self, p: Process, only: Sequence[str], merging: bool, yes: bool, interactive: bool
    ) -> Ending:
        opened = self._held(p)
        if isinstance(opened, Err):
            return stop(p, opened)
        layer = opened.value
        p.layer, p.keeps_layer = layer, True
        record = self.journal.last(p.pid, "changeset")
        if record is None:
            message = f"process {p.pid} has no changeset there; nothing was applied"
            return stop(
                p, Err(code="failed", title="The journal does not hold what was shown", message=message)
            )
        shown = ChangesetMade.model_validate(record.body)
        if merging:
            ending = await merge(
                p, self.layers, layer, shown, self.policy, self.landing, yes=yes, interactive=interactive
            )
            p.keeps_layer = ending.state != "committed"
            return ending
        with p.timings.of("changeset"):
            async with telling(p, "Reading what changed"):
                read = await self.landing.read(layer)
        if isinstance(read, Err):
            return stop(p, read)
        changeset, _ = read.value
        if changeset.digest != shown.digest:
            err = Err(
                code="conflict",
                title="The changeset is no longer the one that was shown",
                message="the layer or the workspace changed since; nothing was applied",
                hint=f"casava-os discard {p.pid}, and give the request again",
            )
            await tell_failed(p, layer, Changeset.made(p.pid, changeset.workspace, shown.changes), err)
            return Ending(ExitCode.CONFLICT, "failed")
        verdict = self.policy.judge_changes(shown.calls, p.request, changeset)
        if isinstance(verdict, Deny):
            return stop(p, denial(verdict, "a change"))
        if only:
            chosen = named(changeset, only)
            if isinstance(chosen, Ok):
                chosen = checked(changeset, chosen.value)
            if isinstance(chosen, Err):
                return stop(p, chosen)
            ending = await self.landing.land_part(p, self.layers, layer, changeset, chosen.value, shown.calls)
        else:
            ending = await self.landing.land(p, layer, changeset, None, ExitCode.DONE)
        p.keeps_layer = ending.state != "committed"
        return ending

    def discard(self, pid: int) -> Running:
        """Throws away the changeset of a held process."""
        return resume(self.journal, pid, self._discard, self.ended)

    async def _discard(self, p: Process) -> Ending:
        opened = self._held(p)
        if isinstance(opened, Err) and p.state != "held":
            return stop(p, opened)
        if not p.move("discarded", ExitCode.DONE):
            return stop(p, elsewhere(p.pid), ExitCode.USAGE)
        p.discard_reason = "as you asked"
        if isinstance(opened, Ok):
            p.layer = opened.value
        else:  # its workspace is gone, or it is damaged: nothing of it is wanted any more
            self.layers.remove(p.pid)
            p.tell(Discarded(reason=p.discard_reason))
        return Ending(ExitCode.DONE, "discarded")

    def _held(self, p: Process) -> Result[Layer]:
        if p.state == "held":
            return self.layers.open(p.pid)
        return Err(
            code="usage",
            title=f"Process {p.pid} holds no changes",
            message=f"it is {p.state}",
            hint="casava-os log lists processes and their states",
        )

    def undo(self, pid: int | None, workspace: Path | None) -> Running:
        """Takes back a commit: that of `pid`, or the last one (in the workspace, when one is given)."""
        last = self._last(
            self.journal.last_committed,
            workspace,
            "There is nothing to undo",
            "nothing that was applied{where} is still there to be taken back",
        )
        return resume(self.journal, last if pid is None else pid, self._undo, self.ended)

    def redo(self, pid: int | None, workspace: Path | None) -> Running:
        """Lands again what was taken back: from `pid`, or what was taken back last (in the workspace, when one is given)."""
        last = self._last(
            self.journal.last_undone, workspace, "There is nothing to redo", "nothing was undone{where}"
        )
        return resume(self.journal, last if pid is None else pid, self._redo, self.ended)

    def _last(
        self, look: Callable[[str | None], ProcessRow | None], workspace: Path | None, title: str, none: str
    ) -> Callable[[], Result[int]]:
        def find() -> Result[int]:
            row = look(None if workspace is None else text_of(real(workspace)))
            if row is not None:
                return Ok(value=row.pid)
            where = "" if workspace is None else " in this folder"
            return Err(code="not-found", title=title, message=none.format(where=where))

        return find

    async def _undo(self, p: Process) -> Ending:
        if p.state != "committed":
            return stop(
                p,
                Err(
                    code="usage",
                    title=f"Process {p.pid} cannot be undone",
                    message=f"it is {p.state}: only what was applied can be undone",
                    hint="casava-os log lists processes and their states",
                ),
            )
        with p.timings.of("commit"):
            async with telling(p, "Taking the changes back"):
                undone = await uninterrupted(lambda: self.layers.undo(p.pid))
        if isinstance(undone, Err):
            return stop(p, undone)
        p.move("undone", ExitCode.DONE)
        p.tell(Undone(changes=undone.value.changes, summary=undone.value.summary()))
        return Ending(ExitCode.DONE, "undone")

    async def _redo(self, p: Process) -> Ending:
        if p.state != "undone":
            err = Err(
                code="usage",
                title=f"Process {p.pid} cannot be applied again",
                message=f"it is {p.state}: only what was undone is",
                hint="casava-os log lists processes and their states",
            )
            return stop(p, err)
        with p.timings.of("commit"):
            async with telling(p, "Applying the changes again"):
                landed = await uninterrupted(lambda: self.layers.redo(p.pid))
        if isinstance(landed, Err):
            return stop(p, landed)
        p.move("committed", ExitCode.DONE)
        undo = f"casava-os undo {p.pid}"
        p.tell(Committed(summary=landed.value.summary(), digest=landed.value.digest, undo=undo))
        return Ending(ExitCode.DONE, "committed")

    def diff(self, pid: int) -> Running:
        """Tells the changeset of a process again, as it was shown; nothing is recorded."""

        async def live(send: Send) -> None:
            try:
                found = self.journal.process(pid)
                shown = self.journal.last(pid, "changeset") if isinstance(found, Ok) else None
            except JournalError as problem:
                return refuse(send, problem.err)
            if isinstance(found, Err):
                return refuse(send, found, pid)
            if shown is None:
                message = f"it is {found.value.state}"
                return refuse(
                    send, Err(code="not-found", title=f"Process {pid} changed nothing", message=message), pid
                )
            send(ChangesetMade.model_validate({**shown.body, "pid": pid}))
            send(Finished(pid=pid, exit_code=ExitCode.DONE, state=found.value.state))
            return None

        return Running(live)
