"""Apps from the shell: their names for completion, and one of them begun: `/app NAME parameter=value …`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from casava_os.kernel.dispatch import Budget
from casava_os.kernel.options import RunOptions
from casava_os.kernel.run import Kernel
from casava_os.kernel.running import Running
from casava_os.plugins import find_app, find_apps
from casava_os.plugins.program import program_of
from casava_syscalls.results import Err, Ok, Result


def app_words() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Each app's name with its sentence and its parameters; broken ones are left out."""
    return {
        name: (app.value.manifest.summary, tuple(app.value.manifest.parameters))
        for name, app in find_apps().items()
        if isinstance(app, Ok)
    }


def start_app(kernel: Kernel, line: str, workspace: Path, options: RunOptions) -> Result[Running]:
    """Begins the app that a line names, with its parameters; never with more than it was granted."""
    try:
        name, *given = shlex.split(line)
    except ValueError as problem:
        return Err(code="usage", title="A quote is missing", message=str(problem))
    found = find_app(name)
    if isinstance(found, Err):
        return found
    if bad := [word for word in given if "=" not in word]:
        known = ", ".join(found.value.manifest.parameters) or "none"
        return Err(
            code="usage",
            title=f"{bad[0]} is no parameter",
            message=f"they are written parameter=value; it has {known}",
        )
    app, manifest = found.value, found.value.manifest
    parameters = app.parameters({key: value for key, _, value in (word.partition("=") for word in given)})
    if isinstance(parameters, Err):
        return parameters
    limits = Budget(seconds=manifest.budget.seconds, steps=manifest.budget.steps)
    how = replace(options, granted=manifest.granted, budget=limits)
    if manifest.request is not None:
        return Ok(value=kernel.run(app.request(parameters.value), workspace=workspace, options=how))
    if manifest.steps:
        plan = app.plan(parameters.value)
        if isinstance(plan, Err):
            return plan
        return Ok(value=kernel.run_plan(plan.value, workspace=workspace, options=how))
    program = program_of(app, parameters.value)
    if isinstance(program, Err):
        return program
    return Ok(value=kernel.run_program(f"app {name}", program.value, workspace=workspace, options=how))
