"""The settings screen: every setting with where it comes from; changed, refused, written; keys that are others."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from casava_os.settings import Settings
from casava_os.shell import keys as shell_keys
from casava_os.shell.screens.help import HelpScreen, key_owners
from casava_os.shell.screens.settings import SettingsScreen
from casava_os.shell.settingsfile import parsed, settings_list, write
from casava_syscalls.results import Err, Ok
from tests.shell.conftest import OpenShell, Shell
from tests.shell.looking import looks
from tests.shell.test_looks import SIZES

MINE = """# what I like
model = "casava-smol"   # ours

[meters]
# the fan is loud
cpu_percent = 80
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "config"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(MINE)
    return folder


async def opened(shell: Shell) -> SettingsScreen:
    await shell.press("f10")
    await shell.until(lambda: isinstance(shell.app.screen, SettingsScreen))
    screen = shell.app.screen
    assert isinstance(screen, SettingsScreen)
    return screen


async def look_for(shell: Shell, words: str) -> None:
    for _ in range(40):
        await shell.press("backspace")
    await shell.type(words)


async def enter(shell: Shell, text: str) -> None:
    """Opens the field, replaces what stands in it, and writes it."""
    await shell.press("enter")
    await shell.pilot.pause()
    await shell.press("ctrl+a", "ctrl+k", "delete")
    await shell.type(text)
    await shell.press("enter")
    await shell.pilot.pause()


async def test_what_is_changed_every_day_comes_first_and_sizes_are_in_words(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 30)) as shell:
        screen = await opened(shell)
        listed = [line.key for line in screen._shown]
        assert listed[:4] == ["shell.theme", "model", "sandbox", "shell.plain"]
        assert listed[4].startswith("key ")
        await look_for(shell, "stdin")
        await shell.until_seen("stdin_bytes", "1 GiB", "Default: 1 GiB.")
        assert "1073741824" not in shell.seen()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_setting_says_what_it_is_and_where_it_comes_from(
    open_shell: OpenShell, size: str, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASAVA_SANDBOX", "bubblewrap")
    async with open_shell(size=SIZES[size], theme=theme) as shell:
        await opened(shell)
        await shell.until_seen("model", "casava-smol", "config.toml", "bubblewrap", "CASAVA_SANDBOX")
        await look_for(shell, "percent")  # the list of all of them grows
        await shell.until_seen("meters.swap_percent")
        await looks(shell.pilot, f"settings-{theme}-{size}")
        await look_for(shell, "meters cpu percent")
        await shell.until_seen(
            "80", "All processors together.", "Default: 0. This value comes from: config.toml."
        )
        await enter(shell, "101")
        await shell.until_seen("101", "it must be less than or equal")
        await looks(shell.pilot, f"settings-refused-{theme}-{size}")


async def test_what_is_written_keeps_every_comment(open_shell: OpenShell, config: Path) -> None:
    async with open_shell(size=(100, 40)) as shell:
        await opened(shell)
        await look_for(shell, "swap_percent")
        await enter(shell, "50")
        await shell.until_seen("Written: meters.swap_percent is 50, from the next start on.")
        text = (config / "config.toml").read_text()
        assert tomllib.loads(text)["meters"] == {"cpu_percent": 80, "swap_percent": 50.0}
        for comment in ("# what I like", "# ours", "# the fan is loud"):
            assert comment in text
        await shell.press("ctrl+z")
        await shell.until_seen("Written: meters.swap_percent is as by default")
        assert (config / "config.toml").read_text() == MINE


async def test_a_theme_is_there_at_once(open_shell: OpenShell, config: Path) -> None:
    async with open_shell(size=(100, 40)) as shell:
        await opened(shell)
        await look_for(shell, "shell.theme")
        await shell.until_seen("One of: dark, light, high-contrast.")
        await enter(shell, "light")
        await shell.until_seen("from now on")
        assert shell.app.theme == "light"
        await enter(shell, "pink")
        await shell.until_seen("it must be 'dark', 'light' or 'high-contrast'")
        assert tomllib.loads((config / "config.toml").read_text())["shell"] == {"theme": "light"}


async def test_a_key_can_be_another_one(open_shell: OpenShell, config: Path) -> None:
    async with open_shell(size=(100, 40)) as shell:
        await opened(shell)
        await look_for(shell, "key files workspace")
        await enter(shell, "ctrl+p")
        await shell.until_seen("ctrl+p is taken: it is that of palette")
        await shell.press("escape")
        await enter(shell, "nonsense")
        await shell.until_seen("nonsense is no key")
        await shell.press("escape")
        await enter(shell, "x")
        await shell.until_seen("x is for typing")
        await shell.press("escape")
        await enter(shell, "Ctrl-O, F11")
        await shell.until_seen("Written: shell.keys.files is ctrl+o,f11, from now on.")
        assert tomllib.loads((config / "config.toml").read_text())["shell"]["keys"] == {"files": "ctrl+o,f11"}
        await shell.press("escape")
        await shell.press("f1")
        await shell.until(lambda: isinstance(shell.app.screen, HelpScreen))
        assert "Ctrl-O, F11" in shell.seen() or shell.app.keys == {"files": "ctrl+o,f11"}
        await shell.press("escape")
        await shell.press("ctrl+o")
        await shell.until_seen("Files  ~/workspace")


async def test_keys_of_the_settings_are_in_force_from_the_start(open_shell: OpenShell) -> None:
    async with open_shell(keys={"prompt.submit": "ctrl+s", "files": "f11"}) as shell:
        await shell.type("list", "ctrl+s")
        await shell.until(lambda: shell.blocks and not shell.blocks[0].running)
        await shell.press("f11")
        await shell.until_seen("Files  ~/workspace")


async def test_an_answer_keeps_its_key(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 40)) as shell:
        await opened(shell)
        await look_for(shell, "key approval.yes")
        await enter(shell, "x")
        await shell.until_seen("the keys that answer a question cannot be others")


async def test_a_broken_file_is_told_and_left_alone(open_shell: OpenShell, config: Path) -> None:
    async with open_shell(size=(100, 40)) as shell:
        (config / "config.toml").write_text("model = \n")
        await opened(shell)
        await shell.until_seen("The settings file is not right", "It was left as it is")
        looks_broken = shell.seen()
        await look_for(shell, "key files workspace")
        await enter(shell, "f11")
        await shell.until_seen("The settings file is not right")
        assert (config / "config.toml").read_text() == "model = \n"
        assert "config.toml" in looks_broken


async def test_a_file_that_cannot_be_written_is_told(
    open_shell: OpenShell, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _data: bytes) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr("casava_os.shell.settingsfile.write_private", refuse)
    async with open_shell(size=(100, 40)) as shell:
        await opened(shell)
        await look_for(shell, "swap_percent")
        await enter(shell, "50")
        await shell.until_seen("The setting cannot be written", "Read-only file system; nothing was changed")
        assert (config / "config.toml").read_text() == MINE


@pytest.mark.parametrize("size", [(20, 24), (20, 6), (1, 1)])
async def test_any_size(open_shell: OpenShell, size: tuple[int, int]) -> None:
    async with open_shell() as shell:
        await opened(shell)
        for wide, high in (size, (80, 24), (200, 60)) * 4:
            await shell.pilot.resize_terminal(wide, high)
        await shell.until_seen("casava-smol")
        await shell.press("escape")
        await shell.until(lambda: shell.app.screen is shell.app.conversation)


def test_every_setting_of_the_model_is_listed(config: Path) -> None:
    listed = settings_list(config, {"model": "--model"})
    assert isinstance(listed, Ok)
    found = {one.key: one for one in listed.value}
    assert all(one.doc for one in listed.value)
    flat = {
        f"{name}.{inner}" if hasattr(kind, "model_fields") else name
        for name, info in Settings.model_fields.items()
        for kind in [info.annotation]
        for inner in getattr(kind, "model_fields", {"": None})
    }
    assert set(found) == flat - {"shell.keys"}
    assert found["model"].source == "--model"
    assert found["meters.cpu_percent"].source == "config.toml"
    assert found["timeout"].shown == ""


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("timeout", "", None),
        ("timeout", "90", 90.0),
        ("shell.plain", "true", True),
        ("budget.steps", "12", 12),
        ("model", "http://127.0.0.1/v1#x", "http://127.0.0.1/v1#x"),
    ],
)
def test_what_is_typed_becomes_the_type(key: str, text: str, value: object) -> None:
    got = parsed(key, text)
    assert isinstance(got, Ok)
    assert got.value == value


@pytest.mark.parametrize(
    ("key", "text"), [("budget.steps", "many"), ("timeout", "-1"), ("sandbox", "chroot")]
)
def test_what_is_no_value_is_refused(key: str, text: str) -> None:
    assert isinstance(parsed(key, text), Err)


def test_a_link_to_the_file_stays_a_link(config: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    (config / "config.toml").rename(real)
    (config / "config.toml").symlink_to(real)
    assert write(config, "shell.keys.block.undo", "z") is None
    assert (config / "config.toml").is_symlink()
    assert tomllib.loads(real.read_text())["shell"]["keys"] == {"block.undo": "z"}
    assert isinstance(settings_list(config, {}), Ok)


def test_every_key_has_a_name_of_its_own_that_the_settings_take() -> None:
    all_bound = shell_keys.bound(key_owners())
    assert len({one.id for one in all_bound}) == len(all_bound)
    Settings(shell={"keys": {one.id: one.key for one in all_bound}})  # type: ignore[arg-type]
