"""How a stack on AWS is: instances that run, what is gone, what is not as it was made. No agent looks into the instances."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from casava_os.containers import labels
from casava_os.infra.drivers import Deployment, Found, ServiceState, ServiceWord, StackKey, StackState
from casava_os.infra.service import Service
from casava_os.infra.terraform.emission import Block, resources_of
from casava_os.infra.terraform.ground import reachable
from casava_os.infra.terraform.instances import instance
from casava_os.infra.terraform.marks import RESOURCE, lasting
from casava_os.infra.terraform.program import Line
from casava_os.infra.terraform.script import bindings
from casava_os.infra.terraform.state import Known

_DOING = {
    "create": "Creating",
    "update": "Changing",
    "delete": "Removing",
    "replace": "Replacing",
    "read": "Reading",
}
_DONE = {"create": "is there", "update": "is changed", "delete": "is gone", "replace": "is replaced"}
_LOOSE = frozenset({"user_data", "lifecycle", "depends_on", "records", "value_wo", "value_wo_version"})
"""Keys of a block that no look at AWS compares with it."""


def sentence(line: Line) -> str:
    """What a line of Terraform's JSON says of one resource; empty for others."""
    hook = line.get("hook")
    if not isinstance(hook, dict) or line.get("type") not in (
        "apply_start",
        "apply_progress",
        "apply_complete",
        "apply_errored",
    ):
        return ""
    action, address = str(hook.get("action", "")), str(hook["resource"]["addr"])
    if action not in _DONE:
        return ""
    what = address.removeprefix("aws_").replace(".", " ", 1).replace("_", " ")
    if line["type"] == "apply_start":
        return f"{_DOING[action]} {what}"
    if line["type"] == "apply_progress":
        return f"{_DOING[action]} {what}: {hook.get('elapsed_seconds', 0)} s"
    if line["type"] == "apply_errored":
        return f"{what[:1].upper()}{what[1:]} failed"
    return f"{what[:1].upper()}{what[1:]} {_DONE[action]}"


def state_of(wanted: Deployment | None, known: Known, drift: Mapping[str, tuple[str, ...]]) -> StackState:
    """How it is. `drift`: what is not as it was made, by address."""
    if wanted is None:
        names = sorted({known.tags(a).get(RESOURCE, "") for a in known.of("aws_instance")} - {""})
        services = [_found_service(name, known) for name in names]
        return StackState(tuple(services))
    services, told = [], set()
    for name, service in wanted.spec.services.items():
        mine = {
            f"{kind}.{instance(name, r)}"
            for r in range(1, service.replicas + 1)
            for kind in ("aws_instance", "aws_ec2_instance_state")
        }
        told |= mine
        services.append(_service(wanted, name, service, known, drift))
    other = [
        f"{_plain(address)} {what}"
        for address, found in drift.items()
        if address not in told
        for what in found
    ]
    return StackState(tuple(services), tuple(other))


def _plain(address: str) -> str:
    return address.removeprefix("aws_").replace(".", " ", 1).replace("_", " ")


def _found_service(name: str, known: Known) -> ServiceState:
    states = [
        known.text(a, "instance_state")
        for a in known.of("aws_instance")
        if known.tags(a).get(RESOURCE) == name
    ]
    running = states.count("running")
    return ServiceState(name, _word(states, len(states)), running, None)


def _service(
    wanted: Deployment, name: str, service: Service, known: Known, drift: Mapping[str, tuple[str, ...]]
) -> ServiceState:
    states: list[str] = []
    ports: list[str] = []
    found: list[str] = []
    for replica in range(1, service.replicas + 1):
        at = instance(name, replica)
        address, called = f"aws_instance.{at}", name if service.replicas == 1 else f"{name}-{replica}"
        found += [f"{called} {what}" for what in drift.get(address, ())]
        if address not in known.resources:
            if not drift.get(address):
                found.append(f"{called} is missing")
            continue
        state = known.text(address, "instance_state")
        states.append(state)
        if state not in ("running", "pending"):
            found.append(f"{called} is {state}")
        ports += _ports(wanted, service, replica, known, address)
    running = states.count("running")
    return ServiceState(
        service=name,
        state=_word(states, service.replicas),
        running=running,
        wanted=service.replicas,
        ports=tuple(ports),
        limit=service.memory_limit,
        drift=tuple(found),
    )


def _word(states: list[str], wanted: int) -> ServiceWord:
    """One word for all replicas together. `running` is said of the instances."""
    if not wanted:
        return "completed"
    if not states:
        return "missing"
    if "pending" in states:
        return "starting"
    running = states.count("running")
    return "running" if running >= wanted else "partial" if running else "stopped"


def _ports(wanted: Deployment, service: Service, replica: int, known: Known, address: str) -> list[str]:
    """Published ones: at the public address when somebody outside may come, else at the private one."""
    ingress = wanted.spec.x_casava.terraform.ingress
    made = []
    for port in service.ports:
        outside = port.host_ports[replica - 1] if port.host_ports else port.target
        where = known.text(address, "public_ip" if reachable(port, ingress) else "private_ip")
        if where and (outside, port.target, port.protocol) in bindings(service, replica):
            made.append(f"{where}:{outside}→{port.target}/{port.protocol}")
    return made


# ------------------------------------------------------------------------------------------------ drift


def drifted(shown: Line, config: Block) -> dict[str, tuple[str, ...]]:
    """What Terraform found otherwise than it was made, in what the configuration says: a few words each, by address."""
    blocks = resources_of(config)
    found: dict[str, tuple[str, ...]] = {}
    for one in cast("list[Line]", shown.get("resource_drift") or []):
        address, change = str(one["address"]), cast("Line", one["change"])
        if "delete" in cast("list[str]", change["actions"]):
            if one["type"] != "aws_ec2_instance_state":
                found[address] = ("is missing",)
            continue
        block = blocks.get(str(one["type"]), {}).get(str(one["name"]), {})
        before, after = cast("Line", change["before"]), cast("Line", change["after"])
        told = []
        for name in sorted(set(block) - _LOOSE):
            old, new = _like(before.get(name), block[name]), _like(after.get(name), block[name])
            if name == "tags":
                old, new = lasting(old), lasting(new)
            if old != new:
                simple = isinstance(old, str | int | float) and isinstance(new, str | int | float)
                told.append(
                    f"has {name} {new}, not {old}" if simple else f"has other {name.replace('_', ' ')}"
                )
        if told and one["type"] != "aws_ec2_instance_state":
            found[address] = tuple(told)
    return found


def _like(value: object, block: object) -> object:
    """Of inner blocks, what the configuration says: AWS adds much to them."""
    if (
        not isinstance(value, list)
        or not isinstance(block, list)
        or not block
        or not isinstance(block[0], dict)
    ):
        return value
    keys = {key for one in block for key in one}
    return [{key: one.get(key) for key in keys} if isinstance(one, dict) else one for one in value]


def refreshed(known: Known, shown: Line) -> Known:
    """What is there by now: as it was made, with what Terraform found otherwise."""
    there = dict(known.resources)
    for one in cast("list[Line]", shown.get("resource_drift") or []):
        after = cast("Line", one["change"])["after"]
        if isinstance(after, dict):
            there[str(one["address"])] = after
        else:
            there.pop(str(one["address"]), None)
    return Known(there)


def found_stack(key: StackKey, known: Known) -> Found:
    """What the tags in a state tell of a stack."""
    marked = [
        tags for address in known.resources if (tags := known.tags(address)).get(labels.STACK) == key.name
    ]
    begun = [float(tags[labels.BEGUN]) for tags in marked if re.fullmatch(r"\d+", tags.get(labels.BEGUN, ""))]
    first = marked[0] if marked else {}
    volumes = [
        known.tags(a).get(RESOURCE, "")
        for kind in ("aws_ebs_volume", "aws_s3_bucket")
        for a in known.of(kind)
    ]
    return Found(
        key=key,
        services=tuple(sorted({known.tags(a).get(RESOURCE, "") for a in known.of("aws_instance")})),
        volumes=tuple(sorted(volumes)),
        begun=min(begun, default=None),
        lease=labels.lease_of(first),
        reason=first.get(labels.REASON, ""),
        pid=labels.pid_of(first),
        driver="terraform",
    )
