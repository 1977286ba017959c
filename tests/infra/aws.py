"""AWS for tests: a moto server on a free port, the machine's own Terraform, and a schema where there is none.

The schema is an excerpt, written by hand from the provider's documentation: which attributes each type of resource that we
emit has, of which type, and which of them must be there. It is what stands in for the provider on a machine without it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VARIABLE = "CASAVA_TEST_TERRAFORM_MIRROR"
"""A directory that is laid out as a filesystem mirror of providers."""
_USUAL = (
    "~/.terraform.d/plugins",
    "/usr/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/opt/*",
    "/usr/local/lib/*",
)


def mirror() -> Path | None:
    """A filesystem mirror that holds the AWS provider: the one that the variable names, or one in the usual places."""
    named = os.environ.get(VARIABLE)
    places = [Path(named)] if named else []
    for pattern in _USUAL:
        path = Path(pattern).expanduser()
        places += sorted(path.parent.glob(path.name))[:50]
    for place in places:
        with suppress(OSError):
            if any(place.glob("*/hashicorp/aws/*")):
                return place
    return None


def cli_config(folder: Path, mirror: Path) -> Path:
    """Terraform's own configuration, with this mirror and nothing else."""
    path = folder / "terraform.rc"
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    return path


def has_terraform() -> bool:
    return any(shutil.which(name) for name in ("tofu", "terraform"))


@contextmanager
def moto() -> Iterator[str]:
    """The address of an AWS that nobody pays for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-c",
        "from moto.server import main; main()",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{address}/moto-api/data.json", timeout=10):
                break
            assert server.poll() is None
            time.sleep(0.1)
        yield address
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


@contextmanager
def forgetful(endpoint: str, action: str) -> Iterator[str]:
    """The address of an AWS that does `action` when it is first asked to, and answers that something went wrong."""
    lost: list[str] = []

    class Between(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._pass_on()

        def do_GET(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            request = urllib.request.Request(endpoint + self.path, asked or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    code, head, body = answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as problem:
                code, head, body = problem.code, problem.headers, problem.read()
            if f"Action={action}&".encode() in asked and not lost:
                assert code == 200, body
                lost.append(action)
                code, body = (
                    500,
                    b"<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>",
                )
            self.send_response(code)
            self.send_header("Content-Type", head.get("Content-Type") or "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Between)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
    assert lost == [action]


# ------------------------------------------------------------------------------------------------ the excerpt

_RULE = {
    "description": "text", "from_port": "number", "to_port": "number", "protocol": "text", "self": "flag", "cidr_blocks": "texts",
    "ipv6_cidr_blocks": "texts", "prefix_list_ids": "texts", "security_groups": "texts",
}  # fmt: skip
_ROUTE = (
    "cidr_block gateway_id carrier_gateway_id core_network_arn destination_prefix_list_id egress_only_gateway_id ipv6_cidr_block "
    "local_gateway_id nat_gateway_id network_interface_id transit_gateway_id vpc_endpoint_id vpc_peering_connection_id"
)
_TYPES: dict[str, object] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
    "text?": {"type": ["string", "null"]},
}
RESOURCES: dict[str, dict[str, object]] = {
    "aws_vpc": {"cidr_block!": "text", "enable_dns_support": "flag", "enable_dns_hostnames": "flag", "tags": "map"},
    "aws_internet_gateway": {"vpc_id": "text", "tags": "map"},
    "aws_route_table": {"vpc_id!": "text", "route": [dict.fromkeys(_ROUTE.split(), "text?")], "tags": "map"},
    "aws_subnet": {
        "vpc_id!": "text", "cidr_block": "text", "availability_zone": "text", "map_public_ip_on_launch": "flag", "tags": "map",
    },
    "aws_route_table_association": {"subnet_id!": "text", "route_table_id!": "text"},
    "aws_security_group": {
        "name": "text", "description": "text", "vpc_id": "text", "ingress": [_RULE], "egress": [_RULE], "tags": "map",
    },
    "aws_ssm_parameter": {"name!": "text", "type!": "text", "value_wo": "text", "value_wo_version": "number", "tags": "map"},
    "aws_ebs_volume": {
        "availability_zone!": "text", "size": "number", "type": "text", "encrypted": "flag", "iops": "number", "tags": "map",
    },
    "aws_volume_attachment": {
        "device_name!": "text", "volume_id!": "text", "instance_id!": "text", "stop_instance_before_detaching": "flag",
    },
    "aws_s3_bucket": {"bucket": "text", "force_destroy": "flag", "tags": "map"},
    "aws_s3_bucket_public_access_block": {
        "bucket!": "text", "block_public_acls": "flag", "block_public_policy": "flag", "ignore_public_acls": "flag",
        "restrict_public_buckets": "flag",
    },
    "aws_iam_role": {"name": "text", "assume_role_policy!": "text", "force_detach_policies": "flag", "tags": "map"},
    "aws_iam_role_policy": {"name": "text", "role!": "text", "policy!": "text"},
    "aws_iam_instance_profile": {"name": "text", "role": "text", "tags": "map"},
    "aws_instance": {
        "ami": "text", "instance_type": "text", "subnet_id": "text", "vpc_security_group_ids": "texts", "user_data": "text",
        "user_data_replace_on_change": "flag", "iam_instance_profile": "text", "tags": "map",
        "metadata_options": [{"http_tokens": "text", "http_endpoint": "text", "http_put_response_hop_limit": "number"}],
        "root_block_device": [{"encrypted": "flag", "volume_type": "text", "volume_size": "number"}],
    },
    "aws_ec2_instance_state": {"instance_id!": "text", "state!": "text"},
    "aws_route53_zone": {
        "name!": "text", "comment": "text", "force_destroy": "flag", "vpc": [{"vpc_id!": "text", "vpc_region": "text"}], "tags": "map",
    },
    "aws_route53_record": {
        "zone_id!": "text", "name!": "text", "type!": "text", "ttl": "number", "records": "texts", "allow_overwrite": "flag",
    },
}  # fmt: skip
"""Attributes by type of resource; `!` marks those that must be there."""


def schema() -> dict[str, object]:
    """JSON Schema of Terraform's JSON syntax, as far as we write it."""
    meta = {
        "depends_on": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^aws_[a-z0-9_]+\.[A-Za-z_][A-Za-z0-9_-]*$"},
        },
        "lifecycle": _object({"ignore_changes": {"type": "array", "items": {"type": "string"}}}),
    }
    resources = {kind: _labelled(_block(attributes, meta)) for kind, attributes in RESOURCES.items()}
    services = {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}
    provider = _object(
        {
            "region": {"type": "string"},
            "endpoints": {"type": "array", "items": services},
            "s3_use_path_style": {"const": True},
        }
    )
    required = {
        "type": "object",
        "properties": {"aws": _object({"source": {"const": "hashicorp/aws"}, "version": {"type": "string"}})},
    }
    variable = _object(
        {"type": {"const": "string"}, "ephemeral": {"const": True}, "sensitive": {"const": True}}
    )
    data = _object({"aws_ssm_parameter": _labelled(_object({"name": {"type": "string"}}))})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _object({
        "terraform": _object({"required_providers": required}),
        "provider": _object({"aws": provider}),
        "variable": _labelled(variable),
        "data": data,
        "resource": _object(resources),
    })  # fmt: skip


def _object(properties: Mapping[str, object], required: list[str] | None = None) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
    }


def _labelled(inner: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "patternProperties": {r"^[A-Za-z_][A-Za-z0-9_-]*$": inner},
        "additionalProperties": False,
    }


def _block(attributes: dict[str, object], meta: dict[str, object] | None = None) -> dict[str, object]:
    properties: dict[str, object] = dict(meta or {})
    for name, kind in attributes.items():
        if isinstance(kind, list):
            properties[name.rstrip("!")] = {"type": "array", "items": _block(kind[0])}
        else:
            properties[name.rstrip("!")] = _TYPES[str(kind)]
    return _object(properties, [name.rstrip("!") for name in attributes if name.endswith("!")])
