"""`session`: conversations, each a row of requests of which a later one may point back at an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import Json, SandboxName, Workspace, Yes

if TYPE_CHECKING:
    from casava_os.kernel.journal import Journal
    from casava_syscalls.results import Err, Result

app = typer.Typer(
    help="Conversations: list them, show one, go on with one.", no_args_is_help=True, rich_markup_mode=None
)

RECENT = 200
"""Requests that are looked at for the last conversation."""

Number = Annotated[
    int, typer.Argument(metavar="SESSION", min=1, help="Its number in the list.", show_default=False)
]


@app.command("list")
def list_sessions(
    everywhere: Annotated[bool, typer.Option("--all", "-a", help="Of every workspace.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """List the conversations in this workspace, the latest first."""
    import time

    from casava_os.cli.follow import Front
    from casava_os.kernel.journal import guarded
    from casava_syscalls.results import Err

    front = Front(json=json)
    journal = _journal()
    if isinstance(journal, Err):
        return front.fail(journal)
    where = None if everywhere else _name(workspace)
    found = guarded(lambda: journal.value.sessions(where, limit=limit))
    journal.value.close()
    if isinstance(found, Err):
        return front.fail(found)
    if json:
        for row, _ in found.value:
            front.output.json(row)
        return 0
    front.output.rows(
        [
            (
                row.session,
                time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created)),
                f"{count} request{'' if count == 1 else 's'}",
                " ".join(row.request.split())[:100],
                *((row.workspace,) if everywhere else ()),
            )
            for row, count in found.value
        ]
    )
    if not found.value:
        front.screen.note("There is no conversation in this workspace yet.")
    return 0


@app.command("show")
def show_session(number: Number, json: Json = False) -> int:
    """Show the requests of a conversation, the oldest first."""
    import time

    from casava_os.cli.follow import Front
    from casava_os.kernel.journal import guarded
    from casava_syscalls.results import Err

    front = Front(json=json)
    journal = _journal()
    if isinstance(journal, Err):
        return front.fail(journal)
    found = guarded(lambda: journal.value.session(number))
    journal.value.close()
    if isinstance(found, Err):
        return front.fail(found)
    if not found.value:
        return front.fail(_unknown(number))
    for row in reversed(found.value):
        if json:
            front.output.json(row)
        else:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.created))
            front.output.rows([(row.pid, when, row.state, " ".join(row.request.split())[:200])])
    return 0


@app.command("resume")
def resume_session(
    number: Number,
    request: Annotated[
        list[str] | None, typer.Argument(metavar="[REQUEST]", help="What you want now.", show_default=False)
    ] = None,
    yes: Yes = False,
    sandbox: SandboxName = None,
    json: Json = False,
) -> int:
    """Go on with a conversation, in its workspace: with a request, or, without one, in the shell."""
    from casava_os.cli.follow import Front, RunChoices
    from casava_os.kernel.journal import guarded
    from casava_syscalls.names import fs_path
    from casava_syscalls.results import Err

    front = Front(json=json)
    journal = _journal()
    if isinstance(journal, Err):
        return front.fail(journal)
    found = guarded(lambda: journal.value.session(number))
    journal.value.close()
    if isinstance(found, Err):
        return front.fail(found)
    if not found.value:
        return front.fail(_unknown(number))
    where = Path(fs_path(found.value[0].workspace))
    if request:
        choices = RunChoices(workspace=where, sandbox=sandbox, yes=yes, session=number)
        return front.request(" ".join(request), choices)
    if not front.screen.interactive:
        return front.fail(
            Err(
                code="usage",
                title="What should be done?",
                message="without a request the shell would open, and here is no terminal for it",
                hint=f'casava-os session resume {number} "…"',
            )
        )
    from casava_os.cli.shell import open_or_say
    from casava_os.paths import state_dir
    from casava_os.shell.opening import SESSIONS
    from casava_os.shell.session import Session

    Session.bring(state_dir() / SESSIONS, where, [row.pid for row in reversed(found.value)])
    return open_or_say(where, sandbox=sandbox)


def last_session(journal: Journal, workspace: Path) -> Result[int]:
    """The conversation in a workspace that was last gone on with. `Err("not-found")`."""
    from casava_os.errors import ExitCode
    from casava_os.kernel.journal import Search, guarded
    from casava_os.kernel.life import real, text_of
    from casava_syscalls.results import Err, Ok

    here = text_of(real(workspace))
    found = guarded(lambda: journal.found(Search(workspace=here), limit=RECENT))
    if isinstance(found, Err):
        return found
    rows = [row for row in found.value if row.workspace == here]
    # What was not understood is no conversation to go on with: "add --continue" is said there.
    understood = [row for row in rows if row.exit_code not in (ExitCode.NOT_UNDERSTOOD, ExitCode.USAGE)]
    if not rows:
        return Err(
            code="not-found",
            title="There is no conversation to go on with",
            message="nothing was asked in this workspace so far",
            hint="leave --continue out",
        )
    return Ok(value=(understood or rows)[0].session)


def _journal() -> Result[Journal]:
    from casava_os.boot import JOURNAL
    from casava_os.kernel.journal import Journal
    from casava_os.paths import private_dir, state_dir
    from casava_syscalls.results import Err

    try:
        return Journal.open(private_dir(state_dir()) / JOURNAL)
    except OSError as problem:
        return Err(code="permission", title="The state directory cannot be made", message=str(problem))


def _name(workspace: Path | None) -> str | None:
    from casava_os.cli.follow import workspace_path
    from casava_os.kernel.life import real, text_of
    from casava_syscalls.results import Err

    where = workspace_path(workspace)
    return None if isinstance(where, Err) else text_of(real(where.value))


def _unknown(number: int) -> Err:
    from casava_syscalls.results import Err

    return Err(
        code="not-found",
        title=f"There is no conversation {number}",
        message="the journal knows none of that number",
        hint="casava-os session list --all shows them",
    )
