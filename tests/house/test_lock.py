"""requirements.lock: everything pinned, everything hashed, no index and no host named."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?: ; [^\\]+)? \\$")


@pytest.fixture
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text()


@pytest.fixture
def project(root: Path) -> dict[str, list[str]]:
    """Requirement lines by where they are declared: runtime, dev, forge."""
    data = tomllib.loads((root / "pyproject.toml").read_text())
    return {
        "runtime": data["project"]["dependencies"],
        "dev": data["dependency-groups"]["dev"],
        "forge": data["project"]["optional-dependencies"]["forge"],
    }


def pins(lock: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lock.splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match["name"]), []).append(match["version"])
    return found


def test_the_lock_names_no_host_and_no_path(lock: str) -> None:
    assert not re.search(
        r"https?://|--index|--extra|find-links|file:|@ |\bgit\+|^-e|/[a-z]+/",
        lock,
        re.IGNORECASE | re.MULTILINE,
    )


def test_every_line_is_a_pin_or_a_hash(lock: str) -> None:
    hash_line = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
    strays = [line for line in lock.splitlines() if not PIN.match(line) and not hash_line.match(line)]
    assert not strays
    for pin, following in zip(lock.splitlines(), lock.splitlines()[1:], strict=False):
        assert not PIN.match(pin) or hash_line.match(following), f"{pin} has no hash"


def test_the_lock_satisfies_pyproject(lock: str, project: dict[str, list[str]]) -> None:
    pinned = pins(lock)
    for line in project["runtime"] + project["dev"]:
        requirement = Requirement(line)
        versions = pinned.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement.name} is not in requirements.lock: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), (line, versions)


def test_torch_is_the_forges_alone(lock: str, project: dict[str, list[str]], root: Path) -> None:
    """Its default build brings gigabytes of CUDA: `make forge` installs it, pinned by the extra."""
    assert "torch" not in pins(lock)
    assert re.fullmatch(r"torch==[\d.]+", project["forge"][0])
    expression = r's/^forge = \["\(torch==[^"]*\)".*/\1/p'
    assert expression in (root / "Makefile").read_text(), "make forge reads the version out of pyproject.toml"
