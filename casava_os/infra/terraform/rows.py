"""Terraform's plan as our rows: what is created, changed, replaced, destroyed, why, and a digest of what it is made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from casava_os.infra.drivers import Action, Row
from casava_os.infra.graph import short_digest
from casava_os.infra.terraform.emission import DATA, ORDER, Block, resources_of
from casava_os.infra.terraform.marks import lasting

Json = Mapping[str, object]

_ACTIONS: dict[tuple[str, ...], Action] = {
    ("create",): "create", ("update",): "change", ("delete",): "destroy", ("delete", "create"): "replace",
    ("create", "delete"): "replace",
}  # fmt: skip


def rows_of(shown: Json, config: Json) -> tuple[Row, ...]:
    """In the order in which they are done: what is made, in the order of what needs what; then what goes, the other way round."""
    blocks = resources_of(config)
    found: list[tuple[int, str, Row]] = []
    for one in cast("list[Json]", shown.get("resource_changes") or []):
        change = cast("Json", one["change"])
        action = _ACTIONS.get(tuple(cast("list[str]", change["actions"])))
        if one.get("mode") != "managed" or action is None:
            continue
        kind, name = str(one["type"]), str(one["name"])
        block = blocks.get(kind, {}).get(name)
        place = ORDER.index(kind) if kind in ORDER else len(ORDER)
        at = place if action != "destroy" else 2 * len(ORDER) - place
        row = Row(
            action=action,
            kind=kind.removeprefix("aws_"),
            name=name,
            why=_why(kind, action, change),
            digest=_digest(change, block),
        )
        found.append((at, _natural(name), row))
    return tuple(row for _, _, row in sorted(found, key=lambda item: item[:2]))


def lost(rows: tuple[Row, ...]) -> list[Row]:
    """Those that would destroy the data of a volume."""
    return [row for row in rows if f"aws_{row.kind}" in DATA[:2] and row.action in ("destroy", "replace")]


_GOES_ON: Mapping[Action, tuple[Action, ...]] = {
    "create": ("create", "change", "replace"), "replace": ("create", "change", "replace"),
}  # fmt: skip
"""What the rest of something may be that was done in part; the rest of all else can only be what it was."""


def within(rest: tuple[Row, ...], approved: tuple[Row, ...]) -> bool:
    """Whether what is left to do is nothing but what was approved."""
    allowed = {(row.kind, row.name): _GOES_ON.get(row.action, (row.action,)) for row in approved}
    return all(row.action in allowed.get((row.kind, row.name), ()) for row in rest)


def _natural(name: str) -> str:
    """web-2 before web-10."""
    return re.sub(r"\d+", lambda found: found[0].zfill(9), name)


def _digest(change: Json, block: Block | None) -> str:
    """Of the block as it stands in the file, without the tags that tell how it came to be."""
    before = change.get("before")
    plain = None if block is None else block | {"tags": lasting(block.get("tags"))}
    identity = before.get("id") if isinstance(before, dict) else None
    return short_digest(
        {"actions": change["actions"], "block": plain, "id": identity, "changed": _changed(change)}
    )


def _changed(change: Json) -> list[str]:
    """Names of the attributes that are others afterwards."""
    before, after = change.get("before"), change.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    unknown = cast("Json", change.get("after_unknown") or {})
    names = {n for n in after if before.get(n) != after[n]} | {
        n for n, is_so in unknown.items() if is_so is True
    }
    return sorted(n for n in names if n != "tags_all" and (n in after or n in _TOLD_UNKNOWN))


_TOLD_UNKNOWN = frozenset(
    {"user_data", "records", "subnet_id", "vpc_security_group_ids", "instance_id", "volume_id"}
)
"""What is not known before something else is made, and is worth a word."""
_SECRETIVE = frozenset({"user_data", "user_data_base64", "policy", "assume_role_policy"})


def _why(kind: str, action: Action, change: Json) -> str:
    after = cast("Json", change.get("after") or {})
    if action == "create":
        return _facts(kind, after)
    before = cast("Json", change.get("before") or {})
    if action == "destroy":
        return "with its data" if kind in DATA[:2] else ""
    told = []
    paths = [str(path[0]) for path in cast("list[list[object]]", change.get("replace_paths") or []) if path]
    for name in paths or _changed(change):
        if name == "ingress":
            told.append(_facts(kind, after) or "closes all ports to outside")
            continue
        old, new = before.get(name), after.get(name)
        plain = (
            isinstance(old, str | int | float)
            and isinstance(new, str | int | float)
            and name not in _SECRETIVE
        )
        told.append(f"{name} {old} → {new}" if plain and len(f"{old}{new}") <= 60 else name)
    return ", ".join(dict.fromkeys(told))


def _facts(kind: str, after: Json) -> str:
    """What a person wants to know of something new: what it costs and whom it lets in."""
    if kind == "aws_instance":
        return str(after.get("instance_type", ""))
    if kind == "aws_ebs_volume":
        return f"{after.get('size')} GiB {after.get('type')}"
    if kind in ("aws_vpc", "aws_subnet"):
        public = ", public addresses" if after.get("map_public_ip_on_launch") else ""
        return f"{after.get('cidr_block')}{public}"
    told = {
        "aws_s3_bucket": "bucket",
        "aws_volume_attachment": "device_name",
        "aws_ssm_parameter": "name",
    }.get(kind)
    if told is not None:
        return str(after.get(told) or "")
    if kind == "aws_ec2_instance_state":
        return "kept running"
    if kind == "aws_security_group":
        opened = []
        for rule in cast("list[Json]", after.get("ingress") or []):
            who = [
                *cast("list[str]", rule.get("cidr_blocks") or []),
                *cast("list[str]", rule.get("ipv6_cidr_blocks") or []),
            ]
            low, high = rule.get("from_port"), rule.get("to_port")
            if who:
                opened.append(
                    f"opens {low if low == high else f'{low}-{high}'}/{rule.get('protocol')} to {', '.join(who)}"
                )
        return "; ".join(sorted(opened))
    return ""
