"""Tells of a workspace that has moved on: which files are in the way, all of them, and what could land all the same."""

from __future__ import annotations

from casava_os.kernel.events import Conflicted, Failed
from casava_os.kernel.ports import Changeset, Conflicts, Layer
from casava_os.kernel.process import Process
from casava_os.kernel.threads import in_thread
from casava_syscalls.results import Err

FEW = 5
"""How many files the sentence names; the event before it names every one."""


async def tell_failed(p: Process, layer: Layer, shown: Changeset, err: Err) -> None:
    """Why a commit applied nothing; a conflict with every file that is in the way."""
    if err.code in ("conflict", "unsupported"):
        try:
            found = await in_thread(lambda: layer.conflicts(shown))
        except OSError:  # the workspace went away: then the commit's own words are the best there are
            found = None
        if found is not None and (found.paths or found.refused):
            p.tell(conflicted(p.pid, found))
            err = in_the_way(p.pid, found)
    p.tell(Failed(err=err))


def conflicted(pid: int, found: Conflicts) -> Conflicted:
    """The event of a conflict."""
    lands = tuple(change.path for change in found.rest.changes) if found.rest is not None else ()
    stays = {change.path for change in found.now.changes} - set(lands)
    return Conflicted(
        pid=pid,
        paths=found.paths,
        refused=found.refused,
        lands=lands,
        stays=tuple(sorted(stays)),
        merge=f"casava-os commit {pid} --merge" if lands else "",
    )


def in_the_way(pid: int, found: Conflicts) -> Err:
    """A conflict, or what can never land, as a value."""
    hint = "look at the files, then give the request again"
    if found.rest is not None:
        hint = f"casava-os commit {pid} --merge applies the rest ({found.rest.summary()}); or {hint}"
    if found.paths:
        shown = [path if path.isprintable() else repr(path) for path in found.paths[:FEW]]
        message = f"{_few(shown, len(found.paths))} changed in the workspace after the layer was taken"
        return Err(
            code="conflict", title="Nothing was applied", message=f"{message}; the layer is kept", hint=hint
        )
    message = "; ".join(found.refused[:FEW])
    return Err(
        code="unsupported",
        title="These changes cannot be applied",
        message=f"{_few([message], len(found.refused) - FEW + 1)}; nothing was applied and the layer is kept",
        hint=hint,
    )


def _few(shown: list[str], all_of_them: int) -> str:
    more = all_of_them - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
