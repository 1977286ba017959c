"""Server-side apply as the API server does it: who owns which field, conflicts, what goes when its last owner leaves it.

Fields are sets in the form of `fieldsV1`: `{"f:spec": {"f:replicas": {}}}`, members of lists that have keys as `k:{…}`.
Lists without keys, and selectors, are one field each (atomic), as the API's schemas say of them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]

KEYS = {
    "containers": ("name",), "initContainers": ("name",), "env": ("name",), "volumes": ("name",),
    "volumeMounts": ("mountPath",), "imagePullSecrets": ("name",),
}  # fmt: skip
ATOMIC = ("selector", "podSelector", "namespaceSelector")
OUTSIDE = ("apiVersion", "kind")


def _keys(path: Path) -> tuple[str, ...]:
    """The keys of a list's members at this path; none: the list is atomic."""
    last = path[-1].removeprefix("f:") if path else ""
    if last == "ports":
        inside = any(part.startswith("f:containers") for part in path)
        policy = any(part in ("f:ingress", "f:egress") for part in path)
        return () if policy else ("containerPort", "protocol") if inside else ("port", "protocol")
    return KEYS.get(last, ())


def member(one: Json, keys: tuple[str, ...]) -> str:
    found = {key: one.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(found, separators=(",", ":"), sort_keys=True)


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every field of an object with its value."""
    last = path[-1].removeprefix("f:") if path else ""
    keys = _keys(path)
    if isinstance(value, dict) and value and last not in ATOMIC:
        for name, inner in value.items():
            here = (*path, f"f:{name}")
            if here in (("f:apiVersion",), ("f:kind",), ("f:status",)):
                continue
            if path == ("f:metadata",) and name not in ("labels", "annotations", "finalizers"):
                continue
            yield from leaves(inner, here)
    elif isinstance(value, list) and keys:
        for one in value:
            place = (*path, member(one, keys))
            yield place, None  # that it is there
            yield from leaves(one, place)
    else:
        yield path, value


def get(found: object, path: Path) -> Any:  # noqa: ANN401 - any JSON, or KeyError
    for number, part in enumerate(path):
        if part.startswith("f:"):
            if not isinstance(found, dict) or part[2:] not in found:
                return KeyError
            found = found[part[2:]]
        else:
            keys = _keys(path[:number])
            there = [one for one in found if member(one, keys) == part] if isinstance(found, list) else []
            if not there:
                return KeyError
            found = there[0]
    return found


def put(target: Json, path: Path, value: object) -> None:
    here: Any = target
    for number, part in enumerate(path):
        last = number == len(path) - 1
        following = path[number + 1] if not last else ""
        if part.startswith("f:"):
            name = part[2:]
            if last:
                here[name] = copy.deepcopy(value)
            else:
                here = here.setdefault(name, [] if following.startswith("k:") else {})
        else:
            keys = _keys(path[:number])
            there = [one for one in here if member(one, keys) == part]
            if not there:
                there = [dict(json.loads(part[2:]))]
                here.append(there[0])
            here = there[0]


def drop(target: Json, path: Path) -> None:
    holder: Any = get(target, path[:-1]) if len(path) > 1 else target
    part = path[-1]
    if holder is KeyError:
        return
    if part.startswith("f:"):
        holder.pop(part[2:], None)
    else:
        keys = _keys(path[:-1])
        holder[:] = [one for one in holder if member(one, keys) != part]


@dataclass
class Owner:
    manager: str
    operation: str
    subresource: str = ""
    paths: set[Path] = field(default_factory=set)
    since: str = ""

    def entry(self, version: str) -> Json:
        tree: Json = {}
        for path in sorted(self.paths):
            here = tree
            for part in path:
                here = here.setdefault(part, {})
            if path[-1].startswith("k:"):
                here.setdefault(".", {})
        return {
            "manager": self.manager, "operation": self.operation, "apiVersion": version, "time": self.since,
            "fieldsType": "FieldsV1", "fieldsV1": tree, **({"subresource": self.subresource} if self.subresource else {}),
        }  # fmt: skip


@dataclass
class ConflictError(Exception):
    """(owner, path) of what others have set to another value."""

    claims: list[tuple[Owner, Path]]


def applied(
    live: Json | None, owners: list[Owner], config: Json, manager: str, *, force: bool
) -> tuple[Json, list[Owner]]:
    """The object and its owners after a server-side apply. Raises `ConflictError`."""
    owners = copy.deepcopy(owners)
    want = dict(leaves(config))
    mine = next(
        (o for o in owners if (o.manager, o.operation, o.subresource) == (manager, "Apply", "")), None
    )
    others = [o for o in owners if o is not mine]
    claims = [
        (other, path)
        for other in others
        for path in sorted(other.paths & set(want))
        if not path[-1].startswith("k:") and live is not None and get(live, path) != want[path]
    ]
    if claims and not force:
        raise ConflictError(claims)
    for other, path in claims:
        other.paths.discard(path)
    result = copy.deepcopy(live) if live is not None else {}
    for name in OUTSIDE:
        result[name] = config[name]
    result.setdefault("metadata", {})["name"] = config["metadata"]["name"]
    before = mine.paths if mine is not None else set()
    for path in sorted(before - set(want), key=len):
        if not any(path in other.paths for other in others):
            held = any(other_path[: len(path)] == path for o in others for other_path in o.paths)
            if not (path[-1].startswith("k:") and held):
                drop(result, path)
    for path, value in want.items():
        if path[-1].startswith("k:"):
            if get(result, path) is KeyError:
                put(result, path, None)
        else:
            put(result, path, value)
    if mine is None:
        mine = Owner(manager, "Apply")
        others = [*others, mine]
    else:
        others = [*others, mine]
    mine.paths = set(want)
    return result, [o for o in others if o.paths]


def updated(live: Json, now: Json, owners: list[Owner], manager: str, subresource: str = "") -> list[Owner]:
    """The owners after a write that is no apply: what changed is the writer's alone."""
    owners = copy.deepcopy(owners)
    before, after = dict(leaves(live)), dict(leaves(now))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = set(before) - set(after)
    for owner in owners:
        owner.paths -= changed | gone
    if changed:
        mine = next(
            (
                o
                for o in owners
                if (o.manager, o.operation, o.subresource) == (manager, "Update", subresource)
            ),
            None,
        )
        if mine is None:
            mine = Owner(manager, "Update", subresource)
            owners.append(mine)
        mine.paths |= changed
    return [o for o in owners if o.paths]
