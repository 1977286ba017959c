"""`container.list` and `container.inspect`: what is there, and what the daemon knows of one. Looking is free."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from casava_os.containers import labels
from casava_os.containers.desk import Desk
from casava_os.containers.known import (
    Known,
    find,
    first_name,
    image_name,
    known,
    lease_now,
    maker,
    missing,
    seconds_of,
    span,
)
from casava_os.containers.publishing import published
from casava_syscalls.base import AnyCall
from casava_syscalls.container import InspectContainer, ListContainers
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Cell, Facts, Table

COLUMNS = ("name", "image", "state", "ports", "age", "by", "lease")
SECRET = re.compile(
    r"(?i)pass(word|wd|phrase)?|secret|token|credential|private|api_?key|access_?key|_key$|auth|dsn"
)
MASK = labels.MASK


def list_containers(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.list`, the youngest first. `by`: casava, sandbox (one of a process) or other; `lease`: what is left of it."""
    assert isinstance(call, ListContainers)
    left_out = _left_out(desk, call.exclude or ())
    if isinstance(left_out, Err):
        return left_out
    rows: list[tuple[Cell, ...]] = []
    now = desk.now()
    for one in desk.api.containers(all=call.all, filters=labels.filters() if call.mine else {}):
        tags: Mapping[str, str] = one.get("Labels") or {}
        name = first_name(one.get("Names"))
        image = image_name(tags, str(one.get("Image", "")))
        if call.name_contains and call.name_contains.lower() not in name.lower():
            continue
        if str(one["Id"]) in left_out.value:
            continue
        if call.image and not is_image(call.image, image, str(one.get("ImageID", ""))):
            continue
        if (call.newer_than is not None or call.started_after is not None) and not _started_within(
            desk, call, str(one["Id"])
        ):
            continue
        age = span(now.wall - float(one.get("Created") or now.wall))
        ports = ", ".join(published(one.get("Ports")))
        rows.append((name, image, state_words(one), ports, age, maker(tags), lease_words(desk, name, tags)))
    return Ok(value=Table(columns=COLUMNS, rows=tuple(rows)))


def _left_out(desk: Desk, patterns: Sequence[str]) -> Ok[frozenset[str]] | Err:
    """The ids of those that an exception means: by name, or by image. One that means none must not pass for kept."""
    if not patterns:
        return Ok(value=frozenset())
    found: set[str] = set()
    every = desk.api.containers(all=True)
    for pattern in patterns:
        meant = {
            str(one["Id"])
            for one in every
            if fnmatchcase(first_name(one.get("Names")), pattern)
            or is_image(
                pattern,
                image_name(one.get("Labels") or {}, str(one.get("Image", ""))),
                str(one.get("ImageID", "")),
            )
        }
        if not meant:
            return missing(desk.api, pattern)
        found |= meant
    return Ok(value=frozenset(found))


def is_image(wanted: str, image: str, ident: str) -> bool:
    """Whether a container's image is what a person calls it: `nginx` is any nginx, `nginx:1.27` that one."""
    bare = image.rpartition("/")[2] if "/" not in wanted else image
    has_tag = ":" in wanted.rpartition("/")[2] or "@" in wanted
    repository = bare.partition("@")[0]
    if not has_tag and ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    same = wanted in (bare, image) if has_tag else wanted == repository
    hexadecimal = bool(re.fullmatch(r"[0-9a-f]{6,64}", wanted))
    return same or (hexadecimal and ident.removeprefix("sha256:").startswith(wanted))


def _started_within(desk: Desk, call: ListContainers, ident: str) -> bool:
    one = find(desk.api, ident)
    if isinstance(one, Err):
        return False
    state = one.value.details.get("State")
    started = seconds_of(state.get("StartedAt")) if isinstance(state, dict) else None
    if started is None:
        return False
    if call.newer_than is not None and desk.now().wall - started > call.newer_than:
        return False
    return call.started_after is None or started >= call.started_after.timestamp()


def state_words(one: Mapping[str, object]) -> str:
    """running, `exited (1)`, `running (unhealthy)`, from a row of the daemon's list."""
    state, status = str(one.get("State", "")), str(one.get("Status", ""))
    if (health := re.search(r"\((healthy|unhealthy|health: starting)\)", status)) and state == "running":
        return f"running ({health[1]})"
    if (code := re.search(r"Exited \((\d+)\)", status)) and state == "exited":
        return f"exited ({code[1]})"
    return state


def lease_words(desk: Desk, name: str, tags: Mapping[str, str]) -> str | None:
    """What is left of a lease, in words; None where there is none."""
    if not labels.mine(tags):
        return None
    entry = desk.book.find("container", name)
    lease = lease_now(entry.lease if entry is not None else None, labels.lease_of(tags))
    return None if lease is None else f"{left_words(lease.left(desk.now()))} left"


def left_words(seconds: float) -> str:
    """What is left, in its two largest units: `1 h 59 min`."""
    seconds = max(0, round(seconds))
    for unit, name, below, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            rest = seconds % unit // below
            return f"{seconds // unit} {name}" + (f" {rest} {part}" if rest else "")
    return f"{seconds} s"


def inspect(desk: Desk, call: AnyCall) -> Result[Facts]:
    """`container.inspect`: the facts people look for; values of secret-looking variables are masked."""
    assert isinstance(call, InspectContainer)
    one = find(desk.api, call.container)
    return one if isinstance(one, Err) else Ok(value=facts(desk, one.value))


def facts(desk: Desk, one: Known) -> Facts:
    """Everything about a container that a person may want to read."""
    details = one.details
    state, config, host = (_part(details, name) for name in ("State", "Config", "HostConfig"))
    network = _part(details, "NetworkSettings")
    health = _part(state, "Health")
    policy = _part(host, "RestartPolicy")
    items: dict[str, Cell] = {
        "name": one.name,
        "id": one.id[:12],
        "image": one.image,
        "image_id": str(details.get("Image", "")).removeprefix("sha256:")[:12],
        "state": one.state,
        "health": _text(health.get("Status")),
        "exit_code": None if one.running or one.state == "created" else one.exit_code,
        "error": _text(state.get("Error")),
        "out_of_memory": True if state.get("OOMKilled") else None,
        "created": _text(details.get("Created")),
        "started": _text(state.get("StartedAt")) if seconds_of(state.get("StartedAt")) else None,
        "finished": _text(state.get("FinishedAt")) if seconds_of(state.get("FinishedAt")) else None,
        "restarts": _number(details.get("RestartCount")),
        "restart_policy": _text(policy.get("Name")) or "no",
        "command": " ".join(map(str, [*(_list(config.get("Entrypoint"))), *(_list(config.get("Cmd")))]))
        or None,
        "user": _text(config.get("User")),
        "ports": ", ".join(published(network.get("Ports"))) or None,
        "networks": ", ".join(sorted(_part(network, "Networks"))) or None,
        "address": _address(network),
        "memory_limit": _number(host.get("Memory")) or None,
        "cpus": round(float(_number(host.get("NanoCpus")) or 0) / 1e9, 3) or None,
        "privileged": True if host.get("Privileged") else None,
        "by": one.maker,
        "process": labels.pid_of(one.labels) if one.mine else None,
        "reason": one.labels.get(labels.REASON) if one.mine else None,
        "stack": labels.stack_of(one.labels) if one.mine else None,
        "lease": lease_words(desk, one.name, one.labels),
    }
    for number, mount in enumerate(_list(details.get("Mounts")), 1):
        if isinstance(mount, dict):
            source = mount.get("Name") or mount.get("Source")
            items[f"mount_{number}"] = (
                f"{source} -> {mount.get('Destination')}{'' if mount.get('RW') else ' (read only)'}"
            )
    for variable in _list(config.get("Env")):
        name, _, value = str(variable).partition("=")
        items[f"env {name}"] = MASK if SECRET.search(name) else value
    return Facts(items=items)


def _part(found: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _list(found: object) -> list[object]:
    return list(found) if isinstance(found, list) else []


def _text(found: object) -> str | None:
    return str(found) if found else None


def _number(found: object) -> int | None:
    return found if isinstance(found, int) else None


def _address(network: Mapping[str, object]) -> str | None:
    found = [
        str(one["IPAddress"])
        for one in _part(network, "Networks").values()
        if isinstance(one, dict) and one.get("IPAddress")
    ]
    return ", ".join(found) or None


def started_at(one: Known) -> float | None:
    """When it was started, in seconds since the epoch."""
    with suppress(KeyError, TypeError):
        return seconds_of(_part(one.details, "State")["StartedAt"])
    return None


__all__ = ["COLUMNS", "facts", "inspect", "is_image", "known", "list_containers", "started_at", "state_words"]
