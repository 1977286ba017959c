"""Secrets as parameters, volumes as disks or buckets, and the roles by which a service gets at its own and no others."""

from __future__ import annotations

import json

from casava_os.infra.drivers import StackKey
from casava_os.infra.service import Service
from casava_os.infra.terraform.emission import Block, Emission, mounted, plain_tags
from casava_os.infra.terraform.marks import called, label, literal
from casava_os.infra.terraform.refuse import volumes_of


def variable(secret: str) -> str:
    """The name of the variable that holds a secret."""
    return f"secret_{label(secret).replace('-', '_')}"


def secrets(e: Emission) -> None:
    """Parameters without values: those are given to Terraform while it runs."""
    for node in mounted(e.wanted, "secret"):
        version = int(e.wanted.files[node].name[:12], 16)
        block: Block = {
            "name": parameter(e.wanted.key, node.name), "type": "SecureString",
            "value_wo": f"${{var.{variable(node.name)}}}", "value_wo_version": version,
        }  # fmt: skip
        e.add("aws_ssm_parameter", label(node.name), block, resource=node.name)


def parameter(key: StackKey, secret: str) -> str:
    """A secret's name in the parameter store."""
    return f"/casava-os/{key.tag}/{key.name}/{secret}"


def volumes(e: Emission) -> None:
    """Disks and buckets."""
    spec = e.wanted.spec
    for name in e.wanted.graph.of("volume"):
        store, at = spec.x_casava.terraform.store(name), label(name)
        more = plain_tags(spec.volumes[name].labels)
        if store.store == "s3":
            e.add(
                "aws_s3_bucket",
                at,
                {"bucket": called(e.wanted.key, name), "force_destroy": True},
                resource=name,
                more=more,
            )
            keys = (
                "block_public_acls",
                "block_public_policy",
                "ignore_public_acls",
                "restrict_public_buckets",
            )
            closed: Block = {"bucket": f"${{aws_s3_bucket.{at}.id}}", **dict.fromkeys(keys, True)}
            e.add("aws_s3_bucket_public_access_block", at, closed)
            continue
        block: Block = {
            "availability_zone": f"{e.region}{spec.x_casava.terraform.zone}", "size": -(-store.size // 2**30), "type": store.type,
            "encrypted": True,
        }  # fmt: skip
        if store.type in ("io1", "io2"):
            block["iops"] = 100
        e.add("aws_ebs_volume", at, block, resource=name, more=more)


def role(e: Emission, name: str, service: Service) -> None:
    """What the instances of a service may do on AWS: read its own secrets, use its own buckets."""
    spec, at = e.wanted.spec, label(name)
    allowed: list[Block] = []
    secrets = sorted({file.source for file in service.secrets})
    if secrets:
        arns = [
            f"arn:{_partition(e.region)}:ssm:{e.region}:*:parameter{parameter(e.wanted.key, one)}"
            for one in secrets
        ]
        allowed.append({"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": arns})
    for volume in volumes_of(service):
        if spec.x_casava.terraform.store(volume).store == "s3":
            bucket = f"arn:{_partition(e.region)}:s3:::{called(e.wanted.key, volume)}"
            allowed.append({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket})
            actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
            allowed.append({"Effect": "Allow", "Action": actions, "Resource": f"{bucket}/*"})
    if not allowed or not service.replicas:
        return
    trust: Block = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"},
    }
    who = called(e.wanted.key, f"service-{name}")
    role: Block = {"name": who, "assume_role_policy": _policy([trust]), "force_detach_policies": True}
    e.add("aws_iam_role", at, role, resource=name)
    policy: Block = {"name": "stack", "role": f"${{aws_iam_role.{at}.name}}", "policy": _policy(allowed)}
    e.add("aws_iam_role_policy", at, policy)
    e.add(
        "aws_iam_instance_profile", at, {"name": who, "role": f"${{aws_iam_role.{at}.name}}"}, resource=name
    )


def _partition(region: str) -> str:
    """Which AWS: China and the government have their own."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _policy(statements: list[Block]) -> str:
    return literal(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":")))
