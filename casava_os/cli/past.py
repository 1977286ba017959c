"""`history`, `replay` and `export`: the commits of a workspace, a past plan once more, and what it changed as a script."""

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
        bool, typer.Option("--land", help="Let its changes in, as `apply` would.  [default: a dry run]")
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


def export(
    pid: ThatPid,
    sh: Annotated[
        bool, typer.Option("--sh", help="As a POSIX shell script; there is no other form yet.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there.  [default: stdout]"),
    ] = None,
) -> int:
    """Write a readable script of what a process did, from its recorded changeset. It checks the whole tree before it acts."""
    from casava_os.cli.follow import Front
    from casava_syscalls.results import Err

    front = Front()
    if not sh:
        hint = f"casava-os export {pid} --sh"
        return front.fail(Err(code="usage", title="In which form?", message="name one: --sh", hint=hint))
    made = _script(pid)
    if isinstance(made, Err):
        return front.fail(made)
    if output is None or str(output) == "-":
        front.output.text(made.value.decode())
        return 0
    try:
        output.write_bytes(made.value)
        output.chmod(0o755)
    except OSError as problem:
        message = problem.strerror or str(problem)
        return front.fail(Err(code="failed", title=f"{output} cannot be written", message=message))
    return 0


def _script(pid: int) -> Result[bytes]:
    """The script of a process that holds, has landed, or had landed its changes."""
    from casava_os.cli.follow import boot
    from casava_os.kernel.events import ChangesetMade, Compiled
    from casava_os.kernel.journal import guarded
    from casava_os.kernel.ports import Changeset
    from casava_os.paths import state_dir
    from casava_sandbox.layer.export import export_held, export_landed
    from casava_sandbox.layer.script import Story
    from casava_syscalls.results import Err

    kernel = boot()
    if isinstance(kernel, Err):
        return kernel
    try:
        journal = kernel.value.journal
        found = guarded(
            lambda: (journal.process(pid), journal.last(pid, "changeset"), journal.last(pid, "compiled"))
        )
        if isinstance(found, Err):
            return found
        row, made, compiled = found.value
        if isinstance(row, Err):
            return row
        if made is None or row.value.state not in ("held", "committed", "undone"):
            return Err(
                code="usage",
                title=f"Process {pid} changed nothing",
                message=f"it is {row.value.state}",
                hint="casava-os log lists processes and their states",
            )
        shown = Changeset.made(pid, row.value.workspace, ChangesetMade.model_validate(made.body).changes)
        plan = Compiled.model_validate(compiled.body) if compiled is not None else None
        story = Story(
            pid,
            row.value.request,
            plan.sha256 if plan is not None else "",
            tuple(step.line for step in plan.steps) if plan is not None else (),
        )
        if row.value.state != "held":
            return export_landed(str(state_dir()), shown, story)
        layer = kernel.value.layers.open(pid)
        return layer if isinstance(layer, Err) else export_held(layer.value, shown, story)
    finally:
        kernel.value.close()


def history(workspace: Workspace = None, json: Json = False) -> int:
    """List the commits in this workspace, the newest first: what can be undone, what redone, and what keeping that takes."""
    from casava_os.cli.follow import Front, boot, workspace_path
    from casava_os.cli.ledger import ledger, table
    from casava_os.kernel.journal import guarded
    from casava_os.kernel.life import real, text_of
    from casava_os.paths import state_dir
    from casava_syscalls.results import Err

    front = Front(json=json)
    where = workspace_path(workspace)
    if isinstance(where, Err):
        return front.fail(where)
    kernel = boot()
    if isinstance(kernel, Err):
        return front.fail(kernel)
    here = text_of(real(where.value))
    lines = guarded(lambda: ledger(kernel.value.journal, str(state_dir()), here))
    kernel.value.close()
    if isinstance(lines, Err):
        return front.fail(lines)
    if json:
        for line in lines.value:
            front.output.json(line)
    else:
        front.output.rows(table(lines.value), header=True)
    return 0


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (replay, export, history):
        app.command()(command)
