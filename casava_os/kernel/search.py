"""Looking for past processes: the words, states, days and folders that a person types into one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

from casava_os.kernel.journal import Search, State
from casava_syscalls.results import Err, Ok, Result

_STATES: tuple[State, ...] = get_args(State)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

KEYS = ("state:", "since:", "until:", "on:", "in:")
"""What may stand before a word and gives it a meaning of its own."""


def parse_search(text: str, now: datetime) -> Result[Search]:
    """`held words since:monday in:project`: every condition must hold. `Err("usage")` names the word that is none.

    Days are those of `now`'s clock: a date (2026-11-21), `today`, `yesterday`, a weekday (the last one), or `7d`.
    """
    found = Search()
    for word in text.split():
        key, colon, value = word.partition(":")
        if not colon or f"{key}:" not in KEYS:
            found = replace(found, words=(*found.words, word))
            continue
        if not value:
            continue  # it is still being typed
        added = _CONDITIONS[key](found, value, now)
        if isinstance(added, Err):
            return added
        found = added.value
    return Ok(value=found)


def _state(found: Search, value: str, _now: datetime) -> Result[Search]:
    state = next((known for known in _STATES if known == value), None)
    if state is None:
        message = f"the states are {', '.join(_STATES)}"
        return Err(code="usage", title=f"There is no state {value!r}", message=message)
    return Ok(value=replace(found, states=(*found.states, state)))


def _since(found: Search, value: str, now: datetime) -> Result[Search]:
    day = _day(value, now)
    return day if isinstance(day, Err) else Ok(value=replace(found, since=day.value.timestamp()))


def _until(found: Search, value: str, now: datetime) -> Result[Search]:
    day = _day(value, now)
    if isinstance(day, Err):
        return day
    return Ok(value=replace(found, until=(day.value + timedelta(days=1)).timestamp()))


def _on(found: Search, value: str, now: datetime) -> Result[Search]:
    day = _day(value, now)
    if isinstance(day, Err):
        return day
    return Ok(
        value=replace(found, since=day.value.timestamp(), until=(day.value + timedelta(days=1)).timestamp())
    )


def _in(found: Search, value: str, _now: datetime) -> Result[Search]:
    return Ok(value=replace(found, workspace=value))


_CONDITIONS: dict[str, Callable[[Search, str, datetime], Result[Search]]] = {
    "state": _state,
    "since": _since,
    "until": _until,
    "on": _on,
    "in": _in,
}


def _day(value: str, now: datetime) -> Result[datetime]:
    """The midnight with which a day begins."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    lowered = value.lower()
    if lowered in ("today", "yesterday"):
        return Ok(value=today - timedelta(days=lowered == "yesterday"))
    if lowered in _DAYS:
        return Ok(value=today - timedelta(days=(today.weekday() - _DAYS.index(lowered)) % 7))
    if lowered.endswith("d") and lowered[:-1].isdigit() and len(lowered) < 6:
        return Ok(value=today - timedelta(days=int(lowered[:-1])))
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=now.tzinfo)
    except ValueError:
        message = "a day is a date like 2026-11-21, today, yesterday, monday, or 7d"
        return Err(code="usage", title=f"{value!r} is no day", message=message)
    return Ok(value=day)
