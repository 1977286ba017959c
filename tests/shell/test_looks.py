"""How the screens look, pinned as SVG: at two sizes, in three themes. `CASAVA_NEW_LOOKS=1` writes them anew; look at them."""

from __future__ import annotations

import pytest
from textual.strip import Strip
from textual.widgets import Static

from casava_os.shell.themes import THEMES
from casava_os.shell.widgets import told
from tests.shell.conftest import NOTE, OpenShell, Shell
from tests.shell.looking import looks


@pytest.fixture(autouse=True)
def _same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of the clock are the same in every run."""
    monkeypatch.setattr(told, "seconds_text", lambda seconds: "0.1 s")


def painted(shell: Shell) -> list[Strip]:
    """The lines as they go to the terminal, filters applied."""
    background = shell.app.screen.styles.background
    strips = shell.app.screen._compositor.render_strips()
    for line_filter in shell.app.get_line_filters():
        strips = [strip.apply_filter(line_filter, background) for strip in strips]
    return strips


SIZES = {"80x24": (80, 24), "200x60": (200, 60)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", sorted(THEMES))
async def test_the_question(open_shell: OpenShell, theme: str, size: str) -> None:
    async with open_shell(theme=theme, size=SIZES[size]) as shell:
        await shell.ask(NOTE)
        await shell.until_seen("1 waits for you", "Hold")
        await looks(shell.pilot, f"question-{theme}-{size}")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_before_landed_and_undone(open_shell: OpenShell, theme: str) -> None:
    async with open_shell(theme=theme) as shell:
        await looks(shell.pilot, f"welcome-{theme}")
        await shell.done("list")
        await shell.ask(NOTE)
        await shell.press("y")
        await shell.until_seen("applied:")
        await shell.press("shift+tab")
        await looks(shell.pilot, f"landed-{theme}")
        await shell.press("u")
        await shell.until_seen("undone")
        await looks(shell.pilot, f"undone-{theme}")


async def test_help(open_shell: OpenShell) -> None:
    async with open_shell(size=(100, 230)) as shell:
        await shell.press("f1")
        await shell.until_seen("What you can type", "nothing is lost.")
        await looks(shell.pilot, "help")


async def test_ascii_has_nothing_else(open_shell: OpenShell) -> None:
    async with open_shell(ascii_only=True) as shell:
        await shell.ask(NOTE)
        await shell.until_seen("Hold")
        assert all(text.isascii() for strip in painted(shell) for text, _, _ in strip)


async def test_without_colour_the_words_and_signs_remain(
    open_shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_shell() as shell:
        assert shell.app.no_color
        await shell.ask(NOTE)
        for text in ("[write]", "+ today.txt", "~ a.txt", "-two", "Apply"):
            assert text in shell.seen()
        colours = {
            colour.triplet
            for strip in painted(shell)
            for segment in strip
            if segment.style is not None and (colour := segment.style.color) is not None and colour.triplet
        }
        assert all(max(rgb) - min(rgb) <= 2 for rgb in colours)


@pytest.mark.parametrize("size", [(20, 24), (40, 10), (20, 6), (300, 100)])
async def test_any_size_can_be_answered(open_shell: OpenShell, size: tuple[int, int]) -> None:
    async with open_shell(size=size) as shell:
        await shell.ask(NOTE)
        await shell.press("y")
        await shell.until(lambda: shell.blocks[0].told.state == "committed")
        for wide, high in ((80, 24), (1, 1), (200, 60), (20, 5), size) * 3:
            await shell.pilot.resize_terminal(wide, high)
        assert "notes/today.txt" in shell.bench.files()


async def test_the_panel_stands_right_or_in_one_line_and_can_be_hidden(
    open_shell: OpenShell,
) -> None:
    async with open_shell(size=(140, 40), side=lambda: Static("what the machine does")) as shell:
        panel = shell.app.conversation.query_one("#side")
        assert panel.region.x > 90
        assert panel.region.height > 30
        assert "what the machine does" in shell.seen()
        await shell.pilot.resize_terminal(80, 24)
        await shell.until(lambda: panel.region.height == 1)
        assert panel.region.width == 80
        await shell.press("f3")
        await shell.until(lambda: "what the machine does" not in shell.seen())
        await shell.press("f3")
        await shell.until_seen("what the machine does")
        await shell.pilot.resize_terminal(80, 15)
        await shell.until(lambda: "what the machine does" not in shell.seen())
