"""The Docker driver: opens hardened containers whose agent speaks over the attached stream."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from casava_os.kernel.ports import LayerPaths, Limits, Priority, SandboxInfo, SandboxSession
from casava_sandbox.bundle import stage
from casava_sandbox.channel import AgentChannel
from casava_sandbox.docker import container
from casava_sandbox.docker.client import connect
from casava_sandbox.docker.images import get_image
from casava_sandbox.links import clear_work, links, place_of_links
from casava_sandbox.session import greet, remove_token, write_token
from casava_sandbox.shares import refused
from casava_sandbox.submounts import submount_warnings
from casava_sandbox.traces import Trace, Traces, fresh
from casava_syscalls.names import path_text
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

LOG = logging.getLogger("casava.sandbox.docker")


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that answered, the image to run, and what it says of itself."""

    api: APIClient
    image: str
    user: str
    """User and group in the container; root is the caller where the daemon is rootless."""
    warnings: tuple[str, ...]


class DockerSandbox:
    """A `Sandbox` of containers. `cache`: where the agent is staged; `image`: the setting; `home`: for the label."""

    def __init__(
        self,
        cache: Path,
        *,
        image: str | None = None,
        home: str = "",
        progress: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._cache = cache
        self._image = image
        self._home = home
        self._traces = Traces(home or str(cache))
        self._progress = progress
        self._daemon: Daemon | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> Literal["docker", "bubblewrap", "ram"]:
        return "docker"

    async def check(self) -> Err | None:
        """Whether the daemon answers and an image can be had; pulls or builds one when there is none."""
        daemon = await asyncio.to_thread(self._connect)
        return daemon if isinstance(daemon, Err) else None

    async def close(self) -> None:
        """Lets go of the connection to the daemon."""
        if self._daemon is not None:
            self._daemon.api.close()
            self._daemon = None

    def _connect(self) -> Result[Daemon]:
        """The daemon and its image, asked for once."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        with self._lock:
            if self._daemon is not None:
                return Ok(value=self._daemon)
            connected = connect()
            if isinstance(connected, Err):
                return connected
            api = connected.value
            try:
                image = get_image(api, self._image, self._progress)
                rootless = "name=rootless" in (api.info().get("SecurityOptions") or [])
            except (DockerException, RequestException, OSError) as error:
                api.close()
                return _refused(error)
            if isinstance(image, Err):
                api.close()
                return image
            user = "0:0" if rootless else f"{os.getuid()}:{os.getgid()}"
            warnings = (
                ("The Docker daemon is rootless: its limits depend on delegated control groups.",)
                if rootless
                else ()
            )
            weakref.finalize(self, api.close)  # for those who let go of the driver without closing it
            self._daemon = Daemon(api, image.value, user, warnings)
            return Ok(value=self._daemon)

    async def open(self, layer: LayerPaths, limits: Limits) -> Result[SandboxSession]:
        """Starts a container over the layer; nothing is left behind on `Err`, on cancellation or on an exception."""
        connected = await asyncio.to_thread(self._connect)
        if isinstance(connected, Err):
            return connected
        daemon = connected.value
        try:
            trace = self._trace(daemon, layer)
        except OSError as error:
            return _refused(error)
        name = trace.container
        tear_down = partial(_tear_down, daemon, layer, self._traces, trace)
        starting = asyncio.ensure_future(asyncio.to_thread(self._start, daemon, trace, layer, limits))
        try:
            started = await asyncio.shield(starting)
        except asyncio.CancelledError:
            (late,) = await asyncio.gather(starting, return_exceptions=True)
            if isinstance(late, Ok):
                late.value[0].close()
            await asyncio.shield(asyncio.ensure_future(tear_down()))
            raise
        if isinstance(started, Err):
            await tear_down()
            return started
        stream, token = started.value
        reader, writer = await asyncio.open_connection(sock=stream)
        doomed: list[asyncio.Task[None]] = []
        channel = AgentChannel(
            partial(_agents_words, reader),
            writer,
            limits,
            give_up=lambda: doomed.append(asyncio.create_task(tear_down())),
        )
        return await greet(
            channel,
            SandboxInfo(
                "docker", {"image": daemon.image}, daemon.warnings + submount_warnings(layer.workspace)
            ),
            layer,
            limits,
            token=token,
            uid=int(daemon.user.partition(":")[0]),
            rlimits=False,
            known={},
            renice=partial(_renice, daemon, name),
            tear_down=tear_down,
        )

    def _trace(self, daemon: Daemon, layer: LayerPaths) -> Trace:
        """Writes down what will be made."""
        name = fresh()
        return self._traces.begin(
            name,
            pid=layer.pid,
            home=self._home,
            container=f"casava-{layer.pid}-{name.partition('-')[2]}",
            image=daemon.image,
            work=path_text(str(layer.work)),
            paths=(path_text(str(place_of_links(layer, name))),),
        )

    def _start(
        self, daemon: Daemon, trace: Trace, layer: LayerPaths, limits: Limits
    ) -> Result[tuple[socket.socket, str]]:
        from docker.errors import DockerException, ImageNotFound
        from requests.exceptions import RequestException

        try:
            token = write_token(layer.scratch)
            with links(layer, stage(self._cache), trace.name) as short:
                plan = container.Plan(
                    name=trace.container,
                    image=daemon.image,
                    layer=layer,
                    links=short,
                    limits=limits,
                    home=self._home,
                    user=daemon.user,
                    host_pid=os.getpid(),
                )
                try:
                    stream = container.start(daemon.api, plan)
                except ImageNotFound:  # it was built anew meanwhile
                    fresh = get_image(daemon.api, self._image, self._progress)
                    if isinstance(fresh, Err):
                        return fresh
                    self._daemon = replace(daemon, image=fresh.value)
                    stream = container.start(daemon.api, replace(plan, image=fresh.value))
                return Ok(value=(stream, token))
        except (DockerException, RequestException, OSError) as error:
            return _refused(error)


async def _agents_words(reader: asyncio.StreamReader, heard: Callable[[bytes], None]) -> AsyncIterator[bytes]:
    """What the agent writes to its standard output; the daemon marks each piece with its stream and length."""
    while True:
        try:
            header = await reader.readexactly(8)
        except asyncio.IncompleteReadError:
            return
        left = int.from_bytes(header[4:], "big")
        while left:
            data = await reader.read(min(left, 1 << 16))
            if not data:
                return
            left -= len(data)
            if header[0] == 1:
                yield data
            else:
                heard(data)


async def _renice(daemon: Daemon, name: str, priority: Priority) -> Err | None:
    def work() -> Err | None:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            container.renice(daemon.api, name, priority)
        except (DockerException, RequestException, OSError) as error:
            return refused(str(getattr(error, "explanation", None) or error))
        return None

    return await asyncio.to_thread(work)


async def _tear_down(daemon: Daemon, layer: LayerPaths, traces: Traces, trace: Trace) -> None:
    """Removes the container, its volume and mounts, and the overlay's working directory. Never raises what docker raises."""

    def work() -> None:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        remove_token(layer.scratch)
        try:
            container.remove(daemon.api, trace.container)
            if not clear_work(layer.work):
                container.clear_work_as_root(daemon.api, daemon.image, layer.work)
        except (DockerException, RequestException, OSError) as error:
            LOG.warning("container %s could not be removed: %s", trace.container, str(error))
        else:
            traces.end(trace)

    await asyncio.to_thread(work)


def _refused(error: Exception) -> Err:
    """The daemon (or the disk) would not start a container."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Err(code="disk-full", title="The disk is full", message=str(error), hint="free some space")
    text = str(getattr(error, "explanation", None) or error)
    return Err(
        code="no-sandbox",
        title="Docker could not start the sandbox",
        message=text.strip(),
        hint="run casava-os doctor, or use --sandbox bubblewrap",
    )
