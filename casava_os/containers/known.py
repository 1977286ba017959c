"""Containers as they are: found by name or ID, whose they are, and whether this request may act upon them.

Looking is free. Acting (start, stop, restart, remove, exec, copying in) is for what Casava started; another's container must
be named in the request, whole, and is asked for like everything that no layer holds. Casava's sandboxes are never acted upon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from casava_os.containers import labels
from casava_os.containers.desk import Desk
from casava_os.containers.leases import Lease
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Table, Value

if TYPE_CHECKING:
    from docker import APIClient

SANDBOX = "casava.pid"
"""A label that every sandbox has."""
IMAGE = "casava-os.image"
"""Label: the image as it was named, for the container is made from an ID."""

Maker = Literal["casava", "sandbox", "other"]


@dataclass(frozen=True, slots=True)
class Known:
    """One container, as the daemon tells."""

    id: str
    name: str
    image: str
    state: str
    """created, running, paused, restarting, removing, exited, dead."""
    labels: Mapping[str, str]
    details: Mapping[str, object]
    """All that `inspect` gave."""

    @property
    def mine(self) -> bool:
        return labels.mine(self.labels)

    @property
    def maker(self) -> Maker:
        return maker(self.labels)

    @property
    def running(self) -> bool:
        return self.state in ("running", "paused", "restarting")

    @property
    def exit_code(self) -> int:
        state = self.details.get("State")
        return int(state.get("ExitCode", 0)) if isinstance(state, dict) else 0


def maker(found: Mapping[str, str]) -> Maker:
    """Who made a container with these labels."""
    if labels.mine(found):
        return "casava"
    return "sandbox" if SANDBOX in found else "other"


def find(api: APIClient, text: str) -> Result[Known]:
    """The container of this name or ID. `Err("not-found")` tells which one may be meant."""
    from docker.errors import NotFound

    try:
        found = api.inspect_container(text)
    except NotFound:
        return missing(api, text)
    return Ok(value=known(found))


def known(found: Mapping[str, object]) -> Known:
    """From what `inspect` gave."""
    config, state = found.get("Config"), found.get("State")
    tags = config.get("Labels") or {} if isinstance(config, dict) else {}
    image = str(config.get("Image", "")) if isinstance(config, dict) else ""
    return Known(
        id=str(found["Id"]),
        name=str(found.get("Name", "")).lstrip("/"),
        image=image_name(tags, image),
        state=str(state.get("Status", "")) if isinstance(state, dict) else "",
        labels=tags,
        details=found,
    )


def image_name(tags: Mapping[str, str], image: str) -> str:
    """What a person calls the image of a container."""
    named = tags.get(IMAGE, "") if labels.mine(tags) else ""
    return named or (image.removeprefix("sha256:")[:12] if image.startswith("sha256:") else image)


def missing(api: APIClient, text: str) -> Err:
    """There is no such container; which one may be meant."""
    names = [name for one in api.containers(all=True) if (name := first_name(one.get("Names")))]
    near = get_close_matches(text, names, n=1, cutoff=0.6)
    near = near or [name for name in names if text.lower() in name.lower()][:1]
    meant = f"did you mean {near[0]}?" if near else "casava-os call container.list --all shows all of them"
    counted = "there is one other" if len(names) == 1 else f"there are {len(names)} others"
    known_ones = counted if names else "there is none at all"
    return Err(code="not-found", title=f"There is no container {text!r}", message=known_ones, hint=meant)


def first_name(names: object) -> str:
    """A container's own name, of all by which others may call it."""
    found = [str(name).lstrip("/") for name in names] if isinstance(names, list) else []
    return next((name for name in found if "/" not in name), found[0] if found else "")


def names_in(value: Value) -> Result[tuple[str, ...]]:
    """The containers that an earlier step listed."""
    if not isinstance(value, Table) or "name" not in value.columns:
        message = "its result has no column `name`"
        return Err(code="type", title="The earlier step listed no containers", message=message)
    at = value.columns.index("name")
    return Ok(value=tuple(str(row[at]) for row in value.rows))


def is_named(request: str, *texts: str) -> bool:
    """Whether a request has one of these names as a whole: `db` is not named by `db-main`."""
    return any(re.search(rf"(?<![\w.-]){re.escape(text)}(?![\w-]|\.\w)", request) for text in texts if text)


def guarded(one: Known, text: str, desk: Desk, doing: str) -> Err | None:
    """Why this request may not act upon this container; None when it may. `text` is how the plan names it."""
    if one.maker == "sandbox":
        return Err(
            code="denied",
            title=f"{one.name} is one of Casava's sandboxes",
            message=f"it may not be {doing}: a process works in it",
            hint="casava-os ps shows the processes, casava-os kill PID ends one",
        )
    if one.mine or is_named(desk.errand.request, one.name, text):
        return None
    return Err(
        code="denied",
        title=f"{one.name} was not started by Casava",
        message=f"it is {doing} only when the request names it; nothing was done",
        hint=f'name it: "… {one.name}"',
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The containers to act upon, and those that were left alone with the reason."""

    there: tuple[Known, ...]
    left: tuple[tuple[str, str], ...] = ()


def chosen(desk: Desk, wanted: Sequence[str] | None, given: Value | None, doing: str) -> Result[Chosen]:
    """What a call acts upon. A name that cannot be acted upon fails all of it; of a list, others' containers are left alone."""
    if wanted is not None:
        found: list[Known] = []
        for text in dict.fromkeys(wanted):
            one = find(desk.api, text)
            if isinstance(one, Err):
                return one
            if (denied := guarded(one.value, text, desk, doing)) is not None:
                return denied
            found.append(one.value)
        return Ok(value=Chosen(tuple({one.id: one for one in found}.values())))
    if given is None:
        return Err(code="type", title="No containers were handed on", message="the earlier step gave nothing")
    names = names_in(given)
    if isinstance(names, Err):
        return names
    mine: list[Known] = []
    left: list[tuple[str, str]] = []
    for text in names.value:
        one = find(desk.api, text)
        if isinstance(one, Err):
            left.append((text, "gone meanwhile"))
        elif not one.value.mine:
            # Not even when the request has its name: `all` and `my` are names, too.
            left.append((text, "left alone: not started by Casava"))
        else:
            mine.append(one.value)
    if not mine and left:
        some = ", ".join(name for name, _ in left[:5])
        foreign = all(why.startswith("left") for _, why in left)
        return Err(
            code="denied" if foreign else "not-found",
            title=f"None of them may be {doing}" if foreign else "None of them is there any more",
            message=f"{some}: not started by Casava" if foreign else some,
            hint="name the ones that you mean" if foreign else "",
        )
    return Ok(value=Chosen(tuple(mine), tuple(left)))


# ------------------------------------------------------------------------------------------------ times


def seconds_of(moment: object) -> float | None:
    """Seconds since the epoch of a moment as the daemon writes it; None for one that never was."""
    text = str(moment or "")
    if not text or text.startswith("0001"):
        return None
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if match is None:
        return None
    zone = "+00:00" if match[3] == "Z" else match[3]
    whole = datetime.fromisoformat(match[1] + zone).astimezone(UTC).timestamp()
    return whole + float(match[2] or 0)


def span(seconds: float) -> str:
    """A span of time in words, in its largest unit: `3 hours`."""
    seconds = max(0.0, seconds)
    for unit, name in ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= 2 * unit or (unit <= 3_600 and seconds >= unit):
            count = int(seconds // unit)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "0 seconds"


def lease_now(book_lease: Lease | None, label_lease: Lease | None) -> Lease | None:
    """The lease in force: the book's, which can have been extended, before the label's."""
    return book_lease or label_lease
