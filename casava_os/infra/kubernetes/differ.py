"""Where an object in the cluster is not as it is wanted: field by field, and who else has set fields of it.

Only what the manifest says is looked at. Lists whose members have names (containers, environment, mounts, ports) are matched
by those, for the API keeps them apart by them, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from casava_os.infra.kubernetes.marks import BORN, MANAGER, VOLATILE, Json, metadata

_IDENTITIES = ("name", "mountPath", "containerPort", "port", "key")
_CLUSTERS_OWN = ("kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager")
_SET_BY_SERVER = (
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
    "namespace",
)
_LONGEST = 60


def stripped(found: Json) -> Json:
    """An object without what the server counts and what differs with every apply."""
    about = {name: value for name, value in metadata(found).items() if name not in _SET_BY_SERVER}
    for part, passing in (("labels", BORN), ("annotations", VOLATILE)):
        about[part] = {k: v for k, v in (about.get(part) or {}).items() if k not in passing}
    rest = {name: value for name, value in found.items() if name not in ("status", "metadata")}
    return {**rest, "metadata": about}


def differences(want: object, have: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """(path, wanted, there) of every field that is wanted and is another one, or not there."""
    if isinstance(want, dict):
        there = have if isinstance(have, dict) else {}
        for name, inner in want.items():
            yield from differences(inner, there.get(name), f"{path}.{name}" if path else name)
    elif isinstance(want, list) and want and all(_identity(one) is not None for one in want):
        known = (
            {_identity(one): one for one in have if _identity(one) is not None}
            if isinstance(have, list)
            else {}
        )
        for one in want:
            identity = _identity(one)
            yield from differences(one, known.get(identity), f"{path}[{identity}]")
    elif want != have and not (want in ([], {}, False, 0, "") and have is None):
        yield path, want, have


def _identity(value: object) -> object:
    if not isinstance(value, dict):
        return None
    return next((value[name] for name in _IDENTITIES if name in value), None)


def sentence(path: str, want: object, have: object) -> str:
    """A difference in a few words."""
    short = path.replace("spec.template.spec.containers", "containers").removeprefix("spec.")
    if isinstance(want, dict | list) or isinstance(have, dict | list):
        return f"{short} is another one" if have is not None else f"{short} is missing"
    return f"{short} is {_text(have)} instead of {_text(want)}"


def change(path: str, want: object, have: object) -> str:
    """A difference as what an apply makes of it."""
    short = path.replace("spec.template.spec.containers", "containers").removeprefix("spec.")
    if isinstance(want, dict | list) or isinstance(have, dict | list):
        return short
    return f"{short} {_text(have)} → {_text(want)}"


def _text(value: object) -> str:
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def of_interest(path: str) -> bool:
    """Whether a person learns something from a field: digests only repeat what another field says."""
    return not path.startswith("metadata.annotations.casava-os") and ".annotations.casava-os" not in path


# ------------------------------------------------------------------------------------------------ managers


def strangers(found: Json) -> dict[str, list[str]]:
    """Other managers that have set fields of an object's spec or data, and which; the cluster's own parts are none."""
    told: dict[str, list[str]] = {}
    for entry in metadata(found).get("managedFields") or ():
        manager = str(entry.get("manager") or "somebody")
        if manager == MANAGER or manager in _CLUSTERS_OWN or entry.get("subresource") == "status":
            continue
        fields: Json = entry.get("fieldsV1") or {}
        for part in ("f:spec", "f:data", "f:stringData", "f:binaryData"):
            if part in fields:
                told.setdefault(manager, []).extend(_leaves(fields[part], part.removeprefix("f:")))
    return told


def _leaves(fields: Json, path: str) -> Iterator[str]:
    inner = {name: value for name, value in fields.items() if name != "."}
    if not inner:
        yield path
    for name, value in inner.items():
        kind, _, rest = name.partition(":")
        yield from _leaves(value, f"{path}.{rest}" if kind == "f" else f"{path}[{rest}]")


def owned(found: Json) -> Json:
    """What our manager has applied of an object: enough to apply it again as it was."""
    fields: Json = {}
    for entry in metadata(found).get("managedFields") or ():
        if (
            entry.get("manager") == MANAGER
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            fields = entry.get("fieldsV1") or {}
    taken = _taken(found, fields)
    about = taken.get("metadata") or {}
    return {
        **taken, "apiVersion": found["apiVersion"], "kind": found["kind"],
        "metadata": {**about, "name": metadata(found)["name"]},
    }  # fmt: skip


def _taken(found: Any, fields: Json) -> Any:  # noqa: ANN401 - any JSON
    """The part of a value that a set of fields names."""
    inner = {name: value for name, value in fields.items() if name != "."}
    if not inner:
        return found
    if isinstance(found, dict):
        names = {name.removeprefix("f:"): value for name, value in inner.items() if name.startswith("f:")}
        return {name: _taken(found[name], value) for name, value in names.items() if name in found}
    if isinstance(found, list):
        return [taken for one in found for taken in _members(one, inner)]
    return found


def _members(one: object, inner: Json) -> Iterator[object]:
    """The member of a list that a key or a value of the set names."""
    import json

    for name, value in inner.items():
        kind, _, rest = name.partition(":")
        if kind == "v" and json.loads(rest) == one:
            yield one
        if kind == "k" and isinstance(one, dict):
            keys = json.loads(rest)
            if all(one.get(key) == wanted for key, wanted in keys.items()):
                yield {**{key: one[key] for key in keys}, **_taken(one, value)}
