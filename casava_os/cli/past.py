"""`replay` and `export`: a past process's plan once more, and what it changed as a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import BudgetOption, Json, SandboxName, Timeout, Workspace, Yes

if TYPE_CHECKING:
    from casava_os.kernel.replay import Past
    from casava_syscalls.results import Result

ThatPid = Annotated[int, typer.Argument(metavar="PID", show_default=False)]


def replay(
    pid: ThatPid,
    land: Annotated[
        bool, typer.Option("--land", help="Let it land, as `apply` would.  [default: a dry run]")
    ] = False,
    approve: Annotated[
        str | None, typer.Option("--approve", metavar="sha256:…", help="Approve exactly this plan.")
    ] = None,
    yes: Yes = False,
    json: Json = False,
    workspace: Workspace = None,
    sandbox: SandboxName = None,
    timeout: Timeout = None,
    budget: BudgetOption = None,
) -> int:
    """Run a past plan in a fresh layer, without a model, and say whether it changes the same. Exit code 1 when not."""
    from casava_os.cli.follow import Front, RunChoices
    from casava_os.cli.requests import approved_digest
    from casava_syscalls.names import fs_path
    from casava_syscalls.results import Err

    front = Front(json=json)
    found = _past(pid)
    if isinstance(found, Err):
        return front.fail(found)
    digest = approved_digest(approve, found.value.sha256)
    if isinstance(digest, Err):
        return front.fail(digest)
    where = workspace or Path(fs_path(found.value.workspace))
    choices = RunChoices(where, sandbox, None, timeout, budget, yes, dry_run=not land, approved=digest.value)
    return front.replay(found.value, choices)


def _past(pid: int) -> Result[Past]:
    """What the journal has of a process."""
    from casava_os.cli.follow import boot
    from casava_os.kernel.journal import guarded
    from casava_os.kernel.replay import past
    from casava_syscalls.results import Err

    kernel = boot()
    if isinstance(kernel, Err):
        return kernel
    try:
        found = guarded(lambda: past(kernel.value.journal, pid))
    finally:
        kernel.value.close()
    return found if isinstance(found, Err) else found.value


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(replay)
