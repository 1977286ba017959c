"""Labels: how a container, network, volume or image says that Casava made it, for whom, by which process and for how long.

They are the truth about whose a thing is, and they go with it. They are not those of the sandboxes (`casava.…`), which
are no containers of the person's: nothing here finds one of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping

from casava_os.containers.leases import Lease
from casava_os.paths import state_dir

OWNER = "casava-os.owner"
"""Whose it is: `owner()`."""
PID = "casava-os.pid"
"""The process that made it."""
REASON = "casava-os.reason"
"""The request, short, without secrets."""
STACK = "casava-os.stack"
"""The stack it belongs to; missing for what stands alone."""
LEASE = "casava-os.lease"
"""`Lease.text()`; missing for what stays until it is removed."""
BEGUN = "casava-os.begun"
"""When it was made, in seconds since the epoch."""

BUILT_BY = "casava-os.built-by"
"""On an image, whose it is. Containers inherit the labels of their image: an image must carry none of those above."""

REASON_LENGTH = 160
_SECRET = re.compile(
    r"(?i)([\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|credential)[\w-]*)(\s*(?:=|:|\bis\b|\bto\b)?\s*)\S+"
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):([^/@\s]+)@")
MASK = "••••••"


def owner() -> str:
    """Who owns what is made here: user and state directory, as `1000:5f2c…`. Two installations never share a container."""
    home = os.path.realpath(state_dir())
    return f"{os.getuid()}:{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"


def labels(
    *, pid: int, reason: str, lease: Lease | None = None, stack: str | None = None, begun: float | None = None
) -> dict[str, str]:
    """What is put on everything that is made. `begun`: seconds since the epoch (None: left out)."""
    made = {OWNER: owner(), PID: str(pid), REASON: short_reason(reason)}
    if stack is not None:
        made[STACK] = stack
    if lease is not None:
        made[LEASE] = lease.text()
    if begun is not None:
        made[BEGUN] = str(int(begun))
    return made


def image_labels(reason: str) -> dict[str, str]:
    """What is put on an image that is built."""
    return {BUILT_BY: owner(), f"{BUILT_BY}.reason": short_reason(reason)}


def mine(found: Mapping[str, str] | None) -> bool:
    """Whether these labels say that this user's Casava, of this state directory, made it."""
    return (found or {}).get(OWNER) == owner()


def filters() -> dict[str, list[str]]:
    """For the daemon's lists: only what is `mine`."""
    return {"label": [f"{OWNER}={owner()}"]}


def pid_of(found: Mapping[str, str] | None) -> int | None:
    """The process that made it."""
    text = (found or {}).get(PID, "")
    return int(text) if text.isdecimal() else None


def lease_of(found: Mapping[str, str] | None) -> Lease | None:
    """Its lease as it was made with; one that cannot be read is none, for nothing may end early."""
    return Lease.read((found or {}).get(LEASE, ""))


def stack_of(found: Mapping[str, str] | None) -> str | None:
    """The stack it belongs to."""
    return (found or {}).get(STACK)


def short_reason(request: str) -> str:
    """A request as it may stand in a label: one line, not long, with what follows a word for a secret masked."""
    line = " ".join("".join(c if c.isprintable() else " " for c in request).split())
    line = _URL_PASSWORD.sub(rf"\1:{MASK}@", _SECRET.sub(rf"\1\2{MASK}", line))
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1] + "…"
