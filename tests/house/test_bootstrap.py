"""scripts/bootstrap on a machine that lacks things: it says exactly what to type, and stops."""

import shutil
import subprocess
from pathlib import Path

import pytest

ALWAYS_THERE = [
    "bash",
    "cat",
    "dirname",
    "env",
    "grep",
    "mktemp",
    "nproc",
    "sed",
    "seq",
    "sha256sum",
    "tail",
    "timeout",
]


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """A PATH with the base system's tools, an unprivileged person, and nothing else."""
    for tool in ALWAYS_THERE:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / tool).symlink_to(found)
    write_tool(tmp_path, "id", 'case "$1" in -u) echo 1000 ;; -un) echo ann ;; esac')
    return tmp_path


def write_tool(folder: Path, name: str, body: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{body}\n")
    tool.chmod(0o755)


def bootstrap(root: Path, path: Path, what: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(path / "bash"), str(root / "scripts/bootstrap"), what],
        env={"PATH": str(path), "HOME": str(path)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_root_a_missing_package_is_named_with_the_command(root: Path, bare_machine: Path) -> None:
    write_tool(bare_machine, "apt-get", "exit 99")
    result = bootstrap(root, bare_machine, "sandbox")
    assert result.returncode == 1
    assert "sudo apt-get update && sudo apt-get install -y bubblewrap" in result.stderr


def test_without_apt_the_package_is_still_named(root: Path, bare_machine: Path) -> None:
    result = bootstrap(root, bare_machine, "sandbox")
    assert result.returncode == 1
    assert "what Debian calls: bubblewrap" in result.stderr


def test_with_a_silent_sudo_the_package_is_installed(root: Path, bare_machine: Path) -> None:
    write_tool(bare_machine, "sudo", 'shift; exec "$@"')
    write_tool(bare_machine, "true", "exit 0")
    write_tool(bare_machine, "rm", "exit 0")
    write_tool(bare_machine, "dpkg-query", "exit 0")
    write_tool(
        bare_machine, "apt-get",
        f'for last; do :; done; [ "$last" = bubblewrap ] || exit 0\n'
        f'printf "#!/bin/sh\\nexit 0\\n" > {bare_machine}/bwrap; /bin/chmod +x {bare_machine}/bwrap',
    )  # fmt: skip
    result = bootstrap(root, bare_machine, "sandbox")
    assert result.returncode == 0, result.stderr
    assert "installing bubblewrap" in result.stderr


def test_an_apt_that_installs_nothing_and_says_all_is_well_is_not_believed(
    root: Path, bare_machine: Path
) -> None:
    """Without package lists apt takes `g++` for a pattern, and leaves with 0."""
    write_tool(bare_machine, "sudo", 'shift; exec "$@"')
    for tool in ("true", "rm", "apt-get"):
        write_tool(bare_machine, tool, "exit 0")
    write_tool(bare_machine, "dpkg-query", "echo no packages found matching bubblewrap; exit 1")
    result = bootstrap(root, bare_machine, "sandbox")
    assert result.returncode == 1
    assert "could not install: bubblewrap" in result.stderr


def test_a_docker_daemon_that_answers_is_enough_for_a_sandbox(root: Path, bare_machine: Path) -> None:
    write_tool(bare_machine, "docker", "exit 0")
    assert bootstrap(root, bare_machine, "sandbox").returncode == 0


def test_bubblewrap_that_cannot_make_namespaces_is_no_sandbox(root: Path, bare_machine: Path) -> None:
    write_tool(bare_machine, "bwrap", "exit 1")
    result = bootstrap(root, bare_machine, "sandbox")
    assert result.returncode == 1
    assert "unprivileged_userns_clone=1" in result.stderr


def test_no_daemon_stops_the_tests_and_says_how_to_start_one(root: Path, bare_machine: Path) -> None:
    for tool in ("bwrap", "dockerd"):
        write_tool(bare_machine, tool, "exit 0")
    write_tool(bare_machine, "docker", "exit 1")
    result = bootstrap(root, bare_machine, "docker")
    assert result.returncode == 1
    assert "sudo systemctl start docker" in result.stderr


def test_a_python_too_old_is_no_python(root: Path, bare_machine: Path) -> None:
    write_tool(bare_machine, "python3", "exit 1")
    result = bootstrap(root, bare_machine, "uv")
    assert result.returncode == 1
    assert "no Python 3.11 or newer" in result.stderr


def test_a_missing_browser_stops_the_tests_and_is_named(root: Path, bare_machine: Path) -> None:
    for tool in ("bwrap", "docker", "tmux"):
        write_tool(bare_machine, tool, "exit 0")
    write_tool(bare_machine, "apt-get", "exit 99")
    result = bootstrap(root, bare_machine, "docker")
    assert result.returncode == 1
    assert "sudo apt-get install -y chromium" in result.stderr
