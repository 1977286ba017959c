"""What is done to a container, a stack or the memory from a list of them: always a typed syscall, and the request that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

from casava_os.paths import data_dir
from casava_os.shell.wording import home_path
from casava_syscalls.base import AnyCall
from casava_syscalls.plan import parse_call
from casava_syscalls.results import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Deed:
    """A syscall, and what a person would have said for it."""

    call: AnyCall
    request: str


def container_deed(verb: str, name: str, *, running: bool = False) -> Result[Deed]:
    """start, stop, restart or remove this one container; what runs is removed as it is, and the question says so."""
    call: dict[str, object] = {"call": f"container.{verb}", "containers": [name]}
    if verb == "remove" and running:
        call["force"] = True
    return _deed(call, f"{verb} {name}")


def lease_deed(name: str, span: str) -> Result[Deed]:
    """Keeps a stack, or a container that stands alone, for so long from now."""
    text = span.strip()
    call: dict[str, object] = {"call": "infra.extend", "stack": name, "lease": text}
    wrong = Err(code="usage", title=f"{text!r} is no time", message="write it like 2 hours, 90 min or 3 days")
    return _deed(call, f"keep {name} for {text}", wrong)


def scale_deed(stack: str, service: str, replicas: str) -> Result[Deed]:
    """Another number of replicas of a service."""
    number = int(replicas) if replicas.isdecimal() and len(replicas) < 6 else -1
    call = {"call": "infra.scale", "stack": stack, "service": service, "replicas": number}
    title = f"{replicas!r} is no number of replicas"
    wrong = Err(code="usage", title=title, message=f"write it like {service} 3")
    return _deed(call, f"run {replicas} of {service} in {stack}", wrong)


def destroy_deed(stack: str, *, volumes: bool) -> Result[Deed]:
    """Takes a stack down, with its data or without."""
    call = {"call": "infra.destroy", "stack": stack, "volumes": volumes}
    return _deed(call, f"take down {stack}{' with its data' if volumes else ''}")


def remember_deed(text: str) -> Result[Deed]:
    """Keeps a fact; what looks like a secret does not come as far as the journal."""
    from casava_os.memory.secrets import redact

    kept = redact(text.strip())
    return _deed({"call": "memory.remember", "text": kept}, f"remember: {kept}")


def private_for_good() -> Err:
    """What is said where the settings let nothing be remembered."""
    place = home_path(str(data_dir() / "memory"))
    return Err(
        code="usage",
        title="Private mode is on",
        message=f"memory.enabled is false in the settings: nothing is remembered or recalled. What was before lies in {place}.",
        hint="F10 opens the settings",
    )


def _deed(call: dict[str, object], request: str, wrong: Err | None = None) -> Result[Deed]:
    parsed = parse_call(call)
    return (wrong or parsed) if isinstance(parsed, Err) else Ok(value=Deed(parsed.value, request))
