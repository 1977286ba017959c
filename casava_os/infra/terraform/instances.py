"""Instances, one for each replica, with their disks; and the private zone in which services find each other."""

from __future__ import annotations

from casava_os.containers import labels
from casava_os.infra.drivers import Deployment
from casava_os.infra.graph import Node
from casava_os.infra.service import Service
from casava_os.infra.terraform import script
from casava_os.infra.terraform.emission import Block, Emission
from casava_os.infra.terraform.holdings import parameter
from casava_os.infra.terraform.marks import REPLICA, called, label
from casava_os.infra.terraform.refuse import networks_out, volumes_of
from casava_syscalls.results import Err

_DEVICES = "fghijklmnop"


def instance(name: str, replica: int) -> str:
    """The label of one replica."""
    return f"{label(name)}-{replica}"


def instances(e: Emission, name: str, service: Service) -> Err | None:
    """One for each replica; why it cannot be, or None."""
    spec, aws = e.wanted.spec, e.wanted.spec.x_casava.terraform
    networks = spec.networks_of(service)
    home = label((networks_out(spec, service) or networks)[0])
    groups = [f"${{aws_security_group.network-{label(one)}.id}}" for one in networks]
    ports = f"ports-{label(name)}"
    groups += [f"${{aws_security_group.{ports}.id}}"] if ports in e.made.get("aws_security_group", {}) else []
    first = [
        f"aws_instance.{instance(n, r)}"
        for n in service.depends_on
        for r in range(1, spec.services[n].replicas + 1)
    ]
    first += [f"aws_route_table_association.{home}"] if networks_out(spec, service) else []
    first += (
        [f"aws_iam_role_policy.{label(name)}"] if label(name) in e.made.get("aws_iam_role_policy", {}) else []
    )
    first += [f"aws_ssm_parameter.{label(one)}" for one in sorted({file.source for file in service.secrets})]
    disks = [_disk(e, volume) for volume in volumes_of(service)]
    for replica in range(1, service.replicas + 1):
        at = instance(name, replica)
        text = script.script(
            script.Start(
                service=service,
                name=service.container_name or at,
                replica=replica,
                labels={labels.OWNER: e.wanted.key.owner, labels.STACK: e.wanted.key.name},
                domain=domain(e.wanted) if peers(e.wanted) else "",
                region=e.region,
                endpoint=aws.endpoint or "",
                disks=disks,
                secrets={f.source: parameter(e.wanted.key, f.source) for f in service.secrets},
                configs={f.source: e.configs[Node("config", f.source)] for f in service.configs},
                pulls=not (aws.prepared and service.pull_policy != "always"),
            )
        )
        if len(text.encode()) > script.MOST_BYTES:
            return Err(
                code="limit",
                title=f"The service {name} says too much for an instance",
                message=f"services.{name}: its environment, command and configs make {len(text.encode())} bytes of user data, and AWS takes {script.MOST_BYTES}",
                hint="put large files into the image, or into a volume",
            )
        block: Block = {
            "ami": aws.ami
            if aws.ami.startswith("ami-")
            else "${data.aws_ssm_parameter.image.insecure_value}",
            "instance_type": aws.instance_types.get(name, aws.instance_type),
            "subnet_id": f"${{aws_subnet.{home}.id}}",
            "vpc_security_group_ids": groups,
            "metadata_options": [
                {"http_tokens": "required", "http_endpoint": "enabled", "http_put_response_hop_limit": 1}
            ],
            "root_block_device": [
                {"encrypted": True, "volume_type": "gp3", "volume_size": -(-aws.disk // 2**30)}
            ],
            "user_data": text,
            "user_data_replace_on_change": True,
        }
        if label(name) in e.made.get("aws_iam_instance_profile", {}):
            block["iam_instance_profile"] = f"${{aws_iam_instance_profile.{label(name)}.name}}"
        if not aws.ami.startswith("ami-"):
            block["lifecycle"] = {"ignore_changes": ["ami"]}
        if first:
            block["depends_on"] = first
        e.add("aws_instance", at, block, resource=name, more={REPLICA: str(replica)})
        e.add("aws_ec2_instance_state", at, {"instance_id": f"${{aws_instance.{at}.id}}", "state": "running"})
        for number, volume in enumerate(v for v in volumes_of(service) if aws.store(v).store == "ebs"):
            place: Block = {
                "device_name": f"/dev/sd{_DEVICES[number]}", "volume_id": f"${{aws_ebs_volume.{label(volume)}.id}}",
                "instance_id": f"${{aws_instance.{at}.id}}", "stop_instance_before_detaching": True,
            }  # fmt: skip
            e.add("aws_volume_attachment", label(volume), place)
    return None


def _disk(e: Emission, volume: str) -> script.Disk:
    if e.wanted.spec.x_casava.terraform.store(volume).store == "s3":
        return script.Disk(volume, called(e.wanted.key, volume), s3=True)
    return script.Disk(volume, f'${{replace(aws_ebs_volume.{label(volume)}.id, "-", "")}}')


# ------------------------------------------------------------------------------------------------ names


def domain(wanted: Deployment) -> str:
    """The private zone in which services find each other."""
    return f"{wanted.key.name}.{wanted.key.tag}.casava.internal"


def peers(wanted: Deployment) -> dict[str, tuple[str, ...]]:
    """Names that somebody may look for, each with the services that bear it: those of networks with more than one service."""
    spec = wanted.spec
    found: dict[str, dict[str, None]] = {}
    for network in spec.all_networks():
        members = [name for name, one in spec.services.items() if network in spec.networks_of(one)]
        for name in members if len(members) > 1 else ():
            place = spec.services[name].networks.get(network)
            for alias in (name, *(place.aliases if place is not None else ())):
                found.setdefault(alias.lower(), {})[name] = None
    return {alias: tuple(names) for alias, names in found.items()}


def names(e: Emission) -> None:
    """The zone, and a record for each name that somebody may look for."""
    found = {
        alias: [f"${{aws_instance.{instance(n, r)}.private_ip}}" for n in names for r in range(1, e.wanted.spec.services[n].replicas + 1)]
        for alias, names in peers(e.wanted).items()
    }  # fmt: skip
    if not found:
        return
    zone: Block = {
        "name": domain(e.wanted),
        "vpc": [{"vpc_id": "${aws_vpc.stack.id}"}],
        "force_destroy": True,
    }
    e.add(
        "aws_route53_zone", "stack", zone | {"comment": "Services of a stack of Casava OS"}, resource="stack"
    )
    for alias, addresses in found.items():
        if addresses:
            record: Block = {
                "zone_id": "${aws_route53_zone.stack.zone_id}", "name": alias, "type": "A", "ttl": 10, "records": addresses,
                "allow_overwrite": True,
            }  # fmt: skip
            e.add("aws_route53_record", label(alias), record)
