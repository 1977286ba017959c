"""Heavy libraries load where they are used: asking for help, or for one syscall, pays for none of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "aiohttp", "chromadb", "docker", "gguf", "llama_cpp", "llguidance", "numpy", "opentelemetry", "prometheus_client",
    "pynvml", "textual", "textual_serve", "tokenizers", "torch",
}  # fmt: skip

# Runs the CLI in-process and tells, at its end, which modules it loaded and with what exit code it left.
PROBE = """
import json, pathlib, sys
report, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = "casava-os"
code = 0
try:
    from casava_os.cli import main
    if sys.argv[1:] != ["only-import"]:
        code = main()
except SystemExit as exit:
    code = exit.code
pathlib.Path(report).write_text(json.dumps({"code": code or 0, "loaded": sorted(sys.modules)}))
"""


def loaded_by(tmp_path: Path, *arguments: str) -> set[str]:
    """Top-level modules that a `casava-os` with these arguments has loaded when it ends."""
    report = tmp_path / "report.json"
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "a.py").touch()
    result = subprocess.run(
        [sys.executable, "-c", PROBE, str(report), *arguments],
        env={**os.environ, "CASAVA_HOME": str(tmp_path / "home")},
        cwd=workspace, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert report.exists(), result.stderr
    seen = json.loads(report.read_text())
    assert seen["code"] == 0, result.stderr
    return {name.split(".")[0] for name in seen["loaded"]}


@pytest.mark.parametrize("argument", ["only-import", "--help"])
def test_the_cli_starts_without_heavy_libraries(tmp_path: Path, argument: str) -> None:
    loaded = loaded_by(tmp_path, argument)
    assert "casava_os" in loaded
    assert not loaded & HEAVY


def test_one_syscall_in_bubblewrap_needs_no_model_and_no_daemon(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "call", "file.find", "--name", "*.py", "--sandbox", "bubblewrap")
    assert "casava_sandbox" in loaded
    assert not loaded & HEAVY


PACKAGES = [
    "casava_syscalls",
    "casava_os.kernel",
    "casava_os.model",
    "casava_os.meters",
    "casava_sandbox",
    "casava_apps",
]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_does_no_work_at_import(tmp_path: Path, package: str) -> None:
    """Importing every module of a room loads no heavy library and writes nothing."""
    program = (
        "import importlib, json, pkgutil, sys\n"
        f"package = importlib.import_module({package!r})\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not module.name.startswith('casava_sandbox.agent') and not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "CASAVA_HOME": str(home / "casava"), "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert not {name.split(".")[0] for name in json.loads(result.stdout)} & HEAVY
    assert list(home.iterdir()) == []
