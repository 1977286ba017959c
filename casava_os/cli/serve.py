"""`casava-os serve`: the shell in a browser on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import BaseModel

from casava_os.cli.options import ModelName, SandboxName, Workspace

Port = Annotated[
    int, typer.Option("--port", "-p", min=0, max=65_535, help="The port on 127.0.0.1; 0 takes a free one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the address as one line of JSON.")]


class Address(BaseModel):
    """What `--json` prints once the shell can be opened."""

    url: str
    """The link with its token; it opens the shell once."""
    host: str
    port: int


def serve(
    workspace: Workspace = None,
    port: Port = 0,
    model: ModelName = None,
    sandbox: SandboxName = None,
    json: AsJson = False,
) -> int:
    """Open the shell in a browser: prints a link that works once, on this machine only. Ctrl-C ends it."""
    from casava_os.cli.follow import Front, workspace_path
    from casava_os.cli.shell import no_workspace
    from casava_os.shell.serve.opening import serve as begin
    from casava_syscalls.results import Err

    front = Front()
    where = workspace_path(workspace)
    if isinstance(where, Err):
        return front.fail(where)
    if not where.value.is_dir():
        return front.fail(no_workspace(where.value))

    def told(link: str) -> None:
        if json:
            from urllib.parse import urlsplit

            parts = urlsplit(link)
            front.output.json(Address(url=link, host=parts.hostname or "", port=parts.port or 0))
            return
        front.output.text(link)
        front.screen.note(
            f"The shell for {where.value}. The link works once, in a browser on this machine; Ctrl-C ends it."
        )

    done = begin(
        where.value,
        told,
        lambda: front.screen.note("Ending; what waits for an answer is held."),
        port=port,
        model=model,
        sandbox=sandbox,
    )
    return front.fail(done) if isinstance(done, Err) else done.value


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(serve)
