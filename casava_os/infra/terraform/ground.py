"""VPC, subnets, security groups: who is in a network, who may come in from outside, and the way out where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from casava_os.infra.mounts import PublishedPort
from casava_os.infra.service import Service
from casava_os.infra.terraform.emission import Block, Emission, plain_tags
from casava_os.infra.terraform.marks import called, label

EVERYBODY = ("0.0.0.0/0", "::/0")


def ground(e: Emission) -> None:
    """VPC, subnets, groups, and the way out where there is one."""
    aws, spec = e.wanted.spec.x_casava.terraform, e.wanted.spec
    e.add(
        "aws_vpc",
        "stack",
        {"cidr_block": aws.cidr, "enable_dns_support": True, "enable_dns_hostnames": True},
        resource="stack",
    )
    vpc = "${aws_vpc.stack.id}"
    networks = spec.all_networks()
    if any(not one.internal for one in networks.values()):
        e.add("aws_internet_gateway", "stack", {"vpc_id": vpc}, resource="stack")
        way: Block = {"cidr_block": "0.0.0.0/0", "gateway_id": "${aws_internet_gateway.stack.id}"}
        e.add("aws_route_table", "out", {"vpc_id": vpc, "route": [_whole(way, _ROUTE)]}, resource="stack")
    places = _places(e, networks)
    for name, network in networks.items():
        at = label(name)
        block: Block = {
            "vpc_id": vpc, "cidr_block": places[name], "availability_zone": f"{e.region}{aws.zone}",
            "map_public_ip_on_launch": not network.internal,
        }  # fmt: skip
        e.add("aws_subnet", at, block, resource=name, more=plain_tags(network.labels))
        if not network.internal:
            out: Block = {
                "subnet_id": f"${{aws_subnet.{at}.id}}",
                "route_table_id": "${aws_route_table.out.id}",
            }
            e.add("aws_route_table_association", at, out)
        rules: Block = {
            "name": called(e.wanted.key, f"network-{name}", 200), "vpc_id": vpc,
            "description": "Who is in a network of a stack of Casava OS",
            "ingress": [_rule(own=True)],
            "egress": [_rule(own=True)] if network.internal else [_rule(own=True), _rule(who=EVERYBODY)],
        }  # fmt: skip
        e.add("aws_security_group", f"network-{at}", rules, resource=name)
    for name, service in spec.services.items():
        opened = [rule for port in service.ports for rule in _opened(port, service, aws.ingress)]
        if opened:
            rules = {
                "name": called(e.wanted.key, f"ports-{name}", 200), "vpc_id": vpc,
                "description": "Who may reach the published ports of a service of a stack of Casava OS",
                "ingress": opened, "egress": [],
            }  # fmt: skip
            e.add("aws_security_group", f"ports-{label(name)}", rules, resource=name)


def _places(e: Emission, networks: Mapping[str, object]) -> dict[str, str]:
    """A /24 for each network: one that is there keeps its own, whatever comes before it in the file by now."""
    free = [str(one) for one in ip_network(e.wanted.spec.x_casava.terraform.cidr).subnets(new_prefix=24)]
    found = {name: e.known.text(f"aws_subnet.{label(name)}", "cidr_block") for name in networks}
    found = {name: place for name, place in found.items() if place in free}
    left = iter([one for one in free if one not in found.values()])
    return {name: found.get(name) or next(left) for name in networks}


_ROUTE = (
    "cidr_block", "gateway_id", "carrier_gateway_id", "core_network_arn", "destination_prefix_list_id", "egress_only_gateway_id",
    "ipv6_cidr_block", "local_gateway_id", "nat_gateway_id", "network_interface_id", "transit_gateway_id", "vpc_endpoint_id",
    "vpc_peering_connection_id",
)  # fmt: skip
"""In JSON a route has all of its attributes."""


def _whole(block: Block, keys: tuple[str, ...]) -> Block:
    return {key: block.get(key) for key in keys}


def _rule(
    *, own: bool = False, who: tuple[str, ...] = (), ports: tuple[int, int] = (0, 0), protocol: str = "-1"
) -> Block:
    return {
        "description": "", "from_port": ports[0], "to_port": ports[1], "protocol": protocol, "self": own,
        "cidr_blocks": [one for one in who if ":" not in one], "ipv6_cidr_blocks": [one for one in who if ":" in one],
        "prefix_list_ids": [], "security_groups": [],
    }  # fmt: skip


def _opened(port: PublishedPort, service: Service, ingress: tuple[str, ...]) -> Iterator[Block]:
    """Who may come from outside: those of `ingress`, and everybody where the port names an address of everybody."""
    who = EVERYBODY if port.host_ip in ("0.0.0.0", "::") else ingress  # noqa: S104 - what the spec says
    if not who or not service.replicas:
        return
    ports = port.host_ports[: service.replicas] or range(port.target, port.target + 1)
    yield _rule(who=who, ports=(ports[0], ports[-1]), protocol=port.protocol)


def reachable(port: PublishedPort, ingress: tuple[str, ...]) -> bool:
    """Whether somebody outside may reach it."""
    return bool(ingress) or port.host_ip in ("0.0.0.0", "::")  # noqa: S104 - what the spec says
