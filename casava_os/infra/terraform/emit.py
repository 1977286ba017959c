"""From a spec to Terraform JSON: a VPC of the stack's own, and in it what Compose says, as AWS has it.

Each network is a subnet and a security group: who is in a network may reach who else is in it, on all ports. An internal
network has no way to the internet gateway. Each replica is an instance that runs one container; it lies in the subnet of its
first network with a way out, and bears the groups of all its networks. Names of services stand in a private zone. Nobody
reaches a published port from outside, unless the port names 0.0.0.0 or the spec says who may (`ingress`).
"""

from __future__ import annotations

from collections.abc import Mapping

from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node
from casava_os.infra.terraform.emission import Block, Emission, Resources, mounted
from casava_os.infra.terraform.ground import ground
from casava_os.infra.terraform.holdings import role, secrets, variable, volumes
from casava_os.infra.terraform.instances import instances, names
from casava_os.infra.terraform.refuse import refused
from casava_os.infra.terraform.state import Known
from casava_syscalls.results import Err, Ok, Result

SERVICES = ("ec2", "iam", "route53", "s3", "ssm", "sts")
"""What of AWS is spoken to."""
PROVIDER = ">= 5.88.0, < 7.0.0"
"""From the first that can be given a secret without writing it into the state."""


def emit(
    wanted: Deployment, region: str, known: Known, configs: Mapping[Node, bytes], kept: Resources
) -> Result[Block]:
    """The whole configuration. `known`: what is there; `kept`: volumes that stay though nobody wants them."""
    problems = refused(wanted.spec)
    if problems:
        return Err(
            code="unsupported",
            title="AWS cannot be told all of this spec",
            message="; ".join(problems[:5]),
            hint="change it, or run it on docker",
        )
    aws = wanted.spec.x_casava.terraform
    emission = Emission(wanted, region, known, configs)
    ground(emission)
    secrets(emission)
    volumes(emission)
    for name, service in wanted.spec.services.items():
        role(emission, name, service)
        failed = instances(emission, name, service)
        if failed is not None:
            return failed
    names(emission)
    for kind, blocks in kept.items():
        for name, block in blocks.items():
            emission.made.setdefault(kind, {}).setdefault(name, block)
    return Ok(
        value=configuration(
            _provider(region, aws.endpoint), emission.made, data=_image(aws.ami), variables=_variables(wanted)
        )
    )


def configuration(
    provider: Block, resources: Resources, *, data: Block | None = None, variables: Block | None = None
) -> Block:
    """Terraform's file."""
    found: Block = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER}}},
        "provider": {"aws": provider},
    }
    parts = {
        "variable": variables,
        "data": data,
        "resource": {kind: resources[kind] for kind in sorted(resources)},
    }
    return found | {name: part for name, part in parts.items() if part}


def _provider(region: str, endpoint: str | None) -> Block:
    """Credentials are none of ours: the provider takes them from where AWS's own tools do."""
    block: Block = {"region": region}
    if endpoint is not None:
        block |= {"endpoints": [dict.fromkeys(SERVICES, endpoint)], "s3_use_path_style": True}
    return block


def _image(ami: str) -> Block:
    return {} if ami.startswith("ami-") else {"aws_ssm_parameter": {"image": {"name": ami}}}


def _variables(wanted: Deployment) -> Block:
    """Secrets are given to Terraform while it runs, and written neither into its plan nor into its state."""
    return {
        variable(node.name): {"type": "string", "ephemeral": True, "sensitive": True}
        for node in mounted(wanted, "secret")
    }
