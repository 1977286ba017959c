"""How a container of a service is made: what the spec says, and the bounds that no spec can lift.

No new privileges, a small fixed set of capabilities, a limit on processes, logs that cannot fill the disk, ports on loopback
unless the spec names an address, no path of this machine but the workspace and the stack's own secrets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casava_os.infra.contents import with_mode
from casava_os.infra.docker.marks import REPLICA, container_name, marks
from casava_os.infra.docker.observe import Actual
from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node
from casava_os.infra.service import HealthCheck, Service
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""What servers need to start as root and go on as somebody else; nothing that reaches beyond the container."""
_NANO = 10**9


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container is put into: identifiers of what the daemon already has."""

    images: Mapping[str, str]
    """IDs by reference."""
    networks: Mapping[str, str]
    """Names that the daemon knows, by the name in the spec."""
    volumes: Mapping[str, str]


def surroundings(wanted: Deployment, actual: Actual, images: Mapping[str, str]) -> Surroundings:
    """From what is there; external ones go by their own names."""
    graph = wanted.graph
    found = {name: actual.network(name, graph.digest("network", name)) for name in graph.of("network")}
    networks = {name: thing.name for name, thing in found.items() if thing is not None}
    volumes = {name: thing.name for name, thing in actual.volumes.items()}
    networks |= {n: one.name or n for n, one in wanted.spec.all_networks().items() if one.external}
    volumes |= {n: one.name or n for n, one in wanted.spec.volumes.items() if one.external}
    return Surroundings(images, networks, volumes)


def create(
    api: APIClient, wanted: Deployment, name: str, replica: int, into: Surroundings, begun: float
) -> str:
    """Makes one container, without starting it; its ID. Raises what docker raises."""
    service = wanted.spec.services[name]
    host = _host(api, wanted, service, replica, into)
    networks = wanted.spec.networks_of(service)
    first = networks[0] if networks else None
    config: dict[str, Any] = {
        "image": into.images[service.image],
        "name": container_name(wanted.key, name, service, replica),
        "environment": dict(service.environment),
        "labels": {
            **service.labels,
            **marks(wanted, name, wanted.graph.digest("service", name), begun=begun),
            REPLICA: str(replica),
        },
        "ports": [(port.target, port.protocol) for port in service.ports],
        "host_config": host,
        "stop_signal": service.stop_signal,
        "stop_timeout": round(service.stop_grace_period),
        "user": service.user,
        "working_dir": service.working_dir,
        "hostname": service.hostname,
        "healthcheck": health(service.healthcheck),
    }
    if service.command is not None:
        config["command"] = list(service.command)
    if service.entrypoint is not None:
        config["entrypoint"] = list(service.entrypoint)
    if first is not None:
        endpoint = api.create_endpoint_config(aliases=_aliases(name, service, first))
        config["networking_config"] = api.create_networking_config({into.networks[first]: endpoint})  # type: ignore[arg-type]  # the stub is wrong
    made = str(api.create_container(**config)["Id"])
    for other in networks[1:]:
        api.connect_container_to_network(made, into.networks[other], aliases=_aliases(name, service, other))
    return made


def health(check: HealthCheck | None) -> dict[str, object] | None:
    """As the daemon takes it; None leaves the image's own."""
    if check is None:
        return None
    if check.disable:
        return {"test": ["NONE"]}
    return {
        "test": list(check.test),
        "interval": int(check.interval * _NANO),
        "timeout": int(check.timeout * _NANO),
        "retries": check.retries,
        "start_period": int(check.start_period * _NANO),
    }


def _aliases(name: str, service: Service, network: str) -> list[str]:
    place = service.networks.get(network)
    return [name, *(place.aliases if place is not None else ())]


def _host(
    api: APIClient, wanted: Deployment, service: Service, replica: int, into: Surroundings
) -> dict[str, Any]:
    from docker.types import DeviceRequest, LogConfig

    dropped = {name.upper().removeprefix("CAP_") for name in service.cap_drop}
    kept = [] if "ALL" in dropped else [name for name in CAPABILITIES if name not in dropped]
    memory = service.memory_limit
    requests = []
    if service.gpus:
        count = -1 if service.gpus == "all" else service.gpus
        requests = [DeviceRequest(count=count, capabilities=[["gpu"]])]
    first = wanted.spec.networks_of(service)[:1]
    config: dict[str, Any] = api.create_host_config(
        network_mode=into.networks[first[0]] if first else "none",
        cap_drop=["ALL"],
        cap_add=kept,
        security_opt=["no-new-privileges"],
        ipc_mode="private",
        read_only=service.read_only,
        init=service.init,
        mem_limit=memory,
        memswap_limit=memory,
        mem_reservation=service.deploy.resources.reservations.memory,
        nano_cpus=nano_cpus(service),
        pids_limit=service.pid_limit,
        shm_size=service.shm_size,
        restart_policy=restart_policy(service.restart),
        log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
        port_bindings=_bindings(service, replica),
        mounts=_mounts(wanted, service, into),
        tmpfs={path.partition(":")[0]: path.partition(":")[2] for path in service.tmpfs} or None,
        device_requests=requests or None,
        extra_hosts=dict(entry.split(":", 1) for entry in service.extra_hosts) or None,
    )
    return config


def nano_cpus(service: Service) -> int:
    """The limit on processors, no more than there are: the daemon refuses more. 0 is none."""
    limit = service.cpu_limit
    return 0 if limit is None else int(min(limit, os.cpu_count() or 1) * _NANO)


def restart_policy(text: str) -> dict[str, str | int]:
    """As the daemon takes it."""
    name, _, retries = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(retries or 0)}


def _bindings(service: Service, replica: int) -> dict[int | str, Any]:
    found: dict[int | str, Any] = {}
    for port in service.ports:
        host = port.host_ports[replica - 1] if port.host_ports else None
        found.setdefault(f"{port.target}/{port.protocol}", []).append((port.host_ip, host))
    return found


def _mounts(wanted: Deployment, service: Service, into: Surroundings) -> list[Any]:
    from docker.types import Mount

    made: list[Any] = []
    for mount in service.volumes:
        if mount.type == "tmpfs":
            size = None if mount.size is None else int(mount.size)
            made.append(Mount(mount.target, None, type="tmpfs", tmpfs_size=size))
            continue
        source = mount.source or ""
        if mount.type == "volume":
            made.append(Mount(mount.target, into.volumes[source], type="volume", read_only=mount.read_only))
        else:
            path = str((wanted.workspace / source).resolve())
            made.append(Mount(mount.target, path, type="bind", read_only=mount.read_only))
    for secret in service.secrets:
        target = secret.target or secret.source
        target = target if target.startswith("/") else f"/run/secrets/{target}"
        kept = wanted.files[Node("secret", secret.source)]
        made.append(Mount(target, str(with_mode(kept, secret.mode)), type="bind", read_only=True))
    for config in service.configs:
        kept = wanted.files[Node("config", config.source)]
        target = config.target or f"/{config.source}"
        made.append(Mount(target, str(with_mode(kept, config.mode)), type="bind", read_only=True))
    return made


def workspace_mount(wanted: Deployment, source: str, place: str) -> Result[Path]:
    """Where a bind mount leads. `Err("outside-workspace")` when that is not below the workspace, by links or otherwise."""
    root = wanted.workspace.resolve()
    path = (root / source).resolve() if not source.startswith("~") else Path(source)
    if not path.is_absolute() or not path.is_relative_to(root):
        return Err(
            code="outside-workspace",
            title="A mount leads out of the workspace",
            message=f"{place}: {source} is {path}, and the workspace is {root}",
            hint="copy it into the workspace, or use a volume",
        )
    if not path.exists():
        return Err(code="not-found", title="A mount has no source", message=f"{place}: {path} does not exist")
    if path.is_socket() or path.is_block_device() or path.is_char_device():
        return Err(
            code="denied",
            title="A mount is no file or folder",
            message=f"{place}: {path} is a socket or device",
        )
    return Ok(value=path)
