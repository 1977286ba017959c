"""The wheel holds what a person needs who has no checkout, and runs without one."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PREFIXES = ("casava_os/", "syscalls/", "apps/", "sandbox/", "config/")
PACKAGES = {"casava_os", "casava_syscalls", "casava_apps", "casava_sandbox", "casava_config"}


def name_in_wheel(tracked_path: str) -> str:
    """`config/casava_config/policy.toml` is `casava_config/policy.toml` in the wheel."""
    top, rest = tracked_path.split("/", 1)
    return tracked_path if top == "casava_os" else rest


@pytest.fixture(scope="module")
def wheel(root: Path, tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the pinned backend from a copy of what git tracks, and from nothing else."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files in a folder of their own, as an installer lays them down."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_every_tracked_file_of_a_package_is_in_the_wheel(wheel: Path, tracked: list[str]) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name_in_wheel(path) for path in tracked if path.startswith(PREFIXES)}
    wanted = {name for name in wanted if name.split("/")[0] in PACKAGES}
    assert wanted - held == set()
    stray = {name for name in held - wanted if ".dist-info/" not in name}
    assert stray == set()


@pytest.mark.parametrize(
    "pattern",
    [
        "casava_os/model/weights/*.gguf",
        "casava_os/memory/weights/*.gguf",
        "casava_os/memory/weights/README.md",
        "casava_config/casava.toml",
        "casava_config/policy.toml",
        "casava_sandbox/seccomp.json",
        "casava_sandbox/agent/*.py",
        "casava_apps/tidy/app.toml",
        *(f"{package}/py.typed" for package in sorted(PACKAGES)),
    ],
)
def test_what_the_program_reads_ships_with_it(installed: Path, pattern: str) -> None:
    assert list(installed.glob(pattern))


def test_the_wheel_declares_its_command_and_its_apps(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info")
    entry_points = configparser.ConfigParser()
    entry_points.read(metadata / "entry_points.txt")
    assert entry_points["console_scripts"]["casava-os"] == "casava_os.cli:main"
    for package in entry_points["casava_os.apps"].values():
        assert (installed / package.replace(".", "/") / "app.toml").is_file()


def test_the_installed_program_runs_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    program = (
        "import sys, casava_os, casava_config, casava_syscalls, casava_sandbox, casava_apps\n"
        "for package in (casava_os, casava_config, casava_syscalls, casava_sandbox, casava_apps):\n"
        "    assert package.__file__.startswith(sys.argv[1]), package.__file__\n"
        "from casava_os.cli import main\n"
        "sys.argv = ['casava-os', '--version']\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "CASAVA_HOME": str(tmp_path / "home")}
    result = subprocess.run(
        [sys.executable, "-c", program, str(installed)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
