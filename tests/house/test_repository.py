"""What git holds: nothing of the machine it was made on, and a dependency for each import."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGES = [
    "casava_os", "syscalls/casava_syscalls", "apps/casava_apps", "sandbox/casava_sandbox", "config/casava_config",
]  # fmt: skip
IMPORT_NAMES = {
    "llama-cpp-python": "llama_cpp",
    "pydantic-settings": "pydantic_settings",
    "huggingface-hub": "huggingface_hub",
    "nvidia-ml-py": "pynvml",
    "textual-serve": "textual_serve",
    "prometheus-client": "prometheus_client",
    "opentelemetry-sdk": "opentelemetry",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry",
    "PyYAML": "yaml",
}
HOSTS = re.compile(
    r"py(?:pi)\.org|python(?:hosted)|deb\.(?:debian)|(?:mirror)s?\.[a-z]+\.[a-z]+|down(?:load)\.pytorch|hugging(?:face)\.co|local(?:host):\d+/simple"
)
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:work|root|opt|home/[a-z]+)/[\w.]")


@pytest.mark.parametrize(
    ("what", "pattern"), [("a download host", HOSTS), ("a path of one machine", MACHINE_PATHS)]
)
def test_tracked_files_name_no_host_and_no_machine(
    root: Path, tracked: list[str], what: str, pattern: re.Pattern[str]
) -> None:
    found: list[str] = []
    for name in tracked:
        if (
            what == "a path of one machine"
            and name.startswith("casava_os/forge/")
            and name.endswith(".jsonl")
        ):
            continue  # people's requests: any path may stand in one
        data = (root / name).read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{name}:{number}: {match[0]}")
    assert not found, f"{what} stands in git"


def third_party_imports(root: Path, packages: list[str]) -> set[str]:
    """Top-level names imported by the shipped code, at module level or inside functions."""
    names: set[str] = set()
    for package in packages:
        for file in (root / package).rglob("*.py"):
            if "agent" in file.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names.add(node.module.split(".")[0])
    names.discard("pydantic_core")  # pydantic's own other half, pinned by it
    return {name for name in names if name not in sys.stdlib_module_names and not name.startswith("casava_")}


def declared(root: Path) -> tuple[set[str], set[str]]:
    """Import names of the runtime dependencies, and of the forge's extra."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    def names(lines: list[str]) -> set[str]:
        bare = [re.split(r"[<>=!~;\[ ]", line)[0] for line in lines]
        return {IMPORT_NAMES.get(name, name) for name in bare}

    return names(project["dependencies"]), names(project["optional-dependencies"]["forge"])


def test_every_import_is_declared_and_every_dependency_is_imported(root: Path) -> None:
    runtime, forge = declared(root)
    imported = third_party_imports(root, PACKAGES)
    assert imported - runtime - forge == set(), "imported, but not declared in pyproject.toml"
    assert (runtime | forge) - imported == set(), "declared in pyproject.toml, but never imported"


@pytest.mark.parametrize("script", ["scripts/bootstrap", "scripts/demo", ".ci/run"])
def test_shell_scripts_parse_and_may_be_executed(root: Path, script: str) -> None:
    assert (root / script).stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(root / script)], check=True)
