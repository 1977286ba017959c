"""What was left out when a part of a changeset landed: it becomes a held process of its own.

Nothing of it is lost: it keeps the layer, is listed with what is held, and is landed or discarded later like any other. The
process that the person answered has landed exactly its part, and undo takes back exactly that.
"""

from __future__ import annotations

import re

from casava_os.errors import ExitCode
from casava_os.kernel.events import BaseEvent, ChangesetMade, Held, Started
from casava_os.kernel.journal import guarded
from casava_os.kernel.ports import Changeset, LayerStore
from casava_os.kernel.process import Process
from casava_os.kernel.threads import in_thread, uninterrupted
from casava_syscalls.names import path_text
from casava_syscalls.results import Err, Ok, Result

_LEFT_OUT = re.compile(r" \(left out of \d+\)$")


def whole_request(request: str) -> str:
    """A request as it was asked, of a process that holds what was left out of another."""
    return _LEFT_OUT.sub("", request)


def left_out(request: str, pid: int) -> str:
    """The name of what was left out when process `pid` landed a part."""
    return f"{whole_request(request)} (left out of {pid})"


def rest_of(p: Process) -> Result[Process]:
    """A new process for what will be left out, named after the request; it has no layer yet."""
    workspace = path_text(str(p.workspace))
    request = left_out(p.request, p.pid)
    made = guarded(lambda: p.journal.new(request, workspace))
    if isinstance(made, Err):
        return made
    rest = Process(made.value, request, p.workspace, p.journal, send=_to_nobody)
    rest.tell(Started(request=request, workspace=workspace))
    return Ok(value=rest)


async def keep_rest(
    p: Process, rest: Process, layers: LayerStore, whole: Changeset, part: Changeset, calls: tuple[str, ...]
) -> Result[Changeset]:
    """Hands the layer on to `rest`, and holds it there. On `Err` the layer stays where it is."""
    split = await uninterrupted(lambda: layers.split(p.pid, rest.pid, part))
    if isinstance(split, Err):
        return split
    p.layer = None
    landed = {change.path for change in part.changes}
    left = Changeset.made(
        rest.pid, whole.workspace, (change for change in whole.changes if change.path not in landed)
    )
    diff = await in_thread(lambda: split.value.diff(left))
    rest.tell(
        ChangesetMade(
            changes=left.changes, summary=left.summary(), diff=diff, digest=left.digest, calls=calls
        )
    )
    rest.move("waiting")
    rest.move("held", ExitCode.APPROVAL_NEEDED)
    rest.tell(
        Held(
            reason=f"it was left out when process {p.pid} was applied",
            commit=f"casava-os commit {rest.pid}",
            discard=f"casava-os discard {rest.pid}",
        )
    )
    return Ok(value=left)


def _to_nobody(_event: BaseEvent) -> None:
    """Its story is in the journal; the process that was answered tells of it."""
