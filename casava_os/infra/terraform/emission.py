"""What emitting works on: the resources so far, by type and label, and the tags that each gets."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node
from casava_os.infra.terraform.marks import literal, tag, tags
from casava_os.infra.terraform.state import Known

Block = dict[str, object]
Resources = dict[str, dict[str, Block]]
"""By type and label."""

ORDER = (
    "aws_vpc", "aws_internet_gateway", "aws_route_table", "aws_subnet", "aws_route_table_association", "aws_security_group",
    "aws_ssm_parameter", "aws_ebs_volume", "aws_s3_bucket", "aws_s3_bucket_public_access_block", "aws_iam_role",
    "aws_iam_role_policy", "aws_iam_instance_profile", "aws_instance", "aws_ec2_instance_state", "aws_volume_attachment",
    "aws_route53_zone", "aws_route53_record",
)  # fmt: skip
"""Types in the order in which they are made."""
DATA = ("aws_ebs_volume", "aws_s3_bucket", "aws_s3_bucket_public_access_block")
"""Types that hold data, or belong to what does."""


@dataclass(slots=True)
class Emission:
    """One spec on its way."""

    wanted: Deployment
    region: str
    known: Known
    configs: Mapping[Node, bytes]
    begun: float = field(default_factory=time.time)
    made: Resources = field(default_factory=dict)

    def add(
        self, kind: str, name: str, block: Block, *, resource: str = "", more: Mapping[str, str] | None = None
    ) -> str:
        """Adds a resource, with tags when it is one of the spec's; its address."""
        address = f"{kind}.{name}"
        if resource:
            block["tags"] = tags(self.wanted, address, resource, self.known.tags(address), self.begun) | dict(
                more or {}
            )
        self.made.setdefault(kind, {})[name] = block
        return address


def plain_tags(found: Mapping[str, str]) -> dict[str, str]:
    """Labels of the spec as tags."""
    return {literal(tag(name)[:128]): literal(tag(value)) for name, value in found.items()}


def mounted(wanted: Deployment, kind: str) -> list[Node]:
    """Secrets or configs that a service uses."""
    return [node for node in wanted.graph.needs if node.kind == kind]


def resources_of(config: Mapping[str, object]) -> Resources:
    """The resources of a configuration that was written before."""
    return cast("Resources", config.get("resource") or {})
