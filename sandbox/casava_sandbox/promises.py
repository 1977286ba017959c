"""Judges what the agent measured: which promises hold, which are weaker here, and which make the sandbox unusable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casava_os.kernel.ports import Limits
from casava_syscalls.results import Err


@dataclass(frozen=True, slots=True)
class Judgement:
    """What holds (`verified`, by name, as read back), and a sentence for every promise this host cannot keep."""

    verified: Mapping[str, str]
    warnings: tuple[str, ...]


def judge(facts: Mapping[str, object], limits: Limits, *, token: str, uid: int) -> Judgement | Err:
    """Compares the agent's measurements with the promises. Protection that is missing is an `Err`; a limit, a warning."""
    broken = [
        sentence
        for holds, sentence in (
            (
                facts.get("interfaces") in (["lo"], []),
                f"it has network interfaces: {facts.get('interfaces')}",
            ),
            (facts.get("vsock") is False, "it can open sockets to the hypervisor"),
            (set(_texts(facts.get("capabilities"))) <= {"0" * 16}, "it has capabilities"),
            (facts.get("no_new_privileges") == "1", "its programs can gain privileges"),
            (facts.get("seccomp") == "2", "no seccomp filter is in force"),
            (facts.get("root_read_only") is True, "its root file system can be written"),
            (facts.get("kernel_settings") is False, "it can change the kernel's settings"),
            (facts.get("agent_read_only") is True, "its agent can be overwritten"),
            (facts.get("workspace") == "overlay", "the workspace is not a copy-on-write layer"),
            (facts.get("uid") == uid, f"it runs as user {facts.get('uid')}, not {uid}"),
        )
        if not holds
    ]
    if facts.get("token") != token:
        return Err(
            code="no-sandbox",
            title="The sandbox does not see this machine's files",
            message="What was written for it is not there: the daemon runs on another machine or in a container",
            hint="use a local daemon, or --sandbox bubblewrap",
        )
    if broken:
        return Err(
            code="no-sandbox",
            title="The sandbox does not keep its promises on this machine",
            message="; ".join(broken),
            hint="run casava-os doctor, or use the other driver with --sandbox",
        )
    verified = {
        "network": "none",
        "vsock": "refused",
        "capabilities": "none",
        "no_new_privileges": "yes",
        "seccomp": "filter",
        "root": "read-only",
        "agent": "read-only",
        "kernel_settings": "read-only",
        "workspace": "overlay",
        "user": f"{facts.get('uid')}:{facts.get('gid')}",
    }
    warnings = _judge_limits(facts, limits, verified)
    return Judgement(verified, tuple(warnings))


def _judge_limits(facts: Mapping[str, object], limits: Limits, verified: dict[str, str]) -> list[str]:
    warnings = []
    for name, wanted, sentence in (
        ("memory_bytes", limits.memory_bytes, "Memory is not limited for the sandbox as a whole"),
        ("pids", limits.pids, "The number of processes is not limited"),
        ("tmpfs_bytes", limits.tmpfs_bytes, "The size of /tmp is not limited"),
        ("file_bytes", limits.file_bytes, "The size of files is not limited"),
        ("cpus", limits.cpus, "The share of the processors is not limited"),
    ):
        found = _number(facts.get(name))
        if found is not None and 0 < found <= wanted * 1.01 + 4096 * (name == "tmpfs_bytes"):
            verified[name] = f"{found:g}" if name == "cpus" else f"{found:.0f}"
        else:
            warnings.append(_stand_in(name, facts, wanted, verified) or f"{sentence} on this machine.")
    swap = _number(facts.get("swap"))
    if "memory_bytes" in verified and swap is not None and swap <= limits.memory_bytes * 1.01:
        verified["swap"] = "none"
    return warnings


def _stand_in(name: str, facts: Mapping[str, object], wanted: float, verified: dict[str, str]) -> str | None:
    """What holds instead, where no control group could be had."""
    if name == "memory_bytes":
        each = _number(facts.get("rlimit_data"))
        if each is not None and 0 < each <= wanted:
            verified["memory_bytes_each"] = f"{each:.0f}"
            return "Memory is limited for each program by itself, not for the sandbox as a whole: no control group could be made."
    if name == "pids":
        count = _number(facts.get("rlimit_pids"))
        if facts.get("uid") != 0 and count is not None and 0 < count <= wanted:
            verified["pids"] = f"{count:.0f}"
            return "The number of processes is limited by RLIMIT_NPROC: no control group could be made."
    if name == "cpus":
        processors = _number(facts.get("affinity"))
        if processors is not None and processors <= max(1.0, wanted):
            verified["processors"] = f"{processors:.0f}"
            return "Processor time is limited by the number of processors, not by a share: no control group could be made."
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else ["unknown"]
