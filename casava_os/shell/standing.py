"""How states and times of processes read in lists."""

from __future__ import annotations

from datetime import datetime

from casava_os.shell.widgets.rows import Cell

STATE_COLOURS = {
    "new": "primary",
    "compiling": "primary",
    "running": "primary",
    "committing": "primary",
    "waiting": "warning",
    "held": "warning",
    "left behind": "error",
    "done": "success",
    "committed": "success",
    "undone": "muted",
    "discarded": "muted",
    "failed": "error",
    "cancelled": "muted",
}


def state_cell(state: str) -> Cell:
    """A state in its colour."""
    return state, STATE_COLOURS.get(state, "")


def clock_text(seconds: float, now: float) -> str:
    """A time for people: the clock's today, else the day as well."""
    then = datetime.fromtimestamp(seconds).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{then:%H:%M:%S}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"
