"""What an instance does at its first start: Docker, the volumes, the files, and the container, within the same bounds as here.

The script is readable for whoever may look at the instance: it has the environment of the service, and no secret. Secrets
are fetched from the parameter store with the instance's own role, into a directory of root.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import join, quote

from casava_os.infra.docker.make import CAPABILITIES
from casava_os.infra.mounts import FileMount
from casava_os.infra.service import HealthCheck, Service

MOST_BYTES = 16_384
"""AWS takes no longer user data."""
_PLACE = "/var/lib/casava-os"
_READABLE = 0o444


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume as an instance finds it: text that Terraform fills in."""

    name: str
    identity: str
    """Of the disk, without its hyphen; or the bucket's name."""
    s3: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """What one replica is started with."""

    service: Service
    name: str
    """Of the container."""
    replica: int
    labels: Mapping[str, str]
    domain: str
    """In which peers are found; empty where there are none."""
    region: str
    endpoint: str
    disks: Sequence[Disk]
    secrets: Mapping[str, str]
    """Names in the parameter store."""
    configs: Mapping[str, bytes]
    pulls: bool


def script(start: Start) -> str:
    """The script, in which only the identities of disks are left for Terraform to fill in."""
    from casava_os.infra.terraform.marks import literal

    parts = [
        _HEAD,
        *(_disk(one, number) for number, one in enumerate(start.disks)),
        *_files(start),
        *_container(start),
    ]
    text = "\n".join(parts) + "\n"
    text = literal(text)
    for number, one in enumerate(start.disks):
        text = text.replace(f"@disk{number}@", one.identity)
    return text


_HEAD = """\
#!/bin/bash
# Made by Casava OS. What it does and says is in /var/log/cloud-init-output.log.
set -euo pipefail
umask 077
if ! command -v docker >/dev/null; then
  if command -v dnf >/dev/null; then dnf install -y docker; else apt-get update && apt-get install -y docker.io; fi
fi
systemctl enable --now docker
mkdir -p /var/lib/casava-os/volumes /var/lib/casava-os/files"""


def _disk(disk: Disk, number: int) -> str:
    """Mounts one; a disk gets a file system when it has none. In /etc/fstab: it is there again after a restart."""
    place = quote(f"{_PLACE}/volumes/{disk.name}")
    if disk.s3:
        return f"""\
mkdir -p {place}
command -v mount-s3 >/dev/null || dnf install -y mount-s3
echo s3://@disk{number}@/ {place} mount-s3 _netdev,nosuid,nodev,rw,allow-other,allow-delete,allow-overwrite,nofail 0 0 >> /etc/fstab
mount {place}"""
    return f"""\
mkdir -p {place}
disk=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_@disk{number}@
for _ in $(seq 150); do [ -e "$disk" ] && break; sleep 2; done
blkid "$disk" >/dev/null || mkfs.ext4 -q "$disk"
echo "$disk {place} ext4 defaults,nofail 0 2" >> /etc/fstab
mount {place}"""


def _files(start: Start) -> list[str]:
    """Secrets and configs, each under its name."""
    made: list[str] = []
    aws = ["aws", "--region", start.region, *(["--endpoint-url", start.endpoint] if start.endpoint else [])]
    for file in start.service.secrets:
        call = [*aws, "ssm", "get-parameter", "--with-decryption", "--name", start.secrets[file.source]]
        call += ["--query", "Parameter.Value", "--output", "text"]
        made.append(
            f"{join(call)} | base64 -d > {_kept('secret', file)}\nchmod {_mode(file)} {_kept('secret', file)}"
        )
    for file in start.service.configs:
        text = base64.b64encode(start.configs[file.source]).decode()
        made.append(
            f"echo {text} | base64 -d > {_kept('config', file)}\nchmod {_mode(file)} {_kept('config', file)}"
        )
    return made


def _kept(kind: str, file: FileMount) -> str:
    return quote(f"{_PLACE}/files/{kind}-{file.source}-{_mode(file)}")


def _mode(file: FileMount) -> str:
    return f"{_READABLE if file.mode is None else file.mode:04o}"


def _container(start: Start) -> list[str]:
    """Gets the image and starts the container. Ports that the image names are open to peers, as in a network of Docker's."""
    service, image = start.service, quote(start.service.image)
    known = " ".join(sorted({f"{port}/{protocol}" for port, _, protocol in bindings(service, start.replica)}))
    lines = (
        [] if not start.pulls else [f"for _ in 1 2 3 4 5; do docker pull -q {image} && break; sleep 10; done"]
    )
    lines += [
        "more=()",
        f"for port in $(docker image inspect -f '{{{{range $p, $_ := .Config.ExposedPorts}}}}{{{{$p}}}} {{{{end}}}}' {image}); do",
        f'  case " {known} " in *" $port "*) ;; *) more+=(-p "${{port%/*}}:$port") ;; esac',
        "done",
        f'docker run -d {join(_options(start))} "${{more[@]}}" {join([service.image, *_command(service)])}',
    ]
    return lines


def bindings(service: Service, replica: int) -> list[tuple[int, int, str]]:
    """(port of the instance, port of the container, protocol): what is published, and for peers every port under its own number."""
    made: dict[tuple[int, str], int] = {}
    for port in service.ports:
        if port.host_ports:
            made[port.host_ports[replica - 1], port.protocol] = port.target
    for port in service.ports:
        made.setdefault((port.target, port.protocol), port.target)
    for word in service.expose:
        numbers, _, protocol = word.partition("/")
        low, _, high = numbers.partition("-")
        for number in range(int(low), int(high or low) + 1):
            made.setdefault((number, protocol or "tcp"), number)
    return [(outside, inside, protocol) for (outside, protocol), inside in made.items()]


def _options(start: Start) -> list[str]:
    service = start.service
    dropped = {name.upper().removeprefix("CAP_") for name in service.cap_drop}
    kept = [] if "ALL" in dropped else [name for name in CAPABILITIES if name not in dropped]
    memory, cpus = service.memory_limit, service.cpu_limit
    reserved = service.deploy.resources.reservations.memory
    found = ["--name", start.name, "--restart", service.restart, "--cap-drop", "ALL"]
    found += [word for name in kept for word in ("--cap-add", name)]
    found += [
        "--security-opt",
        "no-new-privileges",
        "--ipc",
        "private",
        "--pids-limit",
        str(service.pid_limit),
    ]
    found += ["--log-opt", "max-size=10m", "--log-opt", "max-file=3"]
    found += ["--stop-timeout", str(round(service.stop_grace_period))]
    options: list[tuple[str, object]] = [
        ("--memory", memory), ("--memory-swap", memory), ("--memory-reservation", reserved), ("--cpus", cpus),
        ("--shm-size", service.shm_size), ("--user", service.user), ("--workdir", service.working_dir),
        ("--hostname", service.hostname), ("--stop-signal", service.stop_signal), ("--dns-search", start.domain or None),
    ]  # fmt: skip
    for option, value in options:
        if value is not None:
            found += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    found += ["--read-only"] * service.read_only + ["--init"] * service.init
    for name, text in {**service.labels, **start.labels}.items():
        found += ["--label", f"{name}={text}"]
    for name, text in service.environment.items():
        found += ["-e", f"{name}={text}"]
    for outside, inside, protocol in bindings(service, start.replica):
        found += ["-p", f"{outside}:{inside}/{protocol}"]
    return found + _mounts(service) + _health(service.healthcheck) + _entrypoint(service)


def _mounts(service: Service) -> list[str]:
    found: list[str] = []
    for mount in service.volumes:
        if mount.type == "tmpfs":
            found += ["--tmpfs", mount.target + (f":size={mount.size}" if mount.size is not None else "")]
        else:
            source = f"{_PLACE}/volumes/{mount.source}"
            found += ["-v", f"{source}:{mount.target}{':ro' if mount.read_only else ''}"]
    for path in service.tmpfs:
        found += ["--tmpfs", path]
    for secret in service.secrets:
        target = secret.target or secret.source
        target = target if target.startswith("/") else f"/run/secrets/{target}"
        found += ["-v", f"{_PLACE}/files/secret-{secret.source}-{_mode(secret)}:{target}:ro"]
    for config in service.configs:
        target = config.target or f"/{config.source}"
        found += ["-v", f"{_PLACE}/files/config-{config.source}-{_mode(config)}:{target}:ro"]
    return found


def _health(check: HealthCheck | None) -> list[str]:
    if check is None:
        return []
    if check.disable:
        return ["--no-healthcheck"]
    words = list(check.test[1:])
    command = words[0] if check.test[0] == "CMD-SHELL" else join(words)
    return [
        "--health-cmd", command, "--health-interval", _seconds(check.interval), "--health-timeout", _seconds(check.timeout),
        "--health-retries", str(check.retries), "--health-start-period", _seconds(check.start_period),
    ]  # fmt: skip


def _seconds(value: float) -> str:
    return f"{round(value * 1000)}ms"


def _entrypoint(service: Service) -> list[str]:
    return (
        []
        if service.entrypoint is None
        else ["--entrypoint", service.entrypoint[0] if service.entrypoint else ""]
    )


def _command(service: Service) -> list[str]:
    """`docker run` takes the first word of an entrypoint; the others stand before the command."""
    return [*(service.entrypoint or ())[1:], *(service.command or ())]
