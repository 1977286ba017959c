"""`run`, `plan` and `apply`: from a request, to a plan, to what lands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import (
    BudgetOption,
    Continue,
    DryRun,
    Json,
    Level,
    ModelName,
    NoCache,
    NoMemory,
    Null,
    SandboxName,
    Stdin,
    Timeout,
    Workspace,
    Yes,
)

if TYPE_CHECKING:
    from casava_os.kernel.events import BaseEvent
    from casava_syscalls.plan import Plan
    from casava_syscalls.results import Result

Words = Annotated[
    list[str], typer.Argument(metavar="REQUEST", help="What you want, in plain words.", show_default=False)
]


def run(
    request: Words,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
    null: Null = False,
    workspace: Workspace = None,
    sandbox: SandboxName = None,
    model: ModelName = None,
    timeout: Timeout = None,
    budget: BudgetOption = None,
    priority: Level = "normal",
    stdin: Stdin = None,
    go_on: Continue = False,
    no_memory: NoMemory = False,
    no_cache: NoCache = False,
) -> int:
    """Compile a request to syscalls, run them in a sandbox on a layer, show what changes, and let it land."""
    from casava_os.cli.follow import Front, RunChoices

    choices = RunChoices(
        workspace,
        sandbox,
        model,
        timeout,
        budget,
        yes,
        dry_run,
        priority=priority,
        go_on=go_on,
        memory=not no_memory,
        cache=not no_cache,
    )
    return Front(json=json, null=null).request(" ".join(request), choices, wait_for_stdin=stdin)


def plan(
    request: Words,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the plan there.  [default: stdout]"),
    ] = None,
    json: Json = False,
    workspace: Workspace = None,
    model: ModelName = None,
    timeout: Timeout = None,
    stdin: Stdin = None,
    go_on: Continue = False,
    no_memory: NoMemory = False,
    no_cache: NoCache = False,
) -> int:
    """Compile a request to a plan, and run nothing. Its sha256 is what `apply --approve` wants."""
    from json import dumps

    from casava_os.cli.follow import Front, RunChoices
    from casava_os.kernel.events import Compiled
    from casava_syscalls.results import Err

    front = Front(json=json)
    written: list[Err] = []

    def keep(event: BaseEvent) -> None:
        if not isinstance(event, Compiled):
            return
        text = dumps(event.plan, indent=2, ensure_ascii=False) + "\n"
        if output is not None and str(output) != "-":
            try:
                output.write_text(text, encoding="utf-8")
            except OSError as problem:
                message = problem.strerror or str(problem)
                written.append(Err(code="failed", title=f"{output} cannot be written", message=message))
                return
        elif not json:
            front.output.text(text)
        if not json:
            front.screen.line(("plan: ", "dim"), f"sha256:{event.sha256}")

    choices = RunChoices(
        workspace=workspace,
        model=model,
        timeout=timeout,
        plan_only=True,
        go_on=go_on,
        memory=not no_memory,
        cache=not no_cache,
    )
    code = front.request(" ".join(request), choices, wait_for_stdin=stdin, seen=keep)
    return front.fail(written[0]) if written else code


def apply(
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="A plan file, or - for standard input.", show_default=False)
    ],
    approve: Annotated[
        str | None,
        typer.Option(
            "--approve", metavar="sha256:…", help="Approve exactly this plan; any other is not run."
        ),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
    null: Null = False,
    workspace: Workspace = None,
    sandbox: SandboxName = None,
    timeout: Timeout = None,
    budget: BudgetOption = None,
    priority: Level = "normal",
) -> int:
    """Run a plan file, without a model."""
    from casava_os.cli.follow import Front, RunChoices
    from casava_syscalls.results import Err

    front = Front(json=json, null=null)
    if isinstance(malformed := approved_digest(approve), Err):
        return front.fail(malformed)
    parsed = _read_plan(front.read_stdin() if plan == "-" else _file_text(Path(plan)))
    if isinstance(parsed, Err):
        return front.fail(parsed)
    if plan == "-" and parsed.value.reads_stdin:
        message = "both the plan and its input would come from there"
        return front.fail(
            Err(
                code="usage",
                title="Standard input is taken",
                message=message,
                hint="put the plan into a file",
            )
        )
    digest = approved_digest(approve, parsed.value.sha256())
    if isinstance(digest, Err):
        return front.fail(digest)
    choices = RunChoices(
        workspace, sandbox, None, timeout, budget, yes, dry_run, approved=digest.value, priority=priority
    )
    return front.apply(parsed.value, choices)


def approved_digest(given: str | None, of_plan: str | None = None) -> Result[str | None]:
    """The sha256 that `--approve` names, None without one. `Err`: `usage`; `approval-needed` when it is not the plan's."""
    import re

    from casava_syscalls.results import Err, Ok

    if given is None:
        return Ok(value=None)
    digest = given.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        hint = "`casava-os plan` prints that of a plan"
        return Err(
            code="usage", title=f"{given!r} is no sha256", message="it has 64 hexadecimal digits", hint=hint
        )
    if of_plan is not None and digest != of_plan:
        return Err(
            code="approval-needed",
            title="This is not the plan that was approved",
            message=f"its sha256 is {of_plan}; nothing ran",
            hint="look at what changed, then approve this one or restore the other",
        )
    return Ok(value=digest)


def _file_text(path: Path) -> Result[str]:
    from casava_syscalls.results import Err, Ok

    try:
        return Ok(value=path.read_bytes().decode())
    except OSError as problem:
        message = problem.strerror or str(problem)
        return Err(code="usage", title=f"The plan {str(path)!r} cannot be read", message=message)
    except UnicodeDecodeError:
        return Err(code="usage", title=f"{str(path)!r} is no plan", message="its bytes are no UTF-8")


def _read_plan(text: Result[str]) -> Result[Plan]:
    from json import loads

    from casava_syscalls.plan import parse_plan
    from casava_syscalls.results import Err

    if isinstance(text, Err):
        return text
    hint = '`casava-os plan "…"` writes one'
    try:
        data = loads(text.value, object_pairs_hook=_each_key_once)
    except ValueError as problem:
        return Err(code="usage", title="The plan is not JSON", message=str(problem), hint=hint)
    except RecursionError:
        return Err(code="usage", title="The plan is not one", message="it is nested too deeply", hint=hint)
    return parse_plan(data)


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object; a key that stands twice would let a reader see one step and the kernel run another."""
    data = dict(pairs)
    if len(data) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(
            f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object"
        )
    return data


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (run, plan, apply):
        app.command()(command)
