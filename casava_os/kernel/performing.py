"""Point 4 of the walk: a plan's steps, or a program's, performed in a layer, in a sandbox."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from casava_os.errors import ExitCode, exit_code
from casava_os.kernel.compiling import refers_to_stdin
from casava_os.kernel.dispatch import Dispatcher, Performed, changes, needs_sandbox
from casava_os.kernel.errands import Errands
from casava_os.kernel.events import Note, SandboxReady
from casava_os.kernel.life import stop
from casava_os.kernel.options import RunOptions
from casava_os.kernel.parts import Parts
from casava_os.kernel.policy import Policy
from casava_os.kernel.ports import SandboxSession
from casava_os.kernel.process import Ending, Process
from casava_os.kernel.threads import in_thread, uninterrupted
from casava_syscalls.plan import Plan
from casava_syscalls.results import Err


async def perform(
    k: Parts, p: Process, plan: Plan, policy: Policy, options: RunOptions
) -> Performed | Ending:
    """What the steps gave, performed in the layer, in the sandbox; or why none could be had."""
    p.changing = changes(plan)
    session: SandboxSession | None = None
    if needs_sandbox(plan):
        stdin = options.stdin if refers_to_stdin(plan) else None
        opened = await open_sandbox(k, p, stdin, options)
        if isinstance(opened, Ending):
            return opened
        session = opened
    p.move("running")
    with p.timings.of("steps"):
        performed = await dispatcher(k, p, plan, session, policy, options).perform()
    with p.timings.of("sandbox"):
        await p.end_sandbox()
    return performed


def dispatcher(
    k: Parts,
    p: Process,
    plan: Plan | None,
    session: SandboxSession | None,
    policy: Policy,
    options: RunOptions,
) -> Dispatcher:
    """Who performs the steps of a plan, or of a program (then `plan` is None), for a process."""
    return Dispatcher(
        plan,
        session=session,
        broker=k.broker,
        policy=policy,
        request=p.request,
        budget=options.budget or k.budget,
        tell=p.tell,
        errands=Errands(
            p.tell,
            request=p.request,
            pid=p.pid,
            workspace=p.workspace,
            scratch=p.layer.paths.scratch if p.layer is not None and session is not None else None,
        ),
    )


async def open_sandbox(
    k: Parts, p: Process, stdin: Path | None, options: RunOptions
) -> SandboxSession | Ending:
    """A running sandbox over a fresh layer, with the standard input in its scratch space when it is wanted."""
    with p.timings.of("sandbox"):
        loop = asyncio.get_running_loop()

        def progress(sentence: str) -> None:
            loop.call_soon_threadsafe(lambda: p.tell(Note(text=sentence)))

        chosen = await k.choose_sandbox(options.sandbox, progress)
        if isinstance(chosen, Err):
            return stop(p, chosen)
        p.sandbox = chosen.value.sandbox
        for note in chosen.value.notes:
            p.tell(Note(text=note))
        created = await uninterrupted(lambda: k.layers.create(p.pid, p.workspace))
        if isinstance(created, Err):
            return stop(p, created, _workspace_exit(created))
        p.layer = created.value
        if stdin is not None:
            kept = await in_thread(lambda: _keep(stdin, created.value.paths.scratch / "stdin"))
            if isinstance(kept, Err):
                return stop(p, kept)
        opened = await p.sandbox.open(p.layer.paths, k.limits)
        if isinstance(opened, Err):
            return stop(p, opened)
        p.session = opened.value
        if p.priority != "normal":
            await p.share()
        info = p.session.info
        p.tell(SandboxReady(driver=info.driver, verified=dict(info.verified), warnings=info.warnings))
        return p.session


def _keep(source: Path, target: Path) -> Err | None:
    """Copies the standard input to where the agent looks for it."""
    try:
        shutil.copyfile(source, target)
    except OSError as problem:
        full = problem.errno == 28
        message = problem.strerror or str(problem)
        return Err(
            code="disk-full" if full else "failed", title="Standard input cannot be kept", message=message
        )
    return None


def _workspace_exit(err: Err) -> ExitCode:
    """A workspace that cannot be used is a wrong argument; a full disk is not."""
    wrong = ("usage", "permission", "outside-workspace", "not-found", "not-a-directory", "unsupported")
    return ExitCode.USAGE if err.code in wrong else exit_code(err)
