"""Who may talk to whom: the networks of a Compose file as NetworkPolicies, and the names by which services find each other.

In Compose, services of one network reach each other at any port, and nobody else reaches them but through a published port.
So: nothing may come in, but from pods of the same network; what is published beyond this machine may be reached from
anywhere; pods that are in internal networks alone may go nowhere but there, and ask the cluster's name server. A cluster
whose network plug-in knows no policies keeps none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from casava_os.infra.drivers import Deployment
from casava_os.infra.kubernetes.marks import NETWORK, Json, dns_name, label_value, of_resource, stack_labels
from casava_os.infra.mounts import PublishedPort
from casava_os.infra.service import Service

_DNS: Json = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


def is_open(port: PublishedPort) -> bool:
    """Whether other machines are to reach it."""
    return not ip_address(port.host_ip).is_loopback


def policies(wanted: Deployment) -> Iterator[tuple[str, str, Json]]:
    """(name, resource, spec) of every NetworkPolicy."""
    key, spec = wanted.key, wanted.spec
    yield (
        dns_name(key.name, "default-deny"),
        "default-deny",
        {
            "podSelector": {"matchLabels": stack_labels(key)},
            "policyTypes": ["Ingress"],
        },
    )
    used = dict.fromkeys(name for service in spec.services.values() for name in spec.networks_of(service))
    for network in used:
        members = _members(wanted, network)
        yield (
            dns_name(key.name, network, "network"),
            network,
            {
                "podSelector": members,
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": members}]}],
            },
        )
    for name, service in spec.services.items():
        pods = {"matchLabels": of_resource(key, name)}
        if ports := [port for port in service.ports if is_open(port)]:
            unique = dict.fromkeys((port.target, port.protocol.upper()) for port in ports)
            yield (
                dns_name(key.name, name, "published"),
                name,
                {
                    "podSelector": pods,
                    "policyTypes": ["Ingress"],
                    "ingress": [
                        {"ports": [{"port": target, "protocol": protocol} for target, protocol in unique]}
                    ],
                },
            )
        networks = spec.networks_of(service)
        if all(spec.all_networks()[network].internal for network in networks):
            inside = [{"podSelector": _members(wanted, network)} for network in networks]
            yield (
                dns_name(key.name, name, "inside"),
                name,
                {
                    "podSelector": pods,
                    "policyTypes": ["Egress"],
                    **({"egress": [{"to": inside}, _DNS]} if inside else {}),
                },
            )


def who_may(spec: Json, resource: str) -> str:
    """What a policy allows, for whoever approves it."""
    if spec["policyTypes"] == ["Egress"]:
        return f"{resource} goes nowhere{' but to its internal networks' if 'egress' in spec else ''}"
    rules = spec.get("ingress")
    if not rules:
        return "nothing comes in that no other policy allows"
    if "ports" in rules[0]:
        return f"{resource} is reached from anywhere at {', '.join(str(one['port']) for one in rules[0]['ports'])}"
    return f"who is in the network {resource} may reach each other"


def _members(wanted: Deployment, network: str) -> Json:
    return {"matchLabels": {**stack_labels(wanted.key), f"{NETWORK}/{label_value(network)}": "joined"}}


# ------------------------------------------------------------------------------------------------ names


def services(wanted: Deployment) -> Iterator[tuple[str, str, Json]]:
    """(name, resource, spec) of every Service: the names of the spec inside, and what is published."""
    owners: dict[str, list[str]] = {}
    for name, service in wanted.spec.services.items():
        if wanted.spec.networks_of(service):
            for called in (name, *_aliases(service)):
                owners.setdefault(called, []).append(name)
    for called, names in owners.items():
        name = names[0] if called not in wanted.spec.services else called
        # Without an address of its own it is the addresses of the pods, at any port, healthy or not: as in Compose.
        yield (
            called,
            name,
            {
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": of_resource(wanted.key, name),
            },
        )
    for name, service in wanted.spec.services.items():
        for suffix, kind in (("local", "ClusterIP"), ("public", "LoadBalancer")):
            ports = [port for port in service.ports if is_open(port) == (suffix == "public")]
            if ports:
                yield (
                    f"{name}-{suffix}",
                    name,
                    {
                        "type": kind,
                        "selector": of_resource(wanted.key, name),
                        "ports": [_port(port) for port in ports],
                    },
                )


def _aliases(service: Service) -> tuple[str, ...]:
    found = (alias for place in service.networks.values() if place is not None for alias in place.aliases)
    return tuple(dict.fromkeys(found))


def _port(port: PublishedPort) -> Json:
    outside = port.host_ports[0] if port.host_ports else port.target
    return {
        "name": f"{port.protocol}-{outside}",
        "port": outside,
        "targetPort": port.target,
        "protocol": port.protocol.upper(),
    }
