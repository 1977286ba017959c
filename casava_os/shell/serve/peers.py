"""Whose connection is this? On loopback the kernel knows the owner of both ends: another person here is not let in."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

TABLE = Path("/proc/net/tcp")


def owner_of(peer: tuple[str, int], here: tuple[str, int], table: Path = TABLE) -> int | None:
    """The user id of the other end of a connection over IPv4 loopback; None where the kernel does not tell."""
    wanted = [_written(*peer), _written(*here)]
    try:
        rows = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    for row in rows:
        fields = row.split()
        if fields[1:3] == wanted and len(fields) > 7:
            return int(fields[7])
    return None


def _written(host: str, port: int) -> str:
    """An address and port as the kernel's table writes them."""
    return f"{int.from_bytes(ipaddress.IPv4Address(host).packed, 'little'):08X}:{port:04X}"


def is_ours(peer: object, here: object) -> bool:
    """Whether a connection comes from the person who serves (or from root). Where it cannot be known, the token decides."""
    match peer, here:
        case (str(host), int(port)), (str(own_host), int(own_port)):
            owner = owner_of((host, port), (own_host, own_port))
            return owner is None or owner in {os.getuid(), 0}
        case _:
            return False
