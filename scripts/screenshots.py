#!/usr/bin/env python3
"""Takes the pictures of the shell that README.md shows: the real shell, kernel, model and sandbox, on a real folder.

    .venv/bin/python scripts/screenshots.py           # plays, checks, and writes docs/shell-*.svg
    .venv/bin/python scripts/screenshots.py --check   # plays and checks only

The shell is opened as `casava-os` opens it; in place of a terminal it draws into a picture. Folder, home and history are
temporary, so a picture shows nothing of the person who took it. Times and process numbers are what they were.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.record_session import furnish  # noqa: E402 - from beside this file

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

    from casava_os.shell.app import ShellApp

SIZE = (100, 36)
WIDE = (132, 36)
SECONDS = 120
SANDBOX = "bubblewrap"
SCREENS: dict[str, str] = {}
"""The pictures by name."""


def seen(app: App[int]) -> str:
    """The characters on the screen."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001 - no public way to what is drawn
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Waits until something is so; shows the screen when it never is."""
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"the shell does not show what it should:\n{seen(pilot.app)}")
        await pilot.pause(0.1)


async def until_seen(pilot: Pilot[int], *texts: str) -> None:
    """Waits until all of these stand on the screen."""
    await until(pilot, lambda: all(text in seen(pilot.app) for text in texts))


async def say(pilot: Pilot[int], text: str) -> None:
    """Types a line, as a person does."""
    from casava_os.shell.widgets.prompt import Prompt

    pilot.app.screen.query_one(Prompt).focus()
    await pilot.press(*text)
    await pilot.press("enter")


async def take(pilot: Pilot[int], name: str) -> None:
    """Takes a picture once nothing moves."""
    await pilot.pause(0.6)
    SCREENS[name] = clean(pilot.app.export_screenshot(title="casava-os"))


def clean(svg: str) -> str:
    """A picture that asks no other host for anything, with lines that end where their text does."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace(
        "font-family: Fira Code, monospace", "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace"
    )
    svg = svg.replace("<!-- Generated with Rich https://www.textualize.io -->", "")
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


async def story(app: ShellApp) -> None:
    """What a person does on the first day."""
    async with app.run_test(size=SIZE) as pilot:
        await until_seen(pilot, "Say in plain words")
        await pilot.press("f3")  # the panel has a picture of its own
        await take(pilot, "welcome")

        await say(pilot, "replace Ann with Bob in notes.md")
        await until_seen(pilot, "Apply?", "Bob")
        await take(pilot, "question")
        await pilot.pause(1)  # an answer that comes too soon is none
        await pilot.press("y")
        await until_seen(pilot, "applied: 1 changed")

        await say(pilot, "delete the .tmp files older than a week")
        await until_seen(pilot, "Apply?")
        await pilot.pause(1)
        await pilot.press("y")
        await until(pilot, lambda: seen(app).count("applied: 1 ") == 2)
        await say(pilot, "/undo")
        await until_seen(pilot, "undone: 1 added")
        await take(pilot, "undone")

        await pilot.press("f3")
        await pilot.resize_terminal(*WIDE)
        await say(pilot, "!sleep 8; echo done")
        await until_seen(pilot, "CPU")
        await pilot.pause(7)
        await take(pilot, "panel")
        await until_seen(pilot, "done")

        await pilot.resize_terminal(*SIZE)
        await say(pilot, "/log")
        await until(pilot, lambda: len(app.screen_stack) > 2)
        await pilot.pause(1)
        await take(pilot, "journal")
        await pilot.press("escape")


def play() -> None:
    """Opens the shell as the command does, in a home of its own."""
    from casava_os.shell.app import ShellApp
    from casava_os.shell.opening import open_shell
    from casava_syscalls.results import Err

    with tempfile.TemporaryDirectory() as home:
        project = Path(home) / "project"
        project.mkdir()
        furnish(project)
        os.environ |= {"HOME": home, "CASAVA_HOME": f"{home}/.casava", "TZ": "UTC"}
        os.chdir(project)
        ShellApp.run = lambda app: asyncio.run(story(app))  # type: ignore[assignment,method-assign,misc]
        opened = open_shell(project, sandbox=SANDBOX, plain=False)
        if isinstance(opened, Err):
            sys.exit(str(opened))
        for name, svg in SCREENS.items():
            told = [word for word in (home, str(ROOT), os.uname().nodename) if word in svg]
            if told or "http" in re.sub(r'xmlns="[^"]*"', "", svg):
                sys.exit(f"the picture {name} tells of this machine or of another host: {told}")


def main() -> None:
    """Plays, and writes the pictures."""
    if os.environ.get("LC_ALL") != "C.UTF-8":  # the shell draws what its terminal's encoding holds
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "LC_ALL": "C.UTF-8"})  # noqa: S606
    play()
    if "--check" not in sys.argv:
        (ROOT / "docs").mkdir(exist_ok=True)
        for name, svg in SCREENS.items():
            (ROOT / "docs" / f"shell-{name}.svg").write_text(svg)
            print(f"docs/shell-{name}.svg  {len(svg) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
