"""What is there and the state does not know: made in the moment in which Terraform was killed.

Everything that costs something bears its Terraform address as a tag, or has a name that is made from the stack's: so each
resource that was to be made and is not in the state is asked for, all in one run of Terraform's data sources, and what is
found is imported. What has neither tag nor name (associations, attachments, records) goes with what it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from casava_os.containers import labels
from casava_os.infra.drivers import StackKey, Tell
from casava_os.infra.terraform import state
from casava_os.infra.terraform.emission import Block, resources_of
from casava_os.infra.terraform.emit import configuration
from casava_os.infra.terraform.marks import ADDRESS
from casava_os.infra.terraform.problems import failed
from casava_os.infra.terraform.program import Program
from casava_os.infra.terraform.work import opened, remembered
from casava_syscalls.results import Err, Ok, Result

_TAGGED = (
    "aws_vpc", "aws_internet_gateway", "aws_route_table", "aws_subnet", "aws_security_group", "aws_ebs_volume", "aws_instance",
)  # fmt: skip
_NAMED = {
    "aws_s3_bucket": "bucket", "aws_iam_role": "name", "aws_iam_instance_profile": "name", "aws_ssm_parameter": "name",
    "aws_route53_zone": "name",
}  # fmt: skip
"""The attribute that holds a name which is only this stack's."""
_ABSENT = re.compile(r"(?i)no matching|couldn't find|not found|NotFound|NoSuch|no results|empty result")
_THERE = ["pending", "running", "stopping", "stopped"]


def adopt(program: Program, root: Path, place: Path, key: StackKey, tell: Tell) -> Result[int]:
    """Takes into the state what was made and is not in it; how many."""
    config = remembered(place)
    if config is None:
        return Ok(value=0)
    looked = _looked(key, config, state.read(place))
    if not looked:
        return Ok(value=0)
    tell("Looking for what Terraform made and did not write down")
    found = _found(program, root, place, config, looked)
    if isinstance(found, Err):
        return found
    if not found.value:
        return Ok(value=0)
    secrets = dict.fromkeys(cast("Block", config.get("variable") or {}), "-")
    work = opened(program, root, place, config, secrets=secrets)
    if isinstance(work, Err):
        return work
    try:
        for address, identity in found.value.items():
            tell(f"Taking over {address.removeprefix('aws_').replace('.', ' ')}")
            failure = work.value.adopt(address, identity)
            if failure is not None:
                return failure
    finally:
        work.value.close()
    return Ok(value=len(found.value))


def _looked(key: StackKey, config: Block, known: state.Known) -> dict[str, Block]:
    """By address, how each resource that should be there and is not known is asked for."""
    asked: dict[str, Block] = {}
    for kind, blocks in resources_of(config).items():
        for name, block in blocks.items():
            address = f"{kind}.{name}"
            if address in known.resources:
                continue
            if kind in _TAGGED:
                tags = {labels.OWNER: key.owner, labels.STACK: key.name, ADDRESS: address}
                filters = [{"name": f"tag:{tag}", "values": [value]} for tag, value in tags.items()]
                if kind == "aws_instance":
                    filters.append({"name": "instance-state-name", "values": _THERE})
                asked[address] = {"filter": filters}
            elif kind in _NAMED:
                asked[address] = {_NAMED[kind]: block[_NAMED[kind]]}
                if kind == "aws_route53_zone":
                    asked[address]["private_zone"] = True
                if kind == "aws_ssm_parameter":
                    asked[address]["with_decryption"] = False
    return asked


def _found(
    program: Program, root: Path, place: Path, config: Block, asked: Mapping[str, Block]
) -> Result[dict[str, str]]:
    """Identities by address. A data source that finds nothing is an error to Terraform, and an answer to us."""
    data: Block = {}
    for address, block in asked.items():
        kind, _, name = address.partition(".")
        cast("dict[str, Block]", data.setdefault(kind, {}))[name] = block
    provider = cast("Block", cast("Block", config["provider"])["aws"])
    work = opened(program, root, place, configuration(provider, {}, data=data))
    if isinstance(work, Err):
        return work
    try:
        # The state is left out of it: what is asked for is not in there.
        ran = work.value.run("plan", "-json", "-lock=false", f"-state={work.value.folder / 'none.tfstate'}")
    finally:
        work.value.close()
    if isinstance(ran, Err):
        return ran
    if any(
        not address.startswith("data.") or not _ABSENT.search(said) for address, said in ran.value.errors()
    ):
        return failed(ran.value, "What is there on AWS could not be found out")
    identities: dict[str, str] = {}
    for line in ran.value.lines:
        hook = line.get("hook")
        if (
            line.get("type") in ("apply_complete", "refresh_complete")
            and isinstance(hook, dict)
            and hook.get("id_value")
        ):
            address = str(hook["resource"]["addr"]).removeprefix("data.")
            identities[address] = str(hook["id_value"])
    return Ok(
        value={
            address: _imported_by(address, block, identities[address])
            for address, block in asked.items()
            if address in identities
        }
    )


def _imported_by(address: str, block: Block, identity: str) -> str:
    """What `import` knows the resource by. Of an instance profile it is the name; its data source tells a number of AWS's."""
    kind = address.partition(".")[0]
    return str(block[_NAMED[kind]]) if kind == "aws_iam_instance_profile" else identity
