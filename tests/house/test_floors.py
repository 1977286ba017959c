"""The floors of the house: who may import whom, and what has no place in the ABI and the kernel."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest


def lint_imports(cwd: Path) -> "subprocess.CompletedProcess[str]":
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def imported_names(file: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
    return names


def test_imports_go_down_only(root: Path) -> None:
    result = lint_imports(root)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


def test_make_check_asks_the_import_linter(root: Path) -> None:
    recipe = (root / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    assert "lint-imports" in recipe
    assert "casava_os.generate --check" in recipe


@pytest.mark.parametrize("room", ["syscalls/casava_syscalls", "casava_os/kernel"])
def test_any_has_no_place_in_the_abi_and_the_kernel(root: Path, room: str) -> None:
    files = sorted((root / room).rglob("*.py"))
    assert files
    found = [
        f"{file.relative_to(root)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
        if (node.id if isinstance(node, ast.Name) else node.attr) == "Any"
    ]
    assert not found


@pytest.fixture
def agent_files(root: Path) -> list[Path]:
    """The agent's modules, and the one of the ABI that travels into the sandbox with them: how names become text."""
    files = sorted((root / "sandbox/casava_sandbox/agent").rglob("*.py"))
    assert files
    return [*files, root / "syscalls/casava_syscalls/names.py"]


def test_the_agent_is_standard_library_only(agent_files: list[Path]) -> None:
    """The agent runs in images that hold a bare Python: it may import that, and what is mounted with it."""
    mounted = ("casava_sandbox.agent", "casava_syscalls.names")
    foreign = [
        f"{file.name}: {name}"
        for file in agent_files
        for name in imported_names(file)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(mounted)
    ]
    assert not foreign


def test_the_agent_parses_on_python_3_8(agent_files: list[Path]) -> None:
    for file in agent_files:
        ast.parse(file.read_text(encoding="utf-8"), filename=str(file), feature_version=(3, 8))
