"""Who may read the metrics over HTTP: programs on this machine under its own address, or who knows a token.

Metrics name containers and stacks, and say how much is done when. They are on loopback, where any program of this machine may
read them: Prometheus runs as a user of its own. On another address everybody who comes must show a token, without exception. A
page in a browser never may: it is told by its `Origin`, or by a `Host` that was made to point here (DNS rebinding).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casava_syscalls.results import Err, Ok, Result

SHORTEST_TOKEN = 24
LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request gets nothing."""

    status: int
    sentence: str


class Guard:
    """The questions asked of every request."""

    def __init__(self, host: str, port: int, token: str | None) -> None:
        self._token = None if token is None else _digest(token)
        shown = f"[{host}]" if ":" in host else host
        names = {"127.0.0.1", "localhost", "[::1]", shown}
        self._hosts = {f"{name}:{port}" for name in names} | (names if port == 80 else set())

    def refusal(
        self, hosts: Sequence[str], origins: Sequence[str], site: str, authorizations: Sequence[str]
    ) -> Refusal | None:
        """Why not, from the headers `Host`, `Origin`, `Sec-Fetch-Site` and `Authorization`; None: it may."""
        if origins or site not in ("", "none", "same-origin"):
            return Refusal(403, "pages in a browser get no metrics")
        if self._token is not None:
            scheme, _, given = (authorizations[0] if len(authorizations) == 1 else "").partition(" ")
            known = scheme.lower() == "bearer" and hmac.compare_digest(_digest(given.strip()), self._token)
            return None if known else Refusal(401, "these metrics ask for a token: Authorization: Bearer …")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return Refusal(403, "this is not the address of the metrics")
        return None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def address(host: str, *, token: bool) -> Result[str]:
    """The address to listen on. `Err("denied")` for one that others can reach without a token; `usage` for what is none."""
    if host == "localhost":
        return Ok(value="127.0.0.1")
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        hint = "give an address of this machine, such as 127.0.0.1"
        return Err(
            code="usage", title=f"{host!r} is no address", message="a name may mean several", hint=hint
        )
    if not found.is_loopback and not token:
        return Err(
            code="denied",
            title=f"{host} can be reached by others",
            message="metrics name your containers and stacks, and say when you work",
            hint="keep to 127.0.0.1 (a tunnel reaches it), or ask for a token: --token-file FILE",
        )
    return Ok(value=str(found))


def token_in(path: Path) -> Result[str]:
    """The token that a file holds; a file that is not there is made, with a new one, readable for this person alone.

    `Err`: `permission` for a file that others may read, `usage` for what is no token.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _made(path)
    except OSError as problem:
        return _unusable(path, problem)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return Err(code="usage", title=f"{path} is no file", message="the token stands in a file")
        if about.st_uid not in (os.getuid(), 0) or about.st_mode & 0o077:
            hint = f"chmod 600 {path}"
            message = "its owner or its mode lets them"
            return Err(code="permission", title=f"Others can read {path}", message=message, hint=hint)
        data = os.read(descriptor, LONGEST_TOKEN + 1)
    except OSError as problem:
        return _unusable(path, problem)
    finally:
        os.close(descriptor)
    return _checked(path, data)


def _checked(path: Path, data: bytes) -> Result[str]:
    hint = "remove it, and it is made with a new one"
    try:
        token = data.decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if not token.isprintable() or " " in token or not SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN:
        message = f"it has one line of {SHORTEST_TOKEN} characters or more, none of them a space"
        return Err(code="usage", title=f"{path} holds no token", message=message, hint=hint)
    return Ok(value=token)


def _made(path: Path) -> Result[str]:
    token = secrets.token_urlsafe(32)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
            file.write(f"{token}\n")
    except OSError as problem:
        return _unusable(path, problem)
    return Ok(value=token)


def _unusable(path: Path, problem: OSError) -> Err:
    message = problem.strerror or str(problem)
    return Err(code="permission", title=f"The token in {path} cannot be read or made", message=message)
