"""The options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Driver = Literal["docker", "bubblewrap"]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve what policy asks for, without a question.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changeset and its diff, then discard it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON event a line on stdout, and nothing else.")]
Null = Annotated[bool, typer.Option("--null", "-0", help="End file names with NUL instead of a newline.")]
Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", metavar="DIR", help="The directory to work on.  [default: the current one]"
    ),
]
SandboxName = Annotated[
    Driver | None, typer.Option("--sandbox", help="Where it runs.  [default: docker, else bubblewrap]")
]
ModelName = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|PATH|URL", help="The kernel model.  [default: the shipped one]"),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout", metavar="SECONDS", help="Longest time for all of it; also '2 min'. Exit code 124."
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option("--budget", metavar="K=V,…", help="At most: seconds=60,steps=10,output_bytes=1MB."),
]
Level = Annotated[
    Literal["low", "normal", "high"],
    typer.Option("--priority", help="Before or after other processes; casava-os renice changes it later."),
]
Stdin = Annotated[
    bool | None,
    typer.Option(
        "--stdin/--no-stdin",
        help="Wait for standard input however long it takes, or do not look at it.  [default: use it when it is piped]",
        show_default=False,
    ),
]
Continue = Annotated[
    bool, typer.Option("--continue", "-c", help="Go on with the last conversation in this workspace.")
]
NoMemory = Annotated[
    bool,
    typer.Option("--no-memory", help="In private: nothing is recalled for it and nothing of it remembered."),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Make the plan anew, also where one was proven for the same request."),
]
Pid = Annotated[int | None, typer.Argument(metavar="[PID]", show_default=False)]
