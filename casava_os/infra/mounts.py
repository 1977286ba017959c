"""What a service gets from outside: published ports, volumes and paths, secrets and configs as files."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from casava_os.infra.parts import Name, Part, Plain, Size
from casava_syscalls.scalars import Port

_PUBLISHED = re.compile(
    r"(?:(?P<address>\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):)?(?:(?P<published>\d+(?:-\d+)?)?:)?(?P<target>\d+)(?:/(?P<protocol>tcp|udp))?\Z"
)


def _address(value: str) -> str:
    return str(ip_address(value))


class PublishedPort(Part):
    """A port of a service that this machine listens on: on loopback unless `host_ip` says otherwise."""

    target: Port
    published: Annotated[str, StringConstraints(pattern=r"^\d+(-\d+)?$")] | None = None
    """A port, or a range of which each replica gets one in turn; None: any free one."""
    host_ip: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    protocol: Literal["tcp", "udp"] = "tcp"
    mode: Literal["host", "ingress"] = "ingress"
    name: str | None = None
    app_protocol: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a port is a number")  # noqa: TRY004 - pydantic collects ValueErrors
        if isinstance(value, int):
            return {"target": value}
        if isinstance(value, dict):
            published = value.get("published")
            return {**value, "published": str(published)} if isinstance(published, int) else value
        if not isinstance(value, str):
            return value
        match = _PUBLISHED.match(value)
        if match is None:
            raise ValueError(
                f"{value!r} is not a port: write 8080:80 (host:container), 8080-8082:80, 80 or 127.0.0.1:8080:80/udp"
            )
        found = {key: text for key, text in match.groupdict().items() if text}
        if address := found.pop("address", None):
            found["host_ip"] = address.strip("[]")
        return found

    @model_validator(mode="after")
    def _range(self) -> Self:
        ports = self.host_ports
        if ports and not 1 <= ports[0] <= ports[-1] <= 65535:
            raise ValueError(f"{self.published} is not a port or a range of ports between 1 and 65535")
        if len(ports) > 1000:
            raise ValueError(f"{self.published} is a range of more than 1000 ports")
        return self

    @property
    def host_ports(self) -> range:
        """The ports of this machine that replicas get in turn; empty for any free one."""
        low, _, high = (self.published or "").partition("-")
        return range(int(low), int(high or low) + 1) if low else range(0)


_MOUNT = re.compile(r"(?P<source>[^:]+):(?P<target>/[^:]*)(?::(?P<mode>[a-zA-Z,]+))?\Z")


class ServiceMount(Part):
    """A volume of the stack, a path of the workspace, or memory, at a path in the containers."""

    type: Literal["volume", "bind", "tmpfs"]
    source: str | None = None
    target: Annotated[Plain, StringConstraints(pattern=r"^/", max_length=4096)]
    read_only: bool = False
    size: Size | None = None
    """Of a tmpfs."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, dict):
            found = dict(value)
            for inner in ("tmpfs", "bind", "volume"):
                options = found.pop(inner, None)
                if options in (None, {}):
                    continue
                if inner == "tmpfs" and isinstance(options, dict) and set(options) == {"size"}:
                    found["size"] = options["size"]
                else:
                    raise ValueError(f"`{inner}` has options that are not supported: {options}")
            return found
        if not isinstance(value, str):
            return value
        match = _MOUNT.match(value)
        if match is None:
            raise ValueError(
                f"{value!r} is not a mount: write volume:/path, ./folder:/path or either with :ro at the end; "
                "an anonymous volume would be lost, so give it a name"
            )
        modes = set((match["mode"] or "rw").split(","))
        if modes - {"ro", "rw"}:
            raise ValueError(f"the mode {match['mode']!r} is not supported: write ro or rw")
        source = match["source"]
        bind = source.startswith((".", "/", "~"))
        return {
            "type": "bind" if bind else "volume", "source": source, "target": match["target"], "read_only": "ro" in modes,
        }  # fmt: skip

    @model_validator(mode="after")
    def _sources(self) -> Self:
        if (self.type == "tmpfs") == (self.source is not None):
            raise ValueError("a tmpfs has no source" if self.source else f"a {self.type} needs a source")
        if self.size is not None and self.type != "tmpfs":
            raise ValueError("only a tmpfs has a size")
        return self


class FileMount(Part):
    """A secret or config of the stack, as a file in the containers."""

    source: Name
    target: str | None = None
    """None: `/run/secrets/NAME`, and `/NAME` for a config."""
    mode: int | None = None
    """Permissions in the containers; None: 0444, for servers rarely stay root. On this machine its folder is closed to others."""
    uid: str | None = None
    gid: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, str):
            return {"source": value}
        if isinstance(value, dict) and isinstance(value.get("mode"), str):
            text = str(value["mode"])
            if not re.fullmatch(r"0?o?[0-7]{3}", text):
                raise ValueError(f"{text!r} is not a file mode: write 0440")
            return {**value, "mode": int(text.replace("o", ""), 8)}
        return value

    @model_validator(mode="after")
    def _who(self) -> Self:
        if self.uid is not None or self.gid is not None:
            raise ValueError("`uid` and `gid` are not supported: let others read it with `mode`")
        if self.mode is not None and not 0o400 <= self.mode <= 0o777:
            raise ValueError("`mode` is three octal digits, and the owner must be able to read: 0440")
        return self
