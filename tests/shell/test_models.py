"""The model picker: what there is, what fits, choosing one, and one that fails to load."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from casava_os.model import catalog, qualified, shipped_weights
from casava_os.model.gguf_file import header
from casava_os.shell.modelfacts import facts, rows
from casava_os.shell.screens.models import ModelsScreen
from casava_syscalls.results import Err, Ok
from tests.shell.conftest import OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.test_looks import SIZES

OWN = """[models.mine]
kind = "gguf"
repo = "some/where"
file = "model.gguf"
megabytes = 700
license = "MIT"
summary = "one of my own"

[models.broken]
kind = "gguf"
repo = "some/where"
file = "broken.gguf"
summary = "a file that is none"

[models.far]
kind = "endpoint"
url = "http://127.0.0.1:9/v1"
model = "far"
summary = "served elsewhere"
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "models.toml").write_text(OWN)
    (config / "config.toml").write_text("# mine\n[meters]\ncpu_percent = 80 # hot\n")
    catalog.models_dir().mkdir(parents=True)
    weights = shipped_weights()
    assert weights is not None
    catalog.path_of("mine").symlink_to(weights)
    catalog.path_of("broken").write_bytes(b"no GGUF at all")
    monkeypatch.setattr("psutil.virtual_memory", type("M", (), {"available": 8_000_000_000}))


async def opened(shell: Shell) -> ModelsScreen:
    await shell.type("/model", "escape", "enter")
    await shell.until(lambda: isinstance(shell.app.screen, ModelsScreen))
    screen = shell.app.screen
    assert isinstance(screen, ModelsScreen)
    await shell.until(lambda: screen._rows)
    return screen


async def go_to(shell: Shell, name: str) -> None:
    screen = shell.app.screen
    assert isinstance(screen, ModelsScreen)
    while screen._current is None or screen._current.name != name:
        await shell.press("down")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_what_there_is(open_shell: OpenShell, size: str, theme: str) -> None:
    async with open_shell(size=SIZES[size], theme=theme) as shell:
        await opened(shell)
        await shell.until_seen("scripted makes the plans", "* scripted", "casava-smol", "shipped", "not here")
        await go_to(shell, "casava-smol")
        await shell.until_seen("0.2 GB of memory", "yes: 8.0 GB of RAM are free", "ships with Casava OS")
        await looks(shell.pilot, f"models-{theme}-{size}")
        await go_to(shell, "qwen2.5-0.5b" if "qwen2.5-0.5b" in shell.seen() else gone(shell))
        await shell.until_seen("casava-os model pull")


def gone(shell: Shell) -> str:
    screen = shell.app.screen
    assert isinstance(screen, ModelsScreen)
    return next(row.name for row in screen._rows if row.state == "not here")


async def test_one_is_chosen_for_this_session_or_for_good(open_shell: OpenShell, tmp_path: Path) -> None:
    async with open_shell() as shell:
        await opened(shell)
        await go_to(shell, "casava-smol")
        await shell.press("enter")
        await shell.until_seen("casava-smol makes the plans of this session", "* casava-smol")
        assert shell.app.chosen_model == "casava-smol"
        config = tmp_path / "home" / "config" / "config.toml"
        assert "model" not in config.read_text()
        await shell.press("d")
        await shell.until_seen("casava-smol makes the plans from now on")
        assert config.read_text().startswith("# mine\n")
        assert tomllib.loads(config.read_text()) == {"model": "casava-smol", "meters": {"cpu_percent": 80}}
        assert "# hot" in config.read_text()
        await shell.press("escape")
        await shell.until_seen("casava-smol")


async def test_one_that_does_not_load_says_why_and_the_old_one_stays(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 40)) as shell:
        shell.bench.kernel.load_model = lambda name: (
            Err(
                code="no-model",
                title="The model does not start",
                message="mine.gguf: no GGUF",
                hint="get it anew",
            )
            if name == "mine"
            else Ok(value=shell.bench.model)
        )
        await opened(shell)
        await go_to(shell, "mine")
        await shell.press("enter")
        await shell.until_seen(
            "The model does not start", "no GGUF", "get it anew", "scripted goes on making the plans"
        )
        await shell.until_seen("not tried")
        await looks(shell.pilot, "models-failed")
        assert shell.app.chosen_model is None
        await shell.press("escape")
        await shell.type("/model mine", "escape", "enter")
        await shell.until(lambda: "scripted goes on making the plans" in shell.notices())
        assert shell.app.model == "scripted"
        await shell.type("/model other", "escape", "enter")
        await shell.until(lambda: "other makes the plans from now on" in shell.notices())
        assert shell.app.chosen_model == "other"


async def test_a_catalogue_that_is_wrong_is_told(open_shell: OpenShell, tmp_path: Path) -> None:
    (tmp_path / "home" / "config" / "models.toml").write_text("models = 7\n")
    async with open_shell() as shell:
        await shell.type("/model", "escape", "enter")
        await shell.until_seen("The catalogue of models is wrong", "models.toml")
        await shell.press("escape")
        await shell.until(lambda: shell.app.screen is shell.app.conversation)


async def test_settings_that_cannot_be_written_leave_the_session_with_it(
    open_shell: OpenShell, tmp_path: Path
) -> None:
    async with open_shell(size=(100, 40)) as shell:
        await opened(shell)
        await go_to(shell, "casava-smol")
        (tmp_path / "home" / "config" / "config.toml").write_text("[broken\n")
        await shell.press("d")
        await shell.until_seen("The settings file is not right", "For this session it makes the plans.")
        assert (tmp_path / "home" / "config" / "config.toml").read_text() == "[broken\n"


def test_facts_of_a_file_of_a_trial_and_of_none() -> None:
    listed = rows("casava-smol")
    assert isinstance(listed, Ok)
    states = {row.name: row.state for row in listed.value}
    assert (states["casava-smol"], states["mine"], states["far"]) == ("shipped", "here", "served")
    assert facts("broken", ()).problem is not None
    assert "not tried" in facts("mine", ()).qualified
    weights = shipped_weights()
    assert weights is not None
    assert isinstance(header(weights), Ok)
    from casava_os.model.download import digest

    record = qualified.Record(name="mine", requests=200, effect=0.5, spurious=3, when="2026-11-21T09:00:00")
    qualified.keep(digest(weights), record)
    told = facts("mine", ())
    assert (
        told.qualified
        == "for reading and writing only, on 2026-11-21: 50% of 200 requests right, 3 unwanted deletes"
    )
    assert told.fits == "yes: 8.0 GB of RAM are free"
    assert facts("far", ()).needs == ""
