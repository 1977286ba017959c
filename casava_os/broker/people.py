"""Facts of the session: users, environment, time. Values of secret-looking variables are masked."""

from __future__ import annotations

import os
import pwd
import re
import time
from datetime import datetime

from casava_syscalls.base import AnyCall
from casava_syscalls.names import path_text
from casava_syscalls.system import Environment
from casava_syscalls.values import Cell, Facts, Table

MASK = "••••••"
_SECRET = re.compile(
    r"TOKEN|SECRET|PASS(WORD|WD|PHRASE)?|CREDENTIAL|PRIVATE|AUTH|COOKIE|SESSION|SIGNATURE|(API|ACCESS|ENCRYPTION|SSH)_?KEY|_KEY$|^KEY$|_PAT$|DSN",
    re.IGNORECASE,
)
_PLAIN = frozenset({"SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_TYPE", "XDG_SESSION_CLASS", "XDG_SESSION_ID",
                    "DESKTOP_SESSION", "XAUTHORITY"})  # fmt: skip
"""Names that look secret and are not."""
_URL_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):([^/@\s]+)@")


def masked(name: str, value: str) -> str:
    """The value of a variable as it may be shown: secrets hidden, passwords in URLs too."""
    if _SECRET.search(name) and name not in _PLAIN:
        return MASK
    return _URL_PASSWORD.sub(rf"\1:{MASK}@", value)


def environment(call: AnyCall) -> Facts:
    """Environment variables of the kernel; one that is not set is None."""
    assert isinstance(call, Environment)
    if call.name is not None:
        value = os.environ.get(call.name)
        return Facts(items={call.name: None if value is None else path_text(masked(call.name, value))})
    return Facts(items={path_text(n): path_text(masked(n, v)) for n, v in sorted(os.environ.items())})


def users(call: AnyCall) -> Table:  # noqa: ARG001 - every performer takes its call
    """Who is logged in, and the current user (`current` is true), also when no login is recorded."""
    import psutil

    uid = os.getuid()
    try:
        current = pwd.getpwuid(uid).pw_name
    except KeyError:
        current = str(uid)
    rows: list[tuple[Cell, ...]] = []
    for user in psutil.users():
        since = datetime.fromtimestamp(user.started).astimezone().isoformat(timespec="seconds")
        rows.append((user.name, user.name == current, user.terminal or None, user.host or None, since))
    if not any(row[1] for row in rows):
        rows.insert(0, (current, True, None, None, None))
    return Table(columns=("user", "current", "terminal", "host", "since"), rows=tuple(rows))


def clock(call: AnyCall) -> Facts:  # noqa: ARG001
    """Date, time and time zone of the host."""
    now = datetime.now().astimezone()
    offset = now.strftime("%z")
    return Facts(
        items={
            "date": now.date().isoformat(),
            "time": now.strftime("%H:%M:%S"),
            "weekday": now.strftime("%A"),
            "zone": time.tzname[time.localtime().tm_isdst > 0],
            "utc_offset": f"{offset[:3]}:{offset[3:]}",
            "iso": now.isoformat(timespec="seconds"),
            "week": now.isocalendar().week,
            "epoch": int(now.timestamp()),
        }
    )
