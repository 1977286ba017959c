"""Settings: defaults, the person's file over them, the environment over both; a wrong one is named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from casava_os.kernel.ports import Limits
from casava_os.settings import SandboxSettings, Settings, defaults_toml, load_settings
from casava_syscalls.results import Err, Ok


def loaded(config: Path) -> Settings:
    settings = load_settings(config)
    assert isinstance(settings, Ok), settings
    return settings.value


def test_the_shipped_file_says_the_defaults(tmp_path: Path) -> None:
    assert Settings(**tomllib.loads(defaults_toml())) == loaded(tmp_path)


def test_every_setting_is_explained() -> None:
    toml = defaults_toml().splitlines()
    keys = [n for n, line in enumerate(toml) if " =" in line and not line.startswith("#")]
    assert len(keys) > 15
    assert all(toml[n - 1].startswith("# ") and "None" not in toml[n - 1] for n in keys)


def test_the_limits_are_those_of_a_sandbox() -> None:
    assert Limits(**SandboxSettings().model_dump()) == Limits()


def test_the_environment_stands_over_the_file_and_the_file_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('sandbox = "docker"\n[budget]\nsteps = 3\nseconds = 9\n')
    monkeypatch.setenv("CASAVA_SANDBOX", "bubblewrap")
    monkeypatch.setenv("CASAVA_BUDGET__SECONDS", "5")
    settings = loaded(tmp_path)
    assert settings.sandbox == "bubblewrap"
    assert (settings.budget.seconds, settings.budget.steps, settings.budget.output_bytes) == (
        5,
        3,
        64 * 2**20,
    )


def test_the_home_variable_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path))
    loaded(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sandbox = [", "config.toml cannot be read"),
        ('sandbox = "podman"', "The setting sandbox is wrong"),
        ("[budget]\nseconds = -1", "The setting budget.seconds is wrong"),
        ("[budget]\nsecs = 1", "there is no such setting"),
        ("colour = true", "The setting colour is wrong"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    problem = load_settings(tmp_path)
    assert isinstance(problem, Err)
    assert problem.code == "usage"
    assert said in str(problem)
    assert str(tmp_path / "config.toml") in str(problem)


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASAVA_SANDBOX", "podman")
    problem = load_settings(tmp_path)
    assert isinstance(problem, Err)
    assert "the environment variable CASAVA_SANDBOX" in problem.message
