"""The environment of every sandbox: nothing of the person's, but their time zone."""

from __future__ import annotations

import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the sandbox looks for programs."""


def environment(programs: str = "") -> dict[str, str]:
    """Variables by name; `programs` is a directory to look for programs in first."""
    return {
        "PATH": f"{programs}:{PATH}" if programs else PATH,
        "HOME": "/tmp",  # noqa: S108 - the sandbox's own, private /tmp
        "TMPDIR": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
        "TZ": local_zone(),
        # A request to run a script is no wish for its bytecode: it would stand in every changeset.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def local_zone() -> str:
    """The host's present offset from UTC as a POSIX TZ ("<+0200>-2:00"), which needs no zone files in the sandbox.

    Dates that a person names ("yesterday", "2026-03-01") are dates of their own clock.
    """
    offset = time.localtime().tm_gmtoff
    hours, minutes = divmod(abs(offset) // 60, 60)
    sign, posix = ("+", "-") if offset >= 0 else ("-", "+")
    return f"<{sign}{hours:02}{minutes:02}>{posix}{hours}:{minutes:02}"
