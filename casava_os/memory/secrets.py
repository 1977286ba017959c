"""Secrets do not go into memory: what looks like a key, a token or a password is replaced before anything is kept.

Three signs are enough: the shape of a known kind of key, a name that says what follows it ("password=", "Authorization:"),
or an address with a password in it. Rather too much is taken out than too little: a word less in memory costs a little
recall, a password more costs trust. Sources: the published token formats of the services, and the patterns that secret
scanners (gitleaks, detect-secrets) agree on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

REDACTED = "[redacted]"

_SHAPES = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?",  # JSON web token
    r"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{20,}\b",
    r"\bgithub_pat_\w{20,}\b",
    r"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft)-[\w-]{16,}",
    r"\bxox[abeoprs]-[\w-]{10,}",
    r"\bxapp-[\w-]{10,}",
    r"\bsk-(?:proj-|ant-|svcacct-|or-)?[\w-]{16,}",
    r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bpk_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bwhsec_\w{16,}",
    r"\bAIza[\w-]{30,}",
    r"\bya29\.[\w-]{20,}",
    r"\b(?:hf|npm|dop_v1|doo_v1|dckr_pat|pul|shpat|shpss|lin_api|sntrys|rubygems|nvapi|tskey|glsa|figd|ntn|secret)[_-][\w-]{16,}",
    r"\bpypi-[\w-]{16,}",
    r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    r"\bAC[a-f0-9]{32}\b",
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{20,}",
    r"\bhvs\.[\w-]{20,}",
    r"\b\d{8,10}:AA[\w-]{30,}",  # a chat bot's token
    r"https://hooks\.slack\.com/services/\S+",
    r"https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/\S+",
    r"\b(?:sig|X-Amz-Signature|X-Amz-Credential|X-Goog-Signature)=[\w%+/=-]{12,}",
)
_NAMES = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|api[ _-]?key|access[ _-]?key|secret[ _-]?key|private[ _-]?key|"
    r"auth(?:orization|[ _-]?token|[ _-]?key)?|bearer|credentials?|client[ _-]?secret|signing[ _-]?key|encryption[ _-]?key|"
    r"session[ _-]?(?:key|id|token)|cookie|connection[ _-]?string|pin|otp|totp|kennwort|passwort|geheimnis|contraseña|"
    r"mot de passe|senha|пароль|密码|パスワード"
)
_VALUE = r"""(?!\[redacted\])(?:"[^"\n]+"|'[^'\n]+'|`[^`\n]+`|[^\s"'`,;}]+)"""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    *((re.compile(shape, re.DOTALL), REDACTED) for shape in _SHAPES),
    # scheme://user:password@host
    (re.compile(r"(\b[a-zA-Z][\w+.-]*://[^\s/:@]*:)[^\s@]+(?=@)"), rf"\1{REDACTED}"),
    # Authorization: Bearer …, -H 'X-Api-Key: …'
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|x-[\w-]*(?:key|token|secret|auth)[\w-]*|cookie|set-cookie)(\s*[:=]\s*)[^\n\"']+"
        ),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+(?=[\w.~+/=-]*[\d+/=])[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    # DB_PASSWORD=…, "apiKey": "…", --token …, password is …
    (
        re.compile(rf"""(?i)((?<![\w.-])[\w.-]*?(?:{_NAMES})[\w.-]*["']?\s*(?::=|=>|[=:])\s*){_VALUE}"""),
        rf"\1{REDACTED}",
    ),
    (re.compile(rf"(?i)((?<!\w)--?(?:[\w-]+-)?(?:{_NAMES})(?:\s+|=)){_VALUE}"), rf"\1{REDACTED}"),
    (
        re.compile(
            rf"(?i)(\b(?:{_NAMES})\b(?:\s+(?:for|of|to)(?:\s+\S+){{1,4}}?)?(?:\s+(?:is|was|will be|should be|to be|ist|es|est)|\s*→)\s+){_VALUE}"
        ),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            rf"(?i)(\b(?:with|using|use|set|the|my|mit) (?:the )?(?:password|passwd|passphrase|token|api key|secret|pin|passwort) (?!(?:file|for|of|to|in|from|is|was|and|or|that|which|on|at|with|protected|manager|reset|field|column|hash|policy|length|prompt|store|input|box|page|entry|entries)\b)){_VALUE}"
        ),
        rf"\1{REDACTED}",
    ),
    # mysql -pSecret, curl -u user:secret, sshpass -p secret
    (re.compile(r"(?i)(\b(?:mysql\w*|mariadb\w*|sshpass)\b[^\n|;]*?\s-p\s?)(?!\s)\S+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)((?:^|\s)(?:-u|--user|--proxy-user)[ =][\"']?[^\s:\"']+:)[^\s\"']+"), rf"\1{REDACTED}"),
    # an odd long word of letters and digits together: a key of no known kind
    (
        re.compile(
            r"(?<![\w/.+=-])(?=[A-Za-z0-9+/_=-]*[0-9])(?=[A-Za-z0-9+/_=-]*[a-z])(?=[A-Za-z0-9+/_=-]*[A-Z])"
            r"[A-Za-z0-9+/_=-]{32,}(?![\w/])"
        ),
        REDACTED,
    ),
)


def redact(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def redacted(value: JsonValue) -> JsonValue:
    """JSON without what looks like a secret, in every string; under a key that names one, whatever stands there."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redacted(item) for item in value]
    if isinstance(value, dict):
        return {key: _under(key, item) for key, item in value.items()}
    return value


def of_mapping(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The same for a mapping."""
    return {key: _under(key, item) for key, item in values.items()}


_TELLING = re.compile(rf"(?i)(?:^|[_.-])(?:{_NAMES})$")


def _under(key: str, item: JsonValue) -> JsonValue:
    return REDACTED if isinstance(item, str) and item and _TELLING.search(key) else redacted(item)
