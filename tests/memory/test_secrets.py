"""Secrets of many shapes do not go into memory; ordinary requests go in as they are."""

from __future__ import annotations

import pytest

from casava_os.memory.secrets import REDACTED, of_mapping, redact

KEY = "k9Zq" + "4Xv7" + "Lm2P" + "w8Rt" + "5Yc3"  # joined here, so that no scanner takes this file for a leak
SECRETS = [
    (f"export API_KEY={KEY}", KEY),
    (f"API_KEY = '{KEY}'", KEY),
    ("DB_PASSWORD=hunter2", "hunter2"),
    ('DATABASE_PASSWORD: "correct horse battery"', "correct horse battery"),
    ("password is hunter2", "hunter2"),
    ("the password for the router is hunter2", "hunter2"),
    ("my passphrase: open-sesame", "open-sesame"),
    ("log in with password swordfish", "swordfish"),
    ("run curl -u admin:s3cr3t localhost", "s3cr3t"),
    ("curl --user admin:s3cr3t example.org", "s3cr3t"),
    ("mysql -uroot -pTopSecret1 shop", "TopSecret1"),
    ("sshpass -p hunter2 ssh me@host", "hunter2"),
    (f"curl -H 'Authorization: Bearer {KEY}' example.org", KEY),
    (f"curl -H 'X-Api-Key: {KEY}' example.org", KEY),
    (f"use bearer {KEY}", KEY),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("clone https://me:hunter2@example.org/x.git", "hunter2"),
    ("postgres://app:hunter2@db/prod", "hunter2"),
    ("redis://:hunter2@cache:6379", "hunter2"),
    ("AWS key AKIA" + "IOSFODNN7EXAMPLE is mine", "IOSFODNN7EXAMPLE"),
    ("aws_secret_access_key=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("use ghp_" + "a1B2" * 9, "a1B2a1B2"),
    ("github_pat_" + "11ABCDEFG0" * 4, "11ABCDEFG0"),
    ("glpat-" + "x7y8z9w0v1" * 2, "x7y8z9w0v1"),
    ("xoxb-" + "123456789012-abcdefghijkl", "123456789012-abc"),
    ("sk-" + "proj-" + "abcdefghijklmnop1234", "abcdefghijklmnop"),
    ("sk-" + "ant-" + "abcdefghijklmnop1234", "abcdefghijklmnop"),
    ("sk_" + "live_" + "abcdefghijklmnop1234", "abcdefghijklmnop"),
    ("AI" + "zaSyA1234567890abcdefghijklmnopqrstuv", "SyA1234567890"),
    ("hf_" + "AbCdEfGhIjKlMnOpQrStUv", "AbCdEfGhIj"),
    ("npm_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345", "AbCdEfGhIj"),
    ("pypi-" + "AgEIcHlwaS5vcmcCJDU3", "AgEIcHlwaS5"),
    ("SG." + "abcdefghijklmnopqr" + "." + "abcdefghijklmnopqrstuv", "abcdefghijklmnopqr"),
    ("eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0." + "c2lnbmF0dXJl", "hbGciOiJIUzI1NiJ9"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk"),
    ("https://hooks.slack.com/services/" + "T00/B00/XXXX", "T00/B00/XXXX"),
    ("https://discord.com/api/webhooks/" + "123/abc", "123/abc"),
    ("--token abc123", "abc123"),
    ("deploy --api-key=abc123", "abc123"),
    ("tool --client-secret 'a b c'", "a b c"),
    ('{"apiKey": "abc123"}', "abc123"),
    ("secret_key=abc", "=abc"),
    ("SESSION_TOKEN=abc", "=abc"),
    ("Cookie: sid=abc123; other=1", "abc123"),
    ("set pin = 4711", "4711"),
    ("passwort: geheim99", "geheim99"),
    ("пароль: тайна1", "тайна1"),  # noqa: RUF001
    ("contraseña=secreto1", "secreto1"),
    ("x?X-Amz-Signature=" + "abcdef0123456789", "abcdef0123456789"),
    ("AGE-SECRET-KEY-1" + "QQPQZZZZZZZZZZZZZZZZZZZZ", "QQPQZZZZ"),
    ("the value is " + "aB3" * 14, "aB3aB3"),
]
ORDINARY = [
    "find files that contain password",
    "search for the word token in src",
    "how many lines in secrets.txt mention a password",
    "delete the .tmp files older than 2 weeks",
    "rename api_key.py to keys.py",
    "count the words in password-policy.md",
    "show src/main/java/com/example/service/UserAuthenticationServiceImplementation.java",
    "run pytest tests/test_tokens.py",
    "what is the sha256 of notes.txt",
    "move IMG_20260101_123456.jpg to photos",
    "copy the folder with the keys to backup",
    "replace foo with bar in notes.txt",
    "find the file 2026-11-21T13:00:00.log",
    "is there a password manager installed",
    "list files larger than 10 MB and sort them by size",
    "fetch https://example.org/a/b?page=2",
    "the backup disk is red and in the second drawer",
    "make secret.txt readable for me alone",
    "search for 'reset password' in docs",
    "split a.csv into 10 parts",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_a_secret_is_taken_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert REDACTED in redact(text)
    assert secret not in redact(f"please remember that {text} and sort notes.txt")
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_request_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_plans_and_their_keys_are_looked_through() -> None:
    plan = {
        "steps": [
            {"call": "process.run", "env": {"TOKEN": "abc", "HOME": "/h"}, "command": "x --password y7"}
        ]
    }
    made = of_mapping({"plan": plan, "n": 3})  # type: ignore[dict-item]
    assert "abc" not in str(made)
    assert "y7" not in str(made)
    assert "/h" in str(made)
    assert made["n"] == 3


def test_a_million_characters_are_read_in_moments() -> None:
    text = redact("password " * 60_000 + "a" * 400_000 + " token=abc")
    assert "token=abc" not in text
