"""What a spec says about AWS under `x-casava.terraform`: everything that Compose has no word for, with its defaults."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from casava_os.infra.parts import Name, Part, Size

GIB = 2**30
LATEST_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"""Amazon Linux 2023, as AWS itself names it in every region."""


def _cidr(value: str) -> str:
    return str(ip_network(value))


def _private(value: str) -> str:
    network = ip_network(value)
    if not isinstance(network, IPv4Network) or not 16 <= network.prefixlen <= 20 or not network.is_private:
        raise ValueError(f"{value!r} is not a private IPv4 network between /16 and /20, such as 10.42.0.0/16")
    return str(network)


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise ValueError(f"{value!r} is not the address of an endpoint, such as http://127.0.0.1:5000")
    return value.rstrip("/")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]


class Store(Part):
    """Where a volume of the stack lives on AWS."""

    store: Literal["ebs", "s3"] = "ebs"
    """`ebs`: a disk of one instance; `s3`: a bucket, mounted by Mountpoint for S3, which cannot rename or append."""
    size: Annotated[Size, Field(ge=GIB, le=16_384 * GIB)] = 8 * GIB
    """Of a disk; rounded up to GiB."""
    type: Literal["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] = "gp3"


class Aws(Part):
    """`x-casava.terraform`. No credentials: they come from where AWS's own tools take them."""

    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = None
    """None: AWS_REGION or AWS_DEFAULT_REGION says it."""
    zone: Annotated[str, StringConstraints(pattern=r"^[a-z]$")] = "a"
    """The letter of the availability zone in which the whole stack lies: a disk cannot leave its own."""
    endpoint: Annotated[str, AfterValidator(_address)] | None = None
    """In place of AWS's own, for all services: LocalStack, moto, a private cloud."""
    ami: Annotated[str, StringConstraints(pattern=r"^(ami-[0-9a-f]{8,17}|/[a-zA-Z0-9_./-]+)$")] = LATEST_IMAGE
    """An image's ID, or the SSM parameter that holds one. Such an image may move on: running instances stay as they are."""
    prepared: bool = False
    """The machine image holds Docker and the containers' images already, so nothing is pulled from outside."""
    disk: Annotated[Size, Field(ge=8 * GIB, le=16_384 * GIB)] = 16 * GIB
    """Of each instance, for its system and the container's image; it goes with the instance."""
    instance_type: InstanceType = "t3.micro"
    instance_types: dict[Name, InstanceType] = Field(default_factory=dict)
    """By service, where it is another one."""
    cidr: Annotated[str, AfterValidator(_private)] = "10.42.0.0/16"
    ingress: Annotated[tuple[Annotated[str, AfterValidator(_cidr)], ...], BeforeValidator(_listed)] = ()
    """Who may reach published ports from outside of the stack; nobody, unless a port names 0.0.0.0."""
    volumes: dict[Name, Store] = Field(default_factory=dict)
    """By the name under `volumes`; a disk of 8 GiB where nothing is said."""

    def store(self, volume: str) -> Store:
        """Where this volume lives."""
        return self.volumes.get(volume, Store())
