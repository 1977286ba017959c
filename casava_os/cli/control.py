"""`ps`, `kill`, `hold` and `renice`: what runs, in this terminal or another one, and what to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from casava_os.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from casava_os.kernel.control import Control, Listed
    from casava_os.kernel.ports import Priority
    from casava_syscalls.results import Result

Number = Annotated[int, typer.Argument(metavar="PID", show_default=False)]
Level = Annotated[
    str, typer.Argument(metavar="low|normal|high", show_default=False, help="The priority from now on.")
]


def ps(json: Json = False) -> int:
    """List the processes that are running or hold changes."""
    from casava_os.cli.follow import Front, boot
    from casava_syscalls.results import Err

    front = Front(json=json)
    kernel = boot(sweep=False)
    if isinstance(kernel, Err):
        return front.fail(kernel)
    front.notices(kernel.value)
    rows = kernel.value.control.listed()
    kernel.value.close()
    if isinstance(rows, Err):
        return front.fail(rows)
    if json:
        for row in rows.value:
            front.output.json(row)
    else:
        memory = _memory()
        front.output.rows([_TITLES, *(_cells(row, memory) for row in rows.value)], header=True)
    return 0


_TITLES = ("pid", "when", "state", "priority", "time", "tokens", "memory", "workspace", "request")


def _cells(row: Listed, memory: dict[int, int]) -> tuple[str | int, ...]:
    from time import time

    from casava_os.cli.history import when
    from casava_os.shell.wording import seconds_text, size_text

    running = row.state != "held" and not row.left_behind
    return (
        row.pid,
        when(row.created),
        row.standing,
        row.priority,
        seconds_text(time() - row.created) if running else "",
        row.tokens or "",
        size_text(memory[row.pid]) if row.pid in memory else "",
        row.workspace,
        row.request,
    )


def _memory() -> dict[int, int]:
    """What the sandboxes use, in bytes, by process."""
    from casava_os.paths import state_dir
    from casava_os.shell.modelwatch import SandboxMemory

    return SandboxMemory(state_dir() / "layers").read()


def kill(pid: Number, json: Json = False) -> int:
    """Cancel a process that runs, here or in another terminal. Nothing of it lands."""
    from casava_os.shell.wording import killed_text

    return _do(json, lambda control: control.kill(pid), killed_text)


def hold(pid: Number, json: Json = False) -> int:
    """Have what a running process changes held at its end, or now if it waits for an answer."""
    from casava_os.shell.wording import held_text

    return _do(json, lambda control: control.hold(pid), held_text)


def renice(pid: Number, priority: Level, json: Json = False) -> int:
    """Give a running process another priority: at the kernel model, and at the processors."""
    from casava_os.cli.follow import Front
    from casava_os.kernel.ports import PRIORITIES
    from casava_syscalls.results import Err

    wanted: Priority | None = next((name for name in PRIORITIES if name == priority), None)
    if wanted is None:
        message = f"{priority!r} is none; give {', '.join(PRIORITIES)}"
        return Front(json=json).fail(Err(code="usage", title="There is no such priority", message=message))
    level = wanted
    return _do(
        json,
        lambda control: control.renice(pid, level),
        lambda row: f"process {pid} has priority {row.priority}",
    )


def _do(
    json: bool, act: Callable[[Control], Awaitable[Result[Listed]]], said: Callable[[Listed], str]
) -> int:
    """Does something with a process, and says on standard error what came of it."""
    import asyncio

    from casava_os.cli.follow import Front, boot
    from casava_syscalls.results import Err

    front = Front(json=json)
    kernel = boot(sweep=False)
    if isinstance(kernel, Err):
        return front.fail(kernel)
    control = kernel.value.control

    async def done() -> Result[Listed]:
        return await act(control)

    try:
        result = asyncio.run(done())
    finally:
        kernel.value.close()
    if isinstance(result, Err):
        return front.fail(result)
    if json:
        front.output.json(result.value)
    else:
        front.screen.note(said(result.value))
    return 0


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (ps, kill, hold, renice):
        app.command()(command)
