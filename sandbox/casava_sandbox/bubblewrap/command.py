"""The command line that builds a sandbox from namespaces: overlay first, then bubblewrap around the agent."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casava_os.kernel.ports import Limits
from casava_sandbox.environment import environment
from casava_sandbox.links import Links

_JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"'
"""Joins the control groups named before "--", then becomes the rest."""

_OVERLAY = 'mount -i -n -t overlay -o "$1" casava "$2" || exit 125; shift 2; exec "$@"'
"""Mounts the overlay over its own upper directory, where only this mount namespace sees it: no mount point to clean up."""

_ETC = (
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "nsswitch.conf",
    "magic",
    "mime.types",
)
_KERNEL_SETTINGS = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Open files that bubblewrap reads while it starts."""

    seccomp: int
    passwd: int
    group: int


def interpreter() -> tuple[str, Path | None]:
    """The agent's Python inside the sandbox, and the directory outside /usr that it needs, if any."""
    system = Path("/usr/bin/python3")
    if system.exists():
        return str(system), None
    base = Path(sys.base_prefix).resolve()
    return str(base / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"), base


def sandbox_command(
    short: Links,
    limits: Limits,
    descriptors: Descriptors,
    *,
    groups: Sequence[str],
    program: Sequence[str] | None = None,
) -> list[str]:
    """The whole command; `program` takes the agent's place (the trial run of `check`)."""
    python, prefix = interpreter()
    namespaces = ["unshare", "--mount", "--propagation", "private"]
    if os.getuid() != 0:
        namespaces[1:1] = ["--user", "--map-root-user"]
    return [
        *("sh", "-c", _JOIN, "sh", *groups, "--"),
        *(*namespaces, "--", "sh", "-c", _OVERLAY, "sh", short.options, str(short.upper)),
        "bwrap",
        *_isolation(descriptors),
        *_root(descriptors, prefix),
        *("--dev", "/dev", "--size", str(min(limits.tmpfs_bytes, 64 * 2**20)), "--tmpfs", "/dev/shm"),  # noqa: S108 - the sandbox's own
        *("--remount-ro", "/dev", "--proc", "/proc"),
        # Bubblewrap covers these only where the directory itself is writable; their files would still be, for root.
        *(word for name in _KERNEL_SETTINGS for word in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")),
        *("--size", str(limits.tmpfs_bytes), "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108
        *("--bind", str(short.upper), "/workspace"),
        *("--bind", str(short.scratch), "/casava/scratch"),
        *("--ro-bind", str(short.agent), "/casava/agent.pyz"),
        *("--remount-ro", "/", "--chdir", "/workspace", "--"),
        *(program or (python, "-I", "-B", "-S", "/casava/agent.pyz")),
    ]


def _isolation(descriptors: Descriptors) -> list[str]:
    # Root's sandbox gets a user namespace too, where there is one: capabilities then mean nothing outside of it.
    return [
        "--unshare-user" if os.getuid() != 0 else "--unshare-user-try",
        *("--uid", str(os.getuid()), "--gid", str(os.getgid())),
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--hostname", "casava", "--die-with-parent", "--new-session", "--as-pid-1"),
        *("--cap-drop", "ALL", "--seccomp", str(descriptors.seccomp), "--clearenv"),
    ]


def _root(descriptors: Descriptors, prefix: Path | None) -> list[str]:
    """A read-only system: the host's /usr, and of /etc only what programs need to start."""
    arguments = [
        "--ro-bind",
        "/usr",
        "/usr",
        "--perms",
        "0755",
        "--dir",
        "/etc",
        "--perms",
        "0755",
        "--dir",
        "/casava",
    ]
    for name in _TOP:
        path = Path("/") / name
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), f"/{name}"]
        elif path.is_dir():
            arguments += ["--ro-bind", f"/{name}", f"/{name}"]
    for name in _ETC:
        if (Path("/etc") / name).exists():
            arguments += ["--ro-bind", f"/etc/{name}", f"/etc/{name}"]
    arguments += [
        "--file",
        str(descriptors.passwd),
        "/etc/passwd",
        "--file",
        str(descriptors.group),
        "/etc/group",
    ]
    programs = ""
    if prefix is not None and not prefix.is_relative_to("/usr"):
        arguments += ["--ro-bind", str(prefix), str(prefix)]
        programs = f"{prefix}/bin"
    for name, value in environment(programs).items():
        arguments += ["--setenv", name, value]
    return arguments


def accounts() -> tuple[bytes, bytes]:
    """/etc/passwd and /etc/group of the sandbox: root, nobody, and whoever runs it."""
    users, groups = {0: "root", 65534: "nobody"}, {0: "root", 65534: "nogroup"}
    users.setdefault(os.getuid(), "casava")
    groups.setdefault(os.getgid(), "casava")
    passwd = "".join(
        f"{name}:x:{uid}:{os.getgid() if uid == os.getuid() else uid}::/tmp:/bin/sh\n"
        for uid, name in users.items()
    )
    return passwd.encode(), "".join(f"{name}:x:{gid}:\n" for gid, name in groups.items()).encode()


def missing_programs() -> list[str]:
    """Programs that the command needs and that are not on PATH."""
    return [name for name in ("bwrap", "unshare", "mount", "sh") if shutil.which(name) is None]
