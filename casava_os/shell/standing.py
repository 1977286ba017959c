"""How states and times of processes read in lists."""

from __future__ import annotations

from datetime import datetime

from casava_os.errors import ExitCode

NO_PLAN = "no plan"
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


def state_parts(state: str, exit_code: int | None = None) -> tuple[str, str]:
    """A state and its colour; of a process that ended with a question or a refusal, that it made no plan."""
    if state == "done" and exit_code == ExitCode.NOT_UNDERSTOOD:
        return NO_PLAN, "warning"
    return state, STATE_COLOURS.get(state, "")


def clock_text(seconds: float, now: float) -> str:
    """A time for people: the clock's today, else the day as well."""
    then = datetime.fromtimestamp(seconds).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{then:%H:%M:%S}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"
