"""Opening the shell: the kernel booted, what this person used before, and the screen."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.boot import boot_kernel, leases_over
from casava_os.paths import config_dir, state_dir
from casava_os.settings import Settings, load_settings
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from casava_os.kernel.run import Kernel

HISTORY = "shell-history.jsonl"
SESSIONS = "sessions"


def open_shell(
    workspace: Path,
    *,
    model: str | None = None,
    sandbox: str | None = None,
    new: bool = False,
    plain: bool | None = None,
) -> Result[int]:
    """Runs the shell until the person leaves; the exit code, or why it cannot be opened.

    It goes on where the last one in this workspace was left; with `new` it begins empty. `plain` None: as the settings
    say, or line by line where the terminal cannot draw.
    """
    settings = load_settings(config_dir())
    if isinstance(settings, Err):
        return settings
    kernel = boot_kernel(settings.value)
    if isinstance(kernel, Err):
        return kernel
    if plain is None:
        plain = settings.value.shell.plain or os.environ.get("TERM", "") in ("dumb", "unknown")
    if plain:
        return _plain(kernel.value, settings.value, workspace, model, sandbox)
    from casava_os.meters import Sampler
    from casava_os.shell.abrupt import Abrupt, died_before
    from casava_os.shell.app import ShellApp
    from casava_os.shell.history import History
    from casava_os.shell.modelwatch import ModelWatch, SandboxMemory
    from casava_os.shell.session import Session
    from casava_os.shell.widgets.curves import signs_here
    from casava_os.shell.widgets.resources import ResourcePanel

    session = Session.open(state_dir() / SESSIONS, workspace, new=new)
    died = died_before(state_dir(), workspace)
    abrupt = Abrupt(state_dir(), workspace)
    try:
        app = ShellApp(
            kernel.value,
            workspace,
            model=model or settings.value.model,
            models=_models(),
            sandbox=sandbox,
            history=History(state_dir() / HISTORY),
            session=session,
            theme=settings.value.shell.theme,
            keys=settings.value.shell.keys,
            memory=SandboxMemory(state_dir() / "layers").read,
            side=lambda: ResourcePanel(
                Sampler(workspace, state_dir() / "layers"),
                settings.value.meters,
                signs=signs_here(),
                model=ModelWatch(kernel.value, model or settings.value.model).read,
            ),
        )
        app.chosen_model = model
        app.died, app.beat, app.leases_over = died, abrupt.beat, leases_over
        chosen = {"model": model and "--model", "sandbox": sandbox and "--sandbox"}
        app.set_by_option = {name: option for name, option in chosen.items() if option}
        code = app.run()
    finally:
        session.close()
        kernel.value.close()
        abrupt.close()
    return Ok(value=app.return_code or 0 if code is None else code)


def _plain(
    kernel: Kernel, settings: Settings, workspace: Path, model: str | None, sandbox: str | None
) -> Result[int]:
    """The shell without drawing."""
    from casava_os.shell.history import History
    from casava_os.shell.plain import PlainShell

    try:
        shell = PlainShell(
            kernel,
            workspace,
            model=model or settings.model,
            models=_models(),
            chosen_model=model,
            sandbox=sandbox,
            history=History(state_dir() / HISTORY if sys.stdin.isatty() else None),
        )
        shell.leases_over = leases_over
        return Ok(value=shell.run())
    finally:
        kernel.close()


def _models() -> tuple[str, ...]:
    """Names of the models that can be used now: the shipped one, downloaded ones, served ones."""
    from casava_os.model import SHIPPED, catalog

    known = catalog.load()
    if isinstance(known, Err):
        return (SHIPPED,)  # using one will say what is wrong with the catalogue
    there = [
        name
        for name, entry in known.value.items()
        if entry.kind == "endpoint" or catalog.path_of(name).exists()
    ]
    return (SHIPPED, *sorted(there))
