"""What Terraform and AWS complain of, in words for a person: without credentials, with what to do next."""

from __future__ import annotations

import re

from casava_os.infra.terraform.program import Ran
from casava_syscalls.results import Err

_CREDENTIALS = re.compile(
    r"(?i)no valid credential|InvalidClientTokenId|AuthFailure|ExpiredToken|SignatureDoesNotMatch|UnrecognizedClient|InvalidAccessKeyId"
    r"|security token included|validating provider credentials|failed to refresh cached credentials|sso session|config profile"
)
_FORBIDDEN = re.compile(r"(?i)UnauthorizedOperation|AccessDenied|not authorized to perform")
_SILENT = re.compile(
    r"(?i)connection refused|no such host|i/o timeout|network is unreachable|no route to host|TLS handshake"
)
_QUOTA = re.compile(r"(?i)LimitExceeded|InsufficientInstanceCapacity|QuotaExceeded|VcpuLimit")
_THERE = re.compile(r"(?i)already ?exists|\.duplicate\b")
_LONGEST = 600


def failed(ran: Ran, title: str) -> Err:
    """Why a run has failed: its first two errors."""
    found = ran.errors()
    sentences = [f"{address}: {said}" if address.startswith("aws_") else said for address, said in found] or [
        _last(ran.text)
    ]
    whole = " | ".join(said for _, said in found) or ran.text
    message = "; ".join(_short(sentence) for sentence in dict.fromkeys(sentences[:2]))
    if _SILENT.search(whole):
        hint = "check the network, the region, and x-casava.terraform.endpoint"
        return Err(code="unavailable", title="AWS does not answer", message=message, hint=hint)
    if _CREDENTIALS.search(whole):
        return Err(
            code="denied",
            title="AWS does not take the credentials, or there are none",
            message=message,
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws sso login",
        )
    if _FORBIDDEN.search(whole):
        hint = "the account or role needs more rights"
        return Err(code="denied", title="AWS does not allow it", message=message, hint=hint)
    if _QUOTA.search(whole):
        hint = "another instance_type, zone or region; or a higher quota"
        return Err(code="limit", title="AWS has no room for it", message=message, hint=hint)
    return Err(code="failed", title=title, message=message)


def there_already(why: Err) -> bool:
    """Whether AWS refused to make what is there."""
    return why.code == "failed" and _THERE.search(why.message) is not None


def not_initialised(ran: Ran) -> Err:
    """Why the provider could not be had."""
    text = _last(ran.text)
    return Err(
        code="unavailable",
        title="Terraform cannot get its AWS provider",
        message=_short(text),
        hint="with a network it comes from the registry; without one, name a mirror in Terraform's CLI configuration "
        "(provider_installation { filesystem_mirror { path = … } }, TF_CLI_CONFIG_FILE), or a cache that holds it (TF_PLUGIN_CACHE_DIR)",
    )


def _last(text: str) -> str:
    """The first error of what is meant for a terminal, as a line."""
    plain = " ".join(line.strip(" │╷╵") for line in text.splitlines())
    _, found, rest = plain.partition("Error: ")
    return " ".join((rest.partition("Error: ")[0] if found else plain).split())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
