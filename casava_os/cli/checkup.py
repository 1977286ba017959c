"""What `doctor` examines: each part that a request needs, tried for real where trying is cheap.

A finding is `ok`, `missing` (with what to do), or `note` (works, but the person should know). Nothing is changed, pulled
or built, and no part is believed because its package is installed.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from casava_os.errors import ExitCode
from casava_os.kernel.ports import Limits, SandboxInfo
from casava_os.paths import cache_dir, config_dir, state_dir
from casava_os.settings import load_settings
from casava_syscalls.results import Err, Ok, Result


class Finding(BaseModel):
    """One part of the machine."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: Literal["ok", "note", "missing"]
    detail: str
    todo: str = ""


def _of(name: str, err: Err) -> Finding:
    detail = f"{err.title}: {err.message}" if err.message else err.title
    return Finding(name=name, state="missing", detail=detail, todo=err.hint)


async def examine() -> list[Finding]:
    """All findings, in the order in which a person would mend them."""
    docker, bubblewrap = await asyncio.gather(asyncio.to_thread(_docker), _bubblewrap())
    return [
        Finding(name="python", state="ok", detail=f"{platform.python_version()} ({sys.executable})"),
        _settings(),
        _policy(),
        await asyncio.to_thread(_engine),
        await asyncio.to_thread(_model),
        docker,
        bubblewrap,
        _state(),
        await asyncio.to_thread(_unfinished),
        await _leftovers(),
    ]


def verdict(findings: list[Finding]) -> tuple[ExitCode, str]:
    """The exit code and one sentence: a sandbox and a model are what a request needs."""
    state = {finding.name: finding.state for finding in findings}
    if "missing" in (state["settings"], state["policy"]):
        return ExitCode.USAGE, "Nothing runs until settings and policy can be read."
    if state["docker"] == state["bubblewrap"] == "missing":
        return ExitCode.NO_SANDBOX, "There is no sandbox, so nothing runs."
    if "missing" in (state["llama.cpp"], state["model"]):
        return (
            ExitCode.NO_MODEL,
            "There is no model: `call` and `apply` work, requests in plain words do not.",
        )
    if state["state"] == "missing":
        return ExitCode.FAILED, "Nothing can be recorded, so nothing runs."
    return ExitCode.DONE, "Requests can run."


def _settings() -> Finding:
    settings = load_settings(config_dir())
    if isinstance(settings, Err):
        return _of("settings", settings)
    path = config_dir() / "config.toml"
    return Finding(
        name="settings", state="ok", detail=str(path) if path.exists() else f"the defaults (no {path})"
    )


def _policy() -> Finding:
    from casava_os.kernel.policy import load_policy

    policy = load_policy(config_dir())
    if isinstance(policy, Err):
        return _of("policy", policy)
    return Finding(name="policy", state="ok", detail=f"{len(policy.value.rules)} rules")


def _engine() -> Finding:
    """Whether llama.cpp's library loads: it is compiled on the machine that installs it."""
    from importlib.metadata import PackageNotFoundError, version

    todo = "pip install llama-cpp-python (needs cmake and a C++ compiler; about 3 minutes)"
    try:
        import llama_cpp

        detail = f"llama-cpp-python {version('llama-cpp-python')}, {llama_cpp.llama_print_system_info().decode().strip()}"
    except (ImportError, OSError, RuntimeError, PackageNotFoundError) as problem:
        return Finding(name="llama.cpp", state="missing", detail=str(problem), todo=todo)
    return Finding(name="llama.cpp", state="ok", detail=detail)


def _model() -> Finding:
    from casava_os.model import load

    settings = load_settings(config_dir())
    if isinstance(settings, Err):
        return _of("model", settings)
    loaded = load(settings.value.model)
    if isinstance(loaded, Err):
        return _of("model", loaded)
    detail = f"{loaded.value.name} sha256:{loaded.value.digest}"
    loaded.value.close()
    return Finding(name="model", state="ok", detail=detail)


def _docker() -> Finding:
    """The daemon and an image, as they are: asking must not pull or build one."""
    from casava_sandbox.docker.report import report

    settings = load_settings(config_dir())
    named = (settings.value.image or None) if isinstance(settings, Ok) else None
    found = report(named)
    if isinstance(found, Err):
        return _of("docker", found)
    daemon = f"daemon {found.value.version}"
    if found.value.image is None:
        what = named or "no sandbox image yet"
        todo = "casava-os sandbox build makes one from this machine's packages (the first request would too)"
        return Finding(name="docker", state="note", detail=f"{daemon}, {what}", todo=todo)
    return Finding(name="docker", state="ok", detail=f"{daemon}, image {found.value.image}")


async def _bubblewrap() -> Finding:
    """A whole sandbox over an overlay, started and ended."""
    from casava_sandbox.bubblewrap.driver import BubblewrapSandbox

    problem = await BubblewrapSandbox(cache_dir(), home=str(state_dir())).check()
    if problem is not None:
        return _of("bubblewrap", problem)
    return Finding(name="bubblewrap", state="ok", detail="a sandbox over an overlay starts")


def _state() -> Finding:
    directory = state_dir()
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        todo = "own it, or set CASAVA_HOME to a directory of your own"
        return Finding(name="state", state="missing", detail=f"{existing} cannot be written", todo=todo)
    if directory.exists() and directory.stat().st_mode & 0o077:
        todo = f"chmod 700 {directory}"
        return Finding(name="state", state="note", detail=f"{directory} is open to others", todo=todo)
    return Finding(name="state", state="ok", detail=str(directory))


def _unfinished() -> Finding:
    """Commits and undos that a kill interrupted and no start has ended yet: their workspace may not be there."""
    from casava_sandbox.layer.recovery import unfinished

    found = unfinished(str(state_dir()))
    if isinstance(found, Err):
        return _of("recovery", found)
    if not found.value:
        return Finding(name="recovery", state="ok", detail="nothing was interrupted")
    told = "; ".join(f"{one.purpose} of process {one.pid} in {one.workspace}" for one in found.value)
    todo = "any casava-os command ends it (forward or back, never in between) once that folder is there and may be written"
    return Finding(name="recovery", state="note", detail=f"interrupted: {told}", todo=todo)


async def _leftovers() -> Finding:
    from casava_sandbox.janitor import left_behind

    found = await asyncio.to_thread(left_behind, str(state_dir()))
    if not found:
        return Finding(name="leftovers", state="ok", detail="none")
    return Finding(
        name="leftovers", state="note", detail="; ".join(found), todo="`casava-os sandbox sweep` removes them"
    )


async def inspect_sandbox(driver: str | None, progress: Callable[[str], None]) -> Result[SandboxInfo]:
    """Starts a sandbox over an empty folder and gives what it verified."""
    from casava_sandbox.layer.store import DiskLayerStore
    from casava_sandbox.select import choose

    settings = load_settings(config_dir())
    if isinstance(settings, Err):
        return settings
    wanted = driver or (None if settings.value.sandbox == "auto" else settings.value.sandbox)
    image = settings.value.image or None
    chosen = await choose(wanted, cache=cache_dir(), image=image, home=str(state_dir()), progress=progress)
    if isinstance(chosen, Err):
        return chosen
    for note in chosen.value.notes:
        progress(note)
    with tempfile.TemporaryDirectory(prefix="casava-info-") as place:
        workspace = Path(place) / "workspace"
        workspace.mkdir()
        layer = DiskLayerStore(Path(place) / "state").create(1, workspace)
        if isinstance(layer, Err):
            return layer
        session = await chosen.value.sandbox.open(layer.value.paths, Limits())
        if isinstance(session, Err):
            layer.value.discard()
            return session
        info = session.value.info
        await session.value.close()
        layer.value.discard()
    return Ok(value=info)
