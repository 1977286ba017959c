"""One hardened container over a layer: how it is made, attached and removed. Blocking; the driver calls it in a thread."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casava_os.kernel.owners import born
from casava_os.kernel.ports import LayerPaths, Limits, Priority
from casava_sandbox.environment import environment
from casava_sandbox.links import Links
from casava_sandbox.seccomp import profile_text
from casava_sandbox.shares import SHARES

if TYPE_CHECKING:
    from docker import APIClient

PID_LABEL, OWNER_LABEL, HOME_LABEL, HOST_LABEL, BORN_LABEL = (
    "casava.pid",
    "casava.owner",
    "casava.home",
    "casava.host-pid",
    "casava.born",
)


REMOVAL_SECONDS = 20
_BREATH = 0.05
TRY_AGAIN = 3
"""Seconds for which the removal of another is waited for, before it is tried once more."""
COMMAND = ["python3", "-I", "-B", "-S", "/casava/agent.pyz"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a container is made from."""

    name: str
    image: str
    layer: LayerPaths
    links: Links
    limits: Limits
    home: str
    user: str
    host_pid: int


def labels(plan: Plan) -> dict[str, str]:
    """By which leftovers are found."""
    return {
        PID_LABEL: str(plan.layer.pid),
        OWNER_LABEL: str(os.getuid()),
        HOME_LABEL: plan.home,
        HOST_LABEL: str(plan.host_pid),
        BORN_LABEL: born(plan.host_pid),
    }


def start(api: APIClient, plan: Plan) -> socket.socket:
    """Creates, attaches and starts the container; the socket carries the agent's stream. Raises what docker raises."""
    from docker.types import DriverConfig, LogConfig, Mount, Ulimit

    limits = plan.limits
    tags = labels(plan)
    host: dict[str, Any] = api.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges", f"seccomp={profile_text()}"],
        userns_mode="host",
        ipc_mode="private",
        # The container goes with its agent, and the agent with its stream: a kill of this program leaves nothing.
        auto_remove=True,
        log_config=LogConfig(type="none", config={}),
        mem_limit=limits.memory_bytes,
        memswap_limit=limits.memory_bytes,
        pids_limit=limits.pids,
        nano_cpus=int(min(limits.cpus, os.cpu_count() or 1) * 1e9),
        tmpfs={"/tmp": f"rw,nosuid,nodev,mode=1777,size={limits.tmpfs_bytes}"},  # noqa: S108
        shm_size=min(limits.tmpfs_bytes, 64 * 2**20),
        ulimits=[
            Ulimit(name="fsize", soft=limits.file_bytes, hard=limits.file_bytes),
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=1024, hard=4096),
        ],
        group_add=_workspace_group(plan.layer.workspace),
        mounts=[
            # A volume without a name: the daemon mounts the overlay, and removes the volume with the container.
            Mount(
                target="/workspace",
                source=None,
                type="volume",
                no_copy=True,
                labels=tags,
                driver_config=DriverConfig(
                    "local",
                    {"type": "overlay", "device": "overlay", "o": f"{plan.links.options},nosuid,nodev"},
                ),
            ),
            Mount(target="/casava/scratch", source=str(plan.links.scratch), type="bind"),
            Mount(target="/casava/agent.pyz", source=str(plan.links.agent), type="bind", read_only=True),
        ],
    )
    api.create_container(
        image=plan.image,
        command=COMMAND,
        name=plan.name,
        user=plan.user,
        working_dir="/workspace",
        environment=environment(),
        hostname="casava",
        labels=tags,
        stdin_open=True,
        entrypoint=[],
        host_config=host,
        stop_signal="SIGKILL",
    )
    stream = _attach(api, plan.name)
    try:
        api.start(plan.name)
    except BaseException:
        stream.close()
        raise
    return stream


def _attach(api: APIClient, name: str) -> socket.socket:
    """The container's standard streams, before it runs: nothing that it says is missed."""
    raw = api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    try:
        stream = socket.socket(fileno=os.dup(raw.fileno()))
    finally:
        raw._response.close()  # noqa: SLF001 - the SDK keeps the response there, and it holds the descriptor
    stream.setblocking(False)
    return stream


def _workspace_group(workspace: Path) -> list[int]:
    """The workspace's group, when the person works in it through a group; no other group of theirs goes in."""
    group = workspace.stat().st_gid
    return [group] if group in os.getgroups() and group != os.getgid() else []


def renice(api: APIClient, name: str, priority: Priority) -> None:
    """Sets the container's share of the processors. Raises what docker raises."""
    api.update_container(name, cpu_shares=SHARES[priority])


def remove(api: APIClient, name: str) -> None:
    """Kills and removes the container with its volume, and returns once its mounts are gone. No error if it is not there.

    Raises what docker raises when it is there after `REMOVAL_SECONDS` still.
    """
    from docker.errors import APIError, NotFound
    from requests.exceptions import ConnectionError, Timeout  # noqa: A004 - as requests calls it

    give_up = time.monotonic() + REMOVAL_SECONDS
    with suppress(NotFound):
        while True:
            try:
                api.remove_container(name, v=True, force=True)
            except NotFound:
                raise
            except APIError:
                # Its own removal is under way. That one can fail, and leave the container to us.
                if time.monotonic() > give_up:
                    raise
                with suppress(Timeout, ConnectionError):  # one that failed never says so
                    api.wait(name, condition="removed", timeout=TRY_AGAIN)
                time.sleep(_BREATH)
            else:
                return


def clear_work_as_root(api: APIClient, image: str, work: Path) -> None:
    """Removes what the overlay left in its work directory, where it belongs to root and the caller is not."""
    from docker.errors import APIError
    from docker.types import Mount

    container = api.create_container(
        image=image,
        command=["rm", "-rf", "/overlay/work"],
        entrypoint=[],
        user="0:0",
        labels={
            PID_LABEL: "0",
            OWNER_LABEL: str(os.getuid()),
            HOST_LABEL: str(os.getpid()),
            BORN_LABEL: born(os.getpid()),
        },
        host_config=api.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            cap_add=["DAC_OVERRIDE"],
            security_opt=["no-new-privileges"],
            userns_mode="host",
            mounts=[Mount(target="/overlay", source=str(work), type="bind")],
        ),
    )
    try:
        api.start(container["Id"])
        api.wait(container["Id"], timeout=20)
    finally:
        with suppress(APIError):
            api.remove_container(container["Id"], v=True, force=True)
