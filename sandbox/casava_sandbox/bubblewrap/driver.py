"""The bubblewrap driver: starts the agent in namespaces, with no daemon and no privileges."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from casava_os.kernel.ports import LayerPaths, Limits, Priority, SandboxInfo, SandboxSession
from casava_sandbox.bubblewrap.command import Descriptors, accounts, missing_programs, sandbox_command
from casava_sandbox.bubblewrap.groups import Group, make
from casava_sandbox.bundle import stage
from casava_sandbox.channel import AgentChannel
from casava_sandbox.links import clear_work, links, place_of_links
from casava_sandbox.seccomp import compiled
from casava_sandbox.session import greet, remove_token, write_token
from casava_sandbox.shares import nice_descendants
from casava_sandbox.submounts import submount_warnings
from casava_sandbox.traces import Traces, fresh
from casava_syscalls.names import path_text
from casava_syscalls.results import Err, Result

LOG = logging.getLogger("casava.sandbox.bubblewrap")


class BubblewrapSandbox:
    """A `Sandbox` of namespaces. `cache`: where the agent is staged; `home`: the state directory, for traces."""

    def __init__(self, cache: Path, *, home: str = "") -> None:
        self._cache = cache
        self._traces = Traces(home or str(cache))

    @property
    def name(self) -> Literal["docker", "bubblewrap", "ram"]:
        return "bubblewrap"

    async def check(self) -> Err | None:
        """Starts a whole sandbox with a program that does nothing: about 20 ms, and the only answer to be trusted."""
        missing = missing_programs()
        if missing:
            return Err(
                code="no-sandbox",
                title="Bubblewrap is not installed",
                message=f"not found: {', '.join(missing)}",
                hint="install the package bubblewrap",
            )
        try:
            with self._traces.temporary("casava-check-") as folder, _removed(folder) as place:
                layer = LayerPaths(0, *(place / name for name in ("workspace", "upper", "work", "scratch")))
                for directory in (layer.workspace, layer.upper, layer.work, layer.scratch):
                    directory.mkdir()
                with links(layer, stage(self._cache), fresh()) as short, _descriptors() as descriptors:
                    command = sandbox_command(short, Limits(), descriptors, groups=(), program=("true",))
                    process = await _spawned(command, descriptors)
                    _, words = await process.communicate()
        except (OSError, KeyError) as error:
            return _no_sandbox(str(error))
        return _no_sandbox(words.decode("utf-8", "replace").strip()) if process.returncode else None

    async def close(self) -> None:
        """There is nothing to let go of; here so that all drivers end alike."""

    async def open(self, layer: LayerPaths, limits: Limits) -> Result[SandboxSession]:
        """Starts a sandbox over the layer; nothing is left behind on `Err`, on cancellation or on an exception."""
        missing = missing_programs()
        if missing:
            return _no_sandbox(f"not found: {', '.join(missing)}")
        name = fresh()
        try:
            trace = self._traces.begin(
                name,
                pid=layer.pid,
                group=name,
                work=path_text(str(layer.work)),
                paths=(path_text(str(place_of_links(layer, name))),),
            )
        except OSError as error:
            return _no_sandbox(str(error))
        group = make(name, limits)
        with ExitStack() as until_greeted:
            try:
                token = write_token(layer.scratch)
                short = until_greeted.enter_context(links(layer, stage(self._cache), name))
                descriptors = until_greeted.enter_context(_descriptors())
                command = sandbox_command(short, limits, descriptors, groups=group.entries() if group else ())
                process = await _spawned(command, descriptors)
            except BaseException as error:
                if group is not None:
                    group.remove()
                remove_token(layer.scratch)
                clear_work(layer.work)
                self._traces.end(trace)
                if isinstance(error, (OSError, KeyError)):
                    return _no_sandbox(str(error))
                raise
            assert process.stdin is not None
            channel = AgentChannel(
                lambda heard: _agents_words(process), process.stdin, limits, give_up=partial(_kill, process)
            )
            listening = asyncio.create_task(_listen(process, channel))
            return await greet(
                channel,
                SandboxInfo("bubblewrap", {}, submount_warnings(layer.workspace)),
                layer,
                limits,
                token=token,
                uid=os.getuid(),
                rlimits=group is None,
                known=group.held if group else {},
                renice=partial(_renice, process, group),
                tear_down=partial(
                    _tear_down, process, listening, group, layer, partial(self._traces.end, trace)
                ),
            )


@contextmanager
def _removed(folder: Path) -> Iterator[Path]:
    """Makes a private folder, and removes it with what the overlay left in it."""
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        clear_work(folder / "work")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _descriptors() -> Iterator[Descriptors]:
    """The filter and the accounts, as files in memory."""
    passwd, group = accounts()
    opened: list[int] = []
    try:
        for data in (compiled(), passwd, group):
            descriptor = os.memfd_create("casava", os.MFD_CLOEXEC)
            opened.append(descriptor)
            os.write(descriptor, data)
            os.lseek(descriptor, 0, os.SEEK_SET)
        yield Descriptors(*opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)


async def _spawned(command: list[str], descriptors: Descriptors) -> asyncio.subprocess.Process:
    """Bubblewrap, begun; where that is cancelled meanwhile, it is waited for and ended: nobody else would know of it."""
    beginning = asyncio.create_task(_spawn(command, descriptors))

    async def end() -> None:
        process = await beginning
        _kill(process)
        await _drained(process)

    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        await asyncio.shield(asyncio.create_task(end()))
        raise


async def _spawn(command: list[str], descriptors: Descriptors) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=(descriptors.seccomp, descriptors.passwd, descriptors.group),
        start_new_session=True,
        env={"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "LC_ALL": "C.UTF-8"},
    )


async def _agents_words(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    assert process.stdout is not None
    while data := await process.stdout.read(1 << 16):
        yield data


async def _listen(process: asyncio.subprocess.Process, channel: AgentChannel) -> None:
    """Takes the agent's standard error, to its end."""
    assert process.stderr is not None
    while data := await process.stderr.read(1 << 16):
        channel.heard(data)


def _kill(process: asyncio.subprocess.Process) -> None:
    """Ends the whole sandbox: its first process dies with bubblewrap, and everything else with that."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


async def _renice(process: asyncio.subprocess.Process, group: Group | None, priority: Priority) -> Err | None:
    if group is not None and group.weigh(priority):
        return None
    return await asyncio.to_thread(nice_descendants, process.pid, priority)


async def _drained(process: asyncio.subprocess.Process) -> None:
    """Waits for its end, which asyncio tells after that of its streams: one with more in it than it may hold is read by nobody."""
    assert process.stdout is not None
    while await process.stdout.read(1 << 16):
        pass
    await process.wait()


async def _tear_down(
    process: asyncio.subprocess.Process,
    listening: asyncio.Task[None],
    group: Group | None,
    layer: LayerPaths,
    forget: Callable[[], None],
) -> None:
    """Kills the sandbox and waits until the last process that held its streams is gone."""
    _kill(process)
    await _drained(process)
    try:
        async with asyncio.timeout(5):
            await listening
    except TimeoutError:
        LOG.warning("a process of the sandbox did not end")
    if group is not None:
        await asyncio.to_thread(group.remove)
    clear_work(layer.work)
    forget()


def _no_sandbox(detail: str) -> Err:
    lowered = detail.lower()
    hint = "run casava-os doctor, or use --sandbox docker"
    if "permi" in lowered or "not permitted" in lowered:
        hint = "allow unprivileged user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0), or use --sandbox docker"
    return Err(
        code="no-sandbox",
        title="Bubblewrap cannot make a sandbox here",
        message=detail or "it ended without a word",
        hint=hint,
    )
