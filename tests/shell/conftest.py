"""The shell on a kernel with a scripted model and a sandbox worked by hand: typed into, looked at, and its files read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from casava_os.shell.app import ShellApp
from casava_os.shell.history import History
from casava_os.shell.marks import ASCII, UNICODE
from casava_os.shell.session import Session
from casava_os.shell.widgets import approval
from casava_os.shell.widgets.block import ProcessBlock
from casava_os.shell.widgets.prompt import Prompt
from casava_os.shell.widgets.said import Said
from tests.kernel.doubles import Bench

NOTE = "write the note"
SCRIPT = {
    NOTE: [
        {"call": "file.write", "path": "notes/today.txt", "content": "buy milk\n"},
        {"call": "file.write", "path": "a.txt", "content": "one\nTWO\nthree\n"},
    ],
    "list": [{"call": "file.find"}],
    "wait": [{"call": "process.spawn", "command": "sleep 600"}],
    "run it": [{"call": "process.run", "command": "make all"}],
}


@dataclass
class Shell:
    """An open shell."""

    bench: Bench
    app: ShellApp
    pilot: Pilot[int]

    @property
    def prompt(self) -> Prompt:
        return self.app.conversation.query_one(Prompt)

    @property
    def blocks(self) -> list[ProcessBlock]:
        return self.app.conversation.blocks

    def seen(self) -> str:
        """The characters on the screen."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)

    def notices(self) -> str:
        """What was said above the prompt or notified, wherever the lines are broken on the screen."""
        said = self.app.conversation.query_one(Said).text
        return "\n".join([said, *(notice.message for notice in self.app._notifications)])

    async def type(self, text: str, *keys: str) -> None:
        """Types letter by letter, then presses keys."""
        named = {" ": "space", "\n": "ctrl+j"}
        await self.pilot.press(*(named.get(char, char) for char in text), *keys)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, holds: Callable[[], object], seconds: float = 20) -> None:
        """Waits for what must come."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.seen()
            await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def until_seen(self, *texts: str) -> None:
        await self.until(lambda: all(text in self.seen() for text in texts))

    async def ask(self, request: str) -> ProcessBlock:
        """Types a request and waits for its question."""
        before = len(self.blocks)
        await self.type(request, "enter")
        await self.until(lambda: len(self.blocks) > before and self.blocks[-1].card is not None)
        return self.blocks[-1]

    async def done(self, request: str) -> ProcessBlock:
        """Types a request and waits for its end."""
        before = len(self.blocks)
        await self.type(request, "enter")
        await self.until(lambda: len(self.blocks) > before and not self.blocks[-1].running)
        return self.blocks[-1]


OpenShell = Callable[..., AbstractAsyncContextManager[Shell]]


@pytest.fixture
def open_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenShell:
    """Opens a shell of a given size and theme over a bench with the given parts."""
    monkeypatch.setattr(approval, "ARMED_AFTER", -1.0)
    monkeypatch.setenv("HOME", str(tmp_path))

    @asynccontextmanager
    async def make(
        *,
        size: tuple[int, int] = (80, 24),
        theme: str = "dark",
        history: History | None = None,
        ascii_only: bool = False,
        side: Callable[[], Widget] | None = None,
        session: Session | None = None,
        keys: Mapping[str, str] | None = None,
        notices: tuple[str, ...] = (),
        **parts: object,
    ) -> AsyncIterator[Shell]:
        bench = Bench(tmp_path, **{"script": SCRIPT, **parts})  # type: ignore[arg-type]  # what a test gives
        bench.kernel.notices = notices
        (bench.workspace / "a.txt").write_text("one\ntwo\nthree\n")
        app = ShellApp(
            bench.kernel,
            bench.workspace,
            model="scripted",
            models=("scripted", "other"),
            history=history,
            theme=theme,
            marks=ASCII if ascii_only else UNICODE,
            side=side,
            session=session,
            keys=keys,
        )
        try:
            async with app.run_test(size=size, notifications=True) as pilot:
                await pilot.pause()
                app.conversation.query_one(Prompt).cursor_blink = False
                yield Shell(bench, app, pilot)
        finally:
            bench.kernel.close()

    return make
